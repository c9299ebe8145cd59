// SPDX-License-Identifier: Apache-2.0
/* The inside of the answerer, shared by its files: answerer.c (its life, what may be chosen) and change.c (the
 * engines and the moves of the table). Nobody else includes it but their tests. */
#pragma once

#include "server/answerer/answerer.h"
#include "server/answerer/language_model.h"
#include "server/loop/loop.h"

enum { LEAVING_MAX = 4 }; /* engines that still end answers; each holds a model */

/* One who can answer. `config` points into `memory`, so a spec is never copied. */
struct spec {
    bool is_quote, is_told; /* told: by the options */
    struct language_model memory;
    struct engine_config config;
};

struct leaving {
    struct engine *engine;
    uint32_t restarts; /* when it was dismissed; none follows */
    uint64_t until_ms;
    char name[MODEL_NAME_MAX + 1];
};

struct answerer {
    struct loop *loop;
    const struct conf *conf;
    const char *data;
    const struct answerer_events *events;
    void *arg;

    enum change state;
    uint64_t until_ms; /* its time; 0: for ever */
    struct engine
        *llm; /* who answers, or shall soon; NULL: the quote answerer, or none could be started */
    struct engine *fresh;             /* LOADING, WARMING: the new one, beside llm */
    struct spec spec[2], *now, *next; /* the two; next: what is tried */
    struct leaving leaving[LEAVING_MAX];
    size_t leaving_count;

    bool is_asked,
        is_apart; /* the change begins in the loop's next step; with both models, or one */
    bool draining;
    struct job *warming; /* the first token of the new one */
    enum err warm_err;   /* how that ended */
    char warm_text[240];
    enum err fail_err; /* why this change fails; OK: it does not */
    char fail_text[280];
    char failed[MODEL_NAME_MAX + 1], failed_why[280]; /* of the last change that failed; "": none */

    bool told_quote;                    /* the options name the quote answerer */
    char told_name[MODEL_NAME_MAX + 1]; /* or this model; "": none of models.lock */
    const struct answerer_watch *watch;
    void *watch_arg;
    struct timer tick;
    struct deferred look;
};

/* The same file, with the same bytes, or both the quote answerer. */
bool spec_is_same(const struct spec *a, const struct spec *b);
/* "quote", the model's name, or what llm.model says. Good as long as the spec. */
const char *spec_name(const struct answerer *a, const struct spec *s);

/* change.c */
void change_init(struct answerer *a);
void change_take(struct answerer *a, enum change_move move);
/* Starts the engine of a spec. */
enum err change_create(struct answerer *a, const struct spec *s, struct engine **into);
/* Why it fails: of several reasons the first one counts. */
void change_note(struct answerer *a, enum err err, const char *text);
/* Who is asked for answers already. */
bool change_is_needless(const struct answerer *a);
/* Whoever watches is told that it is over. */
void change_tell_end(struct answerer *a, bool is_kept);
