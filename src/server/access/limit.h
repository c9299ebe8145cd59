// SPDX-License-Identifier: Apache-2.0
/*
 * Rate limits: a token bucket per principal (or per address, for clients that share one), refilled
 * evenly over the minute. The table is bounded: when it is full, the bucket that has been full for
 * longest makes room, since a full bucket remembers nothing worth keeping. Loop thread.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"

enum { LIMIT_KEYS_MAX = 4096, LIMIT_KEY_BYTES = 64 };

struct limit;
/* `per_minute` tokens a minute, and as many at once after a quiet minute. */
enum err limit_create(uint32_t per_minute, struct limit **ret_l);
void limit_destroy(struct limit *l); /* takes NULL */
/* OK, or ERR_RATE and how long to wait (seconds, at least 1). */
enum err limit_take(struct limit *l, struct str key, uint32_t *ret_wait_s);
