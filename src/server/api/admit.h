// SPDX-License-Identifier: Apache-2.0
/*
 * Who may have something done now: one question, asked by every route that costs something, before
 * anything is begun. A principal has limit.turns a minute. Visitors of a public server are one
 * principal with many faces, so each address counts for itself; of IPv6 a whole /64, which is what one
 * customer has. Loop thread.
 */
#pragma once

#include "server/access/auth.h"

struct server;

/* OK, or ERR_RATE and the seconds to wait. */
enum err admit(const struct server *s, const struct principal *who, const struct sock_peer *peer,
               uint32_t *ret_wait_s);
/* The same for a request, whose refusal then says Retry-After. */
enum err admit_request(const struct server *s, const struct principal *who, struct exchange *x);
