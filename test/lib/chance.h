// SPDX-License-Identifier: Apache-2.0
/*
 * Sequences of events drawn by chance. Each has a seed of its own, counted up from one that is drawn anew
 * in every run and printed; SEED=n SEQUENCES=1 repeats the one that failed, FAULT=full (`make fault`) draws
 * a million. Included by one file a program.
 *
 *     for (begin_sequences(2000); next_sequence();)
 *         events[chance(countof(events))]();
 *     … cmocka_unit_test_teardown(f, tell_sequence)
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "unit.h"

static struct {
    uint64_t state;
    uint32_t seed; /* of this sequence */
    uint32_t begun, left;
    bool running;
} sequences;

enum { SEQUENCES_FULL = 1000000 };

/* Vigna's SplitMix64: seeds that follow one another have nothing in common. */
static inline uint32_t chance(uint32_t n)
{
    uint64_t z = sequences.state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (uint32_t)((z ^ z >> 31) >> 33) % n;
}

static inline uint32_t number_given(const char *name, uint32_t otherwise)
{
    const char *text = getenv(name);
    return text && *text ? (uint32_t)strtoul(text, nullptr, 10) : otherwise;
}

static inline void begin_sequences(uint32_t some)
{
    const char *fault = getenv("FAULT");
    uint32_t drawn;
    random_bytes(&drawn, sizeof drawn);
    sequences.left =
        number_given("SEQUENCES", fault && strcmp(fault, "full") == 0 ? SEQUENCES_FULL : some);
    sequences.seed = number_given("SEED", drawn);
    print_message("# %u sequences from SEED=%u on\n", sequences.left, sequences.seed);
    sequences.seed--;
}

static inline bool next_sequence(void)
{
    sequences.running = sequences.left > 0;
    if (!sequences.running)
        return false;
    sequences.left--;
    sequences.begun++;
    sequences.state = ++sequences.seed;
    return true;
}

static inline uint32_t sequences_begun(void)
{
    return sequences.begun;
}

static inline int tell_sequence(void **)
{
    if (sequences.running)
        print_message("# this one alone: SEED=%u SEQUENCES=1\n", sequences.seed);
    return 0;
}
