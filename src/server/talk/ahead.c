// SPDX-License-Identifier: Apache-2.0
/*
 * What is done before the user's words are complete. With those so far passages are looked for, and where the language
 * model has nothing else to do it reads what it will be asked: who it is, what was said before, the passages, the words
 * so far. It keeps that for the session (MSG_llm_prefill), so of the question proper it has only the rest to read.
 *
 * A model remembers beginnings, and each further word may find other passages. So those alone are read that two searches
 * in a row have found, the words not before all have settled; and what has been read stays in front, in its order, as
 * long as it is found. All of it is a wager: it is dropped without a trace when the words go on differently, gives way
 * to whoever needs the engine, and its failures are nobody's.
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

/* Those of the list to the front, in its order; how many there are. */
static size_t arrange(const struct rag_hits *hits, const struct passages *list)
{
    size_t front = 0;
    for (size_t i = 0; i < list->count; i++)
        for (size_t k = front; k < hits->count; k++) {
            if (!is_passage(&list->of[i], &hits->hit[k]))
                continue;
            struct rag_hit hit = hits->hit[k];
            memmove(&hits->hit[front + 1], &hits->hit[front], (k - front) * sizeof hit);
            hits->hit[front++] = hit;
            break;
        }
    return front;
}

void ahead_arrange(const struct turn *t, const struct rag_hits *hits)
{
    (void)arrange(hits, &t->ahead.read);
}

static bool has(const struct passages *list, const struct rag_hit *hit)
{
    for (size_t i = 0; i < list->count; i++)
        if (is_passage(&list->of[i], hit))
            return true;
    return false;
}

/* In front those that have been read, then the others that were found the last time, too; how many both are. */
static size_t settle(const struct ahead *a, const struct rag_hits *hits)
{
    size_t settled = 0;
    (void)arrange(hits, &a->last);
    (void)arrange(hits, &a->read);
    while (settled < hits->count &&
           (has(&a->read, &hits->hit[settled]) || has(&a->last, &hits->hit[settled])))
        settled++;
    return settled;
}

static void note(struct passages *list, const struct rag_hits *hits, size_t count)
{
    list->count = 0;
    for (size_t i = 0; i < count && i < PASSAGES_MAX; i++) {
        struct passage *p = &list->of[list->count++];
        p->chunk_id = hits->hit[i].chunk_id;
        snprintf(p->doc_id, sizeof p->doc_id, "%.*s", STR_FMT(hits->hit[i].doc_id));
    }
}

/* What is being read, or has been, is still what the prompt begins with. */
static bool holds(const struct ahead *a)
{
    for (size_t i = 0; i < a->read.count; i++)
        if (!a->hits || i >= a->settled || !is_passage(&a->read.of[i], &a->hits->hit[i]))
            return false;
    return true;
}

/* --- reading --- */

/* Before all passages have settled the words would be in the wrong place. */
static struct str words_to_read(const struct ahead *a)
{
    bool have_all = !a->hits || a->settled == a->hits->count;
    return have_all ? buf_str(&a->words) : S("");
}

static bool is_read(const struct ahead *a)
{
    return a->has_read && a->read.count == (a->hits ? a->settled : 0) && holds(a) &&
           str_eq(buf_str(&a->read_words), words_to_read(a));
}

static void stop_reading(struct ahead *a)
{
    job_cancel(a->reading);
    a->reading = nullptr;
}

void ahead_stop_reading(struct turn *t)
{
    stop_reading(&t->ahead);
}

static enum err send(struct turn *t)
{
    struct ahead *a = &t->ahead;
    const struct msg_llm_prefill prefill = {.max_tokens = t->max_tokens};
    struct rag_hits settled = {};
    if (a->hits)
        settled = (struct rag_hits){.hit = a->hits->hit, .count = a->settled};
    try(answer_send_prompt(t, a->reading, &t->session->history, &settled, words_to_read(a)));
    try(job_send(a->reading, MSG_llm_prefill, &prefill));
    note(&a->read, &settled, settled.count);
    a->has_read = false;
    buf_clear(&a->read_words);
    return buf_add(&a->read_words, words_to_read(a));
}

static void on_message(void *arg, enum msg_type type, const union msg *msg)
{
    (void)msg;
    struct turn *t = arg;
    if (type != MSG_llm_done)
        return;
    t->ahead.has_read = true;
    counter_add(&ahead_read, 1);
}

static void read_on(struct turn *t);

static void on_ended(void *arg, enum err err, const char *text)
{
    (void)text;
    struct turn *t = arg;
    t->ahead.reading = nullptr;
    if (err == OK)
        read_on(t);
}

/* What is being read is read to its end as long as it holds. Whether the model is free is for the engine to say. */
static void read_on(struct turn *t)
{
    static const struct job_events events = {.message = on_message, .ended = on_ended};
    struct ahead *a = &t->ahead;
    if (a->reading && holds(a))
        return;
    stop_reading(a);
    if (is_read(a) || t->wager.is_on || t->talk->unanswered || !t->talk->llm ||
        engine_open_spare(t->talk->llm, &events, t, &a->reading) != OK)
        a->reading = nullptr;
    else if (send(t) != OK)
        stop_reading(a);
}

/* --- looking --- */

/* Nothing is known for the newest words; they may be looked for again. */
static void forget_found(struct ahead *a)
{
    rag_query_end(a->found);
    a->found = nullptr;
    a->hits = nullptr;
    a->settled = 0;
    buf_clear(&a->words);
}

static void on_hits(void *arg, enum err err, const struct rag_hits *hits)
{
    struct turn *t = arg;
    struct ahead *a = &t->ahead;
    struct rag_query *query = a->looking;
    a->looking = nullptr;
    if (err != OK) {
        rag_query_end(query);
        forget_found(a);
        a->is_failed = true;
        return;
    }
    rag_query_end(a->found);
    a->found = query;
    a->hits = hits;
    a->settled = settle(a, hits);
    note(&a->last, hits, hits->count);
    if (str_eq(buf_str(&a->words), buf_str(&a->heard)))
        wager_go_on(t);
    read_on(t);
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
        read_on(t);
    } else if (rag_query(t->talk->rag, str_of(t->session->owner), words,
                         (uint32_t)t->talk->conf->rag_k, on_hits, t, &a->looking) == OK) {
        counter_add(&ahead_looked, 1);
    } else {
        a->looking = nullptr;
        a->is_failed = true;
        forget_found(a);
    }
}

/* --- the turn --- */

void ahead_hear(struct turn *t, struct str words)
{
    struct ahead *a = &t->ahead;
    if (!t->talk->conf->turn_ahead)
        return;
    a->is_failed = false;
    a->heard.cap = a->words.cap = a->read_words.cap = TURN_TEXT_MAX;
    buf_clear(&a->heard);
    enum err err = buf_add(&a->heard, buf_str(&t->question)); /* what they go on from */
    if (err == OK && t->question.n)
        err = buf_add_byte(&a->heard, ' ');
    if (err == OK)
        err = buf_add(&a->heard, str_trim(words));
    if (!wager_holds(t, buf_str(&a->heard)) || err != OK)
        wager_drop(t); /* before its passages go; or it was about to be made for fewer words */
    if (err != OK)
        ahead_drop(t);
    else if (words.n >= WORDS_MIN && t->talk->llm && !t->wager.is_on)
        look(t);
}

bool ahead_is_found(struct turn *t)
{
    struct ahead *a = &t->ahead;
    if (a->heard.n < WORDS_MIN || a->is_failed)
        return false;
    look(t);
    return !a->looking && a->heard.n >= WORDS_MIN &&
           str_eq(buf_str(&a->words), buf_str(&a->heard)) && (a->found || !t->use_rag);
}

/* The end of a sentence is no word. */
static struct str bare(struct str s)
{
    while (s.n && memchr(".?!,;:", s.p[s.n - 1], 6))
        s = str_sub(s, 0, s.n - 1);
    return s;
}

bool words_are_alike(struct str a, struct str b)
{
    return str_eq_nocase(bare(a), bare(b));
}

bool ahead_take(struct turn *t, struct str words)
{
    struct ahead *a = &t->ahead;
    bool is_looking = a->looking;
    rag_query_end(a->looking); /* for what may be other words, and late */
    a->looking = nullptr;
    if (is_looking || !a->found || !words_are_alike(words, buf_str(&a->words)))
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
    buf_finish(&a->read_words);
    *a = (struct ahead){};
}
