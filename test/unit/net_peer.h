// SPDX-License-Identifier: Apache-2.0
/*
 * A client made of a plain socket, on the same thread as the server under test: every wait makes the
 * loop go on. Time stands still unless the test moves it.
 */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/loop/loop.h"
#include "unit.h"

struct peer {
    int fd;
    struct buf in;
    bool ended;
};

static struct loop *loop;
static uint64_t peer_now_ms;

static inline void peer_time(uint64_t ms)
{
    peer_now_ms = ms;
    clock_fake(ms * 1000);
}

static inline struct peer peer_open(const char *address)
{
    struct peer p = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .in = BUF(64u << 20)};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    to.sin_port = htons((uint16_t)strtoul(strrchr(address, ':') + 1, nullptr, 10));
    assert_int_equal(connect(p.fd, (struct sockaddr *)&to, sizeof to), 0);
    return p;
}

static inline void peer_close(struct peer *p)
{
    if (p->fd >= 0)
        close(p->fd);
    p->fd = -1;
    buf_finish(&p->in);
}

static inline void peer_read(struct peer *p)
{
    char bytes[65536];
    ssize_t n = recv(p->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n > 0)
        assert_ok(buf_add(&p->in, (struct str){bytes, (size_t)n}));
    else if (n == 0 || errno == ECONNRESET)
        p->ended = true;
}

static inline void peer_send(struct peer *p, struct str bytes)
{
    while (bytes.n > 0) {
        ssize_t n = send(p->fd, bytes.p, bytes.n, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n > 0)
            bytes = str_sub(bytes, (size_t)n, bytes.n);
        else if (errno == EAGAIN)
            loop_step(loop, 5);
        else
            return;
    }
}

/* Makes everything go on until `condition`, reading what comes. */
#define peer_until(who, condition)                                                                   \
    do {                                                                                           \
        for (unsigned rounds_ = 0; !(condition); rounds_++) {                                      \
            if (rounds_ == 20000)                                                                  \
                fail_msg("never came: %s; got \"%.*s\"", #condition, (int)((who)->in.n > 2000 ? 2000 : (who)->in.n), (who)->in.p); \
            loop_step(loop, 2);                                                                    \
            peer_read(who);                                                                        \
        }                                                                                          \
    } while (0)

static inline bool peer_has(const struct peer *p, const char *text)
{
    return str_find(buf_str(&p->in), str_of(text)) < p->in.n;
}

static inline unsigned peer_count(const struct peer *p, const char *text)
{
    unsigned count = 0;
    struct str rest = buf_str(&p->in), want = str_of(text);
    for (size_t at; (at = str_find(rest, want)) < rest.n; count++)
        rest = str_sub(rest, at + want.n, rest.n);
    return count;
}

/* Lets everything that is under way happen. */
static inline void peer_settle(struct peer *p)
{
    for (unsigned i = 0; i < 8; i++) {
        loop_step(loop, 0);
        if (p != nullptr)
            peer_read(p);
    }
}
