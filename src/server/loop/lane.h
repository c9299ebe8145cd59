// SPDX-License-Identifier: Apache-2.0
/*
 * A lane is a named thread with a bounded mailbox, for work that takes over 1 ms: the document
 * store, the vector index. Jobs of one lane run one after another, in the order of posting.
 *
 *     struct save { struct lane_job job; … };           // the caller's memory, embedding the job
 *     s->job = (struct lane_job){.run = save_run, .done = save_done};
 *     err = lane_post(lane, &s->job);                    // ERR_BUSY: full, refuse the client now
 *
 * Who owns the job: the caller until lane_post returns OK; then the lane, whose thread calls `run`;
 * then the loop again when `done` is called, exactly once for each accepted job, where the caller
 * may free it. Towards the lane a full mailbox means "busy"; towards the loop the lane waits.
 *
 * A running job may tell the loop how it goes (lane_tell): those calls arrive in order and before
 * `done`.
 */
#pragma once

#include <stdint.h>

#include "server/loop/loop.h"

struct lane;
struct lane_job {
    void (*run)(struct lane_job *job);  /* on the lane's thread; may wait */
    void (*done)(struct lane_job *job); /* on the loop's thread */
    struct lane *lane;                  /* set by lane_post */
};

/* `name` shows in `top -H` (15 characters). `capacity`: accepted jobs whose `done` has not
 * been called yet. */
enum err lane_create(struct loop *l, const char *name, uint32_t capacity, struct lane **ret_lane);
/* Loop thread. Runs every accepted job to its end, calls their `done`, joins. Long jobs look at
 * lane_leaving. Takes NULL. */
void lane_destroy(struct lane *lane);

/* Loop thread. ERR_BUSY: full. */
enum err lane_post(struct lane *lane, struct lane_job *job);
uint32_t lane_jobs(const struct lane *lane); /* accepted and not done; for metrics */

/* On the lane's thread, inside `run`: fn(arg) on the loop's thread; waits while the loop's mailbox
 * is full. */
void lane_tell(struct lane_job *job, loop_fn fn, void *arg);
/* On the lane's thread: the lane is being destroyed, cut long work short. */
bool lane_leaving(const struct lane_job *job);
