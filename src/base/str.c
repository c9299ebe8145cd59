// SPDX-License-Identifier: Apache-2.0
#include "base/str.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq(str_sub(s, 0, prefix.n), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.n >= suffix.n && str_eq(str_sub(s, s.n - suffix.n, s.n), suffix);
}

bool str_ends_nocase(struct str s, struct str suffix)
{
    return s.n >= suffix.n && str_eq_nocase(str_sub(s, s.n - suffix.n, s.n), suffix);
}

size_t str_find(struct str s, struct str needle)
{
    if (s.n == 0 || needle.n == 0)
        return needle.n == 0 ? 0 : s.n;
    const char *at = memmem(s.p, s.n, needle.p, needle.n);
    return at ? (size_t)(at - s.p) : s.n;
}

size_t str_find_byte(struct str s, char c)
{
    const char *at = s.n ? memchr(s.p, c, s.n) : nullptr;
    return at ? (size_t)(at - s.p) : s.n;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str s)
{
    while (s.n && is_space(s.p[0]))
        s = str_sub(s, 1, s.n);
    while (s.n && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

bool str_cut(struct str *rest, char sep, struct str *ret_piece)
{
    if (rest->n == 0)
        return false;
    size_t at = str_find_byte(*rest, sep);
    *ret_piece = str_sub(*rest, 0, at);
    *rest = str_sub(*rest, at + 1, rest->n);
    return true;
}

struct str str_file_name(struct str path)
{
    size_t from = path.n;
    while (from > 0 && path.p[from - 1] != '/')
        from--;
    return str_sub(path, from, path.n);
}

bool str_listed(struct str list, struct str name)
{
    struct str one;
    while (str_cut(&list, ',', &one))
        if (str_eq(str_trim(one), name))
            return true;
    return false;
}

/* A NUL-terminated copy for the C library's number parsers, which would also take blanks, a plus,
 * hexadecimal digits, "inf" and "nan". */
static bool number_text(struct str s, const char *letters, char into[64])
{
    if (s.n == 0 || s.n > 63 || s.p[0] == '+' || memchr(s.p, 0, s.n))
        return false;
    memcpy(into, s.p, s.n);
    into[s.n] = 0;
    return strspn(into, letters) == s.n;
}

uint64_t str_hash(struct str s)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < s.n; i++)
        hash = (hash ^ (unsigned char)s.p[i]) * 0x100000001b3;
    return hash;
}

enum err str_to_i64(struct str s, int64_t *ret_n)
{
    char text[64], *end;
    if (!number_text(s, "-0123456789", text))
        return ERR_INVALID;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (*end || errno)
        return ERR_INVALID;
    *ret_n = n;
    return OK;
}

enum err str_to_f64(struct str s, double *ret_x)
{
    char text[64], *end;
    if (!number_text(s, "+-.0123456789eE", text))
        return ERR_INVALID;
    errno = 0;
    double x = strtod(text, &end);
    if (*end || errno || !isfinite(x))
        return ERR_INVALID;
    *ret_x = x;
    return OK;
}

size_t str_distance(struct str a, struct str b)
{
    if (a.n >= STR_DISTANCE_MAX || b.n >= STR_DISTANCE_MAX)
        return STR_DISTANCE_MAX;
    size_t row[STR_DISTANCE_MAX];
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t best = diagonal + (a.p[i - 1] != b.p[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[b.n];
}
