// SPDX-License-Identifier: Apache-2.0
/*
 * The answer before it is sure that it is wanted. In the silence after which somebody has probably finished, what is done
 * in answer to the words so far is begun: the model writes, and its first clause becomes sound. All of that is done by
 * the turn's own jobs, but nothing leaves it. When the turn's words turn out to be those, what there is leaves at once
 * and the answer goes on from there; else, or when he goes on, it is dropped without a trace.
 *
 * It is a wager as in ahead.c: its jobs are spare ones, which begin only where nobody else is served and give their slots up
 * to whoever needs one; nothing is asked of a server elsewhere; no more than one clause of it is synthesised; and its
 * failures are nobody's.
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/conf.h"
#include "server/engine/engine.h"
#include "server/talk/turn_parts.h"

enum { WAGERS_MAX = 8 }; /* of a turn: who stops so often will do so again */

struct counter wagers_made, wagers_won;

static void forget(struct wager *w)
{
    quote_finish(&w->quote);
    buf_finish(&w->words);
    *w = (struct wager){.count = w->count};
}

void wager_drop(struct turn *t)
{
    bool was_on = t->wager.is_on;
    forget(&t->wager);
    if (!was_on)
        return;
    job_cancel(t->llm);
    t->llm = nullptr;
    t->hits = nullptr; /* ahead's */
    t->usage = (struct turn_usage){};
    speak_forget(t);
}

/* --- it is made --- */

static enum err begin_quote(struct turn *t)
{
    struct quote *q = &t->wager.quote;
    t->wager.is_quote = t->wager.is_answered = true;
    try(answer_quote(t, q));
    t->usage.completion_tokens = 1;
    for (size_t i = 0; i < q->text.n; i++)
        t->usage.completion_tokens += q->text.p[i] == ' ';
    try(speak_text(t, buf_str(&q->text)));
    return speak_no_more(t);
}

static enum err begin_answer(struct turn *t)
{
    struct wager *w = &t->wager;
    w->words.cap = TURN_TEXT_MAX;
    try(buf_add(&w->words, buf_str(&t->ahead.heard)));
    return t->talk->llm ? answer_ask_ahead(t, buf_str(&w->words)) : begin_quote(t);
}

static void make(struct turn *t)
{
    struct wager *w = &t->wager;
    t->hits = t->ahead.hits;
    w->is_on = true;
    w->begun_us = clock_us();
    snprintf(w->language, sizeof w->language, "%s", answer_language(t));
    if (begin_answer(t) != OK) {
        wager_drop(t);
        return;
    }
    w->count++;
    counter_add(&wagers_made, 1);
}

void wager_go_on(struct turn *t)
{
    const struct wager *w = &t->wager;
    const bool is_possible = t->state == TURN_LISTENING && !t->talk->unanswered &&
                             !t->talk->changing && !t->held && w->count < WAGERS_MAX;
    if (w->is_wanted && !w->is_on && is_possible && ahead_is_found(t))
        make(t);
}

void turn_expect_stop(struct turn *t)
{
    if (!t->talk->conf->turn_ahead)
        return;
    t->wager.is_wanted = true;
    wager_go_on(t);
}

void turn_goes_on(struct turn *t)
{
    if (t->state == TURN_LISTENING)
        wager_drop(t);
}

/* --- it is decided --- */

bool wager_holds(const struct turn *t, struct str words)
{
    const struct wager *w = &t->wager;
    return w->is_on && w->is_quote == !t->talk->llm && words_are_alike(words, buf_str(&w->words)) &&
           strncmp(w->language, answer_language(t), sizeof w->language - 1) == 0;
}

/* A model was given all of the passages. */
static bool cite(struct turn *t)
{
    return t->wager.is_quote ? answer_cite_quoted(t, &t->wager.quote) : answer_cite_all(t);
}

void wager_cash(struct turn *t)
{
    struct wager *w = &t->wager;
    const bool is_answered = w->is_answered;
    counter_add(&wagers_won, 1);
    t->waterfall.ahead_us = w->begun_us;
    job_claim(t->llm);
    job_claim(t->tts);
    ahead_drop(t); /* the turn has the passages */
    if (!cite(t))
        return; /* it has ended, and been dropped */
    forget(w);
    struct str text = buf_str(&t->clauses.text);
    if (text.n && !answer_show(t, text, t->usage.completion_tokens))
        return;
    speak_on(t);
    if (is_answered && t->state == TURN_ANSWERING)
        answer_is_complete(t);
}
