// SPDX-License-Identifier: Apache-2.0
/*
 * The lanes in which the windows of all utterances are heard: as many as are heard at the same moment, however many people
 * speak. Whoever waits for his final words goes before those who would like a partial.
 *
 * Open and close alone, on the main thread, once the model is open; hearing on any.
 */
#pragma once

#include "stt/driver.h"
#include "stt/window/hearer.h"

struct lanes_wish {
    const struct hearer *hearer;
    uint32_t lanes;   /* 0: one for every four threads */
    uint32_t streams; /* no more lanes than these */
    uint32_t threads; /* of all of them */
};

struct lanes_facts {
    uint32_t lanes;        /* fewer than wanted where memory is short */
    uint32_t threads;      /* of each */
    uint64_t memory_bytes; /* that each touches, at most */
};

/* `why` holds a sentence, or nothing. */
enum err lanes_open(const struct lanes_wish *wish, struct lanes_facts *ret_facts,
                    char why[STT_WHY_BYTES]);
void lanes_close(void);

/* ERR_BUSY: it is not for good, and others are being heard or wait. Otherwise as `hear`, in the lane's threads, and
 * the request is told of a wait. *ret_took_us: without the wait. */
enum err lanes_hear(const struct stt_request *request, struct hearing *window, bool for_good,
                    struct heard *heard, uint64_t *ret_took_us);
