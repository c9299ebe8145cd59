// SPDX-License-Identifier: Apache-2.0
/*
 * How many compute at once. Two that share the same cores are both late, so as many go in as have cores of their own; and
 * whoever says a phrase of which nothing has sounded yet goes before those of whose phrase some has. Any thread.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t is_free;
    uint32_t room, urgent; /* mu: places that are free; urgent ones that wait */
};

void gate_init(struct gate *g, uint32_t room);
void gate_finish(struct gate *g);
/* False: `is_gone` was set before there was room, and gate_wake called; then there is nothing to leave. NULL: waits as long as it
 * takes. */
bool gate_enter(struct gate *g, bool is_urgent, const atomic_bool *is_gone);
void gate_leave(struct gate *g);
/* Those whose is_gone has been set need not wait. */
void gate_wake(struct gate *g);
