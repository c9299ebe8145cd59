// SPDX-License-Identifier: Apache-2.0
/* A WebSocket as a client, on the server's Unix socket, with the same codec as the server's. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "server/net/client.h"
#include "server/net/client_parts.h"

enum { MESSAGE_MAX = 1024 * 1024, READ_BYTES = 64 * 1024, OPEN_MS = 10000 };

struct ws_client {
    int fd;
    struct ws_decoder decoder;
    struct buf in, out;
    size_t at; /* bytes of `in` that were decoded */
};

static enum err send_all(int fd, struct str bytes)
{
    while (bytes.n) {
        ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ERR_CLOSED;
        bytes = str_sub(bytes, (size_t)n, bytes.n);
    }
    return OK;
}

/* Appends what comes within `wait_ms`. */
static enum err receive(struct ws_client *w, uint32_t wait_ms)
{
    struct pollfd p = {.fd = w->fd, .events = POLLIN};
    int ready = poll(&p, 1, (int)wait_ms);
    if (ready == 0 || (ready < 0 && errno == EINTR))
        return ERR_TIMEOUT;
    try(buf_reserve(&w->in, READ_BYTES));
    ssize_t n = recv(w->fd, w->in.p + w->in.n, READ_BYTES, 0);
    if (n <= 0)
        return ERR_CLOSED;
    w->in.n += (size_t)n;
    return OK;
}

static enum err connect_to(const char *path, int *ret_fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct str p = str_of(path);
    if (p.n >= sizeof address.sun_path)
        return ERR_TOOBIG;
    memcpy(address.sun_path, p.p, p.n);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return ERR_BUSY;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return ERR_NOTFOUND;
    }
    *ret_fd = fd;
    return OK;
}

/* The key proves nothing between two programs of one make, so it is always the same one. */
static enum err shake_hands(struct ws_client *w, const char *path)
{
    autobuf request = BUF(1024);
    try(buf_addf(&request,
                 "GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                 "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                 "Sec-WebSocket-Key: cmVwYXJ0ZWUgY2xpZW50IQ==\r\n\r\n",
                 path));
    try(send_all(w->fd, buf_str(&request)));
    uint64_t until = clock_ms() + OPEN_MS;
    for (;;) {
        size_t end = str_find(buf_str(&w->in), S("\r\n\r\n"));
        if (end < w->in.n) {
            bool switched = str_starts(buf_str(&w->in), S("HTTP/1.1 101 "));
            buf_eat(&w->in, end + 4);
            return switched ? OK : ERR_DENIED;
        }
        uint64_t now = clock_ms();
        if (now >= until)
            return ERR_TIMEOUT;
        enum err err = receive(w, (uint32_t)(until - now));
        if (err != OK && err != ERR_TIMEOUT)
            return err;
    }
}

enum err ws_client_open(struct client *c, const char *path, struct ws_client **ret_ws)
{
    if (!c->socket_path)
        return ERR_UNSUPPORTED;
    struct ws_client *w = mem_zero(1, sizeof *w);
    if (!w)
        return ERR_NOMEM;
    w->in = BUF(MESSAGE_MAX + READ_BYTES);
    w->out = BUF(MESSAGE_MAX + WS_HEAD_MAX);
    w->fd = -1;
    ws_decoder_init(&w->decoder, false, MESSAGE_MAX);
    enum err err = connect_to(c->socket_path, &w->fd);
    if (err == OK)
        err = shake_hands(w, path);
    if (err != OK) {
        ws_client_close(w);
        return err;
    }
    *ret_ws = w;
    return OK;
}

int ws_client_fd(const struct ws_client *w)
{
    return w->fd;
}

enum err ws_client_send(struct ws_client *w, enum ws_op op, struct str payload)
{
    uint8_t head[WS_HEAD_MAX], mask[4];
    random_bytes(mask, sizeof mask);
    unsigned n = ws_head_masked(op, payload.n, mask, head);
    buf_clear(&w->out);
    try(buf_add(&w->out, (struct str){(const char *)head, n}));
    try(buf_add(&w->out, payload));
    if (payload.n)
        ws_mask(w->out.p + n, payload.n, mask);
    return send_all(w->fd, buf_str(&w->out));
}

/* The next message of what has come; WS_NONE when it is not whole. */
static enum err decode(struct ws_client *w, struct ws_message *m)
{
    struct str rest = str_sub(buf_str(&w->in), w->at, w->in.n);
    size_t before = rest.n;
    try(ws_decode(&w->decoder, &rest, m));
    w->at += before - rest.n;
    return OK;
}

enum err ws_client_read(struct ws_client *w, uint32_t timeout_ms, struct ws_message *ret_message)
{
    uint64_t until = clock_ms() + timeout_ms;
    for (;;) {
        struct ws_message m;
        try(decode(w, &m));
        if (m.op == WS_PING)
            try(ws_client_send(w, WS_PONG, m.payload));
        if (m.op == WS_TEXT || m.op == WS_BINARY || m.op == WS_CLOSE) {
            *ret_message = m;
            return m.op == WS_CLOSE ? ERR_CLOSED : OK;
        }
        if (m.op != WS_NONE)
            continue;
        buf_eat(&w->in, w->at);
        w->at = 0;
        uint64_t now = clock_ms();
        try(receive(w, now < until ? (uint32_t)(until - now) : 0));
    }
}

void ws_client_close(struct ws_client *w)
{
    if (!w)
        return;
    if (w->fd >= 0) {
        (void)ws_client_send(w, WS_CLOSE, S("\x03\xe8")); /* 1000; a peer that is gone needs none */
        close(w->fd);
    }
    ws_decoder_finish(&w->decoder);
    buf_finish(&w->in);
    buf_finish(&w->out);
    free(w);
}
