// SPDX-License-Identifier: Apache-2.0
/*
 * Who is asking. A principal is an API key, a session token of one, or `local`: whoever reaches a
 * server that is bound to loopback and has no key, or its Unix socket (mode 0600). The key of the
 * configuration is `local` too; those of `repartee key` have names, which own what they add. A token
 * is good for its time, as long as the right that it was issued by (the key, or that no key is asked for),
 * and as long as its session. So with the sessions and the secret that signs tokens kept on the disk
 * (talk/keep.h), a restart changes nothing. Loop thread.
 */
#pragma once

#include "base/conf.h"
#include "server/access/jwt.h"
#include "server/net/exchange.h"

struct principal {
    char owner[JWT_OWNER_MAX + 1];     /* whose documents and sessions */
    char session[JWT_SESSION_MAX + 1]; /* of the token; "" without one */
    char right[JWT_RIGHT_MAX + 1];     /* what lets him in: a word, or a key's fingerprint */
    bool trusted;                      /* may see details and metrics: key or local, not a token */
    bool read_only;                    /* a visitor of a public server: asks, changes nothing */
};

struct auth;
struct key_ring;
struct sessions;
/* `loopback`: nothing but loopback and Unix sockets is listened on. The signing secret is the
 * configured one, else the kept one, else 32 random bytes. ERR_INVALID: it is shorter than 32 bytes.
 * Takes over `keys` on success. */
enum err auth_create(const struct conf *conf, bool loopback, struct str kept_secret,
                     const struct sessions *sessions, struct key_ring *keys,
                     struct auth **ret_auth);
void auth_destroy(struct auth *a); /* takes NULL */

/* From the Authorization header and the peer. ERR_AUTH; another error (ERR_NOMEM): that cannot be told now. */
enum err auth_request(const struct auth *a, const struct http_head *head,
                      const struct sock_peer *peer, struct principal *ret_who);
/* From a token or key in a message (`hello.token`); "" falls back on what the peer may do anyway. */
enum err auth_token(const struct auth *a, struct str token, const struct sock_peer *peer,
                    struct principal *ret_who);
/* Would he still be let in? Not once his key was revoked, the first key was made, or his session ended. For those who stay
 * connected; how old their token is does not matter. Errors as above. */
enum err auth_still(const struct auth *a, const struct principal *who);
/* Everything here is one person's: no visitors, and at most one key. */
bool auth_is_one_person(const struct auth *a);
/* Who may begin a session: every principal, and with session.public anybody, as a visitor. */
enum err auth_visitor(const struct auth *a, const struct http_head *head,
                      const struct sock_peer *peer, struct principal *ret_who);
/* Who came by a door that asks nobody for a key: as a visitor, he asks and changes nothing. */
void auth_stranger(struct principal *ret_who);
/* A token for `session` of `who`; appended to `into`. */
enum err auth_issue(const struct auth *a, const struct principal *who, struct str session,
                    struct buf *into, int64_t *ret_expires_s);
