// SPDX-License-Identifier: Apache-2.0
/*
 * The one thread that owns sockets, sessions and turns, and never waits. libuv underneath; its
 * header stays in this folder.
 *
 * A step of the loop: wait for the kernel, a mailbox or the next timer; handle what came; run what was
 * deferred; fire the timers that are due. Everything here is called on the loop's thread (the one that called
 * loop_create and calls loop_run), except loop_post.
 *
 *     try(loop_create(&loop));
 *     timer_init(&t, loop, on_tick, me);
 *     timer_start(&t, 250);
 *     loop_run(loop);              // until loop_stop
 *     loop_destroy(loop);          // after everything that lives on it
 *
 * Timers read clock_ms(), so a test that freezes the clock (clock_fake) decides when they fire and
 * moves on with loop_step. Timers and deferred calls are embedded in their owner: arming never fails.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"

struct loop;
typedef void (*loop_fn)(void *arg);

enum err loop_create(struct loop **ret_loop);
/* Runs what is still posted, then frees. Sockets, listeners, children and lanes go before; check()s
 * that none is left. Takes NULL. */
void loop_destroy(struct loop *l);
/* Until loop_stop. */
void loop_run(struct loop *l);
/* Ends loop_run after the present step. Also before loop_run: it then returns at once. */
void loop_stop(struct loop *l);
/* One step, as above; waits at most `wait_ms` for something to happen. For tests and short-lived tools. */
void loop_step(struct loop *l, uint32_t wait_ms);

/* Any thread. `fn(arg)` runs on the loop's thread, in the order of posting. The loop's mailbox is
 * bounded: other threads wait for room (that is the back-pressure); the loop's own thread gets
 * ERR_BUSY. Post consumes `arg` on success only. ERR_CLOSED: the loop is being destroyed. */
enum err loop_post(struct loop *l, loop_fn fn, void *arg);
bool loop_on_thread(const struct loop *l); /* any thread: is this the loop's? */

/* Makes room for so many descriptors at once: libuv cannot be refused memory for them later on. Once, before
 * the loop runs. */
enum err loop_reserve(struct loop *l, uint32_t descriptors);

/* `fn(arg)` whenever the process gets `signum`; fn NULL gives the signal back. SIGPIPE is ignored
 * from loop_create on. */
enum err loop_on_signal(struct loop *l, int signum, loop_fn fn, void *arg);

/* A timer, embedded in its owner. Fires once; start it again in its callback to repeat. */
struct timer {
    struct loop *loop;
    loop_fn fn;
    void *arg;
    uint64_t due_ms; /* when it shall fire; 0: not armed */
    uint64_t key_ms; /* where it sits in the heap: never later than due_ms */
    uint64_t order;  /* equal times fire in the order of arming */
    struct timer *child, *next, *prev;
};
void timer_init(struct timer *t, struct loop *l, loop_fn fn, void *arg);
/* (Re)arms; moving a deadline further away costs nothing. Never fires inside this call. */
void timer_start(struct timer *t, uint64_t after_ms);
void timer_stop(struct timer *t); /* also of a timer that is not armed; needed before it is freed */
static inline bool timer_armed(const struct timer *t)
{
    return t->due_ms != 0;
}

/* A call put off to the end of the step, embedded in its owner; so that a callback need not
 * run inside the call that caused it. */
struct deferred {
    struct loop *loop;
    loop_fn fn;
    void *arg;
    struct deferred *next, **at; /* at NULL: not waiting */
    uint32_t step;               /* in which it yielded */
};
void deferred_init(struct deferred *d, struct loop *l, loop_fn fn, void *arg);
void deferred_call(struct deferred *d); /* runs once, however often this is called before it */
/* The same for who has had his share of this step: one after another they go on in later steps, as many as
 * a fifth of a millisecond has room for, so that a thousand of them keep nobody waiting. */
void deferred_yield(struct deferred *d);
bool loop_has_yielded(const struct loop *l); /* somebody waits in that queue */
void deferred_cancel(struct deferred *d);    /* needed before it is freed */
