// SPDX-License-Identifier: Apache-2.0
#include "stt/window/lanes.h"

#include <stdatomic.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory_room.h"
#include "stt/pool.h"
#include "stt/window/lane.h"

enum {
    THREADS_OF_LANE = 4, /* more are hardly faster */
    LANE_WAIT_MS = 1000,
    MEMORY_SHARE = 2, /* the first part of so many of what is free is for lanes */
};

static const struct hearer *hearer; /* const after open */
static struct pool *lanes;          /* const after open */
static uint32_t threads;            /* const after open: of a lane */
static uint64_t lane_bytes;         /* const after open: that one asks for, as far as it is known */
static struct lane *first;          /* while it is opened: the pool's first one */
static bool has_failed; /* the pool's thread's: the last one could not be made, and that was said */
static atomic_uint waiting; /* for a lane, to hear for good */

/* The libraries throw, or end the program, where they are refused memory; so it is tried before. */
static enum err try_lane(struct lane **ret_lane, char why[HEARER_WHY_BYTES])
{
    if (memory_can_have(lane_bytes))
        return lane_create(hearer, ret_lane, why);
    snprintf(why, HEARER_WHY_BYTES, "there is too little memory to hear with this model");
    return ERR_NOMEM;
}

/* A further one that cannot be made is tried again each second. */
static enum err make_lane(void *, void **ret_item)
{
    char why[HEARER_WHY_BYTES] = "";
    struct lane *lane = first;
    first = nullptr;
    enum err err = lane ? OK : try_lane(&lane, why);
    if (err == OK)
        *ret_item = lane;
    else if (!has_failed)
        log_warn("one lane less: %s", why[0] ? why : err_text(err));
    has_failed = err != OK;
    return err;
}

static void destroy_lane(void *, void *item)
{
    lane_destroy(item);
}

static uint32_t lanes_of(const struct lanes_wish *w)
{
    uint32_t n = w->lanes ? w->lanes : w->threads / THREADS_OF_LANE;
    return n < 1 ? 1 : n > w->streams ? w->streams : n;
}

/* The first one is there; the others are made when somebody speaks, and then it would be too late to find out. */
static uint32_t that_fit(uint32_t count, uint64_t each_bytes)
{
    struct memory_room room;
    memory_room("", &room);
    if (!each_bytes)
        return count;
    uint64_t more = room.free_bytes / MEMORY_SHARE / each_bytes;
    return more < count - 1 ? (uint32_t)more + 1 : count;
}

enum err lanes_open(const struct lanes_wish *wish, struct lanes_facts *ret_facts,
                    char why[STT_WHY_BYTES])
{
    const struct pool_maker maker = {.make = make_lane, .destroy = destroy_lane};
    uint32_t count = lanes_of(wish);
    uint64_t before = memory_own().asked_bytes; /* what it asks for it will touch, or says not to */
    static_assert((int)STT_WHY_BYTES == (int)HEARER_WHY_BYTES);
    hearer = wish->hearer;
    uint64_t vain = hearer->vain_bytes ? hearer->vain_bytes() : 0;
    lane_bytes = vain;
    try(try_lane(&first, why));
    uint64_t with_lane = memory_own().asked_bytes;
    lane_bytes = with_lane > before ? with_lane - before : 0;
    uint64_t each = lane_bytes > vain ? lane_bytes - vain : 0;
    count = that_fit(count, each);
    enum err err = pool_create(&maker, count, &lanes);
    if (err != OK) {
        lane_destroy(first);
        first = nullptr;
        return err;
    }
    threads = wish->threads / count ? wish->threads / count : 1;
    *ret_facts = (struct lanes_facts){.lanes = count, .threads = threads, .memory_bytes = each};
    return OK;
}

void lanes_close(void)
{
    pool_destroy(lanes);
    lanes = nullptr;
}

static enum err wait_for_lane(const struct stt_request *r, void **ret_lane)
{
    enum err err;
    atomic_fetch_add(&waiting, 1);
    r->rest(r->arg);
    do
        err = pool_take(lanes, LANE_WAIT_MS, r->stopped, r->arg, ret_lane);
    while (err == ERR_BUSY);
    r->resume(r->arg);
    atomic_fetch_sub(&waiting, 1);
    return err;
}

static enum err take_lane(const struct stt_request *r, bool for_good, void **ret_lane)
{
    if (for_good)
        return wait_for_lane(r, ret_lane);
    return atomic_load(&waiting) ? ERR_BUSY : pool_take(lanes, 0, r->stopped, r->arg, ret_lane);
}

enum err lanes_hear(const struct stt_request *request, struct hearing *window, bool for_good,
                    struct heard *heard, uint64_t *ret_took_us)
{
    void *lane;
    window->threads = threads;
    window->stopped = request->stopped;
    window->arg = request->arg;
    try(take_lane(request, for_good, &lane));
    uint64_t from = clock_us();
    enum err err = lane_hear(lane, window, heard, request->why);
    pool_give(lanes, lane, true);
    try(err);
    *ret_took_us = clock_us() - from;
    return OK;
}
