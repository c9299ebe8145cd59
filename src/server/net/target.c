// SPDX-License-Identifier: Apache-2.0
#include "server/net/target.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that "%41" at s.p stands for; −1 when it is none. */
static int percent_byte(struct str s)
{
    if (s.n < 3)
        return -1;
    int high = hex_digit(s.p[1]), low = hex_digit(s.p[2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static bool has_dot_part(struct str path)
{
    struct str part;
    while (str_cut(&path, '/', &part))
        if (str_eq(part, S(".")) || str_eq(part, S("..")))
            return true;
    return false;
}

enum err target_split(struct str target, char *into, struct str *ret_path, struct str *ret_query,
                      bool *ret_slash_coded)
{
    if (target.n == 0 || target.p[0] != '/' || str_find_byte(target, '#') < target.n)
        return ERR_SYNTAX;
    size_t end = str_find_byte(target, '?');
    size_t n = 0;
    bool slash_coded = false;
    for (size_t i = 0; i < end; i++) {
        unsigned char c = (unsigned char)target.p[i];
        if (c == '%') {
            int byte = percent_byte(str_sub(target, i, end));
            if (byte < 0)
                return ERR_SYNTAX;
            slash_coded |= byte == '/';
            c = (unsigned char)byte;
            i += 2;
        }
        if (c < 0x20 || c == 0x7f || c == '\\')
            return ERR_SYNTAX;
        into[n++] = (char)c;
    }
    struct str path = {into, n};
    if (!utf8_valid(path) || has_dot_part(path))
        return ERR_SYNTAX;
    *ret_path = path;
    *ret_query = str_sub(target, end + 1, target.n);
    *ret_slash_coded = slash_coded;
    return OK;
}

bool query_next(struct str *rest, struct str *ret_name, struct str *ret_value)
{
    struct str pair;
    while (str_cut(rest, '&', &pair)) {
        if (pair.n == 0)
            continue;
        size_t eq = str_find_byte(pair, '=');
        *ret_name = str_sub(pair, 0, eq);
        *ret_value = str_sub(pair, eq + 1, pair.n);
        return true;
    }
    return false;
}

static enum err query_decode(struct str raw, char *into, size_t size, struct str *ret_value)
{
    size_t n = 0;
    for (size_t i = 0; i < raw.n; i++) {
        int c = raw.p[i] == '+' ? ' ' : (unsigned char)raw.p[i];
        if (c == '%') {
            c = percent_byte(str_sub(raw, i, raw.n));
            if (c <= 0)
                return ERR_SYNTAX;
            i += 2;
        }
        if (n == size)
            return ERR_TOOBIG;
        into[n++] = (char)c;
    }
    if (!utf8_valid((struct str){into, n}))
        return ERR_UTF8;
    *ret_value = (struct str){into, n};
    return OK;
}

enum err query_get(struct str query, const char *name, char *into, size_t size,
                   struct str *ret_value)
{
    struct str raw_name, raw_value, want = str_of(name);
    while (query_next(&query, &raw_name, &raw_value)) {
        struct str got;
        if (query_decode(raw_name, into, size, &got) == OK && str_eq(got, want))
            return query_decode(raw_value, into, size, ret_value);
    }
    return ERR_NOTFOUND;
}
