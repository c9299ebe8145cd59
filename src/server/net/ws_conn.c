// SPDX-License-Identifier: Apache-2.0
#include "server/net/ws_conn.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "server/net/conn.h"

constexpr uint64_t CLOSE_MS = 2000;         /* for the peer's answer to our close frame */
constexpr uint64_t STALL_BYTES = 16 * 1024; /* arrived within stall_ms: slow, but a reader */
constexpr size_t QUEUE_LIMIT = (size_t)16 * WS_QUEUE;
enum { MISSED_MAX = 2, MESSAGES_A_STEP = 32 };

enum ws_state : uint8_t {
    WS_OPEN,
    WS_CLOSING, /* our close frame is on its way; the peer's, or CLOSE_MS, ends it */
    WS_DOOMED,  /* ends in the next step */
    WS_OVER,    /* on_close has come; what is queued still goes out */
};

struct ws {
    struct front *front;
    struct sock *sock;
    const struct ws_events *events;
    void *arg;
    struct ws *next, **at; /* front->websockets */
    struct timer timer;
    struct deferred pump;
    struct ws_decoder decoder;
    struct buf input;  /* came while messages were not wanted */
    uint64_t ping_ms;  /* when the next one is due */
    uint64_t stall_ms; /* since when the queue is above its cap; 0: it is not */
    uint64_t stall_delivered;
    uint64_t closing_ms; /* since when CLOSING or OVER */
    uint16_t code;       /* for on_close */
    uint8_t missed;      /* pings since the last byte from the peer */
    enum ws_state state;
    bool paused; /* by the owner */
};

/* --- life ---------------------------------------------------------------------------------------- */

static void free_ws(struct ws *ws)
{
    timer_stop(&ws->timer);
    deferred_cancel(&ws->pump);
    ws_decoder_finish(&ws->decoder);
    buf_finish(&ws->input);
    *ws->at = ws->next;
    if (ws->next != nullptr)
        ws->next->at = ws->at;
    struct net_stats *stats = &ws->front->stats;
    stats->bytes_out += sock_written(ws->sock);
    stats->connections_now--;
    stats->websockets_now--;
    sock_close(ws->sock);
    free(ws);
}

static void arm(struct ws *ws)
{
    uint64_t at = ws->state == WS_OPEN ? ws->ping_ms : ws->closing_ms + CLOSE_MS;
    if (ws->stall_ms != 0 && ws->stall_ms + ws->front->limits.stall_ms < at)
        at = ws->stall_ms + ws->front->limits.stall_ms;
    uint64_t now = clock_ms();
    timer_start(&ws->timer, at > now ? at - now : 0);
}

/* The owner hears of the end, once. The socket may live on to send what is queued. */
static void tell_close(struct ws *ws, uint16_t code)
{
    if (ws->state == WS_OVER)
        return;
    ws->state = WS_OVER;
    ws->events->on_close(ws, ws->arg, code);
}

static void end_now(struct ws *ws, uint16_t code)
{
    tell_close(ws, code);
    free_ws(ws);
}

/* Sends what is queued and waits a moment for the peer to close first. */
static void end_softly(struct ws *ws, uint16_t code)
{
    tell_close(ws, code);
    ws->closing_ms = clock_ms();
    buf_finish(&ws->input);
    sock_resume(ws->sock);
    sock_shutdown(ws->sock);
    arm(ws);
}

void ws_destroy(struct ws *ws)
{
    end_now(ws, 1001);
}

/* --- sending ------------------------------------------------------------------------------------- */

/* What was kept comes first: an owner who pauses again and again must not make more of it be kept. */
static void set_reading(struct ws *ws)
{
    if (ws->state == WS_OPEN && (ws->paused || ws->stall_ms != 0 || ws->input.n > 0))
        sock_pause(ws->sock);
    else
        sock_resume(ws->sock);
}

/* The end comes in the next step, since the owner is inside a ws_ call. */
static void doom(struct ws *ws, uint16_t code)
{
    ws->state = WS_DOOMED;
    ws->code = code;
    deferred_call(&ws->pump);
}

static size_t send_frame(struct ws *ws, enum ws_op op, struct str head, struct str payload,
                         struct blob *body)
{
    uint8_t frame[WS_HEAD_MAX];
    size_t body_n = body != nullptr ? body->n : 0;
    const struct str pieces[] = {
        {(char *)frame, ws_head(op, head.n + payload.n + body_n, frame)}, head, payload};
    size_t queued = sock_writev(ws->sock, pieces, 3, body);
    if (queued > QUEUE_LIMIT) {
        ws->front->stats.slow_readers++;
        doom(ws, 1013);
    } else if (queued > WS_QUEUE && ws->stall_ms == 0) {
        ws->stall_ms = clock_ms();
        ws->stall_delivered = sock_delivered(ws->sock);
        set_reading(ws);
        arm(ws);
    }
    return queued;
}

size_t ws_send_text(struct ws *ws, struct str text)
{
    if (ws->state != WS_OPEN)
        return 0;
    return send_frame(ws, WS_TEXT, S(""), text, nullptr);
}

size_t ws_send_binary(struct ws *ws, struct str head, struct blob *body)
{
    if (ws->state != WS_OPEN)
        return 0;
    return send_frame(ws, WS_BINARY, head, S(""), body);
}

size_t ws_queued(const struct ws *ws)
{
    return sock_queued(ws->sock);
}

static void send_close(struct ws *ws, uint16_t code, struct str reason)
{
    const char bytes[2] = {(char)(code >> 8), (char)code};
    send_frame(ws, WS_CLOSE, (struct str){bytes, code == WS_CODE_NONE ? 0 : 2}, reason, nullptr);
}

void ws_close(struct ws *ws, uint16_t code, const char *reason)
{
    if (ws->state != WS_OPEN)
        return;
    check(ws_code_valid(code));
    struct str text = str_of(reason);
    send_close(ws, code, str_sub(text, 0, utf8_prefix(text, 123)));
    if (ws->state == WS_DOOMED)
        return;
    ws->state = WS_CLOSING;
    ws->code = code;
    ws->closing_ms = clock_ms();
    ws->stall_ms = 0;
    set_reading(ws); /* the peer's close frame may lie behind messages that nobody wants any more */
    if (ws->input.n > 0)
        deferred_call(&ws->pump);
    arm(ws);
}

/* --- receiving ----------------------------------------------------------------------------------- */

static void fail(struct ws *ws, enum err err)
{
    uint16_t code = ws->state == WS_CLOSING ? ws->code : (uint16_t)err_ws_close(err);
    if (ws->state == WS_OPEN)
        send_close(ws, code, S(""));
    end_softly(ws, code);
}

static void take_close(struct ws *ws, uint16_t code)
{
    if (ws->state == WS_CLOSING) {
        end_softly(ws, ws->code);
        return;
    }
    send_close(ws, code, S(""));
    end_softly(ws, code);
}

static void take(struct ws *ws, const struct ws_message *m)
{
    bool open = ws->state == WS_OPEN;
    switch (m->op) {
    case WS_TEXT:
        if (open)
            ws->events->on_text(ws, ws->arg, m->payload);
        break;
    case WS_BINARY:
        if (open)
            ws->events->on_binary(ws, ws->arg, m->payload);
        break;
    case WS_PING:
        if (open)
            send_frame(ws, WS_PONG, S(""), m->payload, nullptr);
        break;
    case WS_CLOSE:
        take_close(ws, m->code);
        break;
    default:
        break;
    }
}

static bool may_take(const struct ws *ws)
{
    return ws->state == WS_CLOSING || (ws->state == WS_OPEN && !ws->paused && ws->stall_ms == 0);
}

/* `bytes` are new ones, or the input that was kept. May free the ws. More messages than there are in good
 * faith wait for the next step, so that other connections need not. */
static void feed(struct ws *ws, struct str bytes)
{
    for (unsigned i = 0; may_take(ws) && (i < MESSAGES_A_STEP || ws->state == WS_CLOSING); i++) {
        struct ws_message m;
        enum err err = ws_decode(&ws->decoder, &bytes, &m);
        if (err != OK)
            fail(ws, err);
        else if (m.op == WS_NONE)
            break;
        else
            take(ws, &m);
    }
    bool kept = true;
    if (bytes.n == 0 || ws->state >= WS_DOOMED) {
        buf_finish(&ws->input);
        if (ws->state < WS_DOOMED)
            set_reading(ws);
    } else if (ws->input.n > 0) {
        buf_eat(&ws->input, ws->input.n - bytes.n);
    } else {
        kept = buf_add(&ws->input, bytes) == OK;
    }
    if (!kept) {
        end_now(ws, 1013);
    } else if (ws->input.n > 0 && may_take(ws)) {
        set_reading(ws);
        deferred_yield(&ws->pump);
    }
}

static void on_pump(void *arg)
{
    struct ws *ws = arg;
    if (ws->state == WS_DOOMED)
        end_now(ws, ws->code);
    else if (ws->state != WS_OVER)
        feed(ws, buf_str(&ws->input));
}

void ws_pause(struct ws *ws)
{
    ws->paused = true;
    set_reading(ws);
}

void ws_resume(struct ws *ws)
{
    ws->paused = false;
    set_reading(ws);
    if (ws->input.n > 0)
        deferred_call(&ws->pump);
}

/* --- what the socket and the clock say ----------------------------------------------------------- */

static void on_read(void *arg, struct str bytes)
{
    struct ws *ws = arg;
    ws->front->stats.bytes_in += bytes.n;
    ws->missed = 0;
    if (ws->state >= WS_DOOMED)
        return;
    if (ws->input.n == 0 && may_take(ws))
        feed(ws, bytes);
    else if (buf_add(&ws->input, bytes) != OK)
        end_now(ws, 1013);
}

static void on_end(void *arg, enum err)
{
    struct ws *ws = arg;
    end_now(ws, ws->state == WS_CLOSING || ws->state == WS_DOOMED ? ws->code : WS_CODE_ABNORMAL);
}

static void on_drain(void *arg)
{
    struct ws *ws = arg;
    ws->stall_ms = 0;
    if (ws->state != WS_OPEN)
        return;
    set_reading(ws);
    if (ws->input.n > 0 && !ws->paused)
        deferred_call(&ws->pump);
    if (ws->events->on_writable != nullptr)
        ws->events->on_writable(ws, ws->arg);
}

/* True when it was dropped. */
static bool check_stall(struct ws *ws, uint64_t now)
{
    if (ws->stall_ms == 0 || now < ws->stall_ms + ws->front->limits.stall_ms)
        return false;
    uint64_t delivered = sock_delivered(ws->sock);
    if (delivered - ws->stall_delivered < STALL_BYTES) {
        ws->front->stats.slow_readers++;
        end_now(ws, 1013);
        return true;
    }
    ws->stall_ms = now;
    ws->stall_delivered = delivered;
    return false;
}

/* True when it was dropped. A peer that we do not read cannot answer. */
static bool check_ping(struct ws *ws, uint64_t now)
{
    if (now < ws->ping_ms)
        return false;
    bool reading = !ws->paused && ws->stall_ms == 0;
    if (reading && ws->missed >= MISSED_MAX) {
        ws->front->stats.timeouts++;
        end_now(ws, WS_CODE_ABNORMAL);
        return true;
    }
    ws->missed += reading;
    ws->ping_ms = now + ws->front->limits.ping_ms;
    send_frame(ws, WS_PING, S(""), S(""), nullptr);
    return false;
}

static void on_timer(void *arg)
{
    struct ws *ws = arg;
    uint64_t now = clock_ms();
    if (check_stall(ws, now))
        return;
    if (ws->state == WS_OPEN) {
        if (check_ping(ws, now))
            return;
    } else if (now >= ws->closing_ms + CLOSE_MS) {
        if (ws->state == WS_OVER)
            free_ws(ws);
        else
            end_now(ws, ws->code);
        return;
    }
    arm(ws);
}

/* --- beginning ----------------------------------------------------------------------------------- */

enum err ws_start(struct front *f, struct sock *s, size_t max_message,
                  const struct ws_events *events, void *arg, struct ws **ret_ws)
{
    static const struct sock_events sock_events = {on_read, on_end, on_drain};
    struct ws *ws = mem_zero(1, sizeof *ws);
    if (ws == nullptr)
        return ERR_NOMEM;
    ws->front = f;
    ws->sock = s;
    ws->events = events;
    ws->arg = arg;
    ws->input = BUF(256 * 1024);
    ws_decoder_init(&ws->decoder, true, max_message);
    timer_init(&ws->timer, f->loop, on_timer, ws);
    deferred_init(&ws->pump, f->loop, on_pump, ws);
    ws->ping_ms = clock_ms() + f->limits.ping_ms;
    ws->next = f->websockets;
    ws->at = &f->websockets;
    if (ws->next != nullptr)
        ws->next->at = &ws->next;
    f->websockets = ws;
    f->stats.websockets++;
    f->stats.websockets_now++;
    sock_set_low_water(s, WS_QUEUE / 2);
    sock_set_owner(s, &sock_events, ws);
    sock_resume(s);
    arm(ws);
    *ret_ws = ws;
    return OK;
}

void ws_early_bytes(struct ws *ws, struct str bytes)
{
    if (bytes.n == 0)
        return;
    if (buf_add(&ws->input, bytes) != OK) {
        doom(ws, 1013);
        return;
    }
    set_reading(ws);
    deferred_call(&ws->pump);
}
