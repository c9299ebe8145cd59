// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static enum err write_all(int fd, struct str bytes)
{
    while (bytes.n > 0) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno != EINTR)
            return err_from_errno(errno);
        bytes = str_sub(bytes, n > 0 ? (size_t)n : 0, bytes.n);
    }
    return OK;
}

static enum err replace(const char *path, mode_t mode, struct str bytes, bool sync)
{
    char fresh[PATH_MAX];
    if (snprintf(fresh, sizeof fresh, "%s.new", path) >= (int)sizeof fresh)
        return ERR_TOOBIG;
    (void)unlink(fresh); /* of somebody who died over it */
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return err_from_errno(errno);
    enum err err = write_all(fd, bytes);
    if (err == OK && sync && fsync(fd) != 0)
        err = err_from_errno(errno);
    close(fd);
    if (err == OK && rename(fresh, path) != 0)
        err = err_from_errno(errno);
    if (err != OK)
        (void)unlink(fresh);
    return err;
}

enum err file_replace(const char *path, mode_t mode, struct str bytes)
{
    return replace(path, mode, bytes, true);
}

enum err file_replace_soon(const char *path, mode_t mode, struct str bytes)
{
    return replace(path, mode, bytes, false);
}
