// SPDX-License-Identifier: Apache-2.0
/*
 * How many threads a step is computed with, and how they wait for each other. Threads that share a step meet at every
 * barrier, some hundred times a step: one that has to share its core with somebody else (the recogniser, a voice, a
 * program of the operator's) holds up all of them, and then fewer are faster, on two cores up to ten times. Nobody
 * tells an engine who else is there, but it shows: the process gets less of the processors than it has threads. Then
 * half of them are tried, and now and then one more; what is faster stays. After a pause all are used again.
 *
 * Threads that wait awake (decode/spin.h) lose no time by being woken, but beside others they keep just those from running
 * whom everybody waits for. So an answer's threads wait awake once a step has shown that nobody else computes. Prompts,
 * whose barriers are few, are read the other way until that is known.
 *
 * Pure; one thread at a time.
 *
 *     struct threads t = threads_of(cores);
 *     struct threads_use use = threads_use(&t, reads, clock_us());  … a step with use.count threads …
 *     threads_note(&t, &(struct threads_step){.wall_us = …, .cpu_us = …, .tokens = …, .now_us = …});
 */
#pragma once

#include <stdint.h>

struct threads_use {
    uint32_t count;
    bool awake; /* how they wait for each other */
};

struct threads_step {
    uint64_t wall_us, cpu_us; /* what it took, and how much all threads together were computing */
    /* Of answers; 0: it also read prompts, or failed, and tells nothing about speed. */
    uint32_t tokens;
    bool reads;      /* prompts, and writes no answer */
    uint64_t now_us; /* any clock */
};

struct threads {
    uint32_t now;           /* those in use for answers */
    uint32_t most, before;  /* before: of the trial that goes on; 0: none */
    struct threads_use use; /* of the present step */
    bool alone;             /* as far as is known nobody else computes */
    uint32_t crowded;       /* steps in a row in which somebody else may have computed, too */
    int64_t row_lost_us;    /* of a core, in these */
    uint64_t row_us;
    uint32_t tokens, steps;      /* of the steps that are compared; how many the trial has had */
    uint64_t usual_us, trial_us; /* a step's time before the trial; all time in it */
    uint64_t next_us, pause_us;  /* when something is tried again */
    uint64_t last_us;            /* the last step */
};

/* 1 or more. */
struct threads threads_of(uint32_t most);
/* For the step that begins now. reads: prompts, and writes no answer. */
struct threads_use threads_use(struct threads *t, bool reads, uint64_t now_us);
void threads_note(struct threads *t, const struct threads_step *step);
