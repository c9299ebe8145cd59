// SPDX-License-Identifier: Apache-2.0
/* The file of keys: its form, and how a command changes it. */
#include "server/access/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "server/access/keys_parts.h"

static const char prefix[] = "repartee_";

/* --- the form --- */

bool key_name_is_good(struct str name)
{
    if (name.n == 0 || name.n > KEY_NAME_MAX || name.p[0] == '-' || name.p[0] == '.')
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i], low = (char)(c | 0x20);
        if (!(low >= 'a' && low <= 'z') && !(c >= '0' && c <= '9') && c != '.' && c != '-' &&
            c != '_')
            return false;
    }
    return !str_eq(name, S("local")) && !str_eq(name, S("visitor"));
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum err parse_line(struct str line, struct key *ret_key)
{
    struct str name, hash;
    struct key k = {};
    if (!str_cut(&line, ' ', &name) || !str_cut(&line, ' ', &hash) || !key_name_is_good(name) ||
        hash.n != 2 * (size_t)KEY_HASH_BYTES || str_to_i64(line, &k.created_s) != OK)
        return ERR_SYNTAX;
    memcpy(k.name, name.p, name.n);
    for (size_t i = 0; i < KEY_HASH_BYTES; i++) {
        int high = hex_digit(hash.p[2 * i]), low = hex_digit(hash.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return ERR_SYNTAX;
        k.hash[i] = (uint8_t)(high << 4 | low);
    }
    *ret_key = k;
    return OK;
}

enum err keys_parse(struct str text, struct keys *ret_keys)
{
    struct keys k = {};
    size_t room = 0;
    struct str line;
    while (str_cut(&text, '\n', &line)) {
        struct key one;
        enum err err = line.n == 0 ? OK : parse_line(line, &one);
        if (err == OK && line.n)
            err = k.count == KEYS_MAX ? ERR_TOOBIG
                                      : mem_grow((void **)&k.key, &room, k.count + 1, sizeof one);
        if (err != OK) {
            keys_free(&k);
            return err;
        }
        if (line.n)
            k.key[k.count++] = one;
    }
    *ret_keys = k;
    return OK;
}

void keys_free(struct keys *k)
{
    free(k->key);
    *k = (struct keys){};
}

enum err key_hash(struct str token, uint8_t into[KEY_HASH_BYTES])
{
    return SHA256((const uint8_t *)token.p, token.n, into) ? OK : ERR_NOMEM;
}

/* --- the file --- */

enum err keys_path(const char *data, char into[KEYS_PATH_BYTES])
{
    int n = snprintf(into, KEYS_PATH_BYTES, "%s/keys", data);
    return n < KEYS_PATH_BYTES ? OK : ERR_TOOBIG;
}

enum err keys_read_fd(int fd, struct keys *ret_keys)
{
    autobuf text = BUF(KEYS_FILE_MAX);
    char piece[4096];
    ssize_t n;
    while ((n = read(fd, piece, sizeof piece)) > 0)
        try(buf_add(&text, (struct str){piece, (size_t)n}));
    return n < 0 ? err_from_errno(errno) : keys_parse(buf_str(&text), ret_keys);
}

enum err keys_read(const char *data, struct keys *ret_keys)
{
    char path[KEYS_PATH_BYTES];
    try(keys_path(data, path));
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT) {
        *ret_keys = (struct keys){};
        return OK;
    }
    if (fd < 0)
        return err_from_errno(errno);
    enum err err = keys_read_fd(fd, ret_keys);
    close(fd);
    return err;
}

static enum err print(const struct keys *k, struct buf *text)
{
    for (size_t i = 0; i < k->count; i++) {
        try(buf_addf(text, "%s ", k->key[i].name));
        for (size_t b = 0; b < KEY_HASH_BYTES; b++)
            try(buf_addf(text, "%02x", k->key[i].hash[b]));
        try(buf_addf(text, " %lld\n", (long long)k->key[i].created_s));
    }
    return OK;
}

/* A new file in the place of the old one, so that a reader sees one of them whole. */
static enum err replace(const char *data, int folder, const struct keys *k)
{
    char path[KEYS_PATH_BYTES];
    autobuf text = BUF(KEYS_FILE_MAX);
    try(keys_path(data, path));
    try(print(k, &text));
    try(file_replace(path, 0600, buf_str(&text)));
    return fsync(folder) == 0 ? OK : err_from_errno(errno);
}

static size_t index_of(const struct keys *k, struct str name)
{
    size_t i = 0;
    while (i < k->count && !str_eq(name, str_of(k->key[i].name)))
        i++;
    return i;
}

static enum err append(struct keys *k, struct str name, struct buf *text)
{
    if (index_of(k, name) < k->count)
        return ERR_CONFLICT;
    if (k->count == KEYS_MAX)
        return ERR_TOOBIG;
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
    uint8_t random[KEY_BYTES + 1] = {};
    random_bytes(random, KEY_BYTES);
    size_t begin = text->n;
    try(buf_add(text, str_of(prefix)));
    for (size_t bit = 0; bit < 8 * (size_t)KEY_BYTES; bit += 6) {
        unsigned two = (unsigned)random[bit / 8] << 8 | random[bit / 8 + 1];
        try(buf_add_byte(text, digits[two >> (10 - bit % 8) & 63]));
    }
    struct key fresh = {.created_s = clock_wall_ms() / 1000};
    memcpy(fresh.name, name.p, name.n);
    try(key_hash(str_sub(buf_str(text), begin, text->n), fresh.hash));
    struct key *longer = realloc(k->key, (k->count + 1) * sizeof *k->key);
    if (!longer)
        return ERR_NOMEM;
    k->key = longer;
    k->key[k->count++] = fresh;
    return OK;
}

/* Two commands at once change it one after the other: the folder itself is what they lock. */
static enum err change(const char *data, struct str name, struct buf *added)
{
    int folder = open(data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return err_from_errno(errno);
    struct keys k = {};
    enum err err = flock(folder, LOCK_EX) == 0 ? OK : err_from_errno(errno);
    if (err == OK)
        err = keys_read(data, &k);
    if (err == OK && added) {
        err = append(&k, name, added);
    } else if (err == OK) {
        size_t i = index_of(&k, name);
        if (k.key == nullptr || i == k.count)
            err = ERR_NOTFOUND;
        else
            memmove(&k.key[i], &k.key[i + 1], (--k.count - i) * sizeof *k.key);
    }
    if (err == OK)
        err = replace(data, folder, &k);
    keys_free(&k);
    close(folder);
    return err;
}

enum err keys_add(const char *data, struct str name, struct buf *ret_text)
{
    return key_name_is_good(name) ? change(data, name, ret_text) : ERR_INVALID;
}

enum err keys_remove(const char *data, struct str name)
{
    return change(data, name, nullptr);
}
