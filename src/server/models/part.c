// SPDX-License-Identifier: Apache-2.0
#include "server/models/part.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "server/models/disk.h"

enum { PATH_BYTES = 4200, PIECE = 1 << 20 };

struct part {
    int fd;
    int64_t size;
    char name[SHA256_HEX + 1]; /* the hash that it must have */
    char etag[ETAG_BYTES];
    EVP_MD_CTX *hash; /* of what is there */
    char folder[PATH_BYTES], path[PATH_BYTES], etag_path[PATH_BYTES];
};

static enum err make_path(char into[PATH_BYTES], const char *folder, const char *name,
                          const char *suffix)
{
    return snprintf(into, PATH_BYTES, "%s/%s%s", folder, name, suffix) < PATH_BYTES ? OK
                                                                                    : ERR_TOOBIG;
}

/* --- what is there --- */

static enum err hash_what_is_there(struct part *p)
{
    autofree char *piece = malloc(PIECE);
    if (!piece)
        return ERR_NOMEM;
    ssize_t n;
    while ((n = read(p->fd, piece, PIECE)) > 0) {
        if (!EVP_DigestUpdate(p->hash, piece, (size_t)n))
            return ERR_NOMEM;
        p->size += n;
    }
    return n == 0 ? OK : err_from_errno(errno);
}

static void read_etag(struct part *p)
{
    int fd = open(p->etag_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return;
    ssize_t n = read(fd, p->etag, sizeof p->etag - 1);
    p->etag[n > 0 ? n : 0] = 0;
    close(fd);
}

bool part_name_is_good(struct str hash)
{
    return sha256_is_good(hash) || git_is_good(hash);
}

int64_t part_there(const char *folder, const char *hash)
{
    char parts[PATH_BYTES], path[PATH_BYTES];
    struct stat about;
    if (make_path(parts, folder, ".part", "") != OK || make_path(path, parts, hash, "") != OK ||
        lstat(path, &about) != 0 || !S_ISREG(about.st_mode))
        return 0;
    return about.st_size;
}

static enum err open_files(struct part *p)
{
    char parts[PATH_BYTES];
    try(make_path(parts, p->folder, ".part", ""));
    try(make_path(p->path, parts, p->name, ""));
    try(make_path(p->etag_path, parts, p->name, ".etag"));
    if (mkdir(parts, 0700) != 0 && errno != EEXIST)
        return err_from_errno(errno);
    p->fd = open(p->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (p->fd < 0)
        return err_from_errno(errno);
    p->hash = EVP_MD_CTX_new();
    if (!p->hash || !EVP_DigestInit_ex(p->hash, EVP_sha256(), nullptr))
        return ERR_NOMEM;
    try(hash_what_is_there(p));
    if (p->size)
        read_etag(p);
    return OK;
}

enum err part_open(const char *folder, const char *hash, struct part **ret_p)
{
    struct part *p = mem_zero(1, sizeof *p);
    if (!p)
        return ERR_NOMEM;
    p->fd = -1;
    snprintf(p->name, sizeof p->name, "%s", hash);
    enum err err = make_path(p->folder, folder, "", "");
    if (err == OK)
        err = open_files(p);
    if (err != OK) {
        part_close(p);
        return err;
    }
    *ret_p = p;
    return OK;
}

void part_close(struct part *p)
{
    if (!p)
        return;
    if (p->fd >= 0)
        close(p->fd);
    EVP_MD_CTX_free(p->hash);
    free(p);
}

int64_t part_size(const struct part *p)
{
    return p->size;
}

const char *part_etag(const struct part *p)
{
    return p->etag;
}

/* --- what comes --- */

enum err part_write(struct part *p, struct str bytes)
{
    while (bytes.n) {
        ssize_t n = write(p->fd, bytes.p, bytes.n);
        if (n < 0)
            return err_from_errno(errno);
        if (!EVP_DigestUpdate(p->hash, bytes.p, (size_t)n))
            return ERR_NOMEM;
        p->size += n;
        bytes = str_sub(bytes, (size_t)n, bytes.n);
    }
    return OK;
}

enum err part_restart(struct part *p)
{
    if (ftruncate(p->fd, 0) != 0 || lseek(p->fd, 0, SEEK_SET) != 0)
        return err_from_errno(errno);
    p->size = 0;
    p->etag[0] = 0;
    (void)unlink(p->etag_path);
    return EVP_DigestInit_ex(p->hash, EVP_sha256(), nullptr) ? OK : ERR_NOMEM;
}

enum err part_set_etag(struct part *p, struct str etag)
{
    p->etag[0] = 0;
    (void)unlink(p->etag_path);
    if (etag.n < 2 || etag.n >= sizeof p->etag || etag.p[0] != '"')
        return OK;
    int fd = open(p->etag_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return err_from_errno(errno);
    ssize_t n = write(fd, etag.p, etag.n);
    enum err err = n == (ssize_t)etag.n ? OK : n < 0 ? err_from_errno(errno) : ERR_NOSPACE;
    close(fd);
    if (err != OK) {
        (void)unlink(p->etag_path);
        return err;
    }
    memcpy(p->etag, etag.p, etag.n);
    p->etag[etag.n] = 0;
    return OK;
}

/* --- the end --- */

enum err part_sha256(const struct part *p, char into[SHA256_HEX + 1])
{
    uint8_t sum[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *copy = EVP_MD_CTX_new();
    bool well = copy && EVP_MD_CTX_copy_ex(copy, p->hash) && EVP_DigestFinal_ex(copy, sum, nullptr);
    EVP_MD_CTX_free(copy);
    if (!well)
        return ERR_NOMEM;
    sha256_print(sum, into);
    return OK;
}

/* Git's name begins with the size, so it is known at the end only; the file is small. */
static enum err git_name(const struct part *p, EVP_MD_CTX *hash, char into[SHA256_HEX + 1])
{
    autofree char *piece = malloc(PIECE);
    char head[32];
    uint8_t sum[EVP_MAX_MD_SIZE] = {};
    int n = snprintf(head, sizeof head, "blob %lld", (long long)p->size);
    if (!piece || !hash || !EVP_DigestInit_ex(hash, EVP_sha1(), nullptr) ||
        !EVP_DigestUpdate(hash, head, (size_t)n + 1))
        return ERR_NOMEM;
    for (int64_t at = 0; at < p->size;) {
        ssize_t got = pread(p->fd, piece, PIECE, at);
        if (got <= 0)
            return got < 0 ? err_from_errno(errno) : ERR_IO;
        if (!EVP_DigestUpdate(hash, piece, (size_t)got))
            return ERR_NOMEM;
        at += got;
    }
    if (!EVP_DigestFinal_ex(hash, sum, nullptr))
        return ERR_NOMEM;
    sha256_print(sum, into);
    into[GIT_HEX] = 0;
    return OK;
}

enum err part_is_whole(const struct part *p, int64_t size, bool *ret_is)
{
    char hex[SHA256_HEX + 1];
    if (p->size == 0 || (size != 0 && size != p->size)) {
        *ret_is = false;
        return OK;
    }
    if (git_is_good(str_of(p->name))) {
        EVP_MD_CTX *hash = EVP_MD_CTX_new();
        enum err err = git_name(p, hash, hex);
        EVP_MD_CTX_free(hash);
        try(err);
    } else {
        try(part_sha256(p, hex));
    }
    *ret_is = strcmp(hex, p->name) == 0;
    return OK;
}

/* Whoever put a file of this name there keeps it. Not every file system can see to that (NFS, FUSE); there it is
 * looked first, which the folder's lock makes good among us. */
static enum err rename_to_free(const char *from, const char *to)
{
    struct stat about;
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return OK;
    if (errno == EEXIST)
        return ERR_CONFLICT;
    if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
        return err_from_errno(errno);
    if (lstat(to, &about) == 0)
        return ERR_CONFLICT;
    if (errno != ENOENT || rename(from, to) != 0)
        return err_from_errno(errno);
    return OK;
}

static enum err rename_over(const char *from, const char *to)
{
    return rename(from, to) == 0 ? OK : err_from_errno(errno);
}

enum err part_install(struct part *p, const char *kind, const char *file, bool replaces)
{
    char folder[PATH_BYTES], to[PATH_BYTES];
    try(make_path(folder, p->folder, kind, ""));
    try(make_path(to, p->folder, file, ""));
    if (mkdir(folder, 0755) != 0 && errno != EEXIST)
        return err_from_errno(errno);
    if (fsync(p->fd) != 0)
        return err_from_errno(errno);
    try(replaces ? rename_over(p->path, to) : rename_to_free(p->path, to));
    (void)unlink(p->etag_path);
    try(disk_sync_folder(folder));
    return disk_sync_folder(p->folder);
}

void part_discard(struct part *p)
{
    (void)unlink(p->path);
    (void)unlink(p->etag_path);
}
