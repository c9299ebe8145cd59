// SPDX-License-Identifier: Apache-2.0
/* A connection's bytes become an exchange: one piece after another, as the pump (conn.c) feeds them. */
#include <stdlib.h>

#include "base/check.h"
#include "server/net/conn.h"

static enum err take_parser(struct conn *c)
{
    c->parser = c->front->spare_parser;
    c->front->spare_parser = nullptr;
    if (c->parser == nullptr)
        return http_parser_create(&c->parser);
    http_next(c->parser);
    return OK;
}

static void begin_exchange(struct conn *c)
{
    struct exchange *x = mem_zero(1, sizeof *x);
    if (x == nullptr) {
        response_refuse(c, 503, ERR_NOMEM, nullptr);
        conn_close_softly(c);
        return;
    }
    x->conn = c;
    x->headers = BUF(HTTP_HEAD_MAX);
    c->x = x;
    c->effort += EFFORT_OF_REQUEST;
    conn_set_state(c, CONN_BODY);
    c->front->stats.requests++;
    c->front->stats.requests_now++;
    c->front->on_head(c->front->arg, x);
    if (c->x != x || c->state != CONN_BODY)
        return; /* answered, cut or upgraded */
    check(x->events != nullptr);
    const struct http_head *h = http_head(c->parser);
    if (h->length_known && h->content_length > x->body_cap)
        conn_refuse(c, 413, ERR_TOOBIG);
}

static enum err keep_body(struct exchange *x, struct str bytes)
{
    struct front *f = x->conn->front;
    const struct http_head *h = exchange_head(x);
    if (x->body.n == 0 && h->length_known && bytes.n == h->content_length) {
        x->whole = bytes; /* nothing to gather: on_request comes before these bytes go */
        return OK;
    }
    size_t had = x->body.room;
    if (f->stats.body_bytes_now + bytes.n > f->limits.body_bytes)
        return ERR_BUSY;
    enum err err = buf_add(&x->body, bytes);
    f->stats.body_bytes_now += x->body.room - had;
    return err;
}

static void take_body(struct conn *c, struct str bytes)
{
    struct exchange *x = c->x;
    if (x == nullptr) {
        c->discarded += bytes.n;
        if (c->discarded > DISCARD_MAX)
            conn_close_softly(c);
        return;
    }
    x->body_seen += bytes.n;
    enum err err = x->body_seen > x->body_cap ? ERR_TOOBIG : OK;
    if (err == OK && x->mode == BODY_WHOLE)
        err = keep_body(x, bytes);
    else if (err == OK)
        x->events->on_body(x, x->arg, bytes);
    if (err != OK)
        conn_refuse(c, err_http_status(err), err);
}

static void end_request(struct conn *c)
{
    struct exchange *x = c->x;
    if (x == nullptr) {
        conn_drop_parser(c);
        c->discarded = 0;
        conn_set_state(c, CONN_IDLE);
        return;
    }
    conn_set_state(c, CONN_ANSWER);
    if (x->mode == BODY_STREAM) {
        x->events->on_body_end(x, x->arg);
        return;
    }
    /* The body outlives the exchange if that is answered in the callback. */
    struct buf body = x->body;
    c->front->stats.body_bytes_now -= body.room;
    x->body = (struct buf){};
    x->events->on_request(x, x->arg, x->whole.n > 0 ? x->whole : buf_str(&body));
    buf_finish(&body);
}

/* No request begins while the answers to earlier ones wait for their reader: else who asks and asks and
 * never reads would have them all kept here. */
bool conn_may_parse(const struct conn *c)
{
    switch (c->state) {
    case CONN_IDLE:
        return c->stall_ms == 0;
    case CONN_HEAD:
    case CONN_DISCARD:
        return true;
    case CONN_BODY:
        return !c->x->paused;
    default:
        return false;
    }
}

bool conn_parse_one(struct conn *c, struct str *bytes)
{
    if (c->state == CONN_IDLE) {
        if (bytes->n == 0)
            return false;
        if (take_parser(c) != OK) {
            conn_close_softly(c);
            return false;
        }
        c->fresh = false;
        conn_set_state(c, CONN_HEAD);
    }
    struct http_piece piece;
    c->effort++;
    enum err err = http_parse(c->parser, bytes, &piece);
    if (err != OK) {
        c->front->stats.malformed++;
        conn_refuse(c, http_error_status(c->parser), err);
        return false;
    }
    switch (piece.kind) {
    case PIECE_HEAD:
        begin_exchange(c);
        return true;
    case PIECE_BODY:
        take_body(c, piece.bytes);
        return true;
    case PIECE_END:
        end_request(c);
        return true;
    default:
        return false;
    }
}
