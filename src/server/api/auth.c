// SPDX-License-Identifier: Apache-2.0
#include "server/api/auth.h"

#include <openssl/crypto.h>

#include "base/clock.h"
#include "base/mem.h"
#include "server/api/keys.h"

static const char local[] = "local", visitor[] = "visitor";

struct auth {
    bool loopback; /* nothing else is listened on */
    bool public_sessions;
    struct key_ring *keys;
    struct str api_key; /* of the configuration; "" when none */
    char secret[512];
    size_t secret_n;
};

enum err auth_create(const struct conf *conf, bool loopback, struct key_ring *keys,
                     struct auth **ret_auth)
{
    size_t n = strlen(conf->jwt_secret);
    if (n > 0 && (n < JWT_KEY_MIN || n > sizeof((struct auth *)0)->secret))
        return ERR_INVALID;
    struct auth *a = mem_zero(1, sizeof *a);
    if (!a)
        return ERR_NOMEM;
    a->api_key = str_of(conf->api_key);
    a->loopback = loopback;
    a->keys = keys;
    a->public_sessions = conf->session_public;
    if (n) {
        memcpy(a->secret, conf->jwt_secret, n);
        a->secret_n = n;
    } else {
        random_bytes(a->secret, JWT_KEY_MIN);
        a->secret_n = JWT_KEY_MIN;
    }
    *ret_auth = a;
    return OK;
}

void auth_destroy(struct auth *a)
{
    if (a) {
        OPENSSL_cleanse(a->secret, sizeof a->secret);
        key_ring_destroy(a->keys);
    }
    free(a);
}

static struct str secret(const struct auth *a)
{
    return (struct str){a->secret, a->secret_n};
}

static void be(struct principal *who, const char *owner, bool trusted)
{
    *who = (struct principal){.trusted = trusted};
    memcpy(who->owner, owner, strlen(owner));
}

static bool is_api_key(const struct auth *a, struct str token)
{
    return a->api_key.n > 0 && token.n == a->api_key.n &&
           CRYPTO_memcmp(token.p, a->api_key.p, token.n) == 0;
}

/* No key is asked of loopback as long as there is none. */
static bool is_open(const struct auth *a)
{
    return a->loopback && a->api_key.n == 0 && !key_ring_locks(a->keys);
}

/* A session of somebody whose key was revoked ends with it. */
static bool still_may(const struct auth *a, const char *owner)
{
    return strcmp(owner, local) == 0 || strcmp(owner, visitor) == 0 ||
           key_ring_has(a->keys, str_of(owner));
}

enum err auth_token(const struct auth *a, struct str token, const struct sock_peer *peer,
                    struct principal *ret_who)
{
    if (token.n == 0) {
        if (!peer->local && !(peer->loopback && is_open(a)))
            return ERR_AUTH;
        be(ret_who, local, true);
        return OK;
    }
    if (is_api_key(a, token)) {
        /* One key, one principal; the same as `local`, so that documents added on the machine
         * itself are found by those who hold its key. */
        be(ret_who, local, true);
        return OK;
    }
    const char *name = key_ring_find(a->keys, token);
    if (name) {
        be(ret_who, name, true);
        return OK;
    }
    struct jwt_claims claims;
    try(jwt_verify(secret(a), clock_wall_ms() / 1000, token, &claims));
    if (!still_may(a, claims.owner))
        return ERR_AUTH;
    be(ret_who, claims.owner, false);
    memcpy(ret_who->session, claims.session, sizeof claims.session);
    ret_who->read_only = strcmp(claims.owner, visitor) == 0;
    return OK;
}

enum err auth_request(const struct auth *a, const struct http_head *head,
                      const struct sock_peer *peer, struct principal *ret_who)
{
    struct str value = http_value(head, "authorization");
    if (!value.p)
        return auth_token(a, S(""), peer, ret_who);
    struct str scheme = str_sub(value, 0, 7);
    struct str token = str_trim(str_sub(value, 7, value.n));
    if (!str_eq_nocase(scheme, S("Bearer ")) || token.n == 0)
        return ERR_AUTH;
    return auth_token(a, token, peer, ret_who);
}

enum err auth_visitor(const struct auth *a, const struct http_head *head,
                      const struct sock_peer *peer, struct principal *ret_who)
{
    enum err err = auth_request(a, head, peer, ret_who);
    if (err != ERR_AUTH || !a->public_sessions || http_value(head, "authorization").p)
        return err;
    be(ret_who, visitor, false);
    ret_who->read_only = true;
    return OK;
}

enum err auth_issue(const struct auth *a, const struct principal *who, struct str session,
                    struct buf *into, int64_t *ret_expires_s)
{
    struct jwt_claims claims = {};
    memcpy(claims.owner, who->owner, sizeof who->owner);
    memcpy(claims.session, session.p, session.n < JWT_SESSION_MAX ? session.n : JWT_SESSION_MAX);
    try(jwt_sign(secret(a), clock_wall_ms() / 1000, &claims, into));
    *ret_expires_s = claims.expires_s;
    return OK;
}
