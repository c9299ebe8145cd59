// SPDX-License-Identifier: Apache-2.0
/* One connection: bytes to events, events to what is done about them, and back; its limits and its end. */
#include "server/api/wyoming/peer.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/log.h"
#include "server/loop/sock.h"

enum {
    LINE_MAX_BYTES = 64 * 1024, /* as Python's own reader has it */
    DATA_MAX = 256 * 1024,
    PAYLOAD_MAX = 1024 * 1024,  /* clients send some kilobytes */
    INPUT_MAX = 64 * 1024,      /* kept while no event is taken */
    INPUT_CAP = 256 * 1024,     /* and what one reading brings */
    JSON_MAX = 4 * 1024 * 1024, /* `info` of a voice of a thousand speakers */
    QUEUE_LIMIT = 8 * 1024 * 1024,
    EVENTS_A_STEP = 32,
    IDLE_MS = 10 * 60 * 1000,
    PROGRESS_MS = 30 * 1000, /* for an event; within an utterance or a text for some more of it */
    WRITING_MS = 10 * 60 * 1000, /* for a text that comes in pieces, altogether */
    STALL_MS = 5000,
    STALL_BYTES = 16 * 1024, /* arrived within STALL_MS: slow, but a reader */
    CLOSE_MS = 2000,
};

/* --- life ---------------------------------------------------------------------------------------- */

static void drop_all(struct peer *p)
{
    hear_drop(p);
    say_drop(p);
    question_drop(p);
    wyoming_decoder_finish(&p->decoder);
    buf_finish(&p->input);
}

void peer_free(struct peer *p)
{
    drop_all(p);
    question_forget(p);
    timer_stop(&p->timer);
    deferred_cancel(&p->pump);
    buf_finish(&p->head);
    buf_finish(&p->json);
    buf_finish(&p->sound);
    buf_finish(&p->context);
    sock_close(p->sock);
    *p->at = p->next;
    if (p->next)
        p->next->at = p->at;
    p->door->count--;
    free(p);
}

static void doom(struct peer *p)
{
    p->state = PEER_DOOMED;
    deferred_call(&p->pump);
}

/* No event is complete, and no more of one is awaited: he may come again whenever he likes. */
static bool is_idle(const struct peer *p)
{
    return p->state == PEER_READY && p->input.n == 0 && !wyoming_is_within(&p->decoder);
}

/* Events are taken now. */
static bool takes(const struct peer *p)
{
    return p->state <= PEER_READING && p->stall_ms == 0 && !hear_is_behind(p);
}

/* When the clock has to look; 0: not for his sake. */
static uint64_t deadline(const struct peer *p)
{
    if (p->stall_ms)
        return p->stall_ms + STALL_MS;
    if (p->state == PEER_CLOSING)
        return p->heard_ms + CLOSE_MS;
    if (!takes(p))
        return 0;
    if (is_idle(p))
        return p->heard_ms + IDLE_MS;
    uint64_t next = p->heard_ms + PROGRESS_MS;
    return p->until_ms && p->until_ms < next ? p->until_ms : next;
}

static void arm(struct peer *p)
{
    uint64_t due = deadline(p), now = clock_ms();
    if (due)
        timer_start(&p->timer, due > now ? due - now : 0);
    else
        timer_stop(&p->timer);
}

/* The end of the peer is noticed only while we read; so a little is read in any state. */
static void set_reading(struct peer *p)
{
    if (p->state != PEER_CLOSING && (p->input.n >= INPUT_MAX || p->stall_ms))
        sock_pause(p->sock);
    else
        sock_resume(p->sock);
}

/* From here on something has to reach him, again and again. */
static void watch_stall(struct peer *p)
{
    p->stall_ms = clock_ms();
    p->stall_delivered = sock_delivered(p->sock);
}

static void close_softly(struct peer *p)
{
    if (p->state >= PEER_CLOSING)
        return;
    p->state = PEER_CLOSING;
    p->heard_ms = clock_ms();
    p->stall_ms = 0;
    if (sock_queued(p->sock) > 0)
        watch_stall(p);
    sock_shutdown(p->sock);
    deferred_call(&p->pump); /* what was under way for him is dropped there */
}

void peer_set_state(struct peer *p, enum peer_state state)
{
    if (p->state >= PEER_CLOSING)
        return;
    uint64_t now = clock_ms();
    p->state = state;
    p->heard_ms = now;
    p->until_ms = state == PEER_LISTENING
                      ? now + (uint64_t)p->door->server->conf->utterance_ms + PROGRESS_MS
                  : state == PEER_READING ? now + WRITING_MS
                                          : 0;
    deferred_call(&p->pump);
}

void peer_drain(struct peer *p)
{
    if (is_idle(p))
        close_softly(p);
}

/* --- sending ------------------------------------------------------------------------------------- */

struct json_out peer_event(struct peer *p)
{
    buf_clear(&p->json);
    struct json_out j = {.to = &p->json};
    json_obj(&j);
    return j;
}

static enum err write_head(struct peer *p, const char *type, struct json_out *fields,
                           size_t payload)
{
    if (fields) {
        json_end(fields);
        try(json_finish(fields));
    }
    buf_clear(&p->head);
    return wyoming_head(&p->head, type, fields ? buf_str(&p->json) : S(""), payload);
}

/* Half an event would be taken for another one, so a peer that cannot be told is lost. */
size_t peer_send(struct peer *p, const char *type, struct json_out *fields, struct str payload)
{
    if (p->state >= PEER_CLOSING)
        return 0;
    if (write_head(p, type, fields, payload.n) != OK) {
        doom(p);
        return 0;
    }
    const struct str pieces[] = {buf_str(&p->head), payload};
    size_t queued = sock_writev(p->sock, pieces, 2, nullptr);
    if (p->json.room > PEER_QUEUE)
        buf_finish(&p->json);
    if (queued > QUEUE_LIMIT) {
        doom(p);
    } else if (queued > PEER_QUEUE && p->stall_ms == 0) {
        watch_stall(p);
        set_reading(p);
        arm(p);
    }
    return queued;
}

void peer_tell(struct peer *p, enum err err, const char *sentence)
{
    struct json_out j = peer_event(p);
    json_kstr(&j, "text", str_of(sentence && sentence[0] ? sentence : err_text(err)));
    json_kstr(&j, "code", str_of(err_code(err)));
    peer_send(p, "error", &j, S(""));
}

void peer_fail(struct peer *p, enum err err, const char *sentence)
{
    if (p->state >= PEER_CLOSING)
        return;
    log_debug("Wyoming, %s: %s", p->from.text, sentence && sentence[0] ? sentence : err_text(err));
    peer_tell(p, err, sentence);
    close_softly(p);
}

/* --- events -------------------------------------------------------------------------------------- */

/* More than there are in good faith wait for the next step, so that others need not. */
static void take_events(struct peer *p, struct str *bytes)
{
    for (unsigned i = 0; takes(p) && i < EVENTS_A_STEP; i++) {
        struct wyoming_event e;
        bool is_whole = false;
        enum err err = wyoming_decode(&p->decoder, bytes, &is_whole, &e);
        if (err != OK)
            peer_fail(p, err,
                      err == ERR_SYNTAX ? "this is no event of the Wyoming protocol" : nullptr);
        else if (!is_whole)
            break;
        else
            event_take(p, &e);
        if (p->state == PEER_READY)
            p->heard_ms = clock_ms();
    }
}

/* `bytes` are new ones, or the input that was kept. */
static void feed(struct peer *p, struct str bytes)
{
    take_events(p, &bytes);
    if (p->state >= PEER_CLOSING || bytes.n == 0)
        buf_finish(&p->input);
    else if (p->input.n > 0)
        buf_eat(&p->input, p->input.n - bytes.n);
    else if (buf_add(&p->input, bytes) != OK)
        doom(p);
    if (p->input.n > 0 && takes(p))
        deferred_yield(&p->pump);
    if (p->door->server->draining)
        peer_drain(p);
    set_reading(p);
    arm(p);
}

static void on_pump(void *arg)
{
    struct peer *p = arg;
    if (p->state == PEER_DOOMED) {
        peer_free(p);
    } else if (p->state == PEER_CLOSING) {
        drop_all(p);
        set_reading(p);
        arm(p);
    } else {
        feed(p, buf_str(&p->input));
    }
}

/* --- what the socket and the clock say ----------------------------------------------------------- */

static void on_read(void *arg, struct str bytes)
{
    struct peer *p = arg;
    if (p->state >= PEER_CLOSING)
        return;
    if (is_idle(p)) /* an event begins */
        p->heard_ms = clock_ms();
    if (p->input.n == 0 && takes(p))
        feed(p, bytes);
    else if (buf_add(&p->input, bytes) != OK)
        doom(p);
    else
        set_reading(p);
}

static void on_end(void *arg, enum err)
{
    peer_free(arg);
}

static void on_drain(void *arg)
{
    struct peer *p = arg;
    if (p->state >= PEER_CLOSING)
        return;
    p->stall_ms = 0;
    p->heard_ms = clock_ms(); /* meanwhile we did not listen */
    say_resume(p);
    deferred_call(&p->pump);
}

/* True when it was dropped. */
static bool check_stall(struct peer *p, uint64_t now)
{
    uint64_t delivered = sock_delivered(p->sock);
    if (p->state == PEER_CLOSING && sock_queued(p->sock) == 0) {
        p->stall_ms = 0;
        p->heard_ms = now; /* he has it all but for what the system keeps for him */
        return false;
    }
    if (delivered - p->stall_delivered < STALL_BYTES) {
        log_debug("Wyoming, %s: does not read what is sent", p->from.text);
        peer_free(p);
        return true;
    }
    p->stall_ms = now;
    p->stall_delivered = delivered;
    return false;
}

static void on_timer(void *arg)
{
    struct peer *p = arg;
    uint64_t now = clock_ms(), due = deadline(p);
    if (due && now >= due) {
        if (p->stall_ms) {
            if (check_stall(p, now))
                return;
        } else if (p->state == PEER_CLOSING) {
            peer_free(p);
            return;
        } else if (is_idle(p)) {
            close_softly(p);
        } else {
            peer_fail(p, ERR_TIMEOUT,
                      p->until_ms && now >= p->until_ms
                          ? "this has taken too long altogether"
                          : "nothing more has come for half a minute");
        }
    }
    arm(p);
}

/* --- beginning ----------------------------------------------------------------------------------- */

struct peer *peer_begin(struct wyoming_door *door, struct sock *s)
{
    static const struct sock_events events = {on_read, on_end, on_drain};
    static const struct wyoming_limits limits = {LINE_MAX_BYTES, DATA_MAX, PAYLOAD_MAX};
    struct peer *p = mem_zero(1, sizeof *p);
    if (!p)
        return nullptr;
    p->door = door;
    p->sock = s;
    p->input = BUF(INPUT_CAP);
    p->json = BUF(JSON_MAX);
    p->head = BUF(JSON_MAX + 1024);
    p->sound = BUF(PAYLOAD_MAX + sizeof(int32_t));
    p->context = BUF(CONTEXT_MAX);
    wyoming_decoder_init(&p->decoder, &limits);
    timer_init(&p->timer, door->server->loop, on_timer, p);
    deferred_init(&p->pump, door->server->loop, on_pump, p);
    p->next = door->peers;
    p->at = &door->peers;
    if (p->next)
        p->next->at = &p->next;
    door->peers = p;
    door->count++;
    p->heard_ms = clock_ms();
    sock_peer(s, &p->from);
    sock_set_low_water(s, PEER_QUEUE / 2);
    sock_set_owner(s, &events, p);
    arm(p);
    return p;
}
