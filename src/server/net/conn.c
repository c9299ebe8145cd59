// SPDX-License-Identifier: Apache-2.0
#include "server/net/conn.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"

constexpr size_t INPUT_MAX = 64 * 1024;     /* read ahead of the present request */
constexpr uint64_t LINGER_MS = 2000;        /* for the peer to read our last words */
constexpr uint64_t STALL_BYTES = 16 * 1024; /* arrived within stall_ms: slow, but a reader */
constexpr uint64_t BODY_PACE = 16;          /* bytes per ms of body_ms: slow, but a sender */
constexpr uint64_t WHOLE_PATIENCE = 4;      /* times stall_ms, once all of the answer is there */

/* --- deadlines ----------------------------------------------------------------------------------- */

static uint64_t state_limit_ms(const struct conn *c)
{
    const struct front_limits *l = &c->front->limits;
    switch (c->state) {
    case CONN_IDLE:
        return c->fresh ? l->header_ms : l->idle_ms;
    case CONN_HEAD:
        return l->header_ms;
    case CONN_BODY:
    case CONN_DISCARD:
        return c->x != nullptr && c->x->paused ? UINT64_MAX : l->body_ms;
    case CONN_CLOSING:
        return c->flushed ? LINGER_MS : WHOLE_PATIENCE * l->stall_ms;
    default:
        return UINT64_MAX; /* how long an answer takes is its maker's business */
    }
}

/* The queue of a stream grows; a whole answer is as long as it is, and its reader may be on a phone. */
static uint64_t stall_limit_ms(const struct conn *c)
{
    return (c->x != nullptr ? 1 : WHOLE_PATIENCE) * c->front->limits.stall_ms;
}

static uint64_t deadline_ms(const struct conn *c)
{
    uint64_t limit = state_limit_ms(c);
    uint64_t at = limit == UINT64_MAX ? UINT64_MAX : c->since_ms + limit;
    if (c->stall_ms != 0 && c->stall_ms + stall_limit_ms(c) < at)
        at = c->stall_ms + stall_limit_ms(c);
    return at;
}

static void arm(struct conn *c)
{
    uint64_t at = deadline_ms(c), now = clock_ms();
    if (at == UINT64_MAX)
        timer_stop(&c->timer);
    else
        timer_start(&c->timer, at > now ? at - now : 0);
}

void conn_set_state(struct conn *c, enum conn_state state)
{
    c->state = state;
    c->since_ms = clock_ms();
}

/* --- life ---------------------------------------------------------------------------------------- */

void conn_drop_parser(struct conn *c)
{
    if (c->parser == nullptr)
        return;
    if (c->front->spare_parser == nullptr)
        c->front->spare_parser = c->parser;
    else
        http_parser_destroy(c->parser);
    c->parser = nullptr;
}

static void free_conn(struct conn *c)
{
    check(c->x == nullptr);
    timer_stop(&c->timer);
    deferred_cancel(&c->pump);
    conn_drop_parser(c);
    buf_finish(&c->input);
    *c->at = c->next;
    if (c->next != nullptr)
        c->next->at = c->at;
    if (c->sock != nullptr) {
        c->front->stats.bytes_out += sock_written(c->sock);
        sock_close(c->sock);
        c->front->stats.connections_now--;
    }
    free(c);
}

/* Inside the pump the conn is still in use; the pump frees it at its end. */
static void kill_conn(struct conn *c)
{
    if (c->pumping)
        c->state = CONN_DEAD;
    else
        free_conn(c);
}

void exchange_free(struct exchange *x)
{
    struct front *f = x->conn->front;
    f->stats.requests_now--;
    f->stats.body_bytes_now -= x->body.room;
    x->conn->x = nullptr;
    buf_finish(&x->headers);
    buf_finish(&x->body);
    free(x);
}

/* The client, or the connection's rules, end the exchange before its owner did. */
static void tell_gone(struct conn *c)
{
    struct exchange *x = c->x;
    if (x == nullptr)
        return;
    c->x = nullptr; /* whatever the owner calls in on_gone finds no connection to act on */
    c->front->stats.gone++;
    if (x->events != nullptr)
        x->events->on_gone(x, x->arg);
    exchange_free(x);
}

void conn_destroy(struct conn *c)
{
    tell_gone(c);
    kill_conn(c);
}

void conn_close_softly(struct conn *c)
{
    tell_gone(c);
    conn_set_state(c, CONN_CLOSING);
    c->stall_ms = 0;
    c->stall_delivered = sock_delivered(c->sock);
    if (!c->pumping) /* else a body may still lie in it */
        buf_finish(&c->input);
    sock_resume(c->sock); /* to see its end, and to throw away what comes */
    sock_shutdown(c->sock);
    c->flushed = sock_queued(c->sock) == 0;
    arm(c);
}

void conn_refuse(struct conn *c, int status, enum err err)
{
    if (c->x != nullptr && c->x->begun) {
        conn_destroy(c);
        return;
    }
    tell_gone(c);
    response_refuse(c, status, err, nullptr);
    conn_close_softly(c);
}

/* Its time is over, and maybe that of a thousand who came with it: one after another. */
static void end_in_turn(struct conn *c)
{
    c->doomed = true;
    deferred_yield(&c->pump);
}

/* Above its cap for too long: dropped, unless it does read, slowly. */
static void check_stall(struct conn *c, uint64_t now)
{
    uint64_t delivered = sock_delivered(c->sock);
    if (delivered - c->stall_delivered < STALL_BYTES) {
        c->front->stats.slow_readers++;
        end_in_turn(c);
        return;
    }
    c->stall_ms = now;
    c->stall_delivered = delivered;
    arm(c);
}

static void check_closing(struct conn *c, uint64_t now)
{
    uint64_t delivered = sock_delivered(c->sock);
    bool flushed = sock_queued(c->sock) == 0;
    if (c->flushed || (!flushed && delivered - c->stall_delivered < STALL_BYTES)) {
        c->front->stats.slow_readers += !flushed;
        end_in_turn(c);
        return;
    }
    c->flushed = flushed;
    c->since_ms = now;
    c->stall_delivered = delivered;
    arm(c);
}

/* Idle is who has got all of the last answer. */
static void check_idle(struct conn *c, uint64_t now)
{
    uint64_t delivered = sock_delivered(c->sock);
    bool flushed = sock_queued(c->sock) == 0;
    if (flushed || delivered == c->stall_delivered) {
        c->front->stats.slow_readers += !flushed;
        end_in_turn(c);
        return;
    }
    c->since_ms = now;
    c->stall_delivered = delivered;
    arm(c);
}

/* Who has sent a good part of the body meanwhile gets the time again: a large document over a slow line. */
static bool sends_on(struct conn *c, uint64_t now)
{
    struct exchange *x = c->x;
    if (c->state != CONN_BODY || x->body_seen - x->body_noted < BODY_PACE * state_limit_ms(c))
        return false;
    x->body_noted = x->body_seen;
    c->since_ms = now;
    arm(c);
    return true;
}

static void on_timer(void *arg)
{
    struct conn *c = arg;
    uint64_t now = clock_ms(), limit = state_limit_ms(c);
    if (c->doomed)
        return; /* it is its turn soon */
    if (c->stall_ms != 0 && now >= c->stall_ms + stall_limit_ms(c)) {
        check_stall(c, now);
    } else if (limit == UINT64_MAX || now - c->since_ms < limit) {
        arm(c);
    } else if (c->state == CONN_CLOSING) {
        check_closing(c, now);
    } else if (c->state == CONN_IDLE) {
        check_idle(c, now);
    } else if ((c->state == CONN_HEAD && http_begun(c->parser)) || c->state == CONN_BODY) {
        if (sends_on(c, now))
            return;
        c->front->stats.timeouts++;
        conn_refuse(c, 408, ERR_TIMEOUT);
    } else {
        end_in_turn(c);
    }
}

/* Keeps what could not be parsed yet: of the bytes that were kept before, or new ones. */
static enum err keep_input(struct conn *c, struct str bytes)
{
    if (c->state == CONN_CLOSING || bytes.n == 0)
        buf_finish(&c->input);
    else if (c->input.n > 0)
        buf_eat(&c->input, c->input.n - bytes.n);
    else
        return buf_add(&c->input, bytes);
    return OK;
}

void conn_set_reading(struct conn *c)
{
    bool off = c->input.n >= INPUT_MAX || (c->x != nullptr && c->x->paused);
    if (off == c->reading_off || c->state >= CONN_CLOSING)
        return;
    c->reading_off = off;
    if (off)
        sock_pause(c->sock);
    else
        sock_resume(c->sock);
}

/* Who sends a thousand requests at once is no reason for others to wait for all the answers, and when there
 * are more of his kind each gets less at a time. A body that
 * lies in the bytes at hand is handed over before they go. */
static bool is_tired(const struct conn *c)
{
    return c->effort >= EFFORT_MAX && (c->x == nullptr || c->x->whole.n == 0);
}

/* `bytes` are new ones, or the input that was kept. May free the conn. */
static void parse(struct conn *c, struct str bytes)
{
    c->pumping = true;
    c->effort = loop_has_yielded(c->front->loop) ? EFFORT_CROWDED : 0;
    while (conn_may_parse(c) && !is_tired(c) && conn_parse_one(c, &bytes))
        ;
    c->pumping = false;
    if (c->state == CONN_UPGRADED)
        ws_early_bytes(c->ws, bytes);
    if (c->state == CONN_UPGRADED || c->state == CONN_DEAD || keep_input(c, bytes) != OK) {
        conn_destroy(c);
    } else if (c->state == CONN_IDLE && c->front->draining) {
        conn_close_softly(c);
    } else {
        conn_set_reading(c);
        arm(c);
        if (is_tired(c) && conn_may_parse(c) && c->input.n > 0)
            deferred_yield(&c->pump);
    }
}

static void on_pump(void *arg)
{
    struct conn *c = arg;
    if (c->doomed)
        conn_destroy(c);
    else
        parse(c, buf_str(&c->input));
}

void conn_doom(struct conn *c)
{
    c->doomed = true;
    deferred_call(&c->pump);
}

/* --- what the socket says ------------------------------------------------------------------------ */

static void on_read(void *arg, struct str bytes)
{
    struct conn *c = arg;
    c->front->stats.bytes_in += bytes.n;
    if (c->state == CONN_CLOSING)
        return;
    if (c->input.n == 0 && c->pump.at == nullptr && conn_may_parse(c)) {
        parse(c, bytes);
        return;
    }
    if (buf_add(&c->input, bytes) != OK) {
        conn_destroy(c);
        return;
    }
    conn_set_reading(c); /* a step may bring more than one read */
    if (conn_may_parse(c))
        deferred_call(&c->pump);
}

static void on_end(void *arg, enum err)
{
    conn_destroy(arg);
}

static void on_drain(void *arg)
{
    struct conn *c = arg;
    c->stall_ms = 0;
    if (c->x == nullptr && c->input.n > 0)
        deferred_call(&c->pump); /* the next request has waited for this */
    else if (c->x != nullptr && c->x->begun && c->x->events->on_writable != nullptr)
        c->x->events->on_writable(c->x, c->x->arg);
}

static const struct sock_events sock_events = {on_read, on_end, on_drain};

void conn_note_queue(struct conn *c, size_t queued)
{
    if (queued <= EXCHANGE_QUEUE || c->stall_ms != 0)
        return;
    c->stall_ms = clock_ms();
    c->stall_delivered = sock_delivered(c->sock);
    if (!c->pumping)
        arm(c);
}

/* --- called by the exchange ---------------------------------------------------------------------- */

bool conn_keeps(const struct exchange *x)
{
    const struct conn *c = x->conn;
    const struct http_head *h = exchange_head(x);
    if (!h->keep_alive || c->close_after || c->front->draining)
        return false;
    if (c->state == CONN_ANSWER || !h->has_body)
        return true;
    if (!h->length_known || (h->expects_continue && !x->continued))
        return false;
    return h->content_length - x->body_seen <= DISCARD_MAX;
}

void conn_answered(struct exchange *x)
{
    struct conn *c = x->conn;
    bool keeps = !c->close_after; /* decided when the response began */
    bool whole = c->state == CONN_ANSWER;
    exchange_free(x);
    if (!keeps) {
        conn_close_softly(c);
    } else if (whole) {
        conn_drop_parser(c);
        conn_set_state(c, CONN_IDLE);
    } else {
        conn_set_state(c, CONN_DISCARD);
    }
    if (!c->pumping)
        deferred_call(&c->pump);
}

void conn_cut(struct exchange *x)
{
    struct conn *c = x->conn;
    exchange_free(x);
    kill_conn(c);
}

void conn_upgraded(struct exchange *x)
{
    struct conn *c = x->conn;
    exchange_free(x);
    c->sock = nullptr;
    c->state = CONN_UPGRADED;
    if (c->pumping)
        return; /* what is left of the bytes at the end of the pump goes to the WebSocket */
    ws_early_bytes(c->ws, buf_str(&c->input));
    free_conn(c);
}

void conn_resumed(struct conn *c)
{
    c->since_ms = clock_ms(); /* the wait was not the client's */
    deferred_call(&c->pump);
}

void conn_drain(struct conn *c)
{
    if (c->state == CONN_IDLE && c->input.n == 0 && !c->pumping)
        conn_close_softly(c);
}

/* --- beginning ----------------------------------------------------------------------------------- */

/* NULL: closed, for want of memory or because even those that are told so are too many. */
static struct conn *take_in(struct front *f, struct sock *s)
{
    struct conn *c = mem_zero(1, sizeof *c);
    f->stats.connections++;
    if (c == nullptr || front_is_full(f)) {
        f->stats.refused++;
        free(c);
        sock_close(s);
        return nullptr;
    }
    f->stats.connections_now++;
    c->front = f;
    c->sock = s;
    c->input = BUF(INPUT_MAX * 2);
    sock_peer(s, &c->peer);
    timer_init(&c->timer, f->loop, on_timer, c);
    deferred_init(&c->pump, f->loop, on_pump, c);
    c->next = f->conns;
    c->at = &f->conns;
    if (c->next != nullptr)
        c->next->at = &c->next;
    f->conns = c;
    sock_set_low_water(s, EXCHANGE_QUEUE / 2);
    sock_set_owner(s, &sock_events, c);
    c->fresh = true;
    conn_set_state(c, CONN_IDLE);
    return c;
}

void conn_accept(struct front *f, struct sock *s)
{
    bool full = f->stats.connections_now >= f->limits.connections;
    struct conn *c = take_in(f, s);
    if (c == nullptr)
        return;
    if (full) {
        f->stats.refused++;
        response_refuse(c, 503, ERR_BUSY, nullptr);
        conn_close_softly(c);
        return;
    }
    arm(c);
}

void conn_accept_misled(struct front *f, struct sock *s)
{
    struct conn *c = take_in(f, s);
    if (c == nullptr)
        return;
    f->stats.malformed++;
    response_refuse(c, 400, ERR_INVALID,
                    "this address is served over TLS only: begin it with https:// instead of "
                    "http://");
    conn_close_softly(c);
}
