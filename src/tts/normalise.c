// SPDX-License-Identifier: Apache-2.0
#include "tts/normalise.h"

#include "tts/unicode.h"

static bool is_blank(uint32_t cp)
{
    return cp <= 0x20 || (cp >= 0x7F && cp <= 0xA0) || cp == 0x2028 || cp == 0x2029;
}

/* What keeps the rules while the text goes by, code point by code point. */
struct gate {
    struct buf *into;
    size_t begin;        /* of this call's output */
    size_t word;         /* where the present word begins in `into` */
    size_t prev, prev_n; /* the word before it */
    unsigned same;       /* how often that word has come in a row */
    uint32_t last_cp;
    unsigned run;
};

/* The present word is whole: it stays unless it has come too often. */
static enum err end_word(struct gate *g)
{
    size_t n = g->into->n - g->word;
    if (n == 0)
        return OK;
    const char *word = g->into->p + g->word, *prev = g->into->p + g->prev;
    bool again = n == g->prev_n && memcmp(word, prev, n) == 0;
    g->same = again ? g->same + 1 : 1;
    g->last_cp = 0;
    if (g->same > NORMALISE_RUN_MAX) {
        g->into->n = g->word;
        return OK;
    }
    g->prev = g->word;
    g->prev_n = n;
    try(buf_add_byte(g->into, ' '));
    g->word = g->into->n;
    return OK;
}

static enum err pass(struct gate *g, uint32_t cp, struct str bytes)
{
    if (is_blank(cp))
        return end_word(g);
    g->run = cp == g->last_cp ? g->run + 1 : 1;
    g->last_cp = cp;
    if (g->run > NORMALISE_RUN_MAX)
        return OK;
    if (g->into->n - g->word + bytes.n > NORMALISE_WORD_MAX)
        try(end_word(g));
    return buf_add(g->into, bytes);
}

enum err normalise(struct str text, struct buf *into)
{
    autobuf valid = BUF(text.n);
    for (size_t n; text.n > 0; text = str_sub(text, n, text.n)) {
        uint32_t cp;
        if ((n = utf8_next(text, &cp)) == 0)
            n = 1;
        else
            try(buf_add(&valid, str_sub(text, 0, n)));
    }
    autobuf composed = BUF(valid.n * 3); /* the bound of UAX #15 for NFC in UTF-8 */
    try(unicode_compose(buf_str(&valid), &composed));

    struct gate g = {.into = into, .begin = into->n, .word = into->n, .prev = into->n};
    struct str rest = buf_str(&composed);
    while (rest.n > 0) {
        uint32_t cp;
        size_t n = utf8_next(rest, &cp);
        if (n == 0)
            return ERR_UTF8;
        try(pass(&g, cp, str_sub(rest, 0, n)));
        rest = str_sub(rest, n, rest.n);
    }
    try(end_word(&g));
    while (into->n > g.begin && into->p[into->n - 1] == ' ')
        into->n--;
    return OK;
}
