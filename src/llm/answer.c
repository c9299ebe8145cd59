// SPDX-License-Identifier: Apache-2.0
#include "llm/answer.h"

#include <stdio.h>

enum { HELD_MAX = LLM_PIECE_MAX + ANSWER_STOP_BYTES + 4, REPLACEMENT_BYTES = 3 };

static enum err read_stops(struct answer *a, struct str stop_json)
{
    struct json_why why;
    try(json_parse(stop_json, &a->doc, &why));
    const struct json_val *array = json_root(a->doc);
    if (json_typeof(array) != JSON_ARR || json_count(array) > ANSWER_STOPS_MAX)
        return ERR_INVALID;
    for (size_t i = 0; i < json_count(array); i++) {
        const struct json_val *v = json_at(array, i);
        struct str text = json_str(v);
        if (json_typeof(v) != JSON_STR || text.n == 0 || text.n > ANSWER_STOP_BYTES)
            return ERR_INVALID;
        a->stop[a->stop_count++] = text;
    }
    return OK;
}

enum err answer_init(struct answer *a, struct str stop_json, char why[LLM_WHY_BYTES])
{
    *a = (struct answer){.held = BUF(HELD_MAX), .out = BUF(HELD_MAX * REPLACEMENT_BYTES)};
    enum err err = stop_json.n ? read_stops(a, stop_json) : OK;
    if (err == OK)
        return OK;
    answer_finish(a);
    snprintf(why, LLM_WHY_BYTES, "stop is a list of up to %d texts of 1 to %d bytes",
             ANSWER_STOPS_MAX, ANSWER_STOP_BYTES);
    return err == ERR_NOMEM ? err : ERR_INVALID;
}

void answer_finish(struct answer *a)
{
    json_doc_destroy(a->doc);
    a->doc = nullptr;
    buf_finish(&a->held);
    buf_finish(&a->out);
}

/* Where the stop string begins that is complete first, which is the same however pieces are cut; s.n
 * when there is none. */
static size_t find_stop(const struct answer *a, struct str s)
{
    size_t begin = s.n, end = SIZE_MAX;
    for (size_t i = 0; i < a->stop_count; i++) {
        size_t at = str_find(s, a->stop[i]);
        if (at < s.n && (at + a->stop[i].n < end || (at + a->stop[i].n == end && at < begin))) {
            begin = at;
            end = at + a->stop[i].n;
        }
    }
    return begin;
}

/* Where the end of s begins that may become a stop string; s.n when there is none. */
static size_t find_stop_begun(const struct answer *a, struct str s)
{
    size_t first = s.n;
    for (size_t i = 0; i < a->stop_count; i++) {
        size_t longest = a->stop[i].n - 1;
        for (size_t at = s.n > longest ? s.n - longest : 0; at < first; at++)
            if (str_starts(a->stop[i], str_sub(s, at, s.n)))
                first = at;
    }
    return first;
}

/* Bytes of a code point by its first one; 1 for what cannot be a first one. */
static size_t length_of(unsigned char first)
{
    return first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 1;
}

/* Without a code point at the end that may go on. */
static size_t whole_points(struct str s)
{
    for (size_t back = 1; back <= 3 && back <= s.n; back++) {
        unsigned char c = (unsigned char)s.p[s.n - back];
        if (c < 0x80)
            break;
        if (c >= 0xc0)
            return length_of(c) > back ? s.n - back : s.n;
    }
    return s.n;
}

/* Moves the first n bytes of `held` to `out`, made well-formed. */
static enum err release(struct answer *a, size_t n, struct str *ret_ready)
{
    struct str s = str_sub(buf_str(&a->held), 0, n);
    buf_clear(&a->out);
    while (s.n) {
        uint32_t cp;
        size_t length = utf8_next(s, &cp);
        try(buf_add(&a->out, length ? str_sub(s, 0, length) : S("\uFFFD")));
        s = str_sub(s, length ? length : 1, s.n);
    }
    buf_eat(&a->held, n);
    *ret_ready = buf_str(&a->out);
    return OK;
}

enum err answer_add(struct answer *a, struct str piece, struct str *ret_ready)
{
    try(buf_add(&a->held, piece));
    struct str s = buf_str(&a->held);
    size_t stop = find_stop(a, s);
    a->over = stop < s.n;
    size_t n = a->over ? stop : find_stop_begun(a, s);
    if (!a->over)
        n = whole_points(str_sub(s, 0, n));
    return release(a, n, ret_ready);
}

enum err answer_end(struct answer *a, struct str *ret_ready)
{
    return release(a, a->over ? 0 : a->held.n, ret_ready);
}
