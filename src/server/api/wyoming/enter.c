// SPDX-License-Identifier: Apache-2.0
/* Who may come in, and stay, and how many at once. */
#include <stdio.h>

#include "base/conf.h"
#include "server/api/admit.h"
#include "server/api/route.h"
#include "server/api/wyoming/peer.h"
#include "server/loop/sock.h"

enum { REFUSED_AT_ONCE = 16 }; /* beyond the connections there may be: those that are told so */

/* Where keys are asked for, this machine's users need them as well. */
static enum err let_in(struct peer *p)
{
    const struct server *s = p->door->server;
    enum err err = auth_token(s->auth, S(""), &p->from, &p->who);
    if (err == ERR_AUTH && s->conf->wyoming_open) {
        auth_stranger(&p->who);
        return OK;
    }
    return err;
}

static void explain(struct json_why *why)
{
    snprintf(
        why->text, sizeof why->text,
        "this server asks for keys, and Wyoming knows none; its operator can set wyoming.open to on");
}

/* Those who came before the first key was made are asked as well. */
enum err peer_admit(struct peer *p, struct json_why *why)
{
    uint32_t wait_s;
    enum err err = p->door->server->draining ? ERR_DRAINING : let_in(p);
    if (err == ERR_AUTH)
        explain(why);
    try(err);
    err = admit(p->door->server, &p->who, &p->from, &wait_s);
    if (err == ERR_RATE)
        snprintf(why->text, sizeof why->text, "too many requests; try again in %u s", wait_s);
    return err;
}

static uint64_t connections_most(const struct conf *c)
{
    return (uint64_t)c->wyoming_connections + REFUSED_AT_ONCE;
}

uint64_t wyoming_descriptors(const struct conf *c)
{
    return c->wyoming_listen[0] ? 1 + connections_most(c) : 0;
}

void peer_accept(struct wyoming_door *door, struct sock *s)
{
    const struct conf *c = door->server->conf;
    struct peer *p = door->count < connections_most(c) ? peer_begin(door, s) : nullptr;
    if (!p) {
        door->refused++;
        sock_close(s);
        return;
    }
    struct json_why why = {};
    enum err err = let_in(p);
    if (err == ERR_AUTH)
        explain(&why);
    else if (err == OK && door->count > (uint64_t)c->wyoming_connections)
        err = ERR_BUSY;
    if (err == OK)
        return;
    door->refused++;
    peer_fail(p, err, why.text);
}
