// SPDX-License-Identifier: Apache-2.0
/*
 * How many threads a step is computed with. Threads that share a step wait for each other at every barrier, some
 * hundred times a step: one that has to share its core with somebody else (the recogniser, a voice, a program of the
 * operator's) holds up all of them, and then fewer are faster, on two cores up to ten times. Nobody tells an engine
 * who else is there, but it shows: whoever computes gets less of a processor than the time that passes. Then half
 * of them are tried, and now and then one more; what is faster stays. After a pause all are used again.
 *
 * Pure; one thread at a time.
 *
 *     struct threads t = threads_of(cores);
 *     uint32_t n = threads_now(&t, clock_us());  … a step with n threads …
 *     threads_note(&t, &(struct threads_step){.wall_us = …, .cpu_us = …, .tokens = …, .now_us = …});
 */
#pragma once

#include <stdint.h>

struct threads_step {
    /* What it took, and how much of that the thread which called for it was computing. */
    uint64_t wall_us, cpu_us;
    /* Of answers; 0: it also read prompts, or failed, and tells nothing about speed. */
    uint32_t tokens;
    uint64_t now_us; /* any clock */
};

struct threads {
    uint32_t now;          /* those in use */
    uint32_t most, before; /* before: of the trial that goes on; 0: none */
    uint32_t tokens;       /* of the steps that are compared */
    uint32_t steps, crowded;
    uint64_t usual_us, trial_us; /* a step's time before the trial; all time in it */
    uint64_t next_us, pause_us;  /* when something is tried again */
    uint64_t last_us;            /* the last step */
};

/* 1 or more. */
struct threads threads_of(uint32_t most);
/* For the step that begins now. */
uint32_t threads_now(struct threads *t, uint64_t now_us);
void threads_note(struct threads *t, const struct threads_step *step);
