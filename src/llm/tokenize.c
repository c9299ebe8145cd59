// SPDX-License-Identifier: Apache-2.0
#include "llm/tokenize.h"

#include <limits.h>
#include <llama.h>

#include "base/mem.h"

enum { AROUND = 8 }; /* tokens that a vocabulary may put around a text */

enum err tokens_make_room(struct tokens *t, size_t more)
{
    void *token = t->token;
    enum err err = mem_grow(&token, &t->room, t->count + more, sizeof *t->token);
    t->token = token;
    return err;
}

/* Below 0: so many would need room. */
static int32_t tokenize(const struct tokens *t, const struct llama_vocab *vocab, struct str text,
                        enum tokenize_how how, int32_t most)
{
    return llama_tokenize(vocab, text.n ? text.p : "", (int32_t)text.n, t->token + t->count, most,
                          how == TOKENIZE_AROUND, how == TOKENIZE_MARKUP);
}

/* Mostly a text has no more tokens than bytes; where a vocabulary writes out ligatures, it may. */
enum err tokens_add_text(struct tokens *t, const struct llama_vocab *vocab, struct str text,
                         enum tokenize_how how)
{
    if (text.n > INT32_MAX / 2)
        return ERR_TOOBIG;
    int32_t most = (int32_t)text.n + AROUND;
    try(tokens_make_room(t, (size_t)most));
    int32_t n = tokenize(t, vocab, text, how, most);
    if (n == INT32_MIN)
        return ERR_TOOBIG;
    if (n < 0) {
        try(tokens_make_room(t, (size_t)-n));
        n = tokenize(t, vocab, text, how, -n);
    }
    if (n < 0)
        return ERR_INTERNAL;
    t->count += (size_t)n;
    return OK;
}
