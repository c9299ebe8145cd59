// SPDX-License-Identifier: Apache-2.0
/*
 * Accepts by itself instead of through libuv's listening handles: so that a connection for which
 * there is no memory or no descriptor is taken and closed, and never makes the loop spin.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "server/loop/sock.h"
#include "server/loop/uv_loop.h"

/* A step's share of a rush of newcomers is what those who are already here wait for them. */
enum { BACKLOG = 4096, ACCEPTS_A_STEP = 4, REST_MS = 100 };

struct listener {
    struct loop *loop;
    listener_fn on_accept;
    void *arg;
    uv_poll_t poll;
    int fd;
    int spare; /* an open descriptor to give up when no other is left; -1: none could be had */
    struct timer rest;
    bool loopback, tcp;
    char *path; /* of a Unix socket, to be removed */
    char address[128];
};

static int open_spare(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Takes the waiting connection with the spare descriptor and closes it: else it would wait, and the
 * loop be told again and again. */
static bool shed(struct listener *l)
{
    if (l->spare < 0)
        return false;
    close(l->spare);
    int fd = accept4(l->fd, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0)
        close(fd);
    l->spare = open_spare();
    return fd >= 0;
}

static bool is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* It cannot even be shed: the connection waits, and nobody is told of it for a while. */
static void rest(struct listener *l)
{
    uv_poll_stop(&l->poll);
    timer_start(&l->rest, REST_MS);
}

static void accepted(struct listener *l, int fd)
{
    if (l->tcp) {
        int on = 1;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    struct sock *s;
    if (sock_open(l->loop, fd, nullptr, nullptr, &s) == OK)
        l->on_accept(l->arg, s);
    else
        close(fd);
}

static void on_waiting(uv_poll_t *poll, int, int)
{
    struct listener *l = poll->data;
    for (unsigned i = 0; i < ACCEPTS_A_STEP && l->fd >= 0; i++) {
        int fd = accept4(l->fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            if (l->spare < 0) /* the shortage has passed */
                l->spare = open_spare();
            accepted(l, fd);
        } else if (is_shortage(errno)) {
            if (!shed(l)) {
                rest(l);
                return;
            }
        } else if (errno == EAGAIN) {
            return;
        } else if (errno != ECONNABORTED && errno != EINTR) {
            rest(l); /* such as EPERM, by a rule of the system's: it may stay waiting */
            return;
        }
    }
}

static enum err start_watching(struct listener *l)
{
    int status = uv_poll_start(&l->poll, UV_READABLE, on_waiting);
    enum err err = status < 0 ? err_from_uv(status) : loop_make_watchable(l->loop, l->fd);
    if (err != OK)
        uv_poll_stop(&l->poll);
    return err;
}

static void on_rested(void *arg)
{
    struct listener *l = arg;
    if (l->spare < 0)
        l->spare = open_spare();
    if (start_watching(l) != OK)
        timer_start(&l->rest, REST_MS);
}

static void on_closed(uv_handle_t *handle)
{
    struct listener *l = handle->data;
    free(l->path);
    free(l);
}

/* Takes over fd and path on success. */
static enum err listener_start(struct loop *loop, int fd, char *path, listener_fn on_accept,
                               void *arg, struct listener **ret_listener)
{
    if (listen(fd, BACKLOG) < 0)
        return err_from_errno(errno);
    struct listener *l = mem_zero(1, sizeof *l);
    if (l == nullptr)
        return ERR_NOMEM;
    l->loop = loop;
    l->fd = fd;
    l->on_accept = on_accept;
    l->arg = arg;
    l->poll.data = l;
    timer_init(&l->rest, loop, on_rested, l);
    int status = uv_poll_init(&loop->uv, &l->poll, fd);
    if (status < 0) {
        free(l);
        return err_from_uv(status);
    }
    enum err err = start_watching(l);
    if (err != OK) {
        uv_close((uv_handle_t *)&l->poll, on_closed);
        return err;
    }
    l->spare = open_spare();
    l->path = path;
    loop->live++;
    *ret_listener = l;
    return OK;
}

static enum err parse_address(struct str host, uint16_t port, struct sockaddr_storage *ret_address)
{
    char text[64];
    if (host.n >= sizeof text)
        return ERR_INVALID;
    if (str_eq_nocase(host, S("localhost")))
        host = S("127.0.0.1");
    if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
        host = str_sub(host, 1, host.n - 1);
    memcpy(text, host.p, host.n);
    text[host.n] = '\0';
    if (uv_ip4_addr(text, port, (struct sockaddr_in *)ret_address) == 0 ||
        uv_ip6_addr(text, port, (struct sockaddr_in6 *)ret_address) == 0)
        return OK;
    return ERR_INVALID;
}

static void describe_tcp(struct listener *l)
{
    struct sockaddr_storage name = {};
    socklen_t size = sizeof name;
    char text[64] = "";
    (void)getsockname(l->fd, (struct sockaddr *)&name, &size);
    l->tcp = true;
    if (name.ss_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)&name;
        l->loopback = ntohl(in->sin_addr.s_addr) >> 24 == 127;
        uv_ip4_name(in, text, sizeof text);
        snprintf(l->address, sizeof l->address, "%s:%u", text, ntohs(in->sin_port));
    } else {
        const struct sockaddr_in6 *in = (const void *)&name;
        l->loopback = IN6_IS_ADDR_LOOPBACK(&in->sin6_addr);
        uv_ip6_name(in, text, sizeof text);
        snprintf(l->address, sizeof l->address, "[%s]:%u", text, ntohs(in->sin6_port));
    }
}

enum err listener_open_tcp(struct loop *l, struct str host, uint16_t port, listener_fn on_accept,
                           void *arg, struct listener **ret_listener)
{
    struct sockaddr_storage name = {};
    try(parse_address(host, port, &name));
    int fd = socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_from_errno(errno);
    int on = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    socklen_t size =
        name.ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    enum err err = OK;
    if (bind(fd, (struct sockaddr *)&name, size) < 0)
        err = errno == EADDRINUSE      ? ERR_CONFLICT
              : errno == EADDRNOTAVAIL ? ERR_INVALID
                                       : err_from_errno(errno);
    if (err == OK)
        err = listener_start(l, fd, nullptr, on_accept, arg, ret_listener);
    if (err != OK) {
        close(fd);
        return err;
    }
    describe_tcp(*ret_listener);
    return OK;
}

/* A path is free when nothing is there, or a socket at which nobody answers any more. */
static enum err free_path(const struct sockaddr_un *name)
{
    struct stat st;
    if (lstat(name->sun_path, &st) < 0)
        return errno == ENOENT ? OK : err_from_errno(errno);
    if (!S_ISSOCK(st.st_mode))
        return ERR_CONFLICT;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_from_errno(errno);
    /* EAGAIN: somebody listens, and so many wait already that we would have to. */
    bool answers = connect(fd, (const struct sockaddr *)name, sizeof *name) == 0 || errno == EAGAIN;
    close(fd);
    if (answers)
        return ERR_CONFLICT;
    return unlink(name->sun_path) == 0 || errno == ENOENT ? OK : err_from_errno(errno);
}

enum err listener_open_unix(struct loop *l, const char *path, listener_fn on_accept, void *arg,
                            struct listener **ret_listener)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof name.sun_path)
        return ERR_INVALID;
    snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
    try(free_path(&name));
    char *copy = mem_strdup(str_of(path));
    if (copy == nullptr)
        return ERR_NOMEM;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    enum err err = fd < 0 ? err_from_errno(errno) : OK;
    if (err == OK) {
        /* The mode is right from the first moment on; no other thread makes files just now. */
        mode_t before = umask(0177);
        if (bind(fd, (struct sockaddr *)&name, sizeof name) < 0)
            err = errno == EADDRINUSE ? ERR_CONFLICT : err_from_errno(errno);
        umask(before);
    }
    if (err == OK) {
        err = listener_start(l, fd, copy, on_accept, arg, ret_listener);
        if (err != OK)
            (void)unlink(path);
    }
    if (err != OK) {
        if (fd >= 0)
            close(fd);
        free(copy);
        return err;
    }
    snprintf((*ret_listener)->address, sizeof(*ret_listener)->address, "%s", path);
    (*ret_listener)->loopback = true;
    return OK;
}

void listener_close(struct listener *l)
{
    if (l == nullptr)
        return;
    l->loop->live--;
    timer_stop(&l->rest);
    uv_close((uv_handle_t *)&l->poll, on_closed);
    close(l->fd);
    if (l->spare >= 0)
        close(l->spare);
    l->fd = l->spare = -1;
    if (l->path != nullptr)
        (void)unlink(l->path);
}

const char *listener_address(const struct listener *l)
{
    return l->address;
}

bool listener_is_loopback(const struct listener *l)
{
    return l->loopback;
}
