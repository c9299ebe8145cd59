// SPDX-License-Identifier: Apache-2.0
/*
 * A pairing heap of embedded timers: arming allocates nothing, and a deadline that moves away (the
 * common case: a connection that stays busy) only changes due_ms; the heap learns of it when the old
 * time comes.
 */
#include "base/check.h"
#include "base/clock.h"
#include "server/loop/uv_loop.h"

static bool before(const struct timer *a, const struct timer *b)
{
    return a->key_ms != b->key_ms ? a->key_ms < b->key_ms : a->order < b->order;
}

/* Both are roots or NULL. */
static struct timer *meld(struct timer *a, struct timer *b)
{
    if (a == nullptr || b == nullptr)
        return a != nullptr ? a : b;
    if (before(b, a)) {
        struct timer *t = a;
        a = b;
        b = t;
    }
    b->next = a->child;
    if (b->next != nullptr)
        b->next->prev = b;
    b->prev = a;
    a->child = b;
    return a;
}

/* Makes one heap of a list of siblings, pair by pair, then from the last pair to the first: the two
 * passes that give the heap its logarithm. */
static struct timer *meld_siblings(struct timer *list)
{
    struct timer *pairs = nullptr;
    while (list != nullptr) {
        struct timer *a = list, *b = list->next;
        list = b != nullptr ? b->next : nullptr;
        a->next = a->prev = nullptr;
        if (b != nullptr)
            b->next = b->prev = nullptr;
        a = meld(a, b);
        a->next = pairs;
        pairs = a;
    }
    struct timer *root = nullptr;
    while (pairs != nullptr) {
        struct timer *a = pairs;
        pairs = a->next;
        a->next = nullptr;
        root = meld(root, a);
    }
    return root;
}

static void heap_add(struct loop *l, struct timer *t)
{
    t->key_ms = t->due_ms;
    t->order = ++l->timer_order;
    t->child = t->next = t->prev = nullptr;
    l->timers = meld(l->timers, t);
}

static void heap_remove(struct loop *l, struct timer *t)
{
    struct timer *children = meld_siblings(t->child);
    if (t == l->timers) {
        l->timers = children;
    } else {
        if (t->prev->child == t)
            t->prev->child = t->next;
        else
            t->prev->next = t->next;
        if (t->next != nullptr)
            t->next->prev = t->prev;
        l->timers = meld(l->timers, children);
    }
    t->child = t->next = t->prev = nullptr;
}

void timer_init(struct timer *t, struct loop *l, loop_fn fn, void *arg)
{
    *t = (struct timer){.loop = l, .fn = fn, .arg = arg};
}

void timer_start(struct timer *t, uint64_t after_ms)
{
    uint64_t now = clock_ms();
    uint64_t due = after_ms < UINT64_MAX - now ? now + after_ms : UINT64_MAX;
    if (due == 0)
        due = 1; /* 0 means "not armed"; only a frozen clock is that early */
    bool armed = timer_armed(t);
    t->due_ms = due;
    if (armed && t->key_ms <= due)
        return;
    if (armed)
        heap_remove(t->loop, t);
    heap_add(t->loop, t);
}

void timer_stop(struct timer *t)
{
    if (!timer_armed(t))
        return;
    heap_remove(t->loop, t);
    t->due_ms = 0;
}

void timers_fire(struct loop *l)
{
    uint64_t now = clock_ms();
    /* What a callback arms waits for the next step, even if it is due at once. */
    uint64_t last = l->timer_order;
    for (struct timer *t; (t = l->timers) != nullptr && t->key_ms <= now && t->order <= last;) {
        heap_remove(l, t);
        if (t->due_ms > now) {
            heap_add(l, t);
            continue;
        }
        t->due_ms = 0;
        t->fn(t->arg);
    }
}

uint64_t timers_next_ms(const struct loop *l)
{
    if (l->timers == nullptr)
        return UINT64_MAX;
    uint64_t now = clock_ms();
    return l->timers->key_ms > now ? l->timers->key_ms - now : 0;
}
