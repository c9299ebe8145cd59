// SPDX-License-Identifier: Apache-2.0
/*
 * Text and bytes. `struct str` is a borrowed slice (never NUL-terminated, never owned); `struct buf`
 * is a growable, owned run of bytes with a cap, so that nothing a stranger sends grows without bound.
 *
 *     struct buf out = BUF(64 * 1024);          // never more than 64 KiB
 *     try(buf_add(&out, S("hello ")));
 *     try(buf_addf(&out, "%d", n));
 *     use(buf_str(&out));
 *     buf_finish(&out);
 *
 * A buf that failed to grow is unchanged and usable. Any thread, one at a time per object.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

struct str {
    const char *p;
    size_t n;
};

#define S(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_FMT(s) (int)(s).n, (s).p /* for "%.*s"; only for slices known to be short */

static inline struct str str_of(const char *z)
{
    return (struct str){z, z ? strlen(z) : 0};
}
static inline struct str str_sub(struct str s, size_t from, size_t to) /* clamped to s */
{
    if (to > s.n)
        to = s.n;
    if (from > to)
        from = to;
    return (struct str){s.p + from, to - from};
}
bool str_eq(struct str a, struct str b);
bool str_eq_nocase(struct str a, struct str b); /* ASCII letters only */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
bool str_ends_nocase(struct str s, struct str suffix);
/* First position of needle in s, or s.n when it is not there. */
size_t str_find(struct str s, struct str needle);
size_t str_find_byte(struct str s, char c);
struct str str_trim(struct str s); /* ASCII white space at both ends */
/* Cuts the next piece before `sep` off *rest; false when *rest was empty to begin with. */
bool str_cut(struct str *rest, char sep, struct str *ret_piece);
/* Is it one of these? They have commas between them, and maybe blanks around. */
bool str_listed(struct str list, struct str name);
/* The last part of a path: "b.c" of "/a/b.c". */
struct str str_file_name(struct str path);
/* Levenshtein's distance in bytes, to find the word that was meant; a text of STR_DISTANCE_MAX bytes
 * or more is that far away. */
enum { STR_DISTANCE_MAX = 96 };
size_t str_distance(struct str a, struct str b);
/* FNV-1a, 64 bits: for tables, not against people who look for collisions. */
uint64_t str_hash(struct str s);
/* The whole of s as a decimal number; ERR_INVALID for anything else, also for overflow. */
enum err str_to_i64(struct str s, int64_t *ret_n);
enum err str_to_f64(struct str s, double *ret_x);
/* Well-formed by RFC 3629: no surrogates, no overlong forms, at most U+10FFFF. */
bool utf8_valid(struct str s);
/* Decodes one code point at s.p; returns its length (1..4), or 0 when malformed or s is empty. */
size_t utf8_next(struct str s, uint32_t *ret_cp);
/* The longest prefix of s of at most `max` bytes that splits no code point. */
size_t utf8_prefix(struct str s, size_t max);
/* Is there a letter or a digit of any script, so that there is something to say? False for what is malformed before one. */
bool utf8_has_words(struct str s);

struct buf {
    char *p;
    size_t n, room; /* n < room, unless both are 0; room is at most cap + 1 */
    size_t cap;     /* n never exceeds it; ERR_TOOBIG instead. Not lowered once there are bytes */
};

#define BUF(max_bytes) ((struct buf){.cap = (max_bytes)})

void buf_finish(struct buf *b);             /* frees; b becomes empty with the same cap */
static inline void buf_clear(struct buf *b) /* keeps the memory */
{
    b->n = 0;
}
static inline struct str buf_str(const struct buf *b)
{
    return (struct str){b->p, b->n};
}
enum err buf_reserve(struct buf *b, size_t more);   /* ERR_NOMEM, ERR_TOOBIG */
enum err buf_add_slow(struct buf *b, struct str s); /* buf_add, where there is not room enough */
static inline enum err buf_add(struct buf *b, struct str s) /* s is no part of b */
{
    if (s.n == 0 || s.n >= b->room - b->n)
        return buf_add_slow(b, s);
    memcpy(b->p + b->n, s.p, s.n);
    b->n += s.n;
    return OK;
}
static inline enum err buf_add_byte(struct buf *b, char c)
{
    return buf_add(b, (struct str){&c, 1});
}
enum err buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
enum err buf_addv(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* Drops `count` bytes at the front; what stays is moved, so not for a byte at a time. */
void buf_eat(struct buf *b, size_t count);
/* Adds a NUL that is not counted in n, and returns the text; NULL when there is no memory. */
[[nodiscard]] const char *buf_z(struct buf *b);

#define autobuf __attribute__((cleanup(buf_finish))) struct buf
