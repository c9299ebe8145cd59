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
    ahead_arrange(t, hits);
    turn_move(t, MOVE_PASSAGES);
}

void retrieve_begin(struct turn *t)
{
    if (!wager_holds(t, buf_str(&t->question)))
        wager_drop(t);
    if (!t->use_rag) {
        turn_move(t, MOVE_PASSAGES);
        return;
    }
    waterfall_open(&t->waterfall, STAGE_RETRIEVE, clock_us());
    if (ahead_take(t, buf_str(&t->question))) {
        waterfall_close(&t->waterfall, STAGE_RETRIEVE, clock_us());
        turn_move(t, MOVE_PASSAGES);
        return;
    }
    wager_drop(t); /* it had other passages */
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

bool answer_cite_all(struct turn *t)
{
    for (size_t i = 0; t->hits && i < t->hits->count; i++)
        if (!cite(t, (uint32_t)i + 1, &t->hits->hit[i]))
            return false;
    return true;
}

bool answer_cite_quoted(struct turn *t, const struct quote *q)
{
    for (size_t i = 0; i < q->cited_count; i++)
        if (!cite(t, (uint32_t)i + 1, &t->hits->hit[q->cited[i]]))
            return false;
    return true;
}

/* --- tokens --- */

bool answer_show(struct turn *t, struct str text, uint32_t tokens)
{
    uint64_t now = clock_us();
    waterfall_close(&t->waterfall, STAGE_ANSWER, now);
    waterfall_open(&t->waterfall, STAGE_GENERATE, now);
    waterfall_open(&t->waterfall, STAGE_CLAUSE, now);
    counter_add(&tokens_generated, tokens);
    if (t->sink && t->sink->token)
        t->sink->token(t->arg, t, text);
    return t->state != TURN_ENDED;
}

/* One piece of the answer, from whoever answers. */
static bool say(struct turn *t, struct str text)
{
    t->usage.completion_tokens++;
    if (t->wager.is_on) {
        if (speak_text(t, text) != OK)
            wager_drop(t);
        return true;
    }
    if (!answer_show(t, text, 1))
        return false;
    enum err err = speak_text(t, text);
    if (err != OK)
        turn_end_with(t, MOVE_FAIL, err, err_text(err));
    return t->state != TURN_ENDED;
}

void answer_is_complete(struct turn *t)
{
    if (t->wager.is_on) {
        t->wager.is_answered = true;
        if (speak_no_more(t) != OK)
            wager_drop(t);
        return;
    }
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

enum err answer_quote(const struct turn *t, struct quote *ret_q)
{
    static const struct rag_hits none = {};
    static const struct str without =
        S("No language model is installed, so I can only answer from your documents. "
          "Please switch the knowledge base on.");
    quote_init(ret_q);
    return t->use_rag ? quote_answer(ret_q, t->hits ? t->hits : &none)
                      : buf_add(&ret_q->text, without);
}

static void quote(struct turn *t)
{
    struct quote q;
    enum err err = answer_quote(t, &q);
    bool alive = err == OK && answer_cite_quoted(t, &q);
    if (alive)
        alive = say_words(t, buf_str(&q.text));
    quote_finish(&q);
    if (err != OK)
        turn_end_with(t, MOVE_FAIL, err, err_text(err));
    else if (alive)
        answer_is_complete(t);
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
        answer_is_complete(t);
    }
}

static void on_ended(void *arg, enum err err, const char *text)
{
    struct turn *t = arg;
    t->llm = nullptr;
    if (err != OK && t->wager.is_on)
        wager_drop(t);
    else if (err != OK)
        turn_end_with(t, MOVE_FAIL, err, text);
}

static enum err send_segment(struct job *j, const struct segment *s)
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
        try(job_send(j, MSG_llm_segment, &piece));
        text = str_sub(text, n, text.n);
    } while (text.n);
    return OK;
}

const char *answer_language(const struct turn *t)
{
    const char *told = t->talk->conf->language;
    return str_eq_nocase(str_of(told), S("auto")) ? t->language : told;
}

static enum err send_prompt(struct turn *t, struct job *j, const struct history *before,
                            const struct rag_hits *hits, struct str question, struct arena *arena)
{
    struct prompt prompt;
    const struct conf *c = t->talk->conf;
    const struct prompt_self self = {c->name, c->persona, answer_language(t)};
    try(prompt_build(arena, &self, before, hits ? hits->hit : nullptr, hits ? hits->count : 0,
                     question, &prompt));
    const struct msg_llm_open open = {.session = str_of(t->session->id)};
    try(job_send(j, MSG_llm_open, &open));
    for (size_t i = 0; i < prompt.count; i++)
        try(send_segment(j, &prompt.segment[i]));
    return OK;
}

enum err answer_send_prompt(struct turn *t, struct job *j, const struct history *before,
                            const struct rag_hits *hits, struct str question)
{
    struct arena *arena = arena_create(PROMPT_ARENA);
    enum err err = arena ? send_prompt(t, j, before, hits, question, arena) : ERR_NOMEM;
    arena_destroy(arena);
    return err;
}

static const struct job_events model_events = {.message = on_message, .ended = on_ended};

static enum err send_question(struct turn *t, const struct history *before, struct str question)
{
    try(answer_send_prompt(t, t->llm, before, t->hits, question));
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
    /* The question is in the history already; it is sent as its own, last segment. */
    struct history before = t->session->history;
    before.count--;
    ahead_drop(t); /* what was read stays with the session */
    try(engine_open(t->talk->llm, &model_events, t, &t->llm));
    return send_question(t, &before, buf_str(&t->question));
}

enum err answer_ask_ahead(struct turn *t, struct str question)
{
    if (!engine_is_spare(t->talk->llm))
        return ERR_BUSY;
    ahead_stop_reading(t); /* it may have the only slot */
    try(engine_open_spare(t->talk->llm, &model_events, t, &t->llm));
    return send_question(t, &t->session->history, question);
}

void answer_begin(struct turn *t)
{
    waterfall_open(&t->waterfall, STAGE_ANSWER, clock_us());
    enum err err =
        history_add(&t->session->history, SAID_BY_USER, t->id, buf_str(&t->question), false);
    t->answering = err == OK;
    if (err == OK && t->talk->unanswered)
        err = ERR_CHANGING;
    if (err == OK && t->wager.is_on) {
        wager_cash(t);
        return;
    }
    if (err == OK && !t->talk->llm) {
        quote(t);
        return;
    }
    if (err == OK && !answer_cite_all(t))
        return;
    if (err == OK)
        err = ask_model(t);
    if (err != OK)
        turn_end_with(t, MOVE_FAIL, err, err_text(err));
}

void answer_drop(struct turn *t)
{
    ahead_drop(t);
    job_cancel(t->llm);
    t->llm = nullptr;
    rag_query_end(t->query);
    t->query = nullptr;
    t->hits = nullptr;
}
