// SPDX-License-Identifier: Apache-2.0
#include "server/access/pem_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum err pem_file_read(const char *path, struct buf *into)
{
    enum { PIECE = 4096 };
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_from_errno(errno);
    enum err err = OK;
    ssize_t n = 1;
    while (err == OK && n > 0) {
        err = buf_reserve(into, PIECE);
        n = err == OK ? read(fd, into->p + into->n, PIECE) : 0;
        if (n < 0)
            err = err_from_errno(errno);
        else
            into->n += (size_t)n;
    }
    close(fd);
    return err;
}
