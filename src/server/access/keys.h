// SPDX-License-Identifier: Apache-2.0
/*
 * API keys with names, in DATA/keys (mode 0600). A key is 256 random bits, so its SHA-256 is all that
 * is kept: there is nothing to guess, and no need for a slow hash. The name is the owner of what the
 * key's holder adds. `repartee key` writes the file, also while a server runs; the server looks whether
 * it has changed each time that it is asked, so nothing has to be restarted.
 *
 * One line a key: NAME, the hash in hexadecimal, the time of creation. Loop thread, or a command.
 */
#pragma once

#include "base/str.h"

enum {
    KEY_NAME_MAX = 64,
    KEY_BYTES = 32,
    KEY_HASH_BYTES = 32,
    KEYS_MAX = 1000,
    KEYS_FILE_MAX = 256 * 1024
};

struct key {
    char name[KEY_NAME_MAX + 1]; /* letters, digits, "." "-" "_" */
    uint8_t hash[KEY_HASH_BYTES];
    int64_t created_s;
};
struct keys {
    struct key *key; /* owned */
    size_t count;
};

/* ERR_SYNTAX when a line is none; on success the caller frees with keys_free. */
enum err keys_parse(struct str text, struct keys *ret_keys);
void keys_free(struct keys *k);
/* Can a key bear this name? "local" and "visitor" are taken by those who have none. */
bool key_name_is_good(struct str name);

/* ERR_NOMEM. */
enum err key_hash(struct str token, uint8_t into[KEY_HASH_BYTES]);

/* The file as it is now; none is no key. For commands. */
enum err keys_read(const char *data, struct keys *ret_keys);
/* Adds one, and appends its text to `ret_text`: the only time that it is seen. ERR_CONFLICT: there is
 * one of that name; ERR_TOOBIG: there are KEYS_MAX. */
enum err keys_add(const char *data, struct str name, struct buf *ret_text);
enum err keys_remove(const char *data, struct str name); /* ERR_NOTFOUND */

/* The server's view, which follows the file. */
struct key_ring;
enum err key_ring_create(const char *data,
                         struct key_ring **ret_ring); /* ERR_SYNTAX, ERR_DENIED… */
void key_ring_destroy(struct key_ring *r);            /* takes NULL */
/* The key that `token` is, or of that name: good until the next call. ERR_AUTH: there is none; another error
 * (ERR_NOMEM): that cannot be told now. */
enum err key_ring_find(struct key_ring *r, struct str token, const struct key **ret_key);
enum err key_ring_named(struct key_ring *r, struct str name, const struct key **ret_key);
/* KEYS_MAX when the file cannot be read. */
size_t key_ring_count(struct key_ring *r);
/* Is there any key? Also true when the file cannot be read any more: then nobody gets in by it. */
bool key_ring_locks(struct key_ring *r);
