// SPDX-License-Identifier: Apache-2.0
/* A server for the tests of net/: a few paths, and a record of what its owner was told. */
#pragma once

#include <sys/un.h>

#include "net_peer.h"
#include "server/net/front.h"
#include "server/net/sse.h"

static struct front *front;
static const char *address;

/* What the server under test has seen and keeps for the test to act on. */
static struct {
    struct exchange *held;
    struct sse *sse;
    struct buf body;
    unsigned heads, requests, ends, gones, writables;
    bool inside; /* of an exchange_ call: on_gone may not come now */
} app;

/* Of /long, by copy. */
static const char long_answer[16 * 1024];

static void on_gone(struct exchange *x, void *)
{
    assert_false(app.inside);
    assert_int_equal(exchange_head(x)->path.p[0], '/');
    app.gones++;
    if (app.held == x)
        app.held = nullptr;
    sse_drop(app.sse);
    app.sse = nullptr;
}

static void on_writable(struct exchange *, void *)
{
    app.writables++;
}

static void echo(struct exchange *x, void *, struct str body)
{
    app.requests++;
    exchange_reply(x, 200, "text/plain", body);
}

static void hold(struct exchange *x, void *, struct str body)
{
    app.requests++;
    buf_clear(&app.body);
    assert_ok(buf_add(&app.body, body));
    app.held = x;
}

static void on_body(struct exchange *, void *, struct str bytes)
{
    assert_ok(buf_add(&app.body, bytes));
}

static void on_body_end(struct exchange *x, void *)
{
    app.ends++;
    exchange_reply(x, 200, "text/plain", buf_str(&app.body));
    app.held = nullptr;
}

static void on_head(void *, struct exchange *x)
{
    static const struct exchange_events echoing = {.on_request = echo, .on_gone = on_gone},
                                        holding = {.on_request = hold,
                                                   .on_gone = on_gone,
                                                   .on_writable = on_writable},
                                        streaming = {.on_body = on_body,
                                                     .on_body_end = on_body_end,
                                                     .on_gone = on_gone};
    struct str path = exchange_head(x)->path;
    app.heads++;
    if (str_eq(path, S("/work"))) { /* takes a millisecond */
        clock_fake(clock_us() + 1000);
        exchange_reply(x, 200, "text/plain", S("hello"));
    } else if (str_eq(path, S("/hello")))
        exchange_reply(x, 200, "text/plain", S("hello"));
    else if (str_eq(path, S("/long")))
        exchange_reply(x, 200, "text/plain", (struct str){long_answer, sizeof long_answer});
    else if (str_eq(path, S("/echo")))
        exchange_read_body(x, 100000, &echoing, nullptr);
    else if (str_eq(path, S("/hold")))
        exchange_read_body(x, 100000, &holding, nullptr);
    else if (str_eq(path, S("/upload"))) {
        app.held = x;
        exchange_stream_body(x, 1 << 22, &streaming, nullptr);
    } else
        exchange_error(x, ERR_NOTFOUND, nullptr, "path");
}

static inline int begin(void **)
{
    memset(&app, 0, sizeof app);
    app.body = BUF(1 << 24);
    peer_time(1000000);
    if (loop_create(&loop) != OK)
        return 1;
    struct front_limits limits = FRONT_LIMITS;
    limits.connections = 20;
    limits.body_bytes = 250000;
    if (front_create(loop, &limits, on_head, nullptr, &front) != OK ||
        front_listen_tcp(front, S("127.0.0.1"), 0) != OK)
        return 1;
    address = front_address(front, 0);
    return 0;
}

static inline int finish(void **)
{
    front_destroy(front);
    loop_destroy(loop);
    buf_finish(&app.body);
    clock_fake(UINT64_MAX);
    return 0;
}

/* A client on a Unix socket, whose kernel buffers are as large as it wants. */
static inline struct peer peer_open_unix(struct front *f)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "/tmp/repartee-net-%d", (int)getpid());
    assert_ok(front_listen_unix(f, to.sun_path));
    struct peer p = {.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), .in = BUF(64u << 20)};
    assert_int_equal(connect(p.fd, (struct sockaddr *)&to, sizeof to), 0);
    return p;
}

static inline const struct net_stats *stats(void)
{
    return front_stats(front);
}

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A256 A64 A64 A64 A64
#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST(path, headers) "POST " path " HTTP/1.1\r\nHost: x\r\n" headers "\r\n"
