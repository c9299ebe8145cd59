// SPDX-License-Identifier: Apache-2.0
#include "server/talk/recent.h"

/* What is not needed is let go of in pieces, so that not every addition moves everything. */
enum { FORGET_BYTES = 16 * 1024 };

void recent_init(struct recent *r, size_t max_samples)
{
    *r = (struct recent){.max = max_samples};
    r->samples = BUF(SIZE_MAX / 2); /* recent_add sees to it */
}

void recent_finish(struct recent *r)
{
    buf_finish(&r->samples);
}

static size_t kept(const struct recent *r)
{
    return r->samples.n / sizeof(int16_t);
}

uint64_t recent_end(const struct recent *r)
{
    return r->begin + kept(r);
}

static void drop(struct recent *r, uint64_t before)
{
    size_t n = (size_t)(before - r->begin);
    buf_eat(&r->samples, n * sizeof(int16_t));
    r->begin = before;
}

enum err recent_add(struct recent *r, const int16_t *samples, size_t count)
{
    size_t n = count < r->max ? count : r->max;
    uint64_t end = recent_end(r) + count;
    if (kept(r) + count > r->max)
        drop(r, n == r->max ? recent_end(r) : end - r->max);
    enum err err = buf_add(
        &r->samples, (struct str){(const char *)(samples + (count - n)), n * sizeof *samples});
    if (err != OK)
        buf_finish(&r->samples);
    r->begin = end - kept(r);
    return err;
}

void recent_forget(struct recent *r, uint64_t from)
{
    if (from > recent_end(r))
        from = recent_end(r);
    if (from > r->begin && (from - r->begin) * sizeof(int16_t) >= FORGET_BYTES)
        drop(r, from);
}

const int16_t *recent_since(const struct recent *r, uint64_t from, size_t *ret_count)
{
    if (from < r->begin)
        from = r->begin;
    if (from > recent_end(r))
        from = recent_end(r);
    *ret_count = (size_t)(recent_end(r) - from);
    return (const int16_t *)r->samples.p + (from - r->begin);
}
