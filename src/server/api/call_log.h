// SPDX-License-Identifier: Apache-2.0
/*
 * What goes out in a call, in order: events and messages of sound, each counted from 1. Both counts
 * together name a place in it, so that a client who was cut off can say where he was, and what he has
 * not got is sent again, byte for byte. A log that keeps nothing is a queue: what was sent is gone.
 * Bounded: the oldest of what was sent makes room. Pure; the call owns one.
 *
 *     try(call_log_add(&l, false, json)); for (; (m = call_log_next(&l)) != nullptr; call_log_sent(&l)) send(m);
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum { CALL_LOG_MAX = 2 * 1024 * 1024, CALL_LOG_AGE_MS = 60000 };

struct logged {
    struct logged *next;
    uint64_t number; /* among its kind */
    uint64_t at_ms;
    bool sound;
    size_t n;
    char bytes[];
};

/* Counts of events and of messages of sound. */
struct call_place {
    uint64_t events, sounds;
};

struct call_log {
    bool keeps; /* const after init */
    struct logged *first, *last;
    struct logged *unsent;  /* the first of them; NULL: none */
    struct call_place end;  /* of all that was added */
    struct call_place gone; /* of what is not kept any more: it was the oldest */
    size_t bytes;
};

void call_log_init(struct call_log *l, bool keeps);
void call_log_finish(struct call_log *l);
/* head and body make one message. ERR_TOOBIG: too much is not sent yet; ERR_NOMEM. */
enum err call_log_add(struct call_log *l, bool sound, struct str head, struct str body,
                      uint64_t now_ms);
/* What is to be sent next, or NULL; good until the next call. */
const struct logged *call_log_next(const struct call_log *l);
/* That was sent. */
void call_log_sent(struct call_log *l);
/* The client has got everything up to there. */
void call_log_received(struct call_log *l, struct call_place to);
/* What was sent so long ago will not be asked for any more. */
void call_log_forget(struct call_log *l, uint64_t before_ms);
/* Everything from there on is to be sent (again). ERR_NOTFOUND: it is not kept any more, or there has
 * never been such a place; nothing has changed. */
enum err call_log_rewind(struct call_log *l, struct call_place from);
