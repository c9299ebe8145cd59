// SPDX-License-Identifier: Apache-2.0
/*
 * What somebody wants to have pulled: a model of the catalogue by its name, or a file by its source, which then needs
 * a kind and a name of its own. A voice, of kind tts and x.onnx, brings x.onnx.json from beside it. One judgement for
 * the command and for who asks by HTTP. Pure; texts are borrowed, some of them from the wish, so it is not copied.
 */
#pragma once

#include "server/models/model_list.h"

struct wish_words {
    struct str source;           /* a name of the catalogue, hf:… or an address */
    struct str sha256, kind, as; /* empty: not said; else each is good by itself */
    struct str more_sha256;      /* of a voice's second file; the same */
};
/* What is not known is empty or 0. */
struct wish {
    struct model model;
    char name[MODEL_NAME_MAX + 1]; /* that it gets here */
    struct model_source source[MODEL_FILES_MAX];
    char more[2][MODEL_SOURCE_MAX +
                 1]; /* where a voice's second file is, and the same without its query */
};
enum wish_wrong : uint8_t {
    WISH_GOOD,
    WISH_SOURCE,      /* neither a name of the catalogue nor a source */
    WISH_KIND,        /* the file does not tell what it is for */
    WISH_NAME,        /* its name is none for a model */
    WISH_SHA256,      /* an address needs one */
    WISH_MORE_SHA256, /* and that of a voice a second one, of its .json */
    WISH_NO_MORE,     /* there is a second one, but no second file */
    WISH_NOMEM,
};

enum wish_wrong wish_take(const struct model_list *catalogue, const struct wish_words *words,
                          struct wish *w);
/* Whoever wishes says what the SHA-256 of the first file is, and perhaps of the second; of other files than those of
 * the wish nothing else is known. */
void wish_expect(struct wish *w, struct str sha256, struct str more_sha256);
/* Below the folder of models: where its file number i gets its place. */
enum { WISH_FILE_BYTES = MODEL_FILE_MAX + 16 };
void wish_file(const struct wish *w, size_t i, char into[WISH_FILE_BYTES]);
