// SPDX-License-Identifier: Apache-2.0
#include "server/loop/mailbox.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

struct mailbox {
    pthread_mutex_t lock;
    pthread_cond_t some, room;
    uint32_t capacity;    /* const */
    mailbox_wake_fn wake; /* const */
    void *wake_arg;       /* const */
    struct mail *in;      /* mu: what writers have put */
    uint32_t count;       /* mu: of `in` */
    uint32_t waiting;     /* mu: writers that wait for room */
    bool closed;          /* mu */
    struct mail *out;     /* reader: what the last take has detached */
};

enum err mailbox_create(uint32_t capacity, mailbox_wake_fn wake, void *wake_arg,
                        struct mailbox **ret_box)
{
    check(capacity > 0);
    struct mailbox *b = mem_zero(1, sizeof *b);
    if (b == nullptr)
        return ERR_NOMEM;
    b->in = mem_zero(capacity, sizeof *b->in);
    b->out = mem_zero(capacity, sizeof *b->out);
    if (b->in == nullptr || b->out == nullptr) {
        free(b->in);
        free(b->out);
        free(b);
        return ERR_NOMEM;
    }
    b->capacity = capacity;
    b->wake = wake;
    b->wake_arg = wake_arg;
    pthread_mutex_init(&b->lock, nullptr);
    pthread_cond_init(&b->some, nullptr);
    pthread_cond_init(&b->room, nullptr);
    *ret_box = b;
    return OK;
}

void mailbox_destroy(struct mailbox *b)
{
    if (b == nullptr)
        return;
    pthread_cond_destroy(&b->room);
    pthread_cond_destroy(&b->some);
    pthread_mutex_destroy(&b->lock);
    free(b->in);
    free(b->out);
    free(b);
}

static enum err put(struct mailbox *b, struct mail m, bool wait)
{
    pthread_mutex_lock(&b->lock);
    while (wait && !b->closed && b->count == b->capacity) {
        b->waiting++;
        pthread_cond_wait(&b->room, &b->lock);
        b->waiting--;
    }
    enum err err = b->closed ? ERR_CLOSED : b->count == b->capacity ? ERR_BUSY : OK;
    bool first = false;
    if (err == OK) {
        first = b->count == 0;
        b->in[b->count++] = m;
        if (first)
            pthread_cond_signal(&b->some);
    }
    pthread_mutex_unlock(&b->lock);
    if (first && b->wake != nullptr)
        b->wake(b->wake_arg);
    return err;
}

enum err mailbox_put(struct mailbox *b, struct mail m)
{
    return put(b, m, false);
}

enum err mailbox_put_wait(struct mailbox *b, struct mail m)
{
    return put(b, m, true);
}

static uint32_t take(struct mailbox *b, const struct mail **ret_items, bool wait)
{
    pthread_mutex_lock(&b->lock);
    while (wait && b->count == 0 && !b->closed)
        pthread_cond_wait(&b->some, &b->lock);
    uint32_t n = b->count;
    struct mail *items = b->in;
    b->in = b->out;
    b->out = items;
    b->count = 0;
    if (b->waiting > 0)
        pthread_cond_broadcast(&b->room);
    pthread_mutex_unlock(&b->lock);
    *ret_items = items;
    return n;
}

uint32_t mailbox_take(struct mailbox *b, const struct mail **ret_items)
{
    return take(b, ret_items, false);
}

uint32_t mailbox_take_wait(struct mailbox *b, const struct mail **ret_items)
{
    return take(b, ret_items, true);
}

void mailbox_close(struct mailbox *b)
{
    pthread_mutex_lock(&b->lock);
    b->closed = true;
    pthread_cond_broadcast(&b->some);
    pthread_cond_broadcast(&b->room);
    pthread_mutex_unlock(&b->lock);
}

uint32_t mailbox_count(struct mailbox *b)
{
    pthread_mutex_lock(&b->lock);
    uint32_t n = b->count;
    pthread_mutex_unlock(&b->lock);
    return n;
}
