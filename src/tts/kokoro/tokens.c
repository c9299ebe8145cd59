// SPDX-License-Identifier: Apache-2.0
#include "tts/kokoro/tokens.h"

/* Of marks alone nothing is to be said. */
static bool is_spoken(uint32_t cp)
{
    return cp > 0x7f ? cp != 0x2014 && cp != 0x2026 && cp != 0x201c && cp != 0x201d
                     : (cp >= 'a' && cp <= 'z') || (cp >= 'A' && cp <= 'Z');
}

/* Up to TOKENS_MAX symbols, to the end of a word if there is one. */
static struct str cut(struct str *rest)
{
    size_t at = 0, blank = 0;
    uint32_t cp;
    for (int count = 0; at < rest->n && count < TOKENS_MAX; count++) {
        size_t n = utf8_next(str_sub(*rest, at, rest->n), &cp);
        blank = cp == ' ' ? at + 1 : blank;
        at += n ? n : 1;
    }
    size_t end = at < rest->n && blank > 0 ? blank : at;
    struct str part = str_sub(*rest, 0, end);
    *rest = str_sub(*rest, end, rest->n);
    return part;
}

static bool convert(const struct vocab *v, struct str part, struct tokens *t)
{
    bool says_something = false;
    t->n = 0;
    t->id[t->n++] = VOCAB_PAD;
    while (part.n > 0) {
        uint32_t cp = 0;
        size_t n = utf8_next(part, &cp);
        int64_t id = n > 0 ? vocab_id(v, cp) : VOCAB_PAD;
        part = str_sub(part, n ? n : 1, part.n);
        if (id == VOCAB_PAD)
            continue;
        says_something = says_something || is_spoken(cp);
        t->id[t->n++] = id;
    }
    t->id[t->n++] = VOCAB_PAD;
    return says_something;
}

bool tokens_next(const struct vocab *v, struct str *rest, struct tokens *ret_t)
{
    while (rest->n > 0)
        if (convert(v, cut(rest), ret_t))
            return true;
    return false;
}
