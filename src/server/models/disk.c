// SPDX-License-Identifier: Apache-2.0
#include "server/models/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum err disk_sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_from_errno(errno);
    enum err err = fsync(fd) == 0 ? OK : err_from_errno(errno);
    close(fd);
    return err;
}
