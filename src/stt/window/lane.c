// SPDX-License-Identifier: Apache-2.0
#include "stt/window/lane.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

struct lane {
    const struct hearer *hearer;
    struct hearer_lane *own; /* the thread's, once there is one */
    pthread_t thread;
    bool has_thread; /* the caller's */
    pthread_mutex_t mu;
    pthread_cond_t changed;
    bool leaving;                 /* mu */
    const struct hearing *window; /* mu; NULL: there is none to be heard */
    struct heard *heard;          /* mu */
    char *why;                    /* mu */
    enum err err;                 /* mu */
};

static void *hear_windows(void *arg)
{
    struct lane *lane = arg;
    pthread_mutex_lock(&lane->mu);
    for (;;) {
        while (!lane->window && !lane->leaving)
            pthread_cond_wait(&lane->changed, &lane->mu);
        if (!lane->window)
            break;
        const struct hearing *window = lane->window;
        pthread_mutex_unlock(&lane->mu);
        enum err err = lane->hearer->hear(lane->own, window, lane->heard, lane->why);
        pthread_mutex_lock(&lane->mu);
        lane->err = err;
        lane->window = nullptr;
        pthread_cond_broadcast(&lane->changed);
    }
    pthread_mutex_unlock(&lane->mu);
    return nullptr;
}

static enum err warm_up(const struct lane *lane, char why[HEARER_WHY_BYTES])
{
    struct heard heard = {};
    autofree int16_t *silence = mem_zero(HEARER_RATE_HZ, sizeof *silence);
    if (!silence)
        return ERR_NOMEM;
    const struct hearing window = {.samples = silence,
                                   .count = HEARER_RATE_HZ,
                                   .language = lane->hearer->language(S("en"), false),
                                   .threads = 1};
    enum err err = lane->hearer->hear(lane->own, &window, &heard, why);
    heard_finish(&heard);
    return err;
}

enum err lane_create(const struct hearer *hearer, struct lane **ret_lane,
                     char why[HEARER_WHY_BYTES])
{
    struct lane *lane = mem_zero(1, sizeof *lane);
    if (!lane)
        return ERR_NOMEM;
    check(pthread_mutex_init(&lane->mu, nullptr) == 0);
    check(pthread_cond_init(&lane->changed, nullptr) == 0);
    lane->hearer = hearer;
    enum err err = hearer->lane_create(&lane->own, why);
    if (err == OK)
        err = warm_up(lane, why);
    if (err == OK && hearer->try_longest)
        err = hearer->try_longest(lane->own, why);
    if (err == OK)
        *ret_lane = lane;
    else
        lane_destroy(lane);
    return err;
}

void lane_destroy(struct lane *lane)
{
    if (!lane)
        return;
    pthread_mutex_lock(&lane->mu);
    lane->leaving = true;
    pthread_cond_broadcast(&lane->changed);
    pthread_mutex_unlock(&lane->mu);
    if (lane->has_thread)
        pthread_join(lane->thread, nullptr);
    lane->hearer->lane_destroy(lane->own);
    pthread_cond_destroy(&lane->changed);
    pthread_mutex_destroy(&lane->mu);
    free(lane);
}

enum err lane_hear(struct lane *lane, const struct hearing *window, struct heard *heard,
                   char why[HEARER_WHY_BYTES])
{
    if (!lane->has_thread)
        lane->has_thread = pthread_create(&lane->thread, nullptr, hear_windows, lane) == 0;
    if (!lane->has_thread)
        return ERR_NOMEM;
    pthread_mutex_lock(&lane->mu);
    check(!lane->window);
    lane->window = window;
    lane->heard = heard;
    lane->why = why;
    pthread_cond_broadcast(&lane->changed);
    while (lane->window)
        pthread_cond_wait(&lane->changed, &lane->mu);
    enum err err = lane->err;
    pthread_mutex_unlock(&lane->mu);
    return err;
}
