// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdio.h>

#include "base/check.h"
#include "base/json.h"

static void put(struct json_out *j, struct str s)
{
    if (j->err == OK)
        j->err = buf_add(j->to, s);
}

static bool in_array(const struct json_out *j)
{
    return j->is_arr >> j->depth & 1;
}

static void put_comma(struct json_out *j)
{
    if (j->depth && !j->first)
        put(j, S(","));
    j->first = false;
}

/* Before a value: a comma, unless its key has been written. */
static void begin_value(struct json_out *j)
{
    check(j->after_key || j->depth == 0 || in_array(j));
    if (!j->after_key)
        put_comma(j);
    j->after_key = false;
}

static void open_level(struct json_out *j, bool arr)
{
    check(j->depth < JSON_MAX_DEPTH - 1);
    begin_value(j);
    put(j, arr ? S("[") : S("{"));
    j->depth++;
    j->is_arr = arr ? j->is_arr | 1u << j->depth : j->is_arr & ~(1u << j->depth);
    j->first = true;
}

void json_obj(struct json_out *j)
{
    open_level(j, false);
}

void json_arr(struct json_out *j)
{
    open_level(j, true);
}

void json_end(struct json_out *j)
{
    check(j->depth > 0 && !j->after_key);
    put(j, in_array(j) ? S("]") : S("}"));
    j->depth--;
    j->first = false;
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* How many bytes at s can be sent as they are. */
static size_t plain_run(struct str s)
{
    size_t i = 0;
    for (;;) {
        uint32_t cp;
        while (i < s.n && is_plain((unsigned char)s.p[i]))
            i++;
        size_t len = utf8_next(str_sub(s, i, s.n), &cp);
        if (len < 2) /* the end, an escape, or malformed */
            return i;
        i += len;
    }
}

static void put_escaped(struct json_out *j, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    const char code[] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
    switch (c) {
    case '"':
        put(j, S("\\\""));
        return;
    case '\\':
        put(j, S("\\\\"));
        return;
    case '\n':
        put(j, S("\\n"));
        return;
    case '\r':
        put(j, S("\\r"));
        return;
    case '\t':
        put(j, S("\\t"));
        return;
    default:
        put(j, (struct str){code, sizeof code});
    }
}

static void put_quoted(struct json_out *j, struct str s)
{
    put(j, S("\""));
    while (s.n && j->err == OK) {
        size_t n = plain_run(s);
        put(j, str_sub(s, 0, n));
        s = str_sub(s, n, s.n);
        if (s.n == 0)
            break;
        if ((unsigned char)s.p[0] < 0x80)
            put_escaped(j, (unsigned char)s.p[0]);
        else
            put(j, S("\xef\xbf\xbd"));
        s = str_sub(s, 1, s.n);
    }
    put(j, S("\""));
}

void json_key(struct json_out *j, const char *key)
{
    check(j->depth > 0 && !j->after_key && !in_array(j));
    put_comma(j);
    put_quoted(j, str_of(key));
    put(j, S(":"));
    j->after_key = true;
}

void json_put_str(struct json_out *j, struct str s)
{
    begin_value(j);
    put_quoted(j, s);
}

void json_put_int(struct json_out *j, int64_t n)
{
    char text[20], *at = text + sizeof text;
    uint64_t left = n < 0 ? -(uint64_t)n : (uint64_t)n;
    do
        *--at = (char)('0' + left % 10);
    while (left /= 10);
    if (n < 0)
        *--at = '-';
    begin_value(j);
    put(j, (struct str){at, (size_t)(text + sizeof text - at)});
}

void json_put_num(struct json_out *j, double x)
{
    if (!isfinite(x)) {
        json_put_null(j);
        return;
    }
    char text[352];
    int n = snprintf(text, sizeof text, "%.6f", x);
    while (n > 1 && text[n - 1] == '0')
        n--;
    if (text[n - 1] == '.')
        n--;
    begin_value(j);
    put(j, (struct str){text, (size_t)n});
}

void json_put_bool(struct json_out *j, bool b)
{
    begin_value(j);
    put(j, b ? S("true") : S("false"));
}

void json_put_null(struct json_out *j)
{
    begin_value(j);
    put(j, S("null"));
}

void json_put_raw(struct json_out *j, struct str json)
{
    begin_value(j);
    put(j, json);
}

void json_kstr(struct json_out *j, const char *key, struct str s)
{
    json_key(j, key);
    json_put_str(j, s);
}

void json_kint(struct json_out *j, const char *key, int64_t n)
{
    json_key(j, key);
    json_put_int(j, n);
}

void json_knum(struct json_out *j, const char *key, double x)
{
    json_key(j, key);
    json_put_num(j, x);
}

void json_kbool(struct json_out *j, const char *key, bool b)
{
    json_key(j, key);
    json_put_bool(j, b);
}

enum err json_finish(struct json_out *j)
{
    check(j->depth == 0 && !j->after_key);
    return j->err;
}
