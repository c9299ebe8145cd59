// SPDX-License-Identifier: Apache-2.0
/*
 * A text that is spoken for a request: cut into clauses, sent to the synthesiser, whose sound comes back as it is made,
 * while later clauses are still computed. The routes differ in how a request and its answer look; this is what they
 * share. Loop thread only.
 *
 *     try(speaking_begin(s, &wish, &events, me, &y));
 *     … events.sound …, then events.ended, exactly once, where y is destroyed
 *
 * A text that comes in pieces is spoken as soon as a clause of it is whole:
 *
 *     try(speaking_open(s, &wish, &events, me, &y));   // of wish.text nothing is said
 *     try(speaking_text(y, piece)); … try(speaking_stop(y));
 *
 * No event fires from inside these calls, and none after speaking_destroy.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct server;
struct speaking;

struct speaking_wish {
    struct str text;
    struct str voice;  /* "": the standard one */
    struct str format; /* as tts_open has it */
    uint32_t rate_hz;
    double speed;
};

struct speaking_events {
    /* ERR_AGAIN: taken, but no more before speaking_resume; the synthesiser waits. Any other error ends it. */
    enum err (*sound)(void *arg, struct str bytes);
    /* OK: that was all. Otherwise with a sentence fit for a client, or NULL. ERR_NOTFOUND: no such voice. */
    void (*ended)(void *arg, enum err err, const char *sentence);
};

/* ERR_NOMEM, ERR_BUSY, ERR_ENGINE. */
enum err speaking_begin(struct server *s, const struct speaking_wish *wish,
                        const struct speaking_events *events, void *arg,
                        struct speaking **ret_speaking);
enum err speaking_open(struct server *s, const struct speaking_wish *wish,
                       const struct speaking_events *events, void *arg,
                       struct speaking **ret_speaking);
/* ERR_TOOBIG: more than CLAUSE_ANSWER_MAX in all; ERR_BUSY: too much of it waits; ERR_ENGINE, ERR_NOMEM. */
enum err speaking_text(struct speaking *y, struct str text);
enum err speaking_stop(struct speaking *y); /* that was all of it */
/* The client has taken what there was. */
void speaking_resume(struct speaking *y);
uint32_t speaking_samples(const struct speaking *y); /* once it has ended with OK */
void speaking_destroy(struct speaking *y);           /* takes NULL */
