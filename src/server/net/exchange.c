// SPDX-License-Identifier: Apache-2.0
#include "server/net/exchange.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "server/net/conn.h"
#include "server/net/error.h"
#include "server/net/ws_conn.h"

constexpr size_t QUEUE_LIMIT = (size_t)16 * EXCHANGE_QUEUE; /* of a stream */

const struct http_head *exchange_head(const struct exchange *x)
{
    return http_head(x->conn->parser);
}

const struct sock_peer *exchange_peer(const struct exchange *x)
{
    return &x->conn->peer;
}

struct loop *exchange_loop(const struct exchange *x)
{
    return x->conn->front->loop;
}

uint32_t exchange_ping_ms(const struct exchange *x)
{
    return x->conn->front->limits.ping_ms;
}

/* --- the request's body -------------------------------------------------------------------------- */

static void want_body(struct exchange *x, enum body_mode mode, size_t cap,
                      const struct exchange_events *events, void *arg)
{
    check(x->events == nullptr && !x->begun);
    x->mode = mode;
    x->body_cap = cap;
    x->body = BUF(cap);
    x->events = events;
    x->arg = arg;
    const struct http_head *h = exchange_head(x);
    bool fits = !h->length_known || h->content_length <= cap;
    if (h->expects_continue && fits && x->body_seen == 0) {
        x->continued = true;
        sock_write(x->conn->sock, S("HTTP/1.1 100 Continue\r\n\r\n"));
    }
}

void exchange_read_body(struct exchange *x, size_t cap, const struct exchange_events *events,
                        void *arg)
{
    check(events->on_request != nullptr && events->on_gone != nullptr);
    want_body(x, BODY_WHOLE, cap, events, arg);
}

void exchange_stream_body(struct exchange *x, size_t cap, const struct exchange_events *events,
                          void *arg)
{
    check(events->on_body != nullptr && events->on_body_end != nullptr &&
          events->on_gone != nullptr);
    want_body(x, BODY_STREAM, cap, events, arg);
}

void exchange_pause(struct exchange *x)
{
    x->paused = true;
    conn_set_reading(x->conn);
}

void exchange_resume(struct exchange *x)
{
    if (!x->paused)
        return;
    x->paused = false;
    conn_resumed(x->conn);
}

/* --- the response's head ------------------------------------------------------------------------- */

static bool is_token(const char *s)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    if (*s == '\0')
        return false;
    for (; *s != '\0'; s++) {
        char lower = *s | 0x20;
        if (!(*s >= '0' && *s <= '9') && !(lower >= 'a' && lower <= 'z') &&
            memchr(others, *s, sizeof others - 1) == nullptr)
            return false;
    }
    return true;
}

/* Printable ASCII: no line can be forged, nothing is left to guess about the encoding. */
static bool is_header_text(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < ' ' || s.p[i] > '~')
            return false;
    return true;
}

enum err exchange_set(struct exchange *x, const char *name, struct str value)
{
    check(is_token(name) && !x->begun);
    if (!is_header_text(value))
        return ERR_INVALID;
    size_t had = x->headers.n;
    enum err err = buf_add(&x->headers, str_of(name));
    if (err == OK)
        err = buf_add(&x->headers, S(": "));
    if (err == OK)
        err = buf_add(&x->headers, value);
    if (err == OK)
        err = buf_add(&x->headers, S("\r\n"));
    if (err != OK)
        x->headers.n = had;
    else if (str_eq_nocase(str_of(name), S("Retry-After")))
        x->retry_set = true;
    return err;
}

static const char *reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } reasons[] = {
        {101, "Switching Protocols"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {426, "Upgrade Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].text;
    return "Status";
}

enum { HEAD_ROOM = 512 };
enum framing : uint8_t { FRAMED_BY_LENGTH, FRAMED_BY_CHUNKS, FRAMED_BY_CLOSE, FRAMED_NOT };

/* The lines that net/ itself is answerable for. */
static struct str write_head(struct front *f, char into[HEAD_ROOM], int status, const char *type,
                             enum framing framing, size_t length, bool close)
{
    char body_line[64] = "";
    if (framing == FRAMED_BY_LENGTH)
        snprintf(body_line, sizeof body_line, "Content-Length: %zu\r\n", length);
    else if (framing == FRAMED_BY_CHUNKS)
        snprintf(body_line, sizeof body_line, "Transfer-Encoding: chunked\r\n");
    struct str date = front_date(f);
    int n = snprintf(into, HEAD_ROOM, "HTTP/1.1 %d %s\r\n%.*s%s%s%s%s%s", status, reason(status),
                     STR_FMT(date), type != nullptr ? "Content-Type: " : "",
                     type != nullptr ? type : "", type != nullptr ? "\r\n" : "", body_line,
                     close ? "Connection: close\r\n" : "");
    check(n > 0 && n < HEAD_ROOM);
    return (struct str){into, (size_t)n};
}

/* Writes head and body (either form, or neither) with one system call. */
static size_t send_head(struct exchange *x, int status, const char *type, enum framing framing,
                        size_t length, struct str body, struct blob *blob)
{
    struct conn *c = x->conn;
    check(!x->begun && status >= 200 && status <= 599);
    check(type == nullptr || is_header_text(str_of(type)));
    x->begun = true;
    c->close_after = framing == FRAMED_BY_CLOSE || !conn_keeps(x);
    c->front->stats.responses[status / 100]++;
    char text[HEAD_ROOM];
    const struct str pieces[SOCK_PIECES] = {
        write_head(c->front, text, status, type, framing, length, c->close_after),
        {c->front->lines, c->front->lines_n},
        buf_str(&x->headers),
        S("\r\n"),
        body,
    };
    size_t queued = sock_writev(c->sock, pieces, SOCK_PIECES, blob);
    conn_note_queue(c, queued);
    return queued;
}

/* --- whole responses ----------------------------------------------------------------------------- */

static bool is_bare(int status)
{
    return status == 204 || status == 304;
}

void exchange_reply(struct exchange *x, int status, const char *type, struct str body)
{
    bool head_only = exchange_head(x)->method == METHOD_HEAD || is_bare(status);
    send_head(x, status, type, is_bare(status) ? FRAMED_NOT : FRAMED_BY_LENGTH, body.n,
              head_only ? (struct str){} : body, nullptr);
    conn_answered(x);
}

void exchange_reply_blob(struct exchange *x, int status, const char *type, struct blob *body)
{
    bool head_only = exchange_head(x)->method == METHOD_HEAD;
    check(!is_bare(status));
    send_head(x, status, type, FRAMED_BY_LENGTH, body->n, (struct str){},
              head_only ? nullptr : body);
    conn_answered(x);
}

static const char no_memory[] =
    "{\"error\":{\"message\":\"the server is short of memory\",\"type\":\"server_error\","
    "\"code\":\"out_of_memory\",\"param\":null}}";

static enum err write_error(struct buf *out, enum err err, const char *message, const char *param)
{
    struct json_out j = {.to = out};
    json_obj(&j);
    error_put(&j, err, message, param);
    json_end(&j);
    return json_finish(&j);
}

void exchange_error(struct exchange *x, enum err err, const char *message, const char *param)
{
    int status = err_http_status(err);
    autobuf out = BUF(4096);
    if ((status == 429 || status == 503) && !x->retry_set)
        (void)exchange_set(x, "Retry-After", S("1")); /* a courtesy: worth no other error */
    if (status == 426 && exchange_set(x, "Upgrade", S("websocket")) == OK)
        (void)exchange_set(x, "Connection", S("Upgrade")); /* RFC 9110, 15.5.22 */
    if (write_error(&out, err, message, param) == OK)
        exchange_reply(x, status, "application/json", buf_str(&out));
    else
        exchange_reply(x, 503, "application/json", str_of(no_memory));
}

void response_refuse(struct conn *c, int status, enum err err, const char *message)
{
    char text[HEAD_ROOM];
    autobuf out = BUF(1024);
    struct str body =
        write_error(&out, err, message, nullptr) == OK ? buf_str(&out) : str_of(no_memory);
    const struct str pieces[SOCK_PIECES] = {
        write_head(c->front, text, status, "application/json", FRAMED_BY_LENGTH, body.n, true),
        {c->front->lines, c->front->lines_n},
        status == 503 ? S("Retry-After: 1\r\n") : S(""),
        S("\r\n"),
        body,
    };
    c->front->stats.responses[status / 100]++;
    sock_writev(c->sock, pieces, SOCK_PIECES, nullptr);
}

/* --- streamed responses -------------------------------------------------------------------------- */

void exchange_begin(struct exchange *x, int status, const char *type)
{
    const struct http_head *h = exchange_head(x);
    check(x->events != nullptr && !is_bare(status));
    x->no_body = h->method == METHOD_HEAD;
    x->chunked = !h->http10;
    send_head(x, status, type, x->chunked ? FRAMED_BY_CHUNKS : FRAMED_BY_CLOSE, 0, (struct str){},
              nullptr);
}

size_t exchange_write(struct exchange *x, struct str bytes)
{
    struct conn *c = x->conn;
    check(x->begun);
    if (sock_queued(c->sock) > QUEUE_LIMIT)
        exchange_doom(x); /* its owner does not heed what this function returns */
    if (bytes.n == 0 || x->no_body || c->doomed)
        return sock_queued(c->sock);
    char size_line[24];
    int n = snprintf(size_line, sizeof size_line, "%zx\r\n", bytes.n);
    const struct str pieces[] = {
        {size_line, x->chunked ? (size_t)n : 0}, bytes, x->chunked ? S("\r\n") : S("")};
    size_t queued = sock_writev(c->sock, pieces, 3, nullptr);
    conn_note_queue(c, queued);
    return queued;
}

size_t exchange_queued(const struct exchange *x)
{
    return sock_queued(x->conn->sock);
}

void exchange_end(struct exchange *x)
{
    check(x->begun);
    if (x->chunked && !x->no_body && !x->conn->doomed)
        sock_write(x->conn->sock, S("0\r\n\r\n"));
    conn_answered(x);
}

void exchange_doom(struct exchange *x)
{
    if (x->conn->doomed)
        return;
    x->conn->front->stats.slow_readers += sock_queued(x->conn->sock) > EXCHANGE_QUEUE;
    conn_doom(x->conn);
}

void exchange_abort(struct exchange *x)
{
    conn_cut(x);
}

bool exchange_begun(const struct exchange *x)
{
    return x->begun;
}

/* --- WebSockets ---------------------------------------------------------------------------------- */

enum err exchange_upgrade(struct exchange *x, const char *protocol, size_t max_message,
                          const struct ws_events *events, void *arg, struct ws **ret_ws)
{
    const struct http_head *h = exchange_head(x);
    check(h->wants_websocket && !x->begun);
    char accept[WS_ACCEPT_SIZE], line[160] = "";
    if (!str_eq(http_value(h, "sec-websocket-version"), S("13")) ||
        http_count(h, "sec-websocket-version") > 1) {
        (void)exchange_set(x, "Sec-WebSocket-Version", S("13")); /* says what would do */
        return ERR_INVALID;
    }
    if (http_count(h, "sec-websocket-key") > 1)
        return ERR_INVALID;
    try(ws_accept_key(http_value(h, "sec-websocket-key"), accept));
    if (protocol != nullptr) {
        check(is_token(protocol) && strlen(protocol) < 100);
        snprintf(line, sizeof line, "Sec-WebSocket-Protocol: %s\r\n", protocol);
    }
    char text[400];
    int n = snprintf(text, sizeof text,
                     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                     "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s\r\n",
                     accept, line);
    struct conn *c = x->conn;
    try(ws_start(c->front, c->sock, max_message, events, arg, &c->ws));
    sock_write(c->sock, (struct str){text, (size_t)n});
    c->front->stats.responses[1]++;
    *ret_ws = c->ws;
    conn_upgraded(x);
    return OK;
}
