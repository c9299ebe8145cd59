// SPDX-License-Identifier: Apache-2.0
#include "llm/prompt/marker.h"

#include <llama.h>

#include "base/mem.h"

static bool looks_like_markup(struct str s)
{
    return s.n > 2 &&
           ((s.p[0] == '<' && s.p[s.n - 1] == '>') || (s.p[0] == '[' && s.p[s.n - 1] == ']'));
}

static enum err add(struct markers *m, struct str s)
{
    char *copy = mem_strdup(s);
    void *text = m->text;
    enum err err = copy ? mem_grow(&text, &m->room, m->count + 1, sizeof *m->text) : ERR_NOMEM;
    m->text = text;
    if (err != OK) {
        free(copy);
        return err;
    }
    m->text[m->count++] = copy;
    return OK;
}

enum err markers_init(struct markers *m, const struct llama_vocab *vocab)
{
    *m = (struct markers){};
    for (llama_token t = 0; t < llama_vocab_n_tokens(vocab); t++) {
        struct str s = str_of(llama_vocab_get_text(vocab, t));
        enum err err =
            (llama_vocab_get_attr(vocab, t) & LLAMA_TOKEN_ATTR_USER_DEFINED) && looks_like_markup(s)
                ? add(m, s)
                : OK;
        if (err != OK) {
            markers_finish(m);
            return err;
        }
    }
    return OK;
}

void markers_finish(struct markers *m)
{
    for (size_t i = 0; i < m->count; i++)
        free(m->text[i]);
    free(m->text);
    *m = (struct markers){};
}

static bool begins(const struct markers *m, struct str text)
{
    for (size_t i = 0; i < m->count; i++)
        if (text.p[1] == m->text[i][1] && str_starts(text, str_of(m->text[i])))
            return true;
    return false;
}

size_t markers_cut(const struct markers *m, struct str text)
{
    for (size_t i = 0; m->count > 0 && i + 2 < text.n; i++)
        if ((text.p[i] == '<' || text.p[i] == '[') && begins(m, str_sub(text, i, text.n)))
            return i + 1; /* after its first character */
    return text.n;
}
