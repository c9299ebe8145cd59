// SPDX-License-Identifier: Apache-2.0
#include "server/api/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"

constexpr int NAME_WAIT_MS = 250;
constexpr int NAME_STEP_MS = 5;

static enum err open_lock(const char *data, int flags, int *ret_fd)
{
    char path[4200];
    if (snprintf(path, sizeof path, "%s/server.lock", data) >= (int)sizeof path)
        return ERR_TOOBIG;
    int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_from_errno(errno);
    *ret_fd = fd;
    return OK;
}

enum err claim_take(struct claim *c, const char *data, const char *what)
{
    int fd;
    try(open_lock(data, O_RDWR | O_CREAT, &fd));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        enum err err = errno == EWOULDBLOCK ? ERR_CONFLICT : err_from_errno(errno);
        close(fd);
        return err;
    }
    char holder[CLAIM_HOLDER_BYTES];
    int n = snprintf(holder, sizeof holder, "process %d (%.60s)", (int)getpid(), what);
    /* The lock is what counts: on a full disk the file just does not tell who has it. */
    if (ftruncate(fd, 0) == 0 && pwrite(fd, holder, (size_t)n, 0) < 0)
        errno = 0;
    c->fd = fd;
    return OK;
}

void claim_release(struct claim *c)
{
    if (c->fd < 0)
        return;
    if (ftruncate(c->fd, 0) != 0) /* or the next holder is taken for us until it has written */
        errno = 0;
    close(c->fd);
    c->fd = -1;
}

/* Whoever has just taken the lock has yet to write its name. */
static ssize_t read_name(int fd, char *into, size_t len)
{
    ssize_t n = pread(fd, into, len, 0);
    for (int waited_ms = 0; n == 0 && waited_ms < NAME_WAIT_MS; waited_ms += NAME_STEP_MS) {
        nanosleep(&(struct timespec){.tv_nsec = NAME_STEP_MS * 1000000L}, NULL);
        n = pread(fd, into, len, 0);
    }
    return n;
}

void claim_holder(const char *data, char into[CLAIM_HOLDER_BYTES])
{
    char text[CLAIM_HOLDER_BYTES];
    int fd;
    ssize_t n = 0;
    if (open_lock(data, O_RDONLY, &fd) == OK) {
        n = read_name(fd, text, sizeof text - 1);
        close(fd);
    }
    bool plain = n > 0;
    for (ssize_t i = 0; i < n; i++)
        plain = plain && text[i] >= ' ' && text[i] < 0x7f;
    snprintf(into, CLAIM_HOLDER_BYTES, "%.*s", plain ? (int)n : 15,
             plain ? text : "another process");
}
