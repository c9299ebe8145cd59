// SPDX-License-Identifier: Apache-2.0
#include "wire/inherit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FD_FIRST = 3 };

enum err inherit_socket(int fd)
{
    int type;
    socklen_t size = sizeof type;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_STREAM ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        return ERR_INVALID;
    /* Whatever else was left open by whoever started us is not ours to have. */
    if (fd > FD_FIRST)
        (void)close_range(FD_FIRST, (unsigned)fd - 1, 0);
    (void)close_range((unsigned)fd + 1, ~0u, 0);
    return OK;
}

enum err inherit_write(int fd, struct str bytes)
{
    while (bytes.n > 0) {
        ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ERR_CLOSED;
        bytes = str_sub(bytes, (size_t)n, bytes.n);
    }
    return OK;
}

static void leave(int)
{
    _exit(0);
}

void inherit_signals(bool alone)
{
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN); /* a log that nobody reads any more */
    /* Not SIG_DFL: as the first process of a container we would not be ended by that. */
    signal(SIGTERM, alone ? leave : SIG_IGN);
}
