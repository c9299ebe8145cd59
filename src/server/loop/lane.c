// SPDX-License-Identifier: Apache-2.0
#include "server/loop/lane.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "server/loop/uv_loop.h"
#include "wire/libcrypto.h"

struct lane {
    struct loop *loop; /* const */
    uint32_t capacity; /* const */
    struct mailbox *box;
    pthread_t thread;
    uint32_t jobs; /* loop: accepted, not done */
    bool left;     /* loop: the thread has posted its last */
    atomic_bool leaving;
};

static void job_done(void *arg)
{
    struct lane_job *job = arg;
    job->lane->jobs--;
    job->done(job);
}

/* On the lane. */
static void job_run(void *arg)
{
    struct lane_job *job = arg;
    job->run(job);
    check(loop_post(job->lane->loop, job_done, job) == OK);
}

static void lane_left(void *arg)
{
    struct lane *lane = arg;
    lane->left = true;
}

static void *lane_main(void *arg)
{
    struct lane *lane = arg;
    const struct mail *items;
    libcrypto_prepare();
    for (uint32_t n; (n = mailbox_take_wait(lane->box, &items)) > 0;)
        for (uint32_t i = 0; i < n; i++)
            items[i].fn(items[i].arg);
    check(loop_post(lane->loop, lane_left, lane) == OK);
    return nullptr;
}

/* Signals are the loop's business. */
static int start_thread(struct lane *lane)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&lane->thread, nullptr, lane_main, lane);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return failed;
}

enum err lane_create(struct loop *l, const char *name, uint32_t capacity, struct lane **ret_lane)
{
    struct lane *lane = mem_zero(1, sizeof *lane);
    if (lane == nullptr)
        return ERR_NOMEM;
    lane->loop = l;
    lane->capacity = capacity;
    enum err err = mailbox_create(capacity, nullptr, nullptr, &lane->box);
    if (err != OK)
        goto failed;
    if (start_thread(lane) != 0) {
        err = ERR_BUSY;
        goto failed;
    }
    char shown[16];
    snprintf(shown, sizeof shown, "%s", name);
    pthread_setname_np(lane->thread, shown);
    l->live++;
    *ret_lane = lane;
    return OK;

failed:
    mailbox_destroy(lane->box);
    free(lane);
    return err;
}

void lane_destroy(struct lane *lane)
{
    if (lane == nullptr)
        return;
    check(loop_on_thread(lane->loop));
    atomic_store(&lane->leaving, true);
    mailbox_close(lane->box);
    /* The lane may be waiting for room in the loop's mailbox, so somebody must go on emptying it. */
    while (!lane->left)
        loop_wait_mail(lane->loop);
    pthread_join(lane->thread, nullptr);
    check(lane->jobs == 0);
    lane->loop->live--;
    mailbox_destroy(lane->box);
    free(lane);
}

enum err lane_post(struct lane *lane, struct lane_job *job)
{
    check(loop_on_thread(lane->loop) && job->run != nullptr && job->done != nullptr);
    if (lane->jobs >= lane->capacity)
        return ERR_BUSY;
    job->lane = lane;
    try(mailbox_put(lane->box, (struct mail){job_run, job}));
    lane->jobs++;
    return OK;
}

uint32_t lane_jobs(const struct lane *lane)
{
    return lane->jobs;
}

void lane_tell(struct lane_job *job, loop_fn fn, void *arg)
{
    check(!loop_on_thread(job->lane->loop));
    check(loop_post(job->lane->loop, fn, arg) == OK);
}

bool lane_leaving(const struct lane_job *job)
{
    return atomic_load_explicit(&job->lane->leaving, memory_order_relaxed);
}
