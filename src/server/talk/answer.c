// SPDX-License-Identifier: Apache-2.0
/* Words to passages to tokens: retrieval, then the language model or the quote answerer. */
#include "base/clock.h"
#include "base/conf.h"
#include "server/engine/engine.h"
#include "server/rag/quote.h"
#include "server/talk/prompt.h"
#include "server/talk/turn_parts.h"

enum { PROMPT_ARENA = 512 * 1024, SEGMENT_PIECE = 60 * 1024 };

/* --- passages --- */

static void on_hits(void *arg, enum err err, const struct rag_hits *hits)
{
    struct turn *t = arg;
    waterfall_close(&t->waterfall, STAGE_RETRIEVE, clock_us());
    if (err != OK) {
        turn_end_with(t, MOVE_FAIL, err, err_text(err));
        return;
    }
    t->hits = hits;
    turn_move(t, MOVE_PASSAGES);
}

void retrieve_begin(struct turn *t)
{
    if (!t->use_rag) {
        turn_move(t, MOVE_PASSAGES);
        return;
    }
    waterfall_open(&t->waterfall, STAGE_RETRIEVE, clock_us());
    enum err err = rag_query(t->talk->rag, str_of(t->session->owner), buf_str(&t->question),
                             (uint32_t)t->talk->conf->rag_k, on_hits, t, &t->query);
    if (err != OK)
        turn_end_with(t, MOVE_FAIL, err, err_text(err));
}

static bool cite(struct turn *t, uint32_t index, const struct rag_hit *hit)
{
    if (t->sink && t->sink->citation)
        t->sink->citation(t->arg, t, index, hit);
    return t->state != TURN_ENDED;
}

/* --- tokens --- */

/* One piece of the answer, from whoever answers. */
static bool say(struct turn *t, struct str text)
{
    uint64_t now = clock_us();
    waterfall_close(&t->waterfall, STAGE_ANSWER, now);
    waterfall_open(&t->waterfall, STAGE_GENERATE, now);
    waterfall_open(&t->waterfall, STAGE_CLAUSE, now);
    counter_add(&tokens_generated, 1);
    t->usage.completion_tokens++;
    if (t->sink && t->sink->token)
        t->sink->token(t->arg, t, text);
    if (t->state == TURN_ENDED)
        return false;
    enum err err = speak_text(t, text);
    if (err != OK)
        turn_end_with(t, MOVE_FAIL, err, err_text(err));
    return t->state != TURN_ENDED;
}

static void answered(struct turn *t)
{
    waterfall_close(&t->waterfall, STAGE_GENERATE, clock_us());
    turn_move(t, MOVE_ANSWERED);
}

/* --- the quote answerer: its words come at once, and leave one by one as a model's would --- */

static bool say_words(struct turn *t, struct str text)
{
    while (text.n) {
        size_t n = 1 + str_find_byte(str_sub(text, 1, text.n), ' ');
        if (!say(t, str_sub(text, 0, n)))
            return false;
        text = str_sub(text, n, text.n);
    }
    return true;
}

static void quote(struct turn *t)
{
    static const struct rag_hits none = {};
    const struct rag_hits *hits = t->hits ? t->hits : &none;
    static const struct str without =
        S("No language model is installed, so I can only answer from your documents. "
          "Please switch the knowledge base on.");
    struct quote q;
    quote_init(&q);
    enum err err = t->use_rag ? quote_answer(&q, hits) : buf_add(&q.text, without);
    bool alive = err == OK;
    for (size_t i = 0; i < q.cited_count && alive; i++)
        alive = cite(t, (uint32_t)i + 1, &hits->hit[q.cited[i]]);
    if (alive)
        alive = say_words(t, buf_str(&q.text));
    quote_finish(&q);
    if (err != OK)
        turn_end_with(t, MOVE_FAIL, err, err_text(err));
    else if (alive)
        answered(t);
}

/* --- the language model --- */

static void on_message(void *arg, enum msg_type type, const union msg *msg)
{
    struct turn *t = arg;
    if (type == MSG_llm_token) {
        (void)say(t, msg->llm_token.text);
    } else if (type == MSG_llm_done) {
        t->usage = (struct turn_usage){msg->llm_done.prompt_tokens, msg->llm_done.cached_tokens,
                                       msg->llm_done.completion_tokens};
        answered(t);
    }
}

static void on_ended(void *arg, enum err err, const char *text)
{
    struct turn *t = arg;
    t->llm = nullptr;
    if (err != OK)
        turn_end_with(t, MOVE_FAIL, err, text);
}

static enum err send_segment(struct turn *t, const struct segment *s)
{
    struct str text = s->text;
    do {
        size_t n = utf8_prefix(text, SEGMENT_PIECE);
        const struct msg_llm_segment piece = {
            .role = s->role,
            .trusted = s->trusted,
            .priority = s->priority,
            .more = n < text.n,
            .text = str_sub(text, 0, n),
        };
        try(job_send(t->llm, MSG_llm_segment, &piece));
        text = str_sub(text, n, text.n);
    } while (text.n);
    return OK;
}

static enum err send_prompt(struct turn *t, struct arena *arena)
{
    struct prompt prompt;
    /* The question is in the history already; it is sent as its own, last segment. */
    struct history before = t->session->history;
    before.count--;
    const struct conf *c = t->talk->conf;
    const char *language =
        str_eq_nocase(str_of(c->language), S("auto")) ? t->language : c->language;
    const struct prompt_self self = {c->name, c->persona, language};
    try(prompt_build(arena, &self, &before, t->hits ? t->hits->hit : nullptr,
                     t->hits ? t->hits->count : 0, buf_str(&t->question), &prompt));
    const struct msg_llm_open open = {.session = str_of(t->session->id)};
    try(job_send(t->llm, MSG_llm_open, &open));
    for (size_t i = 0; i < prompt.count; i++)
        try(send_segment(t, &prompt.segment[i]));
    const struct msg_llm_generate generate = {
        .max_tokens = t->max_tokens,
        .temperature = 0.7f,
        .top_p = 0.9f,
        .top_k = 40,
        .stop_json = S("[]"),
    };
    return job_send(t->llm, MSG_llm_generate, &generate);
}

static enum err ask_model(struct turn *t)
{
    static const struct job_events events = {.message = on_message, .ended = on_ended};
    try(engine_open(t->talk->llm, &events, t, &t->llm));
    struct arena *arena = arena_create(PROMPT_ARENA);
    enum err err = arena ? send_prompt(t, arena) : ERR_NOMEM;
    arena_destroy(arena);
    return err;
}

void answer_begin(struct turn *t)
{
    waterfall_open(&t->waterfall, STAGE_ANSWER, clock_us());
    enum err err =
        history_add(&t->session->history, SAID_BY_USER, t->id, buf_str(&t->question), false);
    t->answering = err == OK;
    if (err == OK && t->talk->unanswered)
        err = ERR_CHANGING;
    if (err == OK && !t->talk->llm) {
        quote(t);
        return;
    }
    for (size_t i = 0; err == OK && t->hits && i < t->hits->count; i++)
        if (!cite(t, (uint32_t)i + 1, &t->hits->hit[i]))
            return;
    if (err == OK)
        err = ask_model(t);
    if (err != OK)
        turn_end_with(t, MOVE_FAIL, err, err_text(err));
}

void answer_drop(struct turn *t)
{
    job_cancel(t->llm);
    t->llm = nullptr;
    rag_query_end(t->query);
    t->query = nullptr;
    t->hits = nullptr;
}
