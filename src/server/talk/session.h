// SPDX-License-Identifier: Apache-2.0
/*
 * Sessions: one per conversation, found by an id that cannot be guessed, and only by its owner. Kept
 * for `idle_ms` after the last use; when the table is full the longest idle one that nobody is attached
 * to makes room. What keeps them over a restart is talk/keep.h. Loop thread.
 */
#pragma once

#include "server/talk/history.h"

struct call;
struct turn;

enum { SESSION_ID_BYTES = 16, SESSION_OWNER_MAX = 64, SESSION_LANGUAGE_BYTES = 16 };

struct session {
    char id[2 * SESSION_ID_BYTES + 1];
    char owner[SESSION_OWNER_MAX + 1]; /* the principal: a key's name, or "local" */
    struct history history;
    char language[SESSION_LANGUAGE_BYTES]; /* a tag: what was heard last; "": nothing yet */
    struct turn *live;                     /* the turn that runs now, or NULL; one at a time */
    uint32_t attached;                     /* connections that hold the pointer */
    uint64_t used_ms;   /* of clock_ms(); modulo 2^64 also before the machine was started */
    struct call *calls; /* the api's: those that may be resumed */
    bool ended;         /* nobody finds it any more; it goes as soon as nobody holds it */
    bool unsaved;       /* keep.c */
    struct session *newer, *older, *chain; /* session.c */
};

struct sessions;
enum err sessions_create(uint32_t max, uint64_t idle_ms, struct sessions **ret_s);
void sessions_destroy(struct sessions *s); /* check: no turn is live. Takes NULL */
/* ERR_BUSY when every session is attached or has a turn. The new session is not attached. */
enum err session_create(struct sessions *s, struct str owner, struct session **ret_session);
/* ERR_NOTFOUND also for a session of somebody else: ids tell nothing. Marks it used. */
enum err session_find(struct sessions *s, struct str id, struct str owner,
                      struct session **ret_session);
/* The same, and it stays as idle as it was. NULL: none. */
struct session *session_peek(const struct sessions *s, struct str id, struct str owner);
/* The caller keeps the pointer until session_release. */
void session_hold(struct session *session);
void session_release(struct sessions *s, struct session *session);
/* What was said is forgotten now, and the session is over, also for those who hold it. check: no turn
 * is live. */
void session_end(struct sessions *s, struct session *session);
/* One of an earlier life, last used `age_ms` ago; call it with the newest first. Takes the history over
 * on success. ERR_INVALID: such an id is never given; ERR_CONFLICT: it is there; ERR_BUSY: the table is
 * full. */
enum err session_restore(struct sessions *s, struct str id, struct str owner, uint64_t age_ms,
                         const struct history *history);
/* The next one, the newest first; `at` NULL: the first. NULL: no more. */
struct session *sessions_next(const struct sessions *s, const struct session *at);
/* Forgets what has been idle for too long; call it now and then. */
void sessions_sweep(struct sessions *s);
uint32_t sessions_count(const struct sessions *s);
uint32_t sessions_max(const struct sessions *s);
uint64_t sessions_idle_ms(const struct sessions *s);
