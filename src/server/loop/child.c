// SPDX-License-Identifier: Apache-2.0
#include "server/loop/child.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "server/loop/sock.h"
#include "server/loop/uv_loop.h"

struct child {
    struct loop *loop;
    const struct child_events *events; /* NULL after child_destroy */
    void *arg;
    struct sock *sock;
    int fd;              /* of the socket, which owns it */
    bool running, ended; /* ended: its socket */
    uv_process_t process;
};

static void on_read(void *arg, struct str bytes)
{
    struct child *c = arg;
    c->events->read(c->arg, bytes);
}

static void on_end(void *arg, enum err)
{
    struct child *c = arg;
    c->ended = true;
    c->events->end(c->arg);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_exit_status(uv_process_t *process, int64_t status, int signal)
{
    struct child *c = process->data;
    c->running = false;
    if (c->events != nullptr)
        c->events->exited(c->arg, (int)status, signal);
    else
        uv_close((uv_handle_t *)process, on_closed);
}

static enum err spawn_err(int status)
{
    switch (status) {
    case UV_ENOENT:
    case UV_ENOTDIR:
        return ERR_NOTFOUND;
    case UV_EACCES:
    case UV_EPERM:
    case UV_ENOEXEC:
        return ERR_DENIED;
    case UV_EAGAIN:
    case UV_EMFILE:
    case UV_ENFILE:
        return ERR_BUSY;
    default:
        return err_from_uv(status);
    }
}

enum err child_spawn(struct loop *l, const struct child_spec *spec,
                     const struct child_events *events, void *arg, struct child **ret_child)
{
    static const struct sock_events sock_events = {.on_read = on_read, .on_end = on_end};
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return spawn_err(-errno);
    struct child *c = mem_zero(1, sizeof *c);
    if (c == nullptr) {
        close(pair[0]);
        close(pair[1]);
        return ERR_NOMEM;
    }
    c->loop = l;
    c->arg = arg;
    c->process.data = c;
    c->fd = pair[0];
    enum err err = sock_open(l, pair[0], &sock_events, c, &c->sock);
    if (err != OK) {
        close(pair[0]);
        close(pair[1]);
        free(c);
        return err;
    }
    uv_stdio_container_t stdio[] = {
        {.flags = UV_IGNORE},
        {.flags = UV_IGNORE},
        {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
        {.flags = UV_INHERIT_FD, .data.fd = pair[1]},
    };
    const uv_process_options_t options = {
        .file = spec->path,
        .args = (char **)spec->argv,
        .env = (char **)spec->env,
        .cwd = "/",
        .stdio = stdio,
        .stdio_count = sizeof stdio / sizeof *stdio,
        .exit_cb = on_exit_status,
    };
    int status = uv_spawn(&l->uv, &c->process, &options);
    close(pair[1]);
    if (status < 0) {
        sock_close(c->sock);
        uv_close((uv_handle_t *)&c->process, on_closed);
        return spawn_err(status);
    }
    c->events = events;
    c->running = true;
    *ret_child = c;
    return OK;
}

void child_destroy(struct child *c)
{
    if (c == nullptr)
        return;
    sock_close(c->sock);
    c->sock = nullptr;
    c->events = nullptr;
    if (c->running)
        uv_process_kill(&c->process, SIGKILL); /* on_exit_status frees */
    else
        uv_close((uv_handle_t *)&c->process, on_closed);
}

void child_kill(struct child *c, int signal)
{
    if (c->running)
        uv_process_kill(&c->process, signal);
}

pid_t child_pid(const struct child *c)
{
    return c->running ? uv_process_get_pid(&c->process) : 0;
}

enum err child_write(struct child *c, struct str bytes)
{
    if (c->ended)
        return ERR_CLOSED;
    sock_write(c->sock, bytes);
    return OK;
}

enum err child_write_fd(struct child *c, struct str bytes, int fd)
{
    if (c->ended)
        return ERR_CLOSED;
    if (sock_queued(c->sock) > 0)
        return ERR_AGAIN;
    alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof fd)] = {};
    struct iovec piece = {(char *)bytes.p, bytes.n};
    struct msghdr msg = {.msg_iov = &piece,
                         .msg_iovlen = 1,
                         .msg_control = control,
                         .msg_controllen = sizeof control};
    struct cmsghdr *rights = CMSG_FIRSTHDR(&msg);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(rights), &fd, sizeof fd);
    ssize_t n = sendmsg(c->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n <= 0)
        return n == 0 ? ERR_AGAIN : err_from_errno(errno);
    sock_write(c->sock,
               str_sub(bytes, (size_t)n, bytes.n)); /* the descriptor has gone with the first */
    return OK;
}

size_t child_queued(const struct child *c)
{
    return sock_queued(c->sock);
}

void child_pause(struct child *c)
{
    sock_pause(c->sock);
}

void child_resume(struct child *c)
{
    sock_resume(c->sock);
}
