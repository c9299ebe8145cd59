// SPDX-License-Identifier: Apache-2.0
/* The keys as a running server sees them. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "server/access/keys_parts.h"

struct key_ring {
    char path[KEYS_PATH_BYTES];
    struct keys keys;
    struct stat seen; /* of the file that `keys` was read from; st_ino 0: there was none */
    bool is_broken;   /* what lies there now cannot be read: no key is good */
};

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* What it says will not change until it is written anew; anything else may be otherwise next time. */
static bool is_final(enum err err)
{
    return err == OK || err == ERR_SYNTAX || err == ERR_TOOBIG;
}

static enum err load(struct key_ring *r, const struct stat *about)
{
    struct keys fresh = {};
    int fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    enum err err = fd < 0 ? err_from_errno(errno) : keys_read_fd(fd, &fresh);
    if (fd >= 0)
        close(fd);
    keys_free(&r->keys);
    r->keys = fresh;
    r->seen = is_final(err) ? *about : (struct stat){};
    return err;
}

static enum err broken(struct key_ring *r, enum err err, const char *why)
{
    if (!r->is_broken)
        log_error("%s cannot be read (%s); no key is accepted", r->path, why);
    r->is_broken = true;
    return err;
}

/* The file is replaced as a whole, so its inode, size and time tell of every change. */
static enum err follow(struct key_ring *r)
{
    struct stat about = {};
    if (stat(r->path, &about) != 0) {
        enum err err = err_from_errno(errno);
        keys_free(&r->keys);
        r->seen = (struct stat){};
        if (err != ERR_NOTFOUND)
            return broken(r, err, err_text(err));
        r->is_broken = false;
        return OK;
    }
    if (is_same(&about, &r->seen))
        return r->is_broken ? ERR_SYNTAX : OK;
    enum err err = load(r, &about);
    if (err != OK)
        return broken(r, err, err == ERR_SYNTAX ? "a line is damaged" : err_text(err));
    r->is_broken = false;
    return OK;
}

enum err key_ring_create(const char *data, struct key_ring **ret_ring)
{
    struct key_ring *r = mem_zero(1, sizeof *r);
    if (!r)
        return ERR_NOMEM;
    enum err err = keys_path(data, r->path);
    if (err == OK)
        err = follow(r);
    if (err != OK) {
        key_ring_destroy(r);
        return err;
    }
    *ret_ring = r;
    return OK;
}

void key_ring_destroy(struct key_ring *r)
{
    if (r)
        keys_free(&r->keys);
    free(r);
}

/* A file that is damaged or forbidden holds no keys; of one that could not be read just now nobody knows. */
static enum err look(struct key_ring *r)
{
    enum err err = follow(r);
    return is_final(err) || err == ERR_DENIED ? OK : err;
}

enum err key_ring_find(struct key_ring *r, struct str token, const struct key **ret_key)
{
    uint8_t hash[KEY_HASH_BYTES];
    const struct key *found = nullptr;
    try(look(r));
    if (r->keys.count == 0)
        return ERR_AUTH;
    try(key_hash(token, hash));
    for (size_t i = 0; i < r->keys.count; i++)
        if (CRYPTO_memcmp(hash, r->keys.key[i].hash, sizeof hash) == 0)
            found = &r->keys.key[i];
    if (!found)
        return ERR_AUTH;
    *ret_key = found;
    return OK;
}

enum err key_ring_named(struct key_ring *r, struct str name, const struct key **ret_key)
{
    try(look(r));
    for (size_t i = 0; i < r->keys.count; i++)
        if (str_eq(name, str_of(r->keys.key[i].name))) {
            *ret_key = &r->keys.key[i];
            return OK;
        }
    return ERR_AUTH;
}

size_t key_ring_count(struct key_ring *r)
{
    (void)follow(r);
    return r->is_broken ? (size_t)KEYS_MAX : r->keys.count;
}

bool key_ring_locks(struct key_ring *r)
{
    (void)follow(r);
    return r->keys.count > 0 || r->is_broken;
}
