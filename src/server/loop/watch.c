// SPDX-License-Identifier: Apache-2.0
#include "server/loop/watch.h"

#include <stdlib.h>

#include "base/mem.h"
#include "server/loop/uv_loop.h"

struct watch {
    uv_poll_t poll;
    struct loop *loop;
    int fd;
    watch_fn fn;
    void *arg;
};

enum err watch_open(struct loop *l, int fd, watch_fn fn, void *arg, struct watch **ret_watch)
{
    struct watch *w = mem_zero(1, sizeof *w);
    if (w == nullptr)
        return ERR_NOMEM;
    *w = (struct watch){.loop = l, .fd = fd, .fn = fn, .arg = arg};
    int status = uv_poll_init(&l->uv, &w->poll, fd);
    if (status < 0) {
        free(w);
        return err_from_uv(status);
    }
    w->poll.data = w;
    l->live++;
    *ret_watch = w;
    return OK;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    const struct watch *w = poll->data;
    unsigned ready = 0;
    if (status < 0 || (events & UV_READABLE) != 0)
        ready |= WATCH_READ;
    if (status < 0 || (events & UV_WRITABLE) != 0)
        ready |= WATCH_WRITE;
    w->fn(w->arg, w->fd, ready);
}

enum err watch_set(struct watch *w, unsigned what)
{
    int events = ((what & WATCH_READ) != 0 ? UV_READABLE : 0) |
                 ((what & WATCH_WRITE) != 0 ? UV_WRITABLE : 0);
    if (events == 0) {
        uv_poll_stop(&w->poll);
        return OK;
    }
    int status = uv_poll_start(&w->poll, events, on_poll);
    enum err err = status < 0 ? err_from_uv(status) : loop_make_watchable(w->loop, w->fd);
    if (err != OK)
        uv_poll_stop(&w->poll);
    return err;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void watch_close(struct watch *w)
{
    if (w == nullptr)
        return;
    w->loop->live--;
    uv_poll_stop(&w->poll);
    uv_close((uv_handle_t *)&w->poll, on_closed);
}
