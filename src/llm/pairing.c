// SPDX-License-Identifier: Apache-2.0
#include "llm/pairing.h"

#include <stdlib.h>

#include "base/mem.h"

enum { REPLACEMENT_BYTES = 3 };

struct waiting_token {
    size_t from, to; /* in the text, of whole code points; never empty */
    size_t logprobs; /* bytes */
};

void pairing_finish(struct pairing *p)
{
    free(p->token);
    buf_finish(&p->logprobs);
    *p = (struct pairing){};
}

/* --- where a token stands in the text --- */

static size_t length_of(unsigned char first)
{
    return first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 1;
}

static bool may_go_on(const struct pairing *p)
{
    for (size_t i = 1; i < p->part_bytes; i++)
        if (((unsigned char)p->part[i] & 0xc0) != 0x80)
            return false;
    return p->part_bytes < length_of((unsigned char)p->part[0]);
}

static void add_byte(struct pairing *p, char byte)
{
    uint32_t cp;
    p->part[p->part_bytes++] = byte;
    while (p->part_bytes > 0) {
        size_t n = utf8_next((struct str){p->part, p->part_bytes}, &cp);
        if (n == 0 && may_go_on(p))
            return;
        p->said += n ? n : REPLACEMENT_BYTES;
        n = n ? n : 1;
        p->part_bytes -= n;
        memmove(p->part, p->part + n, p->part_bytes);
    }
}

/* --- --- */

static void forget_left(struct pairing *p)
{
    if (p->first == 0)
        return;
    p->count -= p->first;
    memmove(p->token, p->token + p->first, p->count * sizeof *p->token);
    p->first = 0;
    buf_eat(&p->logprobs, p->left_bytes);
    p->left_bytes = 0;
}

enum err pairing_add(struct pairing *p, struct str piece, struct str logprobs)
{
    forget_left(p);
    void *token = p->token;
    enum err err = mem_grow(&token, &p->room, p->count + 1, sizeof *p->token);
    p->token = token;
    try(err);
    p->logprobs.cap = PAIRING_BYTES_MAX;
    try(buf_add(&p->logprobs, logprobs));
    size_t from = p->said;
    for (size_t i = 0; i < piece.n; i++)
        add_byte(p, piece.p[i]);
    p->token[p->count++] = (struct waiting_token){from, p->said + (p->part_bytes > 0), logprobs.n};
    return OK;
}

static struct str take(struct pairing *p)
{
    size_t n = p->token[p->first++].logprobs;
    p->left_bytes += n;
    return str_sub(buf_str(&p->logprobs), p->left_bytes - n, p->left_bytes);
}

static bool waits(const struct pairing *p, size_t at)
{
    return p->first < p->count && p->token[p->first].from <= at;
}

enum err pairing_send(struct pairing *p, size_t at, struct str text,
                      const struct pairing_events *events, void *arg)
{
    while (text.n) {
        while (waits(p, at)) {
            bool is_left_out = p->token[p->first].to <= at;
            struct str logprobs = take(p);
            if (!is_left_out)
                try(events->token(arg, logprobs));
        }
        size_t n = p->first < p->count ? p->token[p->first].from - at : text.n;
        n = n < text.n ? n : text.n;
        try(events->text(arg, str_sub(text, 0, n)));
        text = str_sub(text, n, text.n);
        at += n;
    }
    return OK;
}
