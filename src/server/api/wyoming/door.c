// SPDX-License-Identifier: Apache-2.0
/* Where Home Assistant comes in. The protocol has no keys, so it opens to this machine alone unless told otherwise. */
#include <stdio.h>

#include "base/conf.h"
#include "base/log.h"
#include "server/api/route.h"
#include "server/api/wyoming/peer.h"
#include "server/loop/sock.h"
#include "server/net/addresses.h"

static void on_accept(void *arg, struct sock *s)
{
    peer_accept(arg, s);
}

static enum err cannot_listen(struct server_why *why, enum err err, const char *address)
{
    return server_refuse(
        why, err,
        "cannot listen on wyoming.listen = %.80s: %s; choose another address, such as "
        "127.0.0.1:10300",
        address, err_text(err));
}

static enum err listen(struct wyoming_door *door, struct server_why *why)
{
    struct server *s = door->server;
    const char *address = s->conf->wyoming_listen;
    struct str host;
    uint16_t port;
    if (address_split(str_of(address), &host, &port) != OK)
        return server_refuse(
            why, ERR_INVALID,
            "wyoming.listen must be ADDRESS:PORT, such as 127.0.0.1:10300, not \"%.80s\"", address);
    enum err err = listener_open_tcp(s->loop, host, port, on_accept, door, &door->listener);
    if (err != OK)
        return cannot_listen(why, err, address);
    if (!listener_is_loopback(door->listener) && !s->conf->wyoming_open)
        return server_refuse(
            why, ERR_DENIED,
            "wyoming.listen = %.80s lets others in, and the Wyoming protocol knows no keys; set "
            "wyoming.open to on if everybody there may speak, listen and ask, or listen on 127.0.0.1",
            address);
    log_info("Wyoming is spoken on %s", listener_address(door->listener));
    return OK;
}

enum err wyoming_open(struct server *s, struct server_why *why)
{
    if (!s->conf->wyoming_listen[0])
        return OK;
    s->wyoming = mem_zero(1, sizeof *s->wyoming);
    if (!s->wyoming)
        return ERR_NOMEM;
    s->wyoming->server = s;
    return listen(s->wyoming, why); /* what was made goes with the server */
}

void wyoming_drain(struct server *s)
{
    if (!s->wyoming)
        return;
    listener_close(s->wyoming->listener);
    s->wyoming->listener = nullptr;
    for (struct peer *p = s->wyoming->peers, *next; p; p = next) {
        next = p->next;
        peer_drain(p);
    }
}

void wyoming_close(struct server *s)
{
    if (!s->wyoming)
        return;
    listener_close(s->wyoming->listener);
    while (s->wyoming->peers)
        peer_free(s->wyoming->peers);
    free(s->wyoming);
    s->wyoming = nullptr;
}

uint32_t wyoming_connections(const struct server *s)
{
    return s->wyoming ? s->wyoming->count : 0;
}

uint64_t wyoming_refused(const struct server *s)
{
    return s->wyoming ? s->wyoming->refused : 0;
}
