// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "wire/inherit.h"
#include "wire/worker_parts.h"

static int link_fd = -1; /* const after link_inherit or link_listen */
static pthread_mutex_t out_mu = PTHREAD_MUTEX_INITIALIZER;

enum err link_inherit(int fd)
{
    try(inherit_socket(fd));
    link_fd = fd;
    return OK;
}

static enum err listen_at(int fd, const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof at.sun_path)
        return ERR_TOOBIG;
    memcpy(at.sun_path, path, strlen(path));
    /* A socket that nobody listens at was left by an engine that was killed. */
    struct stat st;
    if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) &&
        connect(fd, (struct sockaddr *)&at, sizeof at) != 0 && errno == ECONNREFUSED)
        unlink(path);
    mode_t before = umask(0117); /* the volume's owner and group */
    int result = bind(fd, (struct sockaddr *)&at, sizeof at);
    umask(before);
    return result == 0 && listen(fd, 1) == 0 ? OK : err_from_errno(errno);
}

enum err link_listen(const char *path)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_from_errno(errno);
    enum err err = listen_at(fd, path);
    if (err == OK) {
        do
            link_fd = accept4(fd, nullptr, nullptr, SOCK_CLOEXEC);
        while (link_fd < 0 && (errno == EINTR || errno == ECONNABORTED));
        if (link_fd < 0)
            err = err_from_errno(errno);
        unlink(path);
    }
    close(fd);
    return err;
}

enum err link_receive(struct buf *in)
{
    try(buf_reserve(in, WIRE_PAYLOAD_MAX));
    ssize_t n;
    do
        n = recv(link_fd, in->p + in->n, WIRE_PAYLOAD_MAX, 0);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return ERR_CLOSED;
    in->n += (size_t)n;
    return OK;
}

enum err link_write(struct str frames)
{
    pthread_mutex_lock(&out_mu);
    enum err err = inherit_write(link_fd, frames);
    pthread_mutex_unlock(&out_mu);
    return err;
}

enum err link_send(enum msg_type type, uint32_t stream, const void *msg)
{
    autobuf out = BUF(WIRE_HEADER_BYTES + WIRE_PAYLOAD_MAX);
    try(msg_encode(&out, type, stream, msg));
    return link_write(buf_str(&out));
}
