// SPDX-License-Identifier: Apache-2.0
#include "server/access/auth.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "server/access/keys.h"
#include "server/rag/rag.h"
#include "server/talk/session.h"

static const char local[] = "local", visitor[] = "visitor";
/* Rights without a key; none of them is hexadecimal, as fingerprints are. */
static const char by_socket[] = "socket", by_loopback[] = "loopback", by_visit[] = "visit";

static_assert((int)JWT_OWNER_MAX == (int)KEY_NAME_MAX && (int)JWT_OWNER_MAX == (int)RAG_OWNER_MAX &&
              (int)JWT_OWNER_MAX == (int)SESSION_OWNER_MAX);

struct auth {
    bool loopback; /* nothing else is listened on */
    bool public_sessions;
    struct key_ring *keys;
    const struct sessions *sessions;
    struct str api_key; /* of the configuration; "" when none */
    char api_right[JWT_RIGHT_MAX + 1];
    char secret[512];
    size_t secret_n;
    int64_t wall_lead_ms; /* at the start */
};

/* A name for a key that tells nothing about it to those who do not have the secret. */
static enum err fingerprint(const struct auth *a, const uint8_t hash[KEY_HASH_BYTES],
                            char into[JWT_RIGHT_MAX + 1])
{
    uint8_t mac[32];
    if (!HMAC(EVP_sha256(), a->secret, (int)a->secret_n, hash, KEY_HASH_BYTES, mac, nullptr))
        return ERR_NOMEM;
    for (size_t i = 0; i < JWT_RIGHT_MAX / 2; i++)
        snprintf(into + 2 * i, 3, "%02x", mac[i]);
    return OK;
}

enum err auth_create(const struct conf *conf, bool loopback, struct str kept_secret,
                     const struct sessions *sessions, struct key_ring *keys, struct auth **ret_auth)
{
    struct str signing = conf->jwt_secret[0] ? str_of(conf->jwt_secret) : kept_secret;
    if (signing.n > 0 && (signing.n < JWT_KEY_MIN || signing.n > sizeof((struct auth *)0)->secret))
        return ERR_INVALID;
    struct auth *a = mem_zero(1, sizeof *a);
    if (!a)
        return ERR_NOMEM;
    a->wall_lead_ms = clock_wall_lead_ms();
    a->api_key = str_of(conf->api_key);
    a->loopback = loopback;
    a->keys = keys;
    a->sessions = sessions;
    a->public_sessions = conf->session_public;
    if (signing.n) {
        memcpy(a->secret, signing.p, signing.n);
        a->secret_n = signing.n;
    } else {
        random_bytes(a->secret, JWT_KEY_MIN);
        a->secret_n = JWT_KEY_MIN;
    }
    uint8_t hash[KEY_HASH_BYTES];
    enum err err = key_hash(a->api_key, hash);
    if (err == OK)
        err = fingerprint(a, hash, a->api_right);
    if (err != OK) {
        OPENSSL_cleanse(a->secret, sizeof a->secret);
        free(a);
        return err;
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

/* Of tokens: that of the start, gone on steadily. Who sets the clock while the server runs ends no token
 * and revives none. */
static int64_t now_s(const struct auth *a)
{
    return (clock_wall_ms() - (clock_wall_lead_ms() - a->wall_lead_ms)) / 1000;
}

static struct str secret(const struct auth *a)
{
    return (struct str){a->secret, a->secret_n};
}

static void be(struct principal *who, const char *owner, const char *right, bool trusted)
{
    *who = (struct principal){.trusted = trusted, .read_only = strcmp(right, by_visit) == 0};
    memcpy(who->owner, owner, strlen(owner));
    memcpy(who->right, right, strlen(right));
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

static enum err if_so(bool let_in)
{
    return let_in ? OK : ERR_AUTH;
}

static enum err still_may(const struct auth *a, const char *owner, const char *right)
{
    if (strcmp(right, by_socket) == 0)
        return OK; /* who may open it is the file system's matter */
    if (strcmp(right, by_loopback) == 0)
        return if_so(is_open(a));
    if (strcmp(right, by_visit) == 0)
        return if_so(a->public_sessions);
    if (strcmp(owner, local) == 0)
        return if_so(a->api_key.n > 0 && strcmp(right, a->api_right) == 0);
    char now[JWT_RIGHT_MAX + 1] = "";
    const struct key *key;
    try(key_ring_named(a->keys, str_of(owner), &key));
    try(fingerprint(a, key->hash, now));
    return if_so(strcmp(right, now) == 0); /* a new key of the same name is another one */
}

static bool has_session(const struct auth *a, const char *session, const char *owner)
{
    return session_peek(a->sessions, str_of(session), str_of(owner)) != nullptr;
}

enum err auth_still(const struct auth *a, const struct principal *who)
{
    try(still_may(a, who->owner, who->right));
    return if_so(!who->session[0] || has_session(a, who->session, who->owner));
}

bool auth_is_one_person(const struct auth *a)
{
    return !a->public_sessions && key_ring_count(a->keys) + (a->api_key.n > 0) <= 1;
}

enum err auth_token(const struct auth *a, struct str token, const struct sock_peer *peer,
                    struct principal *ret_who)
{
    if (token.n == 0) {
        if (!peer->local && !(peer->loopback && is_open(a)))
            return ERR_AUTH;
        be(ret_who, local, peer->local ? by_socket : by_loopback, true);
        return OK;
    }
    if (is_api_key(a, token)) {
        /* One key, one principal; the same as `local`, so that documents added on the machine
         * itself are found by those who hold its key. */
        be(ret_who, local, a->api_right, true);
        return OK;
    }
    const struct key *key;
    enum err err = key_ring_find(a->keys, token, &key);
    if (err == OK) {
        char right[JWT_RIGHT_MAX + 1] = "";
        try(fingerprint(a, key->hash, right));
        be(ret_who, key->name, right, true);
    }
    if (err != ERR_AUTH)
        return err;
    struct jwt_claims claims;
    try(jwt_verify(secret(a), now_s(a), token, &claims));
    try(still_may(a, claims.owner, claims.right));
    if (!has_session(a, claims.session, claims.owner))
        return ERR_AUTH;
    be(ret_who, claims.owner, claims.right, false);
    memcpy(ret_who->session, claims.session, sizeof claims.session);
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
    be(ret_who, visitor, by_visit, false);
    return OK;
}

void auth_stranger(struct principal *ret_who)
{
    be(ret_who, visitor, by_visit, false);
}

enum err auth_issue(const struct auth *a, const struct principal *who, struct str session,
                    struct buf *into, int64_t *ret_expires_s)
{
    struct jwt_claims claims = {};
    memcpy(claims.owner, who->owner, sizeof who->owner);
    memcpy(claims.right, who->right, sizeof who->right);
    memcpy(claims.session, session.p, session.n < JWT_SESSION_MAX ? session.n : JWT_SESSION_MAX);
    try(jwt_sign(secret(a), now_s(a), &claims, into));
    *ret_expires_s = clock_wall_ms() / 1000 + JWT_LIFE_S; /* by the client's clock */
    return OK;
}
