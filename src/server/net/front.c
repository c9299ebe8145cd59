// SPDX-License-Identifier: Apache-2.0
#include "server/net/front.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "server/net/conn.h"

/* Over the limit of connections, those that are told so still cost a socket for a while. */
enum { TOLD_SO = 64 };

enum err front_create(struct loop *l, const struct front_limits *limits, front_fn on_head,
                      void *arg, struct front **ret_front)
{
    struct front *f = mem_zero(1, sizeof *f);
    if (f == nullptr)
        return ERR_NOMEM;
    f->loop = l;
    f->limits = *limits;
    f->on_head = on_head;
    f->arg = arg;
    *ret_front = f;
    return OK;
}

static void close_listeners(struct front *f)
{
    for (unsigned i = 0; i < f->listener_count; i++) {
        listener_close(f->listeners[i]);
        f->listeners[i] = nullptr;
    }
    f->listener_count = 0;
}

void front_destroy(struct front *f)
{
    if (f == nullptr)
        return;
    close_listeners(f);
    if (f->tls != nullptr)
        tls_end_handshakes(f->tls);
    while (f->conns != nullptr)
        conn_destroy(f->conns);
    while (f->websockets != nullptr)
        ws_destroy(f->websockets);
    http_parser_destroy(f->spare_parser);
    free(f->lines);
    free(f);
}

static void on_accept(void *arg, struct sock *s)
{
    conn_accept(arg, s);
}

static bool has_room(const struct front *f)
{
    return f->listener_count < sizeof f->listeners / sizeof *f->listeners;
}

enum err front_listen_tcp(struct front *f, struct str host, uint16_t port)
{
    struct listener *l;
    if (!has_room(f))
        return ERR_TOOBIG;
    try(listener_open_tcp(f->loop, host, port, on_accept, f, &l));
    f->listeners[f->listener_count++] = l;
    return OK;
}

enum err front_listen_unix(struct front *f, const char *path)
{
    struct listener *l;
    if (!has_room(f))
        return ERR_TOOBIG;
    try(listener_open_unix(f->loop, path, on_accept, f, &l));
    f->listeners[f->listener_count++] = l;
    return OK;
}

/* --- TLS ----------------------------------------------------------------------------------------- */

bool front_is_full(const struct front *f)
{
    return f->stats.connections_now + f->stats.handshakes_now >=
           (uint64_t)f->limits.connections + TOLD_SO;
}

static void on_handshake(void *arg, struct sock *s, enum tls_result result)
{
    struct front *f = arg;
    f->stats.handshakes_now--;
    if (result == TLS_READY)
        conn_accept(f, s);
    else if (result == TLS_PLAIN)
        conn_accept_misled(f, s);
    else
        f->stats.handshakes_failed++;
}

static void on_accept_tls(void *arg, struct sock *s)
{
    struct front *f = arg;
    if (front_is_full(f) || tls_accept(f->tls, s, on_handshake, f) != OK) {
        f->stats.connections++;
        f->stats.refused++;
        sock_close(s);
        return;
    }
    f->stats.handshakes_now++;
}

enum err front_listen_tls(struct front *f, struct str host, uint16_t port, struct tls *tls)
{
    struct listener *l;
    check(f->tls == nullptr || f->tls == tls);
    if (!has_room(f))
        return ERR_TOOBIG;
    try(listener_open_tcp(f->loop, host, port, on_accept_tls, f, &l));
    f->listeners[f->listener_count++] = l;
    f->tls = tls;
    return OK;
}

const char *front_address(const struct front *f, unsigned i)
{
    return i < f->listener_count ? listener_address(f->listeners[i]) : nullptr;
}

bool front_all_loopback(const struct front *f)
{
    for (unsigned i = 0; i < f->listener_count; i++)
        if (!listener_is_loopback(f->listeners[i]))
            return false;
    return true;
}

enum err front_set_headers(struct front *f, struct str lines)
{
    check(lines.n == 0 || str_ends(lines, S("\r\n")));
    char *copy = mem_strdup(lines);
    if (copy == nullptr)
        return ERR_NOMEM;
    free(f->lines);
    f->lines = copy;
    f->lines_n = lines.n;
    return OK;
}

void front_drain(struct front *f)
{
    f->draining = true;
    close_listeners(f);
    if (f->tls != nullptr)
        tls_end_handshakes(f->tls);
    for (struct conn *c = f->conns, *next; c != nullptr; c = next) {
        next = c->next;
        conn_drain(c);
    }
}

const struct net_stats *front_stats(const struct front *f)
{
    return &f->stats;
}

struct str front_date(struct front *f)
{
    int64_t now_s = clock_wall_ms() / 1000;
    if (now_s != f->date_s || f->date[0] == '\0') {
        static const char days[] = "SunMonTueWedThuFriSat";
        static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
        time_t t = (time_t)now_s;
        struct tm tm = {};
        (void)gmtime_r(&t, &tm);
        f->date_s = now_s;
        snprintf(f->date, sizeof f->date, "Date: %.3s, %02d %.3s %04d %02d:%02d:%02d GMT\r\n",
                 days + 3 * (tm.tm_wday % 7), tm.tm_mday % 32, months + 3 * (tm.tm_mon % 12),
                 (tm.tm_year + 1900) % 10000, tm.tm_hour % 24, tm.tm_min % 60, tm.tm_sec % 61);
    }
    return str_of(f->date);
}
