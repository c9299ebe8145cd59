// SPDX-License-Identifier: Apache-2.0
/* What the files of this folder share, and the only header that knows libuv. */
#pragma once

#include <pthread.h>
#include <uv.h>

#include "server/loop/loop.h"
#include "server/loop/mailbox.h"

constexpr uint32_t LOOP_READ_BYTES = 64 * 1024;

struct loop_signal;

struct loop { /* everything: loop thread, but box */
    uv_loop_t uv;
    uv_async_t wake;
    uv_poll_t reserve;        /* see loop_reserve */
    uv_timer_t alarm;         /* ends a step's waiting when the next timer is due */
    uint64_t alarm_ms;        /* what it is set to: key of a timer; 0: not set */
    pthread_t thread;         /* const */
    struct mailbox *box;      /* any thread */
    const struct mail *mails; /* detached from box, being handled */
    uint32_t mail_at, mail_count;
    struct timer *timers; /* heap */
    uint64_t timer_order;
    struct deferred *deferred, **deferred_end, *yielded, **yielded_end;
    struct loop_signal *signals;
    uint32_t live; /* sockets, listeners, children, lanes that nobody has closed yet */
    uint32_t step; /* its number; goes round */
    bool stopping;
    char read_bytes[LOOP_READ_BYTES]; /* one read at a time, so one buffer for all sockets */
};

/* timer.c */
void timers_fire(struct loop *l);
uint64_t timers_next_ms(const struct loop *l); /* from now; UINT64_MAX: none */

/* loop.c */
enum err err_from_uv(int status); /* status < 0 */
/* libuv stops the program when the kernel cannot watch one descriptor more (no memory, too many watched).
 * After this it finds the descriptor watched already. */
enum err loop_make_watchable(struct loop *l, int fd);
void loop_handle_mail(struct loop *l);
void loop_wait_mail(struct loop *l); /* handles what is detached, else waits for mail */
