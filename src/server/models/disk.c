// SPDX-License-Identifier: Apache-2.0
#include "server/models/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum err disk_open_file(const char *path, int *ret_fd, int64_t *ret_size)
{
    struct stat about;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return err_from_errno(errno);
    int why = fstat(fd, &about) != 0 ? errno : S_ISREG(about.st_mode) ? 0 : EISDIR;
    if (why) {
        close(fd);
        errno = why;
        return why == EISDIR ? ERR_INVALID : err_from_errno(why);
    }
    *ret_fd = fd;
    *ret_size = about.st_size;
    return OK;
}

enum err disk_sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_from_errno(errno);
    enum err err = fsync(fd) == 0 ? OK : err_from_errno(errno);
    close(fd);
    return err;
}
