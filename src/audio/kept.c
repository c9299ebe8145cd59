// SPDX-License-Identifier: Apache-2.0
#include "audio/kept.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

struct kept_sound {
    struct kept_sound *next;
    char text[KEPT_TEXT_MAX];
    size_t text_n;
    float speed;
    uint32_t rate_hz;
    uint64_t until_ms;
    struct buf samples;
};

enum { ENTRY_BYTES = 8192 }; /* besides its sound, so that there are not too many to look through */

static size_t cost(const struct buf *samples)
{
    return samples->n + ENTRY_BYTES;
}

static struct kept_sound *unlink_at(struct kept_sounds *k, struct kept_sound **at)
{
    struct kept_sound *e = *at;
    *at = e->next;
    k->bytes -= cost(&e->samples);
    return e;
}

static void drop(struct kept_sounds *k, struct kept_sound **at)
{
    struct kept_sound *e = unlink_at(k, at);
    buf_finish(&e->samples);
    free(e);
}

static void push(struct kept_sounds *k, struct kept_sound *e)
{
    e->next = k->first;
    k->first = e;
    k->bytes += cost(&e->samples);
}

void kept_clear(struct kept_sounds *k)
{
    while (k->first)
        drop(k, &k->first);
    memset(k->counts, 0, sizeof k->counts);
}

/* May this text be kept at all? */
static bool suits(struct str text)
{
    return text.n && text.n <= KEPT_TEXT_MAX;
}

bool kept_wants(struct kept_sounds *k, struct str text, float speed, uint64_t job)
{
    if (!suits(text))
        return false;
    uint64_t hash = str_hash(text) ^ str_hash((struct str){(const char *)&speed, sizeof speed});
    struct kept_count *c = &k->counts[hash % KEPT_COUNTED];
    if (c->jobs == 0 || c->hash != hash || clock_ms() >= c->until_ms)
        *c = (struct kept_count){
            .hash = hash, .job = job, .until_ms = clock_ms() + KEPT_MS, .jobs = 1};
    if (c->job != job) {
        c->job = job;
        c->jobs += c->jobs < KEPT_JOBS;
    }
    return c->jobs >= KEPT_JOBS;
}

static void note_sooner(uint64_t *left_ms, uint64_t until_ms, uint64_t now_ms)
{
    if (*left_ms == 0 || until_ms - now_ms < *left_ms)
        *left_ms = until_ms - now_ms;
}

uint64_t kept_purge(struct kept_sounds *k)
{
    uint64_t now = clock_ms(), left = 0;
    for (struct kept_sound **at = &k->first; *at;) {
        if (now >= (*at)->until_ms) {
            drop(k, at);
        } else {
            note_sooner(&left, (*at)->until_ms, now);
            at = &(*at)->next;
        }
    }
    for (size_t i = 0; i < KEPT_COUNTED; i++) {
        struct kept_count *c = &k->counts[i];
        if (c->jobs && now >= c->until_ms)
            *c = (struct kept_count){};
        else if (c->jobs)
            note_sooner(&left, c->until_ms, now);
    }
    return left;
}

static struct kept_sound **find(struct kept_sounds *k, struct str text, float speed)
{
    struct kept_sound **at = &k->first;
    while (*at &&
           !((*at)->speed == speed && str_eq((struct str){(*at)->text, (*at)->text_n}, text)))
        at = &(*at)->next;
    return at;
}

const struct buf *kept_find(struct kept_sounds *k, struct str text, float speed,
                            uint32_t *ret_rate_hz)
{
    struct kept_sound **at = find(k, text, speed);
    if (!*at)
        return nullptr;
    if (clock_ms() >= (*at)->until_ms) {
        drop(k, at);
        return nullptr;
    }
    struct kept_sound *e = unlink_at(k, at);
    push(k, e);
    *ret_rate_hz = e->rate_hz;
    return &e->samples;
}

static void drop_last(struct kept_sounds *k)
{
    struct kept_sound **at = &k->first;
    while ((*at)->next)
        at = &(*at)->next;
    drop(k, at);
}

void kept_add(struct kept_sounds *k, struct str text, float speed, uint32_t rate_hz,
              struct buf *samples)
{
    if (!suits(text) || !samples->n || samples->n > KEPT_SOUND_MAX)
        return;
    struct kept_sound **same = find(k, text, speed);
    if (*same)
        drop(k, same);
    struct kept_sound *e = mem_zero(1, sizeof *e);
    if (!e)
        return;
    while (k->first && k->bytes + cost(samples) > KEPT_BYTES_MAX)
        drop_last(k);
    memcpy(e->text, text.p, text.n);
    e->text_n = text.n;
    e->speed = speed;
    e->rate_hz = rate_hz;
    e->until_ms = clock_ms() + KEPT_MS;
    e->samples = *samples;
    *samples = BUF(samples->cap);
    push(k, e);
}
