// SPDX-License-Identifier: Apache-2.0
/* One connection: bytes to events, events to what is done about them, and back; its limits and its end. */
#include "server/api/wyoming/peer.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/log.h"
#include "server/api/admit.h"
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
    PROGRESS_MS = 30 * 1000, /* within an event, an utterance or a text */
    STALL_MS = 5000,
    STALL_BYTES = 16 * 1024, /* arrived within STALL_MS: slow, but a reader */
    CLOSE_MS = 2000,
};

/* --- life ---------------------------------------------------------------------------------------- */

void peer_free(struct peer *p)
{
    hear_drop(p);
    say_drop(p);
    question_drop(p);
    timer_stop(&p->timer);
    deferred_cancel(&p->pump);
    wyoming_decoder_finish(&p->decoder);
    buf_finish(&p->input);
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
    if (is_idle(p))
        return p->heard_ms + IDLE_MS;
    return takes(p) ? p->heard_ms + PROGRESS_MS : 0;
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

static void close_softly(struct peer *p)
{
    if (p->state >= PEER_CLOSING)
        return;
    p->state = PEER_CLOSING;
    p->heard_ms = clock_ms();
    p->stall_ms = 0;
    sock_shutdown(p->sock);
    deferred_call(&p->pump); /* what was under way for him is dropped there */
}

void peer_set_state(struct peer *p, enum peer_state state)
{
    if (p->state >= PEER_CLOSING)
        return;
    p->state = state;
    p->heard_ms = clock_ms();
    deferred_call(&p->pump);
}

void peer_go_on(struct peer *p)
{
    p->heard_ms = clock_ms();
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
        p->stall_ms = clock_ms();
        p->stall_delivered = sock_delivered(p->sock);
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
    log_info("Wyoming, %s: %s", p->from.text, sentence && sentence[0] ? sentence : err_text(err));
    peer_tell(p, err, sentence);
    close_softly(p);
}

enum err peer_admit(struct peer *p, struct json_why *why)
{
    uint32_t wait_s;
    enum err err = p->door->server->draining ? ERR_DRAINING
                                             : admit(p->door->server, &p->who, &p->from, &wait_s);
    if (err == ERR_RATE)
        snprintf(why->text, sizeof why->text, "too many requests; try again in %u s", wait_s);
    return err;
}

/* --- events -------------------------------------------------------------------------------------- */

static enum err pong(struct peer *p, const struct wyoming_event *e, struct json_why *why)
{
    struct {
        struct str text;
    } ping = {};
    static const struct json_field fields[] = {{"text", JSON_STR, 0, .max = 4096}};
    try(wyoming_read(e, fields, 1, &ping, why));
    struct json_out j = peer_event(p);
    if (ping.text.p)
        json_kstr(&j, "text", ping.text);
    peer_send(p, "pong", &j, S(""));
    return OK;
}

enum { READY = 1 << PEER_READY, LISTENING = 1 << PEER_LISTENING, READING = 1 << PEER_READING };

/* A recording that was begun is given up when another one begins. */
static const struct {
    const char *type;
    unsigned in; /* states */
    peer_fn take;
} table[] = {
    {"describe", READY | LISTENING | READING, describe_tell},
    {"ping", READY | LISTENING | READING, pong},
    {"transcribe", READY | LISTENING, hear_wish},
    {"audio-start", READY | LISTENING, hear_start},
    {"audio-chunk", READY | LISTENING, hear_chunk},
    {"audio-stop", READY | LISTENING, hear_stop},
    {"synthesize", READY | READING, say_all},
    {"synthesize-start", READY, say_start},
    {"synthesize-chunk", READING, say_chunk},
    {"synthesize-stop", READING, say_stop},
    {"transcript", READY, question_take},
};

/* What nobody knows is not for us (README, "select-program"). */
static void take(struct peer *p, const struct wyoming_event *e)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (!str_eq(e->type, str_of(table[i].type)))
            continue;
        struct json_why why = {};
        enum err err = ERR_CONFLICT;
        if (table[i].in & 1u << p->state)
            err = table[i].take(p, e, &why);
        else
            snprintf(why.text, sizeof why.text, "%s is out of place here", table[i].type);
        if (err != OK)
            peer_fail(p, err, why.text);
        return;
    }
}

static void drop_all(struct peer *p)
{
    hear_drop(p);
    say_drop(p);
    question_drop(p);
    wyoming_decoder_finish(&p->decoder);
    buf_finish(&p->input);
}

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
            take(p, &e);
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
    p->stall_ms = 0;
    if (p->state >= PEER_CLOSING)
        return;
    say_resume(p);
    peer_go_on(p);
}

/* True when it was dropped. */
static bool check_stall(struct peer *p, uint64_t now)
{
    uint64_t delivered = sock_delivered(p->sock);
    if (delivered - p->stall_delivered < STALL_BYTES) {
        log_info("Wyoming, %s: does not read what is sent", p->from.text);
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
            peer_fail(p, ERR_TIMEOUT, "nothing more has come for half a minute");
        }
    }
    arm(p);
}

/* --- beginning ----------------------------------------------------------------------------------- */

/* Where keys are asked for, this machine's users need them as well. */
static enum err let_in(struct peer *p)
{
    const struct server *s = p->door->server;
    enum err err = auth_token(s->auth, S(""), &p->from, &p->who);
    if (err == ERR_AUTH && s->conf->wyoming_open) {
        auth_stranger(&p->who);
        return OK;
    }
    return err;
}

static void refuse_late(struct peer *p)
{
    const struct server *s = p->door->server;
    enum err err = let_in(p);
    if (err == OK && p->door->count > (uint64_t)s->conf->wyoming_connections)
        err = ERR_BUSY;
    if (err == OK)
        return;
    p->door->refused++;
    peer_fail(p, err,
              err == ERR_AUTH
                  ? "this server asks for keys, and Wyoming knows none; its operator can "
                    "set wyoming.open to on"
                  : nullptr);
}

void peer_accept(struct wyoming_door *door, struct sock *s)
{
    static const struct sock_events events = {on_read, on_end, on_drain};
    static const struct wyoming_limits limits = {LINE_MAX_BYTES, DATA_MAX, PAYLOAD_MAX};
    const struct server *server = door->server;
    struct peer *p = door->count < 2 * (uint64_t)server->conf->wyoming_connections
                         ? mem_zero(1, sizeof *p)
                         : nullptr; /* those that are told so cost a socket for a while */
    if (!p) {
        door->refused++;
        sock_close(s);
        return;
    }
    p->door = door;
    p->sock = s;
    p->input = BUF(INPUT_CAP);
    p->json = BUF(JSON_MAX);
    p->head = BUF(JSON_MAX + 1024);
    p->sound = BUF(PAYLOAD_MAX + sizeof(int32_t));
    p->context = BUF(CONTEXT_MAX);
    wyoming_decoder_init(&p->decoder, &limits);
    timer_init(&p->timer, server->loop, on_timer, p);
    deferred_init(&p->pump, server->loop, on_pump, p);
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
    refuse_late(p);
    arm(p);
}
