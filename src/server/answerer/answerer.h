// SPDX-License-Identifier: Apache-2.0
/*
 * Who answers: the language model of the options or one that was chosen since, its engine, and the change from one
 * to another while turns run (change_table.h). A new model is loaded beside the old one where memory allows both, and
 * takes over once it has written a token; what the old one has begun it ends, then its engine goes. Where memory is
 * for one only, the old one goes first, and comes back when the new one fails. The owner is told who answers and
 * hands it to the turns. Loop thread only.
 *
 *     try(answerer_create(loop, conf, data, &events, self, &a, &why));
 *     answerer_now(a, &now);
 *     … answerer_prepare(a, S("llama-3.1-8b"), &why) … answerer_begin(a, &watch, other)
 *     … events.on_change(self, &now) …
 */
#pragma once

#include "server/answerer/change_table.h"
#include "server/engine/engine.h"

struct answerer;
struct conf;

struct answerer_now {
    struct engine *llm; /* NULL: the quote answerer, or nobody (`answers` tells) */
    bool takes_new;     /* questions that are asked now; false: the model is being changed */
    bool answers;       /* also those that were asked before */
};

struct answerer_events {
    void (*on_change)(void *arg, const struct answerer_now *now);
    /* The engine that answers has changed its state; one that is only being tried is not told of. */
    void (*on_state)(void *arg, struct engine *e);
    /* Turns have begun that have not asked for their answer yet. */
    bool (*is_awaited)(void *arg);
};

/* Of one change; neither is called from inside answerer_begin. */
struct answerer_watch {
    void (*progress)(void *arg, const char *state);
    /* The last call. OK: `text` is the name of the model that answers now, and `is_kept` that the next start will
     * know it; else the sentence why it does not. */
    void (*ended)(void *arg, enum err err, const char *text, bool is_kept);
};

struct answerer_why {
    char text[320];
};

/* With the model of the options, or the one that was chosen instead of them. ERR_INVALID with `why`: the options
 * cannot be; ERR_NOMEM and others: its engine cannot be started. */
enum err answerer_create(struct loop *loop, const struct conf *conf, const char *data,
                         const struct answerer_events *events, void *arg, struct answerer **ret_a,
                         struct answerer_why *ret_why);
/* Ends every job with ERR_DRAINING. Takes NULL. */
void answerer_destroy(struct answerer *a);
void answerer_now(const struct answerer *a, struct answerer_now *ret_now);
/* The server leaves: what is not complete is given up, whoever watches is told. Takes NULL. */
void answerer_drain(struct answerer *a);

/* Looks whether this one could answer: a name of models.lock, "quote", or just what llm.model says. Nothing happens
 * yet. ERR_NOTFOUND, ERR_INVALID, ERR_TOOBIG (memory), ERR_CONFLICT (another change is under way; a server elsewhere
 * answers), ERR_DRAINING and others, with a sentence. */
enum err answerer_prepare(struct answerer *a, struct str name, struct answerer_why *ret_why);
/* Begins what has just been prepared. `watch` may be NULL and outlives the change, or answerer_unwatch. */
void answerer_begin(struct answerer *a, const struct answerer_watch *watch, void *arg);
/* The change goes on without him. */
void answerer_unwatch(struct answerer *a, const void *arg);

/* Pure reading, for lists of models. Texts live until the loop's next step. */
struct answerer_info {
    const char *driver;                   /* "quote", "llama", "remote", "scripted" */
    const char *model;                    /* its name, or what llm.model says; "quote" */
    const char *change_to, *change_state; /* NULL: no change is under way */
    const char *failed, *failed_why; /* the model that last would not answer, and why; NULL: none */
};
void answerer_info(const struct answerer *a, struct answerer_info *ret_info);
/* It answers, is being loaded, still ends its answers, or is named by the options: its file must stay. */
bool answerer_holds(const struct answerer *a, struct str name);
