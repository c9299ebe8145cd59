// SPDX-License-Identifier: Apache-2.0
#include "base/metrics.h"

static const uint64_t bound_us[HISTOGRAM_BOUNDS] = {
    5000,   10000,  25000,   50000,   100000,  200000,  300000,
    500000, 700000, 1000000, 1500000, 2500000, 5000000, 10000000,
};

void histogram_observe_us(struct histogram *h, uint64_t us)
{
    int i = 0;
    while (i < HISTOGRAM_BOUNDS && us > bound_us[i])
        i++;
    atomic_fetch_add_explicit(&h->bucket[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->sum_us, us, memory_order_relaxed);
}

enum err metrics_family(struct buf *into, const char *name, const char *type, const char *help)
{
    return buf_addf(into, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

enum err metrics_sample(struct buf *into, const char *name, const char *labels, double value)
{
    if (labels[0])
        return buf_addf(into, "%s{%s} %.17g\n", name, labels, value);
    return buf_addf(into, "%s %.17g\n", name, value);
}

enum err metrics_histogram(struct buf *into, const char *name, const char *labels,
                           const struct histogram *h)
{
    const char *comma = labels[0] ? "," : "";
    uint64_t count = 0;
    for (int i = 0; i <= HISTOGRAM_BOUNDS; i++) {
        count += atomic_load_explicit(&h->bucket[i], memory_order_relaxed);
        if (i < HISTOGRAM_BOUNDS)
            try(buf_addf(into, "%s_bucket{%s%sle=\"%g\"} %llu\n", name, labels, comma,
                         (double)bound_us[i] / 1e6, (unsigned long long)count));
        else
            try(buf_addf(into, "%s_bucket{%s%sle=\"+Inf\"} %llu\n", name, labels, comma,
                         (unsigned long long)count));
    }
    double sum = (double)atomic_load_explicit(&h->sum_us, memory_order_relaxed) / 1e6;
    const char *open = labels[0] ? "{" : "", *close = labels[0] ? "}" : "";
    try(buf_addf(into, "%s_sum%s%s%s %.15g\n", name, open, labels, close, sum));
    return buf_addf(into, "%s_count%s%s%s %llu\n", name, open, labels, close,
                    (unsigned long long)count);
}
