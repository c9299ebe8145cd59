// SPDX-License-Identifier: Apache-2.0
#include "server/models/models_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "server/models/disk.h"
#include "server/models/part.h"

enum { PIECE = 1 << 20 };
static const char lock_name[] = "/models.lock";

static enum err make_path(const struct models_dir *d, const char *name,
                          char into[MODELS_PATH_BYTES])
{
    int n = snprintf(into, MODELS_PATH_BYTES, "%s%s", d->path, name);
    return n < MODELS_PATH_BYTES ? OK : ERR_TOOBIG;
}

enum err models_dir_init(struct models_dir *d, const char *configured, const char *data)
{
    d->lock = -1;
    bool has = configured[0];
    int n =
        snprintf(d->path, sizeof d->path, "%s%s", has ? configured : data, has ? "" : "/models");
    if (n >= (int)sizeof d->path)
        return ERR_TOOBIG;
    char *real = realpath(d->path, nullptr);
    if (real)
        snprintf(d->path, sizeof d->path, "%s", real);
    free(real);
    return OK;
}

/* --- the lock --- */

static void read_holder(int fd, char holder[MODELS_HOLDER_BYTES])
{
    ssize_t n = pread(fd, holder, MODELS_HOLDER_BYTES - 1, 0);
    for (ssize_t i = 0; i < n; i++)
        if (holder[i] < ' ' || holder[i] >= 0x7f)
            n = 0;
    snprintf(holder + (n > 0 ? n : 0), (size_t)(MODELS_HOLDER_BYTES - (n > 0 ? n : 0)), "%s",
             n > 0 ? "" : "another process");
}

enum err models_dir_lock(struct models_dir *d, const char *what, char holder[MODELS_HOLDER_BYTES])
{
    char path[MODELS_PATH_BYTES], me[MODELS_HOLDER_BYTES];
    if (mkdir(d->path, 0755) != 0 && errno != EEXIST)
        return err_from_errno(errno);
    try(make_path(d, "/.lock", path));
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_from_errno(errno);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        enum err err = errno == EWOULDBLOCK ? ERR_CONFLICT : err_from_errno(errno);
        read_holder(fd, holder);
        close(fd);
        return err;
    }
    int n = snprintf(me, sizeof me, "process %d (repartee %.40s)", (int)getpid(), what);
    /* The lock is what counts: on a full disk the file just does not tell who has it. */
    if (ftruncate(fd, 0) == 0 && pwrite(fd, me, (size_t)n, 0) < 0)
        errno = 0;
    d->lock = fd;
    return OK;
}

void models_dir_unlock(struct models_dir *d)
{
    if (d->lock >= 0)
        close(d->lock);
    d->lock = -1;
}

/* --- models.lock --- */

static enum err read_all(int fd, struct buf *text)
{
    char piece[4096];
    ssize_t n;
    while ((n = read(fd, piece, sizeof piece)) > 0)
        try(buf_add(text, (struct str){piece, (size_t)n}));
    return n == 0 ? OK : err_from_errno(errno);
}

static enum err read_list(const struct models_dir *d, struct model_list *ret_list,
                          struct model_list_why *why)
{
    char path[MODELS_PATH_BYTES];
    autobuf text = BUF(MODEL_LIST_BYTES);
    *why = (struct model_list_why){};
    try(make_path(d, lock_name, path));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        *ret_list = (struct model_list){};
        return OK;
    }
    if (fd < 0)
        return err_from_errno(errno);
    enum err err = read_all(fd, &text);
    close(fd);
    return err == OK ? model_list_parse(buf_str(&text), LIST_LOCK, ret_list, why) : err;
}

enum err models_dir_read(const struct models_dir *d, struct model_list *ret_list,
                         struct model_list_why *why)
{
    try(read_list(d, ret_list, why));
    size_t kept = 0;
    for (size_t i = 0; i < ret_list->count; i++)
        if (!ret_list->model[i].is_leaving)
            ret_list->model[kept++] = ret_list->model[i];
    ret_list->count = kept;
    return OK;
}

static enum err replace(const struct models_dir *d, struct str text)
{
    char path[MODELS_PATH_BYTES];
    try(make_path(d, lock_name, path));
    try(file_replace(path, 0644, text));
    return disk_sync_folder(d->path);
}

/* What nobody could read afterwards is not written. */
static enum err is_readable(struct str text, struct model_list_why *why)
{
    struct model_list l;
    enum err err = model_list_parse(text, LIST_LOCK, &l, why);
    if (err == OK)
        model_list_free(&l);
    return err == ERR_SYNTAX ? ERR_INVALID : err;
}

static enum err rewrite(struct models_dir *d, const struct model_list *l, const struct model *but,
                        const struct model *more, struct model_list_why *why)
{
    autobuf text = BUF(MODEL_LIST_BYTES);
    try(model_list_print(l, but, more, &text));
    try(is_readable(buf_str(&text), why));
    return replace(d, buf_str(&text));
}

enum err models_dir_add(struct models_dir *d, const struct model *m, struct model_list_why *why)
{
    struct model_list l;
    try(read_list(d, &l, why));
    const struct model *old = model_list_find(&l, m->name);
    enum err err = l.count >= MODELS_MAX && !old ? ERR_TOOBIG : rewrite(d, &l, old, m, why);
    model_list_free(&l);
    return err;
}

/* --- removal --- */

/* The first file goes first: an engine that is looking for the model finds nothing rather than a part. */
static enum err unlink_files(const struct models_dir *d, const struct model *m)
{
    char path[MODELS_PATH_BYTES];
    for (size_t i = 0; i < m->file_count; i++) {
        try(models_dir_path(d, m->file[i].file, path));
        if (unlink(path) != 0 && errno != ENOENT)
            return err_from_errno(errno);
    }
    return OK;
}

/* The list is asked anew for each: a removal changes it. */
static enum err settle_one(struct models_dir *d, bool *ret_more, struct model_list_why *why)
{
    struct model_list l;
    const struct model *leaving = nullptr;
    try(read_list(d, &l, why));
    for (size_t i = 0; i < l.count && !leaving; i++)
        leaving = l.model[i].is_leaving ? &l.model[i] : nullptr;
    enum err err = leaving ? unlink_files(d, leaving) : OK;
    if (leaving && err == OK)
        err = rewrite(d, &l, leaving, nullptr, why);
    *ret_more = leaving;
    model_list_free(&l);
    return err;
}

enum err models_dir_settle(struct models_dir *d, struct model_list_why *why)
{
    for (bool more = true; more;)
        try(settle_one(d, &more, why));
    return OK;
}

/* A full disk has no room for a new list. Then the files make room first, and a crash at this very moment leaves an
 * entry without its files, which verify tells and a pull mends. */
static enum err mark(struct models_dir *d, const struct model_list *l, const struct model *m,
                     struct model_list_why *why)
{
    struct model leaving = *m;
    leaving.is_leaving = true;
    enum err err = rewrite(d, l, m, &leaving, why);
    if (err != ERR_NOSPACE)
        return err;
    try(unlink_files(d, m));
    return rewrite(d, l, m, &leaving, why);
}

enum err models_dir_remove(struct models_dir *d, struct str name, struct model_list_why *why)
{
    struct model_list l;
    try(read_list(d, &l, why));
    const struct model *m = model_list_find(&l, name);
    enum err err = m ? OK : ERR_NOTFOUND;
    if (m && !m->is_leaving)
        err = mark(d, &l, m, why);
    model_list_free(&l);
    return err == OK ? models_dir_settle(d, why) : err;
}

enum err models_dir_path(const struct models_dir *d, struct str file, char into[MODELS_PATH_BYTES])
{
    int n = snprintf(into, MODELS_PATH_BYTES, "%s/%.*s", d->path, STR_FMT(file));
    return n < MODELS_PATH_BYTES ? OK : ERR_TOOBIG;
}

enum err models_dir_file(const struct models_dir *d, const struct model *m,
                         char into[MODELS_PATH_BYTES])
{
    return models_dir_path(d, m->file[0].file, into);
}

void models_dir_unfinished(const struct models_dir *d, unsigned *ret_count, int64_t *ret_bytes)
{
    char path[MODELS_PATH_BYTES];
    struct stat about;
    DIR *dir = make_path(d, "/.part", path) == OK ? opendir(path) : nullptr;
    *ret_count = 0;
    *ret_bytes = 0;
    for (struct dirent *e; dir && (e = readdir(dir));)
        if (part_name_is_good(str_of(e->d_name)) &&
            fstatat(dirfd(dir), e->d_name, &about, AT_SYMLINK_NOFOLLOW) == 0) {
            ++*ret_count;
            *ret_bytes += about.st_size;
        }
    if (dir)
        closedir(dir);
}

/* --- hashes --- */

static enum err hash_fd(int fd, EVP_MD_CTX *hash, char into[SHA256_HEX + 1], int64_t *ret_size)
{
    autofree char *piece = malloc(PIECE);
    uint8_t sum[EVP_MAX_MD_SIZE];
    int64_t size = 0;
    ssize_t n = 0;
    if (!piece || !hash || !EVP_DigestInit_ex(hash, EVP_sha256(), nullptr))
        return ERR_NOMEM;
    while ((n = read(fd, piece, PIECE)) > 0) {
        size += n;
        if (!EVP_DigestUpdate(hash, piece, (size_t)n))
            return ERR_NOMEM;
    }
    if (n < 0)
        return err_from_errno(errno);
    if (!EVP_DigestFinal_ex(hash, sum, nullptr))
        return ERR_NOMEM;
    sha256_print(sum, into);
    *ret_size = size;
    return OK;
}

enum err models_hash_file(const char *path, char into[SHA256_HEX + 1], int64_t *ret_size)
{
    int fd;
    try(disk_open_file(path, &fd, ret_size));
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    enum err err = hash_fd(fd, hash, into, ret_size);
    EVP_MD_CTX_free(hash);
    close(fd);
    return err;
}
