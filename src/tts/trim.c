// SPDX-License-Identifier: Apache-2.0
#include "tts/trim.h"

static size_t bytes_of_ms(const struct trim *t, uint32_t ms)
{
    return (size_t)t->rate_hz * ms / 1000 * sizeof(int16_t);
}

static struct str as_bytes(const int16_t *samples, size_t count)
{
    return (struct str){(const char *)samples, count * sizeof *samples};
}

void trim_begin(struct trim *t, uint32_t rate_hz)
{
    t->rate_hz = rate_hz;
    t->started = false;
    t->held.cap = (size_t)rate_hz * TRIM_PAUSE_MAX_S * sizeof(int16_t);
    buf_clear(&t->held);
}

void trim_finish(struct trim *t)
{
    buf_finish(&t->held);
}

static bool is_loud(int16_t sample)
{
    return sample > TRIM_LEVEL || sample < -TRIM_LEVEL;
}

/* Keeps the newest of the quiet samples, as many as may still be wanted. */
static enum err hold(struct trim *t, const int16_t *samples, size_t count)
{
    size_t most = t->started ? t->held.cap : bytes_of_ms(t, TRIM_LEAD_MS);
    struct str more = as_bytes(samples, count);
    if (more.n > most)
        more = str_sub(more, t->started ? 0 : more.n - most, t->started ? most : more.n);
    if (t->held.n + more.n > most) {
        if (t->started)
            more.n = most - t->held.n;
        else
            buf_eat(&t->held, t->held.n + more.n - most);
    }
    return buf_add(&t->held, more);
}

enum err trim_run(struct trim *t, const int16_t *samples, size_t count, struct buf *into)
{
    size_t first = 0, last = count; /* of what is loud: [first, last) */
    while (first < count && !is_loud(samples[first]))
        first++;
    if (first == count)
        return hold(t, samples, count);
    while (!is_loud(samples[last - 1]))
        last--;

    if (t->started) {
        try(buf_add(into, buf_str(&t->held)));
        try(buf_add(into, as_bytes(samples, last)));
    } else {
        try(hold(t, samples, first));
        try(buf_add(into, buf_str(&t->held)));
        try(buf_add(into, as_bytes(samples + first, last - first)));
        t->started = true;
    }
    buf_clear(&t->held);
    return hold(t, samples + last, count - last);
}

enum err trim_end(struct trim *t, struct buf *into)
{
    size_t keep = bytes_of_ms(t, TRIM_TAIL_MS);
    if (keep > t->held.n)
        keep = t->held.n;
    if (!t->started)
        keep = 0;
    int16_t *tail = (int16_t *)t->held.p;
    size_t count = keep / sizeof *tail, fade = count / 2;
    for (size_t i = 0; i < fade; i++)
        tail[count - fade + i] = (int16_t)(tail[count - fade + i] * (int)(fade - i) / (int)fade);
    try(buf_add(into, (struct str){t->held.p, keep}));
    t->started = false;
    buf_clear(&t->held);
    return OK;
}
