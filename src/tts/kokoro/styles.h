// SPDX-License-Identifier: Apache-2.0
/*
 * The voices of a Kokoro model: of each a table of styles, one for each length of an utterance. They come as a folder of files
 * NAME.bin, which are the numbers and nothing else, or as one archive of NumPy (.npz: a ZIP file, nothing compressed, of tables
 * with a head; PKWARE's APPNOTE 6.3 and NumPy's format 1.0). A stranger's files: read once, into memory of our own, and checked.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum {
    STYLE_SIZE = 256,     /* numbers of a style */
    STYLE_ROWS_MAX = 512, /* styles of a voice; published ones have 510 */
    STYLES_MAX = 512,     /* voices; published are 54 */
    STYLE_NAME_BYTES = 48,
    STYLES_WHY_BYTES = 240,
};

struct style {
    char name[STYLE_NAME_BYTES]; /* letters, digits, "_" and "-" */
    float *rows;                 /* STYLE_SIZE numbers each */
    uint32_t rows_n;             /* from 1 */
};

/* The caller's memory; zero at first. */
struct styles {
    struct style *voice; /* by name */
    size_t n, room;
};

/* All files NAME.bin of a folder. ERR_INVALID with a sentence, ERR_NOMEM; *s is to be finished in any case. */
enum err styles_read_folder(const char *path, struct styles *s, char why[STYLES_WHY_BYTES]);
/* All tables of an archive, which is pure. As above. */
enum err styles_read_archive(struct str file, struct styles *s, char why[STYLES_WHY_BYTES]);
void styles_finish(struct styles *s);
/* The style for an utterance of so many tokens, without the padding. */
const float *style_for(const struct style *v, size_t tokens);
