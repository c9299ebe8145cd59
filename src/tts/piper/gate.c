// SPDX-License-Identifier: Apache-2.0
#include "tts/piper/gate.h"

#include "base/check.h"

void gate_init(struct gate *g, uint32_t room)
{
    *g = (struct gate){.room = room};
    check(pthread_mutex_init(&g->mutex, nullptr) == 0);
    check(pthread_cond_init(&g->is_free, nullptr) == 0);
}

void gate_finish(struct gate *g)
{
    pthread_cond_destroy(&g->is_free);
    pthread_mutex_destroy(&g->mutex);
}

void gate_enter(struct gate *g, bool is_urgent)
{
    pthread_mutex_lock(&g->mutex);
    g->urgent += is_urgent;
    while (g->room == 0 || (!is_urgent && g->urgent > 0))
        pthread_cond_wait(&g->is_free, &g->mutex);
    g->urgent -= is_urgent;
    g->room--;
    /* Whoever was woken for this place while an urgent one took it waits for the next; others may go in now. */
    if (g->room > 0)
        pthread_cond_broadcast(&g->is_free);
    pthread_mutex_unlock(&g->mutex);
}

void gate_leave(struct gate *g)
{
    pthread_mutex_lock(&g->mutex);
    g->room++;
    pthread_cond_broadcast(&g->is_free);
    pthread_mutex_unlock(&g->mutex);
}
