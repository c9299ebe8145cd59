// SPDX-License-Identifier: Apache-2.0
#include "server/loop/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "server/loop/uv_loop.h"
#include "wire/libcrypto.h"

constexpr uint32_t LOOP_MAILS = 4096;
constexpr uint64_t YIELDED_US = 200; /* in each step; a turn takes several steps */

struct loop_signal {
    uv_signal_t uv;
    loop_fn fn;
    void *arg;
    struct loop_signal *next;
};

enum err err_from_uv(int status)
{
    check(status < 0);
    return status == UV_EOF ? ERR_CLOSED : err_from_errno(-status);
}

enum err loop_make_watchable(struct loop *l, int fd)
{
    struct epoll_event nothing = {.data.fd = fd};
    if (epoll_ctl(uv_backend_fd(&l->uv), EPOLL_CTL_ADD, fd, &nothing) == 0 || errno == EEXIST)
        return OK;
    return errno == ENOSPC ? ERR_BUSY
                           : err_from_errno(errno); /* the place that lacks is not the disk's */
}

static void on_wake(uv_async_t *wake)
{
    loop_handle_mail(wake->data);
}

static void on_alarm(uv_timer_t *alarm)
{
    struct loop *l = alarm->data;
    l->alarm_ms = 0;
}

static void wake_loop(void *arg)
{
    struct loop *l = arg;
    uv_async_send(&l->wake);
}

enum err loop_create(struct loop **ret_loop)
{
    struct loop *l = mem_zero(1, sizeof *l);
    if (l == nullptr)
        return ERR_NOMEM;
    l->thread = pthread_self();
    libcrypto_prepare();
    l->deferred_end = &l->deferred;
    l->yielded_end = &l->yielded;
    enum err err = mailbox_create(LOOP_MAILS, wake_loop, l, &l->box);
    if (err != OK)
        goto no_box;
    int status = uv_loop_init(&l->uv);
    if (status < 0)
        goto no_uv;
    status = uv_async_init(&l->uv, &l->wake, on_wake);
    if (status < 0)
        goto no_async;
    uv_timer_init(&l->uv, &l->alarm);
    l->wake.data = l->alarm.data = l;
    signal(SIGPIPE, SIG_IGN);
    *ret_loop = l;
    return OK;

no_async:
    uv_loop_close(&l->uv);
no_uv:
    err = err_from_uv(status);
    mailbox_destroy(l->box);
no_box:
    free(l);
    return err;
}

void loop_destroy(struct loop *l)
{
    if (l == nullptr)
        return;
    mailbox_close(l->box);
    loop_handle_mail(l);
    check(l->live == 0);
    check(l->timers == nullptr && l->deferred == nullptr && l->yielded == nullptr);
    while (l->signals != nullptr)
        check(loop_on_signal(l, l->signals->uv.signum, nullptr, nullptr) == OK);
    uv_close((uv_handle_t *)&l->wake, nullptr);
    uv_close((uv_handle_t *)&l->alarm, nullptr);
    uv_run(&l->uv,
           UV_RUN_DEFAULT); /* until the last handle has closed and the last child is reaped */
    check(uv_loop_close(&l->uv) == 0);
    mailbox_destroy(l->box);
    free(l);
}

static void nothing_came(uv_poll_t *, int, int) {}

static void close_fd(uv_handle_t *reserve)
{
    close((int)(intptr_t)reserve->data);
}

/* libuv has one array by number of descriptor, which grows when one is first watched. */
enum err loop_reserve(struct loop *l, uint32_t descriptors)
{
    struct rlimit most;
    if (getrlimit(RLIMIT_NOFILE, &most) == 0 && descriptors > most.rlim_cur)
        descriptors = (uint32_t)most.rlim_cur; /* more cannot come */
    int low = eventfd(0, EFD_CLOEXEC);
    if (low < 0)
        return err_from_errno(errno);
    int fd = fcntl(low, F_DUPFD_CLOEXEC, (int)descriptors - 1);
    enum err err = fd < 0 ? err_from_errno(errno) : OK;
    close(low);
    if (err != OK)
        return err;
    int status = uv_poll_init(&l->uv, &l->reserve, fd);
    if (status < 0) {
        close(fd);
        return err_from_uv(status);
    }
    l->reserve.data = (void *)(intptr_t)fd;
    status = uv_poll_start(&l->reserve, UV_READABLE, nothing_came);
    uv_close((uv_handle_t *)&l->reserve, close_fd);
    return status < 0 ? err_from_uv(status) : OK;
}

/* --- steps --------------------------------------------------------------------------------------- */

static void run_deferred(struct loop *l)
{
    struct deferred *list = l->deferred;
    if (list == nullptr)
        return;
    list->at = &list;
    l->deferred = nullptr;
    l->deferred_end = &l->deferred;
    while (list != nullptr) {
        struct deferred *d = list;
        deferred_cancel(d);
        d->fn(d->arg);
    }
}

/* At least one, and none twice. */
static void run_yielded(struct loop *l)
{
    uint64_t until_us = clock_us() + YIELDED_US;
    for (struct deferred *d = l->yielded; d != nullptr && d->step != l->step; d = l->yielded) {
        deferred_cancel(d);
        d->fn(d->arg);
        if (clock_us() >= until_us)
            break;
    }
}

static void set_alarm(struct loop *l, uint64_t wait_ms)
{
    uv_update_time(&l->uv);
    uv_timer_start(&l->alarm, on_alarm, wait_ms, 0);
}

/* Sees to it that the waiting ends in time. Setting the alarm is not for nothing, so it stays when the
 * next timer is the same as in the last step. */
static void prepare_alarm(struct loop *l, uint32_t wait_ms, uint64_t next_ms)
{
    if (wait_ms != UINT32_MAX && wait_ms < next_ms) {
        l->alarm_ms = 0;
        set_alarm(l, wait_ms);
    } else if (l->timers == nullptr) {
        uv_timer_stop(&l->alarm);
        l->alarm_ms = 0;
    } else if (l->alarm_ms != l->timers->key_ms) {
        l->alarm_ms = l->timers->key_ms;
        set_alarm(l, next_ms);
    }
}

void loop_step(struct loop *l, uint32_t wait_ms)
{
    uint64_t next_ms = timers_next_ms(l);
    l->step++;
    if (l->deferred != nullptr || l->yielded != nullptr || wait_ms == 0 || next_ms == 0) {
        uv_run(&l->uv, UV_RUN_NOWAIT);
    } else {
        prepare_alarm(l, wait_ms, next_ms);
        uv_run(&l->uv, UV_RUN_ONCE);
    }
    run_deferred(l);
    run_yielded(l);
    timers_fire(l);
}

void loop_run(struct loop *l)
{
    check(loop_on_thread(l));
    while (!l->stopping)
        loop_step(l, UINT32_MAX);
    l->stopping = false;
}

void loop_stop(struct loop *l)
{
    l->stopping = true;
}

bool loop_on_thread(const struct loop *l)
{
    return pthread_equal(l->thread, pthread_self());
}

/* --- calls from other threads -------------------------------------------------------------------- */

enum err loop_post(struct loop *l, loop_fn fn, void *arg)
{
    struct mail m = {.fn = fn, .arg = arg};
    return loop_on_thread(l) ? mailbox_put(l->box, m) : mailbox_put_wait(l->box, m);
}

/* The cursor is the loop's, so that a handler which waits for a lane's end (lane_destroy) goes on
 * where its caller was, in order. */
static void handle_detached(struct loop *l)
{
    while (l->mail_at < l->mail_count) {
        struct mail m = l->mails[l->mail_at++];
        m.fn(m.arg);
    }
}

void loop_handle_mail(struct loop *l)
{
    handle_detached(l);
    l->mail_at = 0;
    l->mail_count = mailbox_take(l->box, &l->mails);
    handle_detached(l);
}

void loop_wait_mail(struct loop *l)
{
    if (l->mail_at == l->mail_count) {
        l->mail_at = 0;
        l->mail_count = mailbox_take_wait(l->box, &l->mails);
    }
    handle_detached(l);
}

/* --- signals ------------------------------------------------------------------------------------- */

static void on_signal(uv_signal_t *uv, int)
{
    struct loop_signal *s = uv->data;
    s->fn(s->arg);
}

static void signal_closed(uv_handle_t *handle)
{
    free(handle->data);
}

enum err loop_on_signal(struct loop *l, int signum, loop_fn fn, void *arg)
{
    struct loop_signal **at = &l->signals;
    while (*at != nullptr && (*at)->uv.signum != signum)
        at = &(*at)->next;
    struct loop_signal *s = *at;
    if (fn == nullptr) {
        if (s != nullptr) {
            *at = s->next;
            uv_close((uv_handle_t *)&s->uv, signal_closed);
        }
        return OK;
    }
    if (s == nullptr) {
        s = mem_zero(1, sizeof *s);
        if (s == nullptr)
            return ERR_NOMEM;
        uv_signal_init(&l->uv, &s->uv);
        s->uv.data = s;
        int status = uv_signal_start(&s->uv, on_signal, signum);
        if (status < 0) {
            uv_close((uv_handle_t *)&s->uv, signal_closed);
            return err_from_uv(status);
        }
        *at = s;
    }
    s->fn = fn;
    s->arg = arg;
    return OK;
}

/* --- deferred calls ------------------------------------------------------------------------------ */

void deferred_init(struct deferred *d, struct loop *l, loop_fn fn, void *arg)
{
    *d = (struct deferred){.loop = l, .fn = fn, .arg = arg};
}

static void append(struct deferred *d, struct deferred ***end)
{
    if (d->at != nullptr)
        return;
    d->next = nullptr;
    d->at = *end;
    *d->at = d;
    *end = &d->next;
}

void deferred_call(struct deferred *d)
{
    append(d, &d->loop->deferred_end);
}

void deferred_yield(struct deferred *d)
{
    d->step = d->loop->step;
    append(d, &d->loop->yielded_end);
}

bool loop_has_yielded(const struct loop *l)
{
    return l->yielded != nullptr;
}

void deferred_cancel(struct deferred *d)
{
    if (d->at == nullptr)
        return;
    *d->at = d->next;
    if (d->next != nullptr)
        d->next->at = d->at;
    else if (d->loop->deferred_end == &d->next)
        d->loop->deferred_end = d->at;
    else if (d->loop->yielded_end == &d->next)
        d->loop->yielded_end = d->at;
    d->at = nullptr;
}
