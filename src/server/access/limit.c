// SPDX-License-Identifier: Apache-2.0
#include "server/access/limit.h"

#include "base/clock.h"
#include "base/mem.h"

/* Small open-addressed sets: a key may live in any of WAYS places, the fullest of which is replaced. */
enum { WAYS = 8, SETS = LIMIT_KEYS_MAX / WAYS };

struct bucket {
    char key[LIMIT_KEY_BYTES];
    uint8_t key_n; /* 0: unused */
    double tokens;
    uint64_t seen_ms;
};

struct limit {
    double capacity, per_ms;
    struct bucket bucket[SETS][WAYS];
};

enum err limit_create(uint32_t per_minute, struct limit **ret_l)
{
    struct limit *l = mem_zero(1, sizeof *l);
    if (!l)
        return ERR_NOMEM;
    l->capacity = per_minute;
    l->per_ms = per_minute / 60000.0;
    *ret_l = l;
    return OK;
}

void limit_destroy(struct limit *l)
{
    free(l);
}

static uint32_t hash(struct str key)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < key.n; i++)
        h = (h ^ (uint8_t)key.p[i]) * 16777619u;
    return h;
}

static double tokens_now(const struct limit *l, const struct bucket *b, uint64_t now)
{
    double t = b->tokens + (double)(now - b->seen_ms) * l->per_ms;
    return t < l->capacity ? t : l->capacity;
}

static struct bucket *bucket_of(struct limit *l, struct str key, uint64_t now)
{
    struct bucket *set = l->bucket[hash(key) % SETS], *best = &set[0];
    double most = -1;
    for (int i = 0; i < WAYS; i++) {
        struct bucket *b = &set[i];
        if (b->key_n == key.n && memcmp(b->key, key.p, key.n) == 0)
            return b;
        double t = b->key_n ? tokens_now(l, b, now) : l->capacity + 1;
        if (t > most) {
            most = t;
            best = b;
        }
    }
    *best = (struct bucket){.key_n = (uint8_t)key.n, .tokens = l->capacity, .seen_ms = now};
    memcpy(best->key, key.p, key.n);
    return best;
}

enum err limit_take(struct limit *l, struct str key, uint32_t *ret_wait_s)
{
    uint64_t now = clock_ms();
    struct bucket *b = bucket_of(l, str_sub(key, 0, LIMIT_KEY_BYTES), now);
    b->tokens = tokens_now(l, b, now);
    b->seen_ms = now;
    if (b->tokens < 1) {
        *ret_wait_s = 1 + (uint32_t)((1 - b->tokens) / l->per_ms / 1000);
        return ERR_RATE;
    }
    b->tokens -= 1;
    return OK;
}
