// SPDX-License-Identifier: Apache-2.0
#include "server/net/sse.h"

#include <stdlib.h>

#include "base/check.h"

constexpr size_t SSE_EVENT_MAX = 1 << 20;

struct sse {
    struct exchange *x;
    struct timer ping;
    struct buf out;
};

static enum err encode_line(struct buf *out, struct str field, struct str value)
{
    try(buf_add(out, field));
    try(buf_add(out, value));
    return buf_add_byte(out, '\n');
}

/* CR, LF and CR LF each end a line of the format, so each begins a new `data:`. */
static enum err encode_data(struct buf *out, struct str data)
{
    while (true) {
        size_t end = 0;
        while (end < data.n && data.p[end] != '\n' && data.p[end] != '\r')
            end++;
        try(encode_line(out, S("data: "), str_sub(data, 0, end)));
        if (end == data.n)
            return OK;
        bool crlf = data.p[end] == '\r' && end + 1 < data.n && data.p[end + 1] == '\n';
        data = str_sub(data, end + (crlf ? 2 : 1), data.n);
    }
}

static enum err encode(struct buf *out, const char *event, uint64_t id, struct str data)
{
    if (event != nullptr) {
        check(strpbrk(event, "\r\n") == nullptr);
        try(encode_line(out, S("event: "), str_of(event)));
    }
    if (id != 0)
        try(buf_addf(out, "id: %llu\n", (unsigned long long)id));
    try(encode_data(out, data));
    return buf_add_byte(out, '\n');
}

enum err sse_encode(struct buf *out, const char *event, uint64_t id, struct str data)
{
    size_t had = out->n;
    enum err err = encode(out, event, id, data);
    if (err != OK)
        out->n = had; /* half an event would join the next one */
    return err;
}

static void on_ping(void *arg)
{
    struct sse *s = arg;
    exchange_write(s->x, S(": ping\n\n"));
    timer_start(&s->ping, exchange_ping_ms(s->x));
}

enum err sse_open(struct exchange *x, struct sse **ret_sse)
{
    struct sse *s = mem_zero(1, sizeof *s);
    if (s == nullptr)
        return ERR_NOMEM;
    enum err err = exchange_set(x, "Cache-Control", S("no-store"));
    if (err == OK)
        err = exchange_set(x, "X-Accel-Buffering", S("no"));
    if (err != OK) {
        free(s);
        return err;
    }
    s->x = x;
    s->out = BUF(SSE_EVENT_MAX);
    timer_init(&s->ping, exchange_loop(x), on_ping, s);
    timer_start(&s->ping, exchange_ping_ms(x));
    exchange_begin(x, 200, "text/event-stream");
    *ret_sse = s;
    return OK;
}

size_t sse_send(struct sse *s, const char *event, uint64_t id, struct str data)
{
    buf_clear(&s->out);
    if (sse_encode(&s->out, event, id, data) != OK) {
        exchange_doom(s->x); /* a stream with a hole is worse than none */
        return SIZE_MAX;
    }
    timer_start(&s->ping, exchange_ping_ms(s->x));
    return exchange_write(s->x, buf_str(&s->out));
}

void sse_send_json(struct sse *s, struct json_out *j)
{
    json_end(j);
    if (json_finish(j) == OK)
        (void)sse_send(s, nullptr, 0, buf_str(j->to));
    else
        exchange_doom(s->x);
}

void sse_drop(struct sse *s)
{
    if (s == nullptr)
        return;
    timer_stop(&s->ping);
    buf_finish(&s->out);
    free(s);
}

void sse_end(struct sse *s)
{
    if (s == nullptr)
        return;
    struct exchange *x = s->x;
    sse_drop(s);
    exchange_end(x);
}
