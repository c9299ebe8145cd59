// SPDX-License-Identifier: Apache-2.0
/*
 * A connection to a server that speaks Wyoming (net/wyoming.h), embedded in its owner. Loop thread.
 *
 *     try(wyoming_line_open(&line, remote, connect_ms, &events, self));
 *     … events.opened(self): try(wyoming_line_send(&line, "describe", S(""), S("")));
 *     … events.event(self, &event) …
 *     wyoming_line_close(&line);              // at any time, also inside a callback, also of one that is zeroed
 *
 * No callback fires from inside a call. `ended` comes at most once, and nothing after it or after a close. What a server
 * sends is bounded, all in all, since whoever waits for an answer reads whatever else comes before.
 */
#pragma once

#include "server/net/wyoming.h"

struct dial;
struct remote;
struct sock;

enum { WYOMING_LINE_BYTES_MAX = 4 * 1024 * 1024 };

struct wyoming_line_events {
    void (*opened)(void *arg);
    void (*event)(void *arg, const struct wyoming_event *event); /* good for the call */
    void (*read)(void *arg);    /* all that had come is told; may be NULL */
    void (*drained)(void *arg); /* what was queued is sent; may be NULL */
    /* ERR_NOTFOUND, ERR_TIMEOUT: no connection; ERR_CLOSED; ERR_SYNTAX, ERR_UTF8: this is no Wyoming; ERR_TOOBIG,
     * ERR_NOMEM. why: more about it, or "". */
    void (*ended)(void *arg, enum err err, const char *why);
};

struct wyoming_line {
    const struct wyoming_line_events *events;
    void *arg;
    struct dial *dial; /* NULL: it has come to an end */
    struct sock *sock; /* NULL: not open */
    struct wyoming_decoder decoder;
    size_t bytes;  /* that have come */
    bool *is_gone; /* set by a close while something is being told; NULL: nothing is */
};

enum err wyoming_line_open(struct wyoming_line *line, struct remote *r, uint32_t connect_ms,
                           const struct wyoming_line_events *events, void *arg);
void wyoming_line_close(struct wyoming_line *line);
bool wyoming_line_is_open(const struct wyoming_line *line);
/* A part of an event has come. */
bool wyoming_line_is_within(const struct wyoming_line *line);
/* data: an object in JSON, or nothing. ERR_NOMEM: it is not sent. */
enum err wyoming_line_send(struct wyoming_line *line, const char *type, struct str data,
                           struct str payload);
size_t wyoming_line_queued(
    const struct wyoming_line *line); /* bytes that the kernel has not taken */
