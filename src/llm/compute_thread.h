// SPDX-License-Identifier: Apache-2.0
/*
 * The thread that has libllama compute: it takes step after step as long as there is something to do, then
 * waits to be stirred. libllama's own threads belong to the one that has them work, so this one takes the
 * first step, too. What it has to do is its owner's, under `mu`.
 *
 *     static struct compute_thread compute = COMPUTE_THREAD(warm_up, step, has_orders);
 *     try(compute_start(&compute));          // once threads may be made
 *     pthread_mutex_lock(&compute.mu); … compute_stir(&compute); pthread_mutex_unlock(&compute.mu);
 *     compute_stop(&compute);                // also without compute_start
 */
#pragma once

#include <pthread.h>

#include "base/err.h"

struct compute_thread {
    enum err (*warm_up)(void);
    bool (*step)(void);       /* false: there was nothing to do */
    bool (*has_orders)(void); /* mu held: somebody waits, and may leave without a word */
    pthread_mutex_t mu;
    pthread_cond_t work, warmed;
    pthread_t thread;
    bool has_thread;
    bool warm;              /* mu: the first step was tried */
    enum err warm_err;      /* mu */
    bool stopping, stirred; /* mu: something has changed since the last look */
};
#define COMPUTE_THREAD(warm_up_, step_, has_orders_)                                               \
    {.warm_up = (warm_up_),                                                                        \
     .step = (step_),                                                                              \
     .has_orders = (has_orders_),                                                                  \
     .mu = PTHREAD_MUTEX_INITIALIZER,                                                              \
     .work = PTHREAD_COND_INITIALIZER,                                                             \
     .warmed = PTHREAD_COND_INITIALIZER}

/* Waits for the first step; its error, or ERR_NOMEM: there is no thread. */
enum err compute_start(struct compute_thread *c);
/* mu held. There is something new. */
void compute_stir(struct compute_thread *c);
/* Waits for the end of the step. */
void compute_stop(struct compute_thread *c);
