// SPDX-License-Identifier: Apache-2.0
#include "stt/weights_file.h"

#include <stdarg.h>
#include <stdio.h>

enum { NAME_BYTES_MAX = 64 };

enum err weights_file_refuse(struct weights_file *f, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(f->why, WEIGHTS_FILE_WHY_BYTES, fmt, ap);
    va_end(ap);
    return ERR_INVALID;
}

enum err weights_file_take(struct weights_file *f, size_t n, struct str *ret_bytes)
{
    if (n > f->rest.n)
        return weights_file_refuse(f, "%s ends too early; it was not copied whole", f->what);
    *ret_bytes = str_sub(f->rest, 0, n);
    f->rest = str_sub(f->rest, n, f->rest.n);
    return OK;
}

enum err weights_file_number(struct weights_file *f, uint32_t *ret_n)
{
    struct str s;
    try(weights_file_take(f, 4, &s));
    const unsigned char *b = (const unsigned char *)s.p;
    *ret_n = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
    return OK;
}

enum err weights_file_head(struct weights_file *f, struct weights_head *ret_head)
{
    struct weights_head h = {.size = {1, 1, 1, 1}};
    uint32_t name_bytes = 0;
    try(weights_file_number(f, &h.dims));
    try(weights_file_number(f, &name_bytes));
    try(weights_file_number(f, &h.type));
    if (h.dims > f->dims || name_bytes == 0 || name_bytes > NAME_BYTES_MAX)
        return weights_file_refuse(f, "%s holds something that is no tensor", f->what);
    for (uint32_t i = 0; i < h.dims; i++)
        try(weights_file_number(f, &h.size[i]));
    try(weights_file_take(f, name_bytes, &h.name));
    *ret_head = h;
    return OK;
}
