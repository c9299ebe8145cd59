// SPDX-License-Identifier: Apache-2.0
/*
 * A bounded queue from many threads to one. Its unit is a call: a function and its argument.
 *
 * Data is published under the mutex; the wake function only says "look". It is called once when the
 * box stops being empty, outside the lock, not once an item. The reader detaches everything under
 * the lock and handles it outside, so a writer never waits for a handler.
 *
 * Who owns the argument: the writer until a put returns OK, then the box, then the reader from
 * mailbox_take on. Closing: puts fail from then on, what is inside may still be taken.
 * The lock is a leaf: nothing else is called while it is held.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"

struct mail {
    void (*fn)(void *arg);
    void *arg;
};

struct mailbox;
typedef void (*mailbox_wake_fn)(void *arg);

/* At most `capacity` items wait inside. `wake` NULL: the reader waits in mailbox_take_wait. */
enum err mailbox_create(uint32_t capacity, mailbox_wake_fn wake, void *wake_arg,
                        struct mailbox **ret_box);
/* No other thread may be inside a call. What was never taken is dropped. Takes NULL. */
void mailbox_destroy(struct mailbox *b);

/* Any thread. ERR_BUSY when full, ERR_CLOSED. */
enum err mailbox_put(struct mailbox *b, struct mail m);
/* Any thread but the reader's: waits for room. ERR_CLOSED, also when closed while waiting. */
enum err mailbox_put_wait(struct mailbox *b, struct mail m);

/* The reader's thread. Detaches all that waits; the items are the caller's until the next take. */
uint32_t mailbox_take(struct mailbox *b, const struct mail **ret_items);
/* The same, but waits for an item. 0 only when the box is closed and empty. */
uint32_t mailbox_take_wait(struct mailbox *b, const struct mail **ret_items);

void mailbox_close(struct mailbox *b);
uint32_t mailbox_count(struct mailbox *b); /* for metrics: how many wait now */
