// SPDX-License-Identifier: Apache-2.0
/*
 * What a stream has been sent and has not handled yet. It is bounded twice: messages with a cost by
 * the credit that was granted, the others by their number. One thread at a time (actor.c locks).
 */
#pragma once

#include "wire/msg.h"

/* One message, its slices pointing into its own copy of the frame. Freed with free(). */
struct letter {
    struct letter *next;
    uint16_t type;
    uint32_t cost;
    union msg msg;
    char bytes[];
};

struct inbox {
    struct letter *first, **tail;
    uint32_t unpaid_bytes; /* received and not yet granted anew */
    uint32_t free_letters; /* waiting here, without a cost */
};

void inbox_init(struct inbox *in);
void inbox_finish(struct inbox *in);
/* `frame` has been decoded once, without an error. ERR_SYNTAX: more than was granted. ERR_NOMEM. */
enum err inbox_post(struct inbox *in, const struct frame *frame);
/* The oldest letter, now the caller's; NULL when there is none. */
struct letter *inbox_take(struct inbox *in);
/* The sender may send `bytes` once more. */
void inbox_pay(struct inbox *in, uint32_t bytes);
