// SPDX-License-Identifier: Apache-2.0
/*
 * Sessions: one per conversation, found by an id that cannot be guessed, and only by its owner. Kept
 * in memory for SESSION_IDLE_MS; when the table is full the longest idle one that nobody is attached
 * to makes room. Loop thread.
 */
#pragma once

#include "server/talk/history.h"

struct turn;

enum { SESSION_ID_BYTES = 16, SESSION_OWNER_MAX = 64 };
constexpr uint64_t SESSION_IDLE_MS = 24ull * 3600 * 1000;

struct session {
    char id[2 * SESSION_ID_BYTES + 1];
    char owner[SESSION_OWNER_MAX + 1]; /* the principal: a key's name, or "local" */
    struct history history;
    struct turn *live; /* the turn that runs now, or NULL; one at a time */
    uint32_t attached; /* connections that hold the pointer */
    uint64_t used_ms;
    struct session *newer, *older, *chain; /* sessions.c */
};

struct sessions;
enum err sessions_create(uint32_t max, struct sessions **ret_s);
void sessions_destroy(struct sessions *s); /* check: no turn is live. Takes NULL */
/* ERR_BUSY when every session is attached or has a turn. The new session is not attached. */
enum err session_create(struct sessions *s, struct str owner, struct session **ret_session);
/* ERR_NOTFOUND also for a session of somebody else: ids tell nothing. Marks it used. */
enum err session_find(struct sessions *s, struct str id, struct str owner,
                      struct session **ret_session);
/* The caller keeps the pointer until session_release. */
void session_hold(struct session *session);
void session_release(struct sessions *s, struct session *session);
/* Forgets what has been idle for too long; call it now and then. */
void sessions_sweep(struct sessions *s);
uint32_t sessions_count(const struct sessions *s);
