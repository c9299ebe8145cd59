// SPDX-License-Identifier: Apache-2.0
/* The inside of a call, shared by call.c and call_events.c. Nobody else includes it. */
#pragma once

#include "server/api/call.h"
#include "server/api/server.h"

enum { CALL_EVENT_MAX = 128 * 1024, CALL_ACK_EVERY = 50 };

struct call {
    struct server *server;
    struct ws *ws; /* NULL: nobody is connected */
    void *holder;  /* of the connection */
    struct sock_peer peer;
    struct principal who;
    struct session *session; /* held */
    struct conversation *conversation;
    struct call_wishes wishes;
    char voice[CALL_VOICE_MAX + 1]; /* wishes.voice */
    struct buf json;
    struct call_log log;
    bool broken; /* a message is lost: it cannot go on */

    /* Of one that may be resumed. */
    char id[2 * CALL_ID_BYTES + 1];
    struct call *in_session;   /* the next one of session->calls */
    struct call *next, **link; /* of server->away; link NULL: not among them */
    struct timer patience;     /* while away, or broken */
    uint64_t received;         /* the client's messages */
};

extern const struct conversation_events call_events;
/* Into the log, and out if there is a connection. */
void call_post(struct call *call, bool sound, struct str head, struct str body);
/* A message is lost, and a gap would be worse than an end. */
void call_give_up(struct call *call, const char *why);
/* `ready`: of a new call its first event; of a resumed one outside of the log, with the number of the
 * event that the client has got last. */
void call_greet(struct call *call, const struct call_place *resumed);
/* Tells the client how many of its messages have arrived; outside of the log. */
void call_acknowledge(struct call *call);
