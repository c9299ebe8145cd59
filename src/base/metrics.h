// SPDX-License-Identifier: Apache-2.0
/*
 * Counters, gauges and histograms in the Prometheus text format (version 0.0.4). A module declares
 * its own as plain objects and says in its header what they count; api/metrics.c lists them all.
 * Updating is lock-free and may happen on any thread; a scrape may see one update half done among
 * several metrics, never a torn number.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct counter {
    atomic_uint_fast64_t value;
};
static inline void counter_add(struct counter *c, uint64_t n)
{
    atomic_fetch_add_explicit(&c->value, n, memory_order_relaxed);
}
static inline uint64_t counter_get(const struct counter *c)
{
    return atomic_load_explicit(&c->value, memory_order_relaxed);
}

/* Durations. The bounds suit what people notice in talk: 5 ms to 10 s. */
enum { HISTOGRAM_BOUNDS = 14 };
struct histogram {
    atomic_uint_fast64_t bucket[HISTOGRAM_BOUNDS + 1]; /* not cumulative; the last is +Inf */
    atomic_uint_fast64_t sum_us;
};
void histogram_observe_us(struct histogram *h, uint64_t us);

/* "# HELP" and "# TYPE" of a family; then its samples. labels: "stage=\"retrieve\"" or "". */
enum err metrics_family(struct buf *into, const char *name, const char *type, const char *help);
enum err metrics_sample(struct buf *into, const char *name, const char *labels, double value);
enum err metrics_histogram(struct buf *into, const char *name, const char *labels,
                           const struct histogram *h);
