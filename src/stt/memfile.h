// SPDX-License-Identifier: Apache-2.0
/*
 * A file in memory, for libraries that read by name only. It is made before the process is locked in
 * and has its full size from the start, because afterwards no file may grow; what is not written takes
 * no memory. Written through `bytes`, read under `path`.
 */
#pragma once

#include <stddef.h>

#include "base/err.h"

struct memfile {
    int fd;
    char *bytes; /* NULL: there is none */
    size_t size;
    char path[32];
};

enum err memfile_create(size_t size, struct memfile *ret_f);
/* Gives the memory back; every byte is zero again. */
void memfile_clear(struct memfile *f);
void memfile_finish(struct memfile *f);
