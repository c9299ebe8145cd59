// SPDX-License-Identifier: Apache-2.0
/*
 * Session tokens: JSON Web Tokens (RFC 7519), signed with HMAC-SHA-256 (HS256, RFC 7515) and nothing
 * else. The header is compared with the one that this server writes, never obeyed; the signature is
 * compared in constant time; every claim is required. Pure but for the clock; any thread.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"

enum {
    JWT_KEY_MIN = 32,
    JWT_MAX_BYTES = 4096,
    JWT_OWNER_MAX = 64,
    JWT_SESSION_MAX = 32,
    JWT_RIGHT_MAX = 16
};
constexpr int64_t JWT_LIFE_S = 15 * 60;
constexpr int64_t JWT_LEEWAY_S = 60;

struct jwt_claims {
    char owner[JWT_OWNER_MAX + 1];     /* sub */
    char session[JWT_SESSION_MAX + 1]; /* sid */
    char right[JWT_RIGHT_MAX + 1];     /* right: what it was issued for (server/access/auth.h) */
    char id[33];                       /* jti: 32 hex digits */
    int64_t issued_s, expires_s;       /* iat (also nbf), exp: Unix time */
};

/* Fills id, issued_s and expires_s and appends the token. The key is at least JWT_KEY_MIN bytes. */
enum err jwt_sign(struct str key, int64_t now_s, struct jwt_claims *claims, struct buf *into);
/* ERR_AUTH for every kind of bad token: the caller learns nothing more, and need not. */
enum err jwt_verify(struct str key, int64_t now_s, struct str token, struct jwt_claims *ret_claims);
