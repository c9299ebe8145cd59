// SPDX-License-Identifier: Apache-2.0
/* Sound that a command makes: samples as they come, to a WAV file or to standard output. */
#pragma once

#include <stdio.h>

#include "base/err.h"
#include "base/str.h"

struct sound_file {
    FILE *f;
    const char *path; /* NULL: standard output */
    uint32_t rate_hz, samples;
    int failure; /* errno of what failed first, or 0 */
};
/* path NULL or "-": standard output. ERR_IO: s->failure says why. */
enum err sound_open(struct sound_file *s, const char *path, uint32_t rate_hz);
enum err sound_add(struct sound_file *s, struct str s16le);
/* Writes the true length into the header where the file allows it. */
enum err sound_close(struct sound_file *s);
