// SPDX-License-Identifier: Apache-2.0
#include "llm/compute_thread.h"

#include <time.h>

#include "base/check.h"

enum { POLL_MS = 20 }; /* how soon a cancel is noticed while nothing else goes on */

/* mu held, and given up meanwhile. */
static void wait_for_work(struct compute_thread *c)
{
    if (c->stirred || c->stopping)
        return;
    if (!c->has_orders()) {
        pthread_cond_wait(&c->work, &c->mu);
        return;
    }
    struct timespec until;
    check(clock_gettime(CLOCK_MONOTONIC, &until) == 0);
    until.tv_nsec += POLL_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    (void)pthread_cond_clockwait(&c->work, &c->mu, CLOCK_MONOTONIC, &until);
}

static void *run(void *arg)
{
    struct compute_thread *c = arg;
    enum err err = c->warm_up();
    pthread_mutex_lock(&c->mu);
    c->warm = true;
    c->warm_err = err;
    pthread_cond_signal(&c->warmed);
    while (err == OK && !c->stopping) {
        c->stirred = false;
        pthread_mutex_unlock(&c->mu);
        bool stepped = c->step();
        pthread_mutex_lock(&c->mu);
        if (!stepped)
            wait_for_work(c);
    }
    pthread_mutex_unlock(&c->mu);
    return nullptr;
}

enum err compute_start(struct compute_thread *c)
{
    c->has_thread = pthread_create(&c->thread, nullptr, run, c) == 0;
    if (!c->has_thread)
        return ERR_NOMEM;
    pthread_mutex_lock(&c->mu);
    while (!c->warm)
        pthread_cond_wait(&c->warmed, &c->mu);
    enum err err = c->warm_err;
    pthread_mutex_unlock(&c->mu);
    return err;
}

void compute_stir(struct compute_thread *c)
{
    c->stirred = true;
    pthread_cond_signal(&c->work);
}

void compute_stop(struct compute_thread *c)
{
    pthread_mutex_lock(&c->mu);
    c->stopping = true;
    compute_stir(c);
    pthread_mutex_unlock(&c->mu);
    if (c->has_thread)
        pthread_join(c->thread, nullptr);
    c->has_thread = false;
}
