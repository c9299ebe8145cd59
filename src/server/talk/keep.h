// SPDX-License-Identifier: Apache-2.0
/*
 * What lets conversations survive a restart: a snapshot of a session on the disk (keep_file.h) after
 * each of its turns, written on a lane of its own, so that kill -9 costs the turn that was running and
 * what the lane had not got to (LANE_JOBS turns at most). The history is turned into text on the loop, at
 * once; nothing of a session is shared.
 *
 * A snapshot that cannot be made or written (no memory, a full disk, a lane that is behind) costs the
 * snapshot, never the conversation. It is tried again every minute, and as soon as another one was
 * written; that the disk refuses is told, once. Loop thread.
 */
#pragma once

#include "server/talk/keep_file.h"
#include "server/talk/session.h"

struct keep;
struct loop;

/* Opens the file and puts what it holds into `sessions`; may wait for the disk. Tells in the log what was
 * found. On failure nothing is kept, and that is the caller's to tell. */
enum err keep_open(struct loop *l, const char *data, struct sessions *sessions,
                   struct keep **ret_keep);
/* Writes what is still to be written. Takes NULL. */
void keep_close(struct keep *k);
/* Good for the keep's life; empty when k is NULL. */
struct str keep_secret(const struct keep *k);

/* Takes a snapshot. k may be NULL: then nothing is kept. */
void keep_save(struct keep *k, struct session *session);
/* For a session that is being ended, or with an empty id for all of the owner's. `done` is called when
 * nothing of it is on the disk any more (ERR_NOTFOUND: nothing of that one was), or with why something
 * may be; never from inside this call.
 * ERR_BUSY, ERR_NOMEM: it will not be called. */
enum err keep_forget(struct keep *k, struct str owner, struct str id,
                     void (*done)(void *arg, enum err err), void *arg);
/* Once a minute. */
void keep_tick(struct keep *k);
