// SPDX-License-Identifier: Apache-2.0
#include "server/talk/prompt.h"

#include "server/rag/rag.h"

/* An interrupted answer says so, that the next one need not repeat or pretend. */
static enum err said_text(struct arena *arena, const struct said *said, struct str *ret_text)
{
    struct str text = {said->text, said->n};
    if (!said->interrupted) {
        *ret_text = text;
        return OK;
    }
    static const char mark[] = " … [interrupted by the user here]";
    char *joined = arena_alloc(arena, text.n + sizeof mark);
    if (!joined)
        return ERR_NOMEM;
    memcpy(joined, text.p, text.n);
    memcpy(joined + text.n, mark, sizeof mark);
    *ret_text = (struct str){joined, text.n + sizeof mark - 1};
    return OK;
}

static enum err passage_text(struct arena *arena, size_t number, const struct rag_hit *hit,
                             struct str *ret_text)
{
    autobuf text = BUF(64 * 1024);
    try(buf_addf(&text, "[%zu] ", number));
    try(buf_add(&text, hit->title));
    try(buf_add_byte(&text, '\n'));
    try(buf_add(&text, hit->text));
    return arena_str(arena, buf_str(&text), ret_text);
}

/* "Your name is Ada. You are … Answer in the language whose tag is de." */
static enum err self_text(struct arena *arena, const struct prompt_self *self, struct str *ret_text)
{
    autobuf text = BUF(16 * 1024);
    if (self->name[0])
        try(buf_addf(&text, "Your name is %s. ", self->name));
    try(buf_add(&text, str_of(self->persona)));
    /* English is what models speak when nothing is said, and the persona is written in. */
    bool is_english = str_eq_nocase(str_sub(str_of(self->language), 0, 2), S("en"));
    if (self->language[0] && !is_english)
        try(buf_addf(&text, " Answer in the language whose tag is %s.", self->language));
    return arena_str(arena, buf_str(&text), ret_text);
}

enum err prompt_build(struct arena *arena, const struct prompt_self *self,
                      const struct history *history, const struct rag_hit *hits, size_t hit_count,
                      struct str question, struct prompt *ret_prompt)
{
    size_t room = 2 + history->count + hit_count, n = 0;
    struct segment *segment = arena_alloc(arena, room * sizeof *segment);
    if (!segment)
        return ERR_NOMEM;
    segment[n++] = (struct segment){S("system"), true, 0, {}};
    try(self_text(arena, self, &segment[0].text));
    for (size_t i = 0; i < history->count; i++) {
        const struct said *said = &history->entry[i];
        struct segment *s = &segment[n++];
        s->role = said->by == SAID_BY_USER ? S("user") : S("assistant");
        /* The oldest words are the first to go. */
        s->priority = 2 + (uint32_t)(history->count - i);
        try(said_text(arena, said, &s->text));
    }
    for (size_t i = 0; i < hit_count; i++) {
        struct segment *s = &segment[n++];
        s->role = S("context");
        s->priority = 1 + (uint32_t)i;
        try(passage_text(arena, i + 1, &hits[i], &s->text));
    }
    if (question.n)
        segment[n++] = (struct segment){S("user"), false, 0, question};
    *ret_prompt = (struct prompt){segment, n};
    return OK;
}
