// SPDX-License-Identifier: Apache-2.0
#include "server/rag/room.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { PATH_BYTES = 4200 };

static bool path_of(const char *folder, char into[PATH_BYTES])
{
    return snprintf(into, PATH_BYTES, "%s/reserve", folder) < PATH_BYTES;
}

uint64_t room_free(const char *folder)
{
    struct statvfs about;
    if (statvfs(folder, &about) != 0)
        return UINT64_MAX;
    return (uint64_t)about.f_bavail * about.f_frsize;
}

bool room_is_reserved(const char *folder)
{
    char path[PATH_BYTES];
    struct stat about;
    return path_of(folder, path) && stat(path, &about) == 0 &&
           about.st_blocks * 512 >= (blkcnt_t)ROOM_RESERVE;
}

void room_reserve(const char *folder)
{
    char path[PATH_BYTES];
    if (!path_of(folder, path) || room_is_reserved(folder) || room_free(folder) < 2 * ROOM_RESERVE)
        return;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return;
    if (fallocate(fd, 0, 0, (off_t)ROOM_RESERVE) != 0)
        (void)unlink(path); /* some of it, or a promise, would be of no use */
    close(fd);
}

void room_give_reserve(const char *folder)
{
    char path[PATH_BYTES];
    if (path_of(folder, path))
        (void)unlink(path);
}
