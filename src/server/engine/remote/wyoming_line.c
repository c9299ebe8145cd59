// SPDX-License-Identifier: Apache-2.0
#include "server/engine/remote/wyoming_line.h"

#include "server/engine/remote/parts.h"
#include "server/loop/sock.h"
#include "server/net/dial.h"

/* Of what a server tells; of sound it sends none that is wanted. */
static const struct wyoming_limits limits = {
    .line = 512 * 1024, .data = 512 * 1024, .payload = 64 * 1024};

enum { HEAD_MAX = 4096 };

void wyoming_line_close(struct wyoming_line *line)
{
    if (line->is_gone)
        *line->is_gone = true;
    line->is_gone = nullptr;
    dial_cancel(line->dial);
    line->dial = nullptr;
    sock_close(line->sock);
    line->sock = nullptr;
    wyoming_decoder_finish(&line->decoder);
}

static void end(struct wyoming_line *line, enum err err, const char *why)
{
    const struct wyoming_line_events *events = line->events;
    void *arg = line->arg;
    wyoming_line_close(line);
    events->ended(arg, err, why);
}

/* Each event as it becomes whole; the owner may close the line in any of them, or free it. */
static enum err take(struct wyoming_line *line, struct str bytes, const bool *is_gone)
{
    struct wyoming_event event;
    bool is_whole = true;
    while (!*is_gone) {
        try(wyoming_decode(&line->decoder, &bytes, &is_whole, &event));
        if (!is_whole)
            break;
        line->events->event(line->arg, &event);
    }
    return OK;
}

static void on_read(void *arg, struct str bytes)
{
    struct wyoming_line *line = arg;
    bool is_gone = false;
    line->is_gone = &is_gone;
    line->bytes += bytes.n;
    enum err err = line->bytes > WYOMING_LINE_BYTES_MAX ? ERR_TOOBIG : take(line, bytes, &is_gone);
    if (!is_gone && err == OK && line->events->read)
        line->events->read(line->arg);
    if (is_gone)
        return;
    line->is_gone = nullptr;
    if (err != OK)
        end(line, err, "");
}

static void on_end(void *arg, enum err why)
{
    end(arg, why == ERR_NOMEM ? why : ERR_CLOSED, "");
}

static void on_drain(void *arg)
{
    const struct wyoming_line *line = arg;
    if (line->events->drained)
        line->events->drained(line->arg);
}

/* What keeps us from a connection, such as too few descriptors, says nothing of how much the server has to do. */
static enum err why_not_dialled(enum err err)
{
    return err == ERR_NOMEM || err == ERR_TIMEOUT ? err : ERR_NOTFOUND;
}

static void on_dialled(void *arg, struct sock *s, const struct fetch_result *result)
{
    static const struct sock_events events = {on_read, on_end, on_drain};
    struct wyoming_line *line = arg;
    line->dial = nullptr;
    if (!s) {
        end(line, why_not_dialled(result->err), result->why);
        return;
    }
    line->sock = s;
    sock_set_owner(s, &events, line);
    line->events->opened(line->arg);
}

enum err wyoming_line_open(struct wyoming_line *line, struct remote *r, uint32_t connect_ms,
                           const struct wyoming_line_events *events, void *arg)
{
    const struct dial_request request = {r->address, connect_ms};
    wyoming_line_close(line);
    *line = (struct wyoming_line){.events = events, .arg = arg};
    wyoming_decoder_init(&line->decoder, &limits);
    return dial_start(r->fetcher, r->engine->loop, &request, on_dialled, line, &line->dial);
}

bool wyoming_line_is_open(const struct wyoming_line *line)
{
    return line->sock != nullptr;
}

bool wyoming_line_is_within(const struct wyoming_line *line)
{
    return line->sock && wyoming_is_within(&line->decoder);
}

enum err wyoming_line_send(struct wyoming_line *line, const char *type, struct str data,
                           struct str payload)
{
    autobuf head = BUF(HEAD_MAX);
    try(wyoming_head(&head, type, data, payload.n));
    const struct str pieces[] = {buf_str(&head), payload};
    (void)sock_writev(line->sock, pieces, 2, nullptr); /* what fails then ends it */
    return OK;
}

size_t wyoming_line_queued(const struct wyoming_line *line)
{
    return line->sock ? sock_queued(line->sock) : 0;
}
