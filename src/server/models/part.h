// SPDX-License-Identifier: Apache-2.0
/*
 * A model's file while it comes: FOLDER/.part/HASH, named for what it is to become, so that nobody takes it for a
 * model and a later try goes on with it. The hash is its SHA-256, or the name that Git has for it where the hub states
 * nothing else, which it does of small files alone. What is there is hashed as it comes. One thread.
 *
 *     try(part_open(folder, hash, &p));         // with the bytes of an earlier try, if there are any
 *     try(part_write(p, bytes));                // …
 *     if (part_is_whole(p, size)) try(part_install(p, "llm", "llm/name.gguf", false));
 *     part_close(p);                            // what was not installed stays
 *
 * Installed means: on the disk, and under its name in one step. After a crash there is all of it or nothing.
 */
#pragma once

#include "server/models/source.h"

enum { ETAG_BYTES = 128 };

struct part;

bool part_name_is_good(struct str hash);
/* How much of it an earlier try has left. */
int64_t part_there(const char *folder, const char *hash);
/* Makes .part where it is missing. */
enum err part_open(const char *folder, const char *hash, struct part **ret_p);
void part_close(struct part *p); /* takes NULL */
int64_t part_size(const struct part *p);
enum err part_write(struct part *p, struct str bytes); /* ERR_NOSPACE, ERR_IO */
enum err part_restart(struct part *p);                 /* empties it */
/* From what version of the file the bytes are, by a strong ETag that others may be asked by (RFC 9110, 8.8.3). Said
 * when it is empty; a weak one is none. */
enum err part_set_etag(struct part *p, struct str etag);
const char *part_etag(const struct part *p); /* "": not known */
/* Has it the size, unless that is 0, and the hash that it is named for? An empty one is no model. */
enum err part_is_whole(const struct part *p, int64_t size, bool *ret_is);
enum err part_sha256(const struct part *p, char into[SHA256_HEX + 1]); /* of what is there */
/* ERR_CONFLICT: there is such a file, and it is not to be replaced. */
enum err part_install(struct part *p, const char *kind, const char *file, bool replaces);
/* Away with it and what belongs to it. */
void part_discard(struct part *p);
