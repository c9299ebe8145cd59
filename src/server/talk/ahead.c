// SPDX-License-Identifier: Apache-2.0
/*
 * What is done before the user's words are complete. With those so far passages are looked for, and where the language
 * model has nothing else to do it reads what it will be asked: who it is, what was said before, the passages, the words
 * so far. It keeps that for the session (MSG_llm_prefill), so of the question proper it has only the rest to read. More
 * words find other passages, or the same in another order; those that have been read stay in front, in their order,
 * since a model remembers beginnings. All of it is a wager: it is dropped without a trace when the words go on
 * differently, gives way to whoever needs the engine, and its failures are nobody's.
 */
#include <stdio.h>

#include "base/conf.h"
#include "server/engine/engine.h"
#include "server/rag/rag.h"
#include "server/talk/turn_parts.h"

enum { WORDS_MIN = 8 }; /* bytes: fewer say nothing of what is asked */

struct counter ahead_looked, ahead_used, ahead_read;

static void look(struct turn *t);

/* --- passages --- */

static bool is_passage(const struct passage *p, const struct rag_hit *hit)
{
    return p->chunk_id == hit->chunk_id && str_eq(str_of(p->doc_id), hit->doc_id);
}

void ahead_arrange(const struct turn *t, const struct rag_hits *hits)
{
    const struct ahead *a = &t->ahead;
    size_t front = 0;
    for (size_t i = 0; i < a->read_count; i++)
        for (size_t k = front; k < hits->count; k++) {
            if (!is_passage(&a->read[i], &hits->hit[k]))
                continue;
            struct rag_hit hit = hits->hit[k];
            memmove(&hits->hit[front + 1], &hits->hit[front], (k - front) * sizeof hit);
            hits->hit[front++] = hit;
            break;
        }
}

static bool are_read(const struct ahead *a, const struct rag_hits *hits)
{
    size_t count = hits->count < PASSAGES_MAX ? hits->count : PASSAGES_MAX;
    bool is = a->read_count == count;
    for (size_t i = 0; is && i < count; i++)
        is = is_passage(&a->read[i], &hits->hit[i]);
    return is;
}

static void note_passages(struct ahead *a)
{
    a->read_count = 0;
    for (size_t i = 0; a->hits && i < a->hits->count && i < PASSAGES_MAX; i++) {
        struct passage *p = &a->read[a->read_count++];
        p->chunk_id = a->hits->hit[i].chunk_id;
        snprintf(p->doc_id, sizeof p->doc_id, "%.*s", STR_FMT(a->hits->hit[i].doc_id));
    }
}

/* --- reading --- */

static void on_message(void *arg, enum msg_type type, const union msg *msg)
{
    (void)arg, (void)msg;
    if (type == MSG_llm_done)
        counter_add(&ahead_read, 1);
}

static void on_ended(void *arg, enum err err, const char *text)
{
    (void)text;
    struct turn *t = arg;
    t->ahead.reading = nullptr;
    if (err == OK)
        look(t);
}

static enum err send(struct turn *t)
{
    const struct ahead *a = &t->ahead;
    const struct msg_llm_prefill prefill = {.max_tokens = t->max_tokens};
    try(answer_send_prompt(t, a->reading, &t->session->history, a->hits, buf_str(&a->words)));
    return job_send(a->reading, MSG_llm_prefill, &prefill);
}

static void stop_reading(struct ahead *a)
{
    job_cancel(a->reading);
    a->reading = nullptr;
}

/* Whether the model is free to is for the engine to say. */
static void begin_reading(struct turn *t)
{
    static const struct job_events events = {.message = on_message, .ended = on_ended};
    struct ahead *a = &t->ahead;
    stop_reading(a);
    if (t->talk->unanswered || !t->talk->llm ||
        engine_open_spare(t->talk->llm, &events, t, &a->reading) != OK)
        a->reading = nullptr;
    else if (send(t) != OK)
        stop_reading(a);
    else
        note_passages(a);
}

/* --- looking --- */

/* A prompt whose passages stay is read to its end before the next one, which goes on from there. */
static void on_hits(void *arg, enum err err, const struct rag_hits *hits)
{
    struct turn *t = arg;
    struct ahead *a = &t->ahead;
    struct rag_query *query = a->looking;
    a->looking = nullptr;
    if (err != OK) {
        rag_query_end(query);
        return;
    }
    rag_query_end(a->found);
    a->found = query;
    a->hits = hits;
    ahead_arrange(t, hits);
    if (!a->reading || !are_read(a, hits))
        begin_reading(t);
    look(t);
}

/* For the newest words, one question after another. */
static void look(struct turn *t)
{
    struct ahead *a = &t->ahead;
    struct str words = buf_str(&a->heard);
    if (a->looking || str_eq(words, buf_str(&a->words)))
        return;
    buf_clear(&a->words);
    if (buf_add(&a->words, words) != OK) {
        ahead_drop(t);
        return;
    }
    if (!t->use_rag) {
        if (!a->reading)
            begin_reading(t);
        return;
    }
    if (rag_query(t->talk->rag, str_of(t->session->owner), words, (uint32_t)t->talk->conf->rag_k,
                  on_hits, t, &a->looking) != OK)
        a->looking = nullptr;
    else
        counter_add(&ahead_looked, 1);
}

/* --- the turn --- */

void ahead_hear(struct turn *t, struct str words)
{
    struct ahead *a = &t->ahead;
    if (!t->talk->conf->turn_ahead || !t->talk->llm)
        return;
    a->heard.cap = a->words.cap = TURN_TEXT_MAX;
    buf_clear(&a->heard);
    enum err err = buf_add(&a->heard, buf_str(&t->question)); /* what they go on from */
    if (err == OK && t->question.n)
        err = buf_add_byte(&a->heard, ' ');
    if (err == OK)
        err = buf_add(&a->heard, str_trim(words));
    if (err != OK)
        ahead_drop(t);
    else if (words.n >= WORDS_MIN)
        look(t);
}

/* The end of a sentence is no word. */
static struct str bare(struct str s)
{
    while (s.n && memchr(".?!,;:", s.p[s.n - 1], 6))
        s = str_sub(s, 0, s.n - 1);
    return s;
}

bool ahead_take(struct turn *t, struct str words)
{
    struct ahead *a = &t->ahead;
    if (a->looking || !a->found || !str_eq_nocase(bare(words), bare(buf_str(&a->words))))
        return false;
    counter_add(&ahead_used, 1);
    t->query = a->found;
    t->hits = a->hits;
    a->found = nullptr;
    a->hits = nullptr;
    return true;
}

void ahead_drop(struct turn *t)
{
    struct ahead *a = &t->ahead;
    stop_reading(a);
    rag_query_end(a->looking);
    rag_query_end(a->found);
    buf_finish(&a->heard);
    buf_finish(&a->words);
    *a = (struct ahead){};
}
