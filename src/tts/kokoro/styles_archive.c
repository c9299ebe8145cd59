// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "tts/kokoro/styles_add.h"

/* Of APPNOTE 6.3: the records' first four bytes, and their sizes without what varies. */
enum {
    END_MARK = 0x06054b50,
    END_BYTES = 22,
    COMMENT_MAX = 65535,
    ENTRY_MARK = 0x02014b50,
    ENTRY_BYTES = 46,
    LOCAL_MARK = 0x04034b50,
    LOCAL_BYTES = 30,
    NUMPY_BYTES = 10, /* mark, version and the length of the head */
};

static uint32_t u16(const char *p)
{
    return (uint32_t)(unsigned char)p[0] | (uint32_t)(unsigned char)p[1] << 8;
}

static uint32_t u32(const char *p)
{
    return u16(p) | u16(p + 2) << 16;
}

static enum err damaged(char why[STYLES_WHY_BYTES])
{
    snprintf(why, STYLES_WHY_BYTES, "the archive of voices is cut or damaged; copy it anew");
    return ERR_INVALID;
}

static enum err other(char why[STYLES_WHY_BYTES], struct str name)
{
    snprintf(why, STYLES_WHY_BYTES,
             "the archive of voices has \"%.*s\", which is no table of styles in plain float32",
             STR_FMT(str_sub(name, 0, utf8_valid(name) ? utf8_prefix(name, 40) : 0)));
    return ERR_INVALID;
}

/* The record at the end, which says where the list is; behind it stands a comment at most. */
static bool find_end(struct str file, size_t *ret_at)
{
    size_t most = file.n < END_BYTES + COMMENT_MAX ? file.n : END_BYTES + COMMENT_MAX;
    for (size_t back = END_BYTES; back <= most; back++) {
        *ret_at = file.n - back;
        if (u32(file.p + *ret_at) == END_MARK &&
            u16(file.p + *ret_at + END_BYTES - 2) == back - END_BYTES)
            return true;
    }
    return false;
}

/* A head is a Python literal: {'descr': '<f4', 'fortran_order': False, 'shape': (510, 1, 256), }. The numbers' bytes tell how many
 * rows there are, so of the shape only its last size counts. */
static bool is_plain_table(struct str head)
{
    return str_find(head, S("'descr': '<f4'")) < head.n &&
           str_find(head, S("'fortran_order': False")) < head.n &&
           (str_find(head, S(", 256)")) < head.n || str_find(head, S(", 256,)")) < head.n);
}

static enum err add_table(struct str name, struct str npy, struct styles *s,
                          char why[STYLES_WHY_BYTES])
{
    if (npy.n < NUMPY_BYTES || !str_starts(npy, S("\x93NUMPY\x01")))
        return other(why, name);
    size_t head = NUMPY_BYTES + u16(npy.p + 8);
    if (npy.n < head || !is_plain_table(str_sub(npy, NUMPY_BYTES, head)))
        return other(why, name);
    return styles_add(s, name, str_sub(npy, head, npy.n), why);
}

/* What an entry of the list names. `entry` is whole. */
static enum err add_entry(struct str file, struct str entry, struct str name, struct styles *s,
                          char why[STYLES_WHY_BYTES])
{
    const uint32_t method = u16(entry.p + 10), size = u32(entry.p + 20), full = u32(entry.p + 24),
                   at = u32(entry.p + 42);
    if (!str_ends(name, S(".npy")) || !style_is_name(str_sub(name, 0, name.n - 4)))
        return other(why, name);
    if (method != 0 || size != full)
        return other(why, name);
    if (at > file.n || file.n - at < LOCAL_BYTES || u32(file.p + at) != LOCAL_MARK)
        return damaged(why);
    size_t from = (size_t)at + LOCAL_BYTES + u16(file.p + at + 26) + u16(file.p + at + 28);
    if (from > file.n || file.n - from < size)
        return damaged(why);
    return add_table(str_sub(name, 0, name.n - 4), str_sub(file, from, from + size), s, why);
}

enum err styles_read_archive(struct str file, struct styles *s, char why[STYLES_WHY_BYTES])
{
    size_t end;
    if (!find_end(file, &end))
        return damaged(why);
    const uint32_t count = u16(file.p + end + 10), at = u32(file.p + end + 16);
    struct str list = str_sub(file, at, end);
    for (uint32_t i = 0; i < count; i++) {
        if (list.n < ENTRY_BYTES || u32(list.p) != ENTRY_MARK)
            return damaged(why);
        const size_t name_n = u16(list.p + 28);
        const size_t all = ENTRY_BYTES + name_n + u16(list.p + 30) + u16(list.p + 32);
        if (list.n < all)
            return damaged(why);
        try(add_entry(file, list, str_sub(list, ENTRY_BYTES, ENTRY_BYTES + name_n), s, why));
        list = str_sub(list, all, list.n);
    }
    return OK;
}
