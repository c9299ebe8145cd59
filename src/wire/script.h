// SPDX-License-Identifier: Apache-2.0
/*
 * What a scripted driver is told to do, so that tests can meet every mishap of a real engine without
 * a model. The options (load's `options`, the server's *.script) are words "name=number", separated
 * by blanks or commas. A call is whatever the driver counts: an utterance, a phrase, an answer.
 *
 *     slow=20    every step takes 20 ms
 *     fail=3     the third call of the process fails
 *     hang=3     the third call hangs until it is cancelled
 *     crash=3    the third call ends the process with SIGKILL
 *     after=5    …once it has taken five steps
 *     start=500  loading takes 500 ms
 *
 * A driver adds words of its own in a table; one that takes text gets the rest of the line.
 *
 *     static const struct script_word words[] = {{"tokens", .number = &tokens}, {"text", .text = &text}};
 *     try(script_parse(&script, load->options, words, countof(words), why));
 *     …
 *     struct script_call call = script_begin(&script);
 *     try(script_step(&script, &call, canceled, arg, why));     // before each piece
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "base/str.h"

enum { SCRIPT_WHY_BYTES = 240 };

struct script {
    uint32_t slow_ms, fail, hang, crash, after, start_ms; /* const after script_parse; 0: never */
    atomic_uint calls;
};

/* Exactly one of the two is set. */
struct script_word {
    const char *name;
    uint32_t *number;
    struct buf *text; /* the rest of the options, copied */
};

/* The place of one call in the script. One thread at a time. */
struct script_call {
    uint32_t number; /* 1 for the process's first */
    uint32_t steps;  /* taken so far */
};

/* Takes as long as the script says. A driver that is real gives no script: it has its own words alone. ERR_INVALID with a sentence in `why` for a word that nobody knows or a
 * number that is none. */
enum err script_parse(struct script *script, struct str options, const struct script_word *words,
                      size_t count, char why[SCRIPT_WHY_BYTES]);
struct script_call script_begin(struct script *script);

/* Does what the script says before the next piece. ERR_CANCELED once `canceled` answers true;
 * ERR_INTERNAL with a sentence in `why` when this call is the one to fail. Any thread. */
enum err script_step(const struct script *script, struct script_call *call,
                     bool (*canceled)(void *arg), void *arg, char why[SCRIPT_WHY_BYTES]);
/* Sleeps, looking every few milliseconds. ERR_CANCELED as above. */
enum err script_wait(uint32_t ms, bool (*canceled)(void *arg), void *arg);
