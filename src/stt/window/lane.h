// SPDX-License-Identifier: Apache-2.0
/*
 * A model's lane with the thread that computes in it. OpenMP's threads belong to the one that has them work, and libgomp
 * counts them all: were windows heard on whichever thread comes by, each would get a team of its own, and as soon as there
 * are more than cores, libgomp's threads go to sleep at every barrier. With one thread a lane there are as many as were
 * meant. It is made when the first window comes, since a process that is not locked in yet wants none.
 *
 * Any thread, a lane one at a time.
 */
#pragma once

#include "stt/window/hearer.h"

struct lane;

/* The first window touches all memory that a short one needs; it is heard on the thread that calls. `why` holds a
 * sentence. */
enum err lane_create(const struct hearer *hearer, struct lane **ret_lane,
                     char why[HEARER_WHY_BYTES]);
void lane_destroy(struct lane *lane); /* takes NULL */
/* `hear` on the lane's thread; waits. ERR_NOMEM, too: there is no thread. */
enum err lane_hear(struct lane *lane, const struct hearing *window, struct heard *heard,
                   char why[HEARER_WHY_BYTES]);
