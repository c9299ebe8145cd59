// SPDX-License-Identifier: Apache-2.0
#include "server/api/admit.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "server/access/limit.h"
#include "server/api/server.h"

enum { SITE_BYTES = 8 }; /* of an IPv6 address: the /64 */

/* A name that no owner has. */
static void name_site(const struct sock_peer *peer, char into[LIMIT_KEY_BYTES])
{
    struct in6_addr address;
    if (inet_pton(AF_INET6, peer->text, &address) != 1) {
        snprintf(into, LIMIT_KEY_BYTES, "@%s", peer->text);
        return;
    }
    memset(address.s6_addr + SITE_BYTES, 0, sizeof address.s6_addr - SITE_BYTES);
    into[0] = '@';
    (void)inet_ntop(AF_INET6, &address, into + 1,
                    LIMIT_KEY_BYTES - 1); /* has room for the longest */
}

enum err admit(const struct server *s, const struct principal *who, const struct sock_peer *peer,
               uint32_t *ret_wait_s)
{
    char site[LIMIT_KEY_BYTES];
    if (who->read_only)
        name_site(peer, site);
    return limit_take(s->turn_limit, str_of(who->read_only ? site : who->owner), ret_wait_s);
}

enum err admit_request(const struct server *s, const struct principal *who, struct exchange *x)
{
    uint32_t wait_s;
    enum err err = admit(s, who, exchange_peer(x), &wait_s);
    if (err != OK) {
        char text[16];
        snprintf(text, sizeof text, "%u", wait_s);
        (void)exchange_set(x, "Retry-After", str_of(text)); /* there is a default */
    }
    return err;
}
