// SPDX-License-Identifier: Apache-2.0
/*
 * DATA/sessions.db (mode 0600): a row a conversation, and the secret that signs session tokens, in one
 * SQLite file. What is replaced or deleted is overwritten, also in the journal. synchronous=NORMAL: kill -9
 * loses nothing that was committed, a power failure the last seconds at most, and neither damages it.
 *
 * What lies there is foreign: a file that cannot be read as a whole, or that a newer Repartee wrote, is
 * set aside as sessions.db.aside (the one before it goes), and a new one is begun; a row that this
 * program would not have written is deleted. One thread at a time.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum { KEEP_SECRET_BYTES = 32 };

enum keep_found : uint8_t { KEEP_FOUND_GOOD, KEEP_FOUND_DAMAGED, KEEP_FOUND_NEWER };

struct keep_file;
/* ERR_DENIED, ERR_NOSPACE, ERR_IO…: it can be neither read nor made. ret_found: why a file was set aside. */
enum err keep_file_open(const char *data, struct keep_file **ret_f, enum keep_found *ret_found);
void keep_file_close(struct keep_file *f); /* takes NULL */
/* The secret in it; a new one when there is none. */
enum err keep_file_secret(struct keep_file *f, char ret_secret[KEEP_SECRET_BYTES]);

struct keep_row {
    struct str id, owner; /* borrowed */
    int64_t used_ms;      /* since 1970 */
    struct str said;      /* history_put_json */
};
/* The rows that were used after `oldest_ms`, at most `max` of them, the newest first. Those of which
 * `fn` says ERR_INVALID are deleted and counted. */
enum err keep_file_load(struct keep_file *f, int64_t oldest_ms, uint32_t max,
                        enum err (*fn)(void *arg, const struct keep_row *row), void *arg,
                        size_t *ret_bad);
/* The wall clock was set: so much is added to the time of every row, now or before anything else is written. */
enum err keep_file_shift(struct keep_file *f, int64_t by_ms);
/* No row is newer than this: written under a clock that was wrong. */
enum err keep_file_clamp(struct keep_file *f, int64_t now_ms);
enum err keep_file_put(struct keep_file *f, const struct keep_row *row);
/* One of the owner's, or with an empty id all, and what was set aside, for nobody can tell whose that is.
 * ERR_NOTFOUND: nothing of that one was on the disk. ERR_BUSY: it is deleted, but lies in the
 * journal, which another program is reading; the next keep_file_prune tries again. */
enum err keep_file_delete(struct keep_file *f, struct str owner, struct str id);
/* Deletes what was used at `oldest_ms` or before, what is beyond the newest `max`, and a file that was set
 * aside before that time; and empties the journal when that is due. */
enum err keep_file_prune(struct keep_file *f, int64_t oldest_ms, uint32_t max);
/* Removes everything. ERR_DENIED…: something of it is still there. */
enum err keep_file_erase(const char *data);
