// SPDX-License-Identifier: Apache-2.0
/*
 * Things that are dear to make and serve one user at a time, such as decoders. The first is made by
 * pool_create, so that work can begin; a thread of the pool's own makes the others, up to the cap, and makes
 * each anew after pool_renew: a new one takes the place of an idle old one, and one that is lent goes
 * on until it is given back. For that moment there is one more than the cap; never more are lent.
 *
 *     pool_take(p, 2000, nullptr, nullptr, &item); … pool_give(p, item, true);
 *
 * Any thread, except create and destroy: alone, nothing lent.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"

enum { POOL_MAX = 64, POOL_FILL_MS = 10000 };

struct pool;

/* Without any lock held; `make` and `renewed` on one thread at a time. */
struct pool_maker {
    enum err (*make)(void *arg, void **ret_item);
    void (*destroy)(void *arg, void *item);
    /* Of one that was given back soiled; false: destroy it, another one is made. Any thread. */
    bool (*clean)(void *arg, void *item);
    /* Optional: all that is lent from now on was made after the renewal of this tag. Not called for one
     * that another has overtaken. */
    void (*renewed)(void *arg, uint32_t tag);
    void *arg;
};

/* cap: 1..POOL_MAX. Fails as the first `make` fails. */
enum err pool_create(const struct pool_maker *maker, uint32_t cap, struct pool **ret_p);
void pool_destroy(struct pool *p); /* takes NULL; waits for a `make` under way */
/* Starts the thread, if it does not run yet. The other calls do so too; a process that is locked in
 * after pool_create wants no thread before. */
void pool_fill(struct pool *p);
/* Whatever was made before is out of date. */
void pool_renew(struct pool *p, uint32_t tag);
/* Waits for an item, the newest first. `stopped` (may be NULL) is asked now and then: ERR_CANCELED
 * when it says true. ERR_BUSY when wait_ms are over; while fewer than the cap are made, POOL_FILL_MS. 0: it never waits. */
enum err pool_take(struct pool *p, uint32_t wait_ms, bool (*stopped)(void *arg), void *arg,
                   void **ret_item);
/* keep: it may be lent again; otherwise it is destroyed and another one made. */
void pool_give(struct pool *p, void *item, bool keep);
/* It is cleaned before it is lent again: by the pool's thread, or by who finds no other. */
void pool_give_soiled(struct pool *p, void *item);
