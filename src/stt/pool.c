// SPDX-License-Identifier: Apache-2.0
#include "stt/pool.h"

#include <pthread.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"

enum { LOOK_MS = 20, RETRY_MS = 1000 };

enum entry_state : uint8_t { IDLE, LENT, SOILED, CLEANING };

struct entry {
    void *item;   /* NULL: free */
    uint64_t age; /* the renewal that it was made after */
    enum entry_state state;
};

struct pool {
    struct pool_maker maker; /* const after create */
    uint32_t cap;            /* const after create */
    pthread_t thread;        /* once `running` */
    pthread_mutex_t mu;
    pthread_cond_t changed;
    struct entry entry[POOL_MAX + 1]; /* mu */
    uint64_t age, said;               /* mu; said: the renewal that `renewed` was called for */
    uint32_t tag;                     /* mu; of the last renewal */
    uint32_t lent;                    /* mu */
    bool running, leaving;            /* mu */
};

/* mu held. The first entry that holds `item` (NULL: a free one). */
static struct entry *entry_of(struct pool *p, const void *item)
{
    for (uint32_t i = 0; i <= p->cap; i++)
        if (p->entry[i].item == item)
            return &p->entry[i];
    return nullptr;
}

/* mu held */
static uint32_t count(const struct pool *p)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i <= p->cap; i++)
        n += p->entry[i].item != nullptr;
    return n;
}

/* mu held. One that nobody uses and that is out of date. */
static struct entry *idle_old(struct pool *p)
{
    for (uint32_t i = 0; i <= p->cap; i++) {
        struct entry *e = &p->entry[i];
        if (e->item && (e->state == IDLE || e->state == SOILED) && e->age < p->age)
            return e;
    }
    return nullptr;
}

/* mu held */
static struct entry *soiled(struct pool *p)
{
    for (uint32_t i = 0; i <= p->cap; i++)
        if (p->entry[i].item && p->entry[i].state == SOILED)
            return &p->entry[i];
    return nullptr;
}

/* mu held */
static struct entry *idle_newest(struct pool *p)
{
    struct entry *best = nullptr;
    for (uint32_t i = 0; i <= p->cap; i++) {
        struct entry *e = &p->entry[i];
        if (e->item && e->state == IDLE && (!best || e->age > best->age))
            best = e;
    }
    return best;
}

/* mu held. Those made after the last renewal. */
static uint32_t count_current(const struct pool *p)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i <= p->cap; i++)
        n += p->entry[i].item && p->entry[i].age == p->age;
    return n;
}

/* mu held */
static bool has_work(const struct pool *p)
{
    uint32_t n = count(p);
    return n < p->cap || (n == p->cap && count_current(p) < p->cap);
}

/* mu held */
static bool has_news(const struct pool *p)
{
    return p->maker.renewed != nullptr && p->said < p->age && count_current(p) >= p->cap;
}

/* mu held on entry and exit. */
static void say_renewed(struct pool *p)
{
    uint32_t tag = p->tag;
    p->said = p->age;
    pthread_mutex_unlock(&p->mu);
    p->maker.renewed(p->maker.arg, tag);
    pthread_mutex_lock(&p->mu);
}

/* mu held */
static void wait_ms(struct pool *p, uint32_t ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&p->changed, &p->mu, &until);
}

/* mu held on entry and exit. */
static void destroy_entry(struct pool *p, struct entry *e)
{
    void *item = e->item;
    *e = (struct entry){};
    pthread_mutex_unlock(&p->mu);
    p->maker.destroy(p->maker.arg, item);
    pthread_mutex_lock(&p->mu);
}

/* mu held on entry and exit. */
static void give_back(struct pool *p, struct entry *e, bool keep)
{
    bool surplus = count(p) > p->cap && e->age < p->age;
    if (!keep || surplus)
        destroy_entry(p, e);
    pthread_cond_broadcast(&p->changed);
}

/* mu held on entry and exit. */
static void clean_entry(struct pool *p, struct entry *e)
{
    void *item = e->item;
    e->state = CLEANING;
    pthread_mutex_unlock(&p->mu);
    bool clean = p->maker.clean(p->maker.arg, item);
    pthread_mutex_lock(&p->mu);
    e->state = IDLE;
    give_back(p, e, clean);
}

/* mu held on entry and exit. */
static void make_one(struct pool *p)
{
    uint64_t age = p->age;
    pthread_mutex_unlock(&p->mu);
    void *item;
    enum err err = p->maker.make(p->maker.arg, &item);
    pthread_mutex_lock(&p->mu);
    if (err != OK) {
        if (!p->leaving)
            wait_ms(p, RETRY_MS);
        return;
    }
    *entry_of(p, nullptr) = (struct entry){item, age, IDLE};
    pthread_cond_broadcast(&p->changed);
    struct entry *old = count(p) > p->cap ? idle_old(p) : nullptr;
    if (old != nullptr)
        destroy_entry(p, old);
}

static void *keep_full(void *arg)
{
    struct pool *p = arg;
    pthread_mutex_lock(&p->mu);
    while (!p->leaving) {
        struct entry *e = soiled(p);
        if (e != nullptr)
            clean_entry(p, e);
        else if (has_work(p))
            make_one(p);
        else if (has_news(p))
            say_renewed(p);
        else
            pthread_cond_wait(&p->changed, &p->mu);
    }
    pthread_mutex_unlock(&p->mu);
    return nullptr;
}

static void init_locks(struct pool *p)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&p->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&p->mu, nullptr);
}

static void free_pool(struct pool *p)
{
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->mu);
    free(p);
}

enum err pool_create(const struct pool_maker *maker, uint32_t cap, struct pool **ret_p)
{
    check(cap > 0 && cap <= POOL_MAX);
    struct pool *p = mem_zero(1, sizeof *p);
    if (p == nullptr)
        return ERR_NOMEM;
    p->maker = *maker;
    p->cap = cap;
    init_locks(p);
    enum err err = maker->make(maker->arg, &p->entry[0].item);
    if (err != OK) {
        free_pool(p);
        return err;
    }
    *ret_p = p;
    return OK;
}

void pool_destroy(struct pool *p)
{
    if (p == nullptr)
        return;
    pthread_mutex_lock(&p->mu);
    check(p->lent == 0);
    p->leaving = true;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->mu);
    if (p->running)
        pthread_join(p->thread, nullptr);
    for (uint32_t i = 0; i <= p->cap; i++)
        if (p->entry[i].item)
            p->maker.destroy(p->maker.arg, p->entry[i].item);
    free_pool(p);
}

/* mu held. Without a thread there is still what pool_create made; the next call tries again. */
static void start(struct pool *p)
{
    if (!p->running)
        p->running = pthread_create(&p->thread, nullptr, keep_full, p) == 0;
}

void pool_fill(struct pool *p)
{
    pthread_mutex_lock(&p->mu);
    start(p);
    pthread_mutex_unlock(&p->mu);
}

void pool_renew(struct pool *p, uint32_t tag)
{
    pthread_mutex_lock(&p->mu);
    start(p);
    p->age++;
    p->tag = tag;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->mu);
}

enum err pool_take(struct pool *p, uint32_t wait, bool (*stopped)(void *arg), void *arg,
                   void **ret_item)
{
    uint64_t from = clock_ms();
    enum err err = OK;
    struct entry *e = nullptr, *used;
    pthread_mutex_lock(&p->mu);
    start(p);
    while (p->lent == p->cap || (e = idle_newest(p)) == nullptr) {
        if (p->lent < p->cap && (used = soiled(p)) != nullptr) {
            clean_entry(p, used); /* rather than wait for a thread that may be making one */
            continue;
        }
        if (stopped && stopped(arg))
            err = ERR_CANCELED;
        else if (!wait || clock_ms() - from >= (count(p) < p->cap ? POOL_FILL_MS : wait))
            err = ERR_BUSY;
        if (err != OK)
            break;
        wait_ms(p, LOOK_MS);
    }
    if (err == OK) {
        e->state = LENT;
        p->lent++;
        *ret_item = e->item;
    }
    pthread_mutex_unlock(&p->mu);
    return err;
}

/* mu held */
static struct entry *take_back(struct pool *p, const void *item)
{
    struct entry *e = entry_of(p, item);
    check(e != nullptr && e->state == LENT);
    e->state = IDLE;
    p->lent--;
    return e;
}

void pool_give(struct pool *p, void *item, bool keep)
{
    pthread_mutex_lock(&p->mu);
    give_back(p, take_back(p, item), keep);
    pthread_mutex_unlock(&p->mu);
}

void pool_give_soiled(struct pool *p, void *item)
{
    check(p->maker.clean != nullptr);
    pthread_mutex_lock(&p->mu);
    take_back(p, item)->state = SOILED;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->mu);
}
