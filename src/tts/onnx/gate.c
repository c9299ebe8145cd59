// SPDX-License-Identifier: Apache-2.0
#include "tts/onnx/gate.h"

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

bool gate_enter(struct gate *g, bool is_urgent, const atomic_bool *is_gone)
{
    bool is_wanted = true;
    pthread_mutex_lock(&g->mutex);
    g->urgent += is_urgent;
    for (;;) {
        is_wanted = !is_gone || !atomic_load(is_gone);
        if (!is_wanted || (g->room > 0 && (is_urgent || g->urgent == 0)))
            break;
        pthread_cond_wait(&g->is_free, &g->mutex);
    }
    g->urgent -= is_urgent;
    g->room -= is_wanted;
    /* Whoever was woken for this place while an urgent one took it, or gave it up, waits for the next; others may go in now. */
    if (g->room > 0)
        pthread_cond_broadcast(&g->is_free);
    pthread_mutex_unlock(&g->mutex);
    return is_wanted;
}

void gate_leave(struct gate *g)
{
    pthread_mutex_lock(&g->mutex);
    g->room++;
    pthread_cond_broadcast(&g->is_free);
    pthread_mutex_unlock(&g->mutex);
}

void gate_wake(struct gate *g)
{
    pthread_mutex_lock(&g->mutex);
    pthread_cond_broadcast(&g->is_free);
    pthread_mutex_unlock(&g->mutex);
}
