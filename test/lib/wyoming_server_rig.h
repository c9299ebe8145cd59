// SPDX-License-Identifier: Apache-2.0
/*
 * A recogniser that speaks Wyoming and does what the test says, the engine that asks it, and who speaks to that: on one
 * thread, under a clock that the test moves. Link own_fault.
 *
 *     static const struct act acts[] = {{.at_stop = TEXT("a")}};
 *     peer.acts = acts;
 *     speak(&o);
 *     step_until(o.ends == 1);
 */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "audio/pcm.h"
#include "base/clock.h"
#include "own_fault.h"
#include "server/engine/remote/hearing.h"
#include "server/engine/remote/parts.h"
#include "server/loop/loop.h"
#include "unit.h"

enum { WAIT_MS = 1, MANY = 5000, LINES = 16, HEARD_MAX = 4 << 20, REPLY_MS = 10000 };

#define INFO(programs) "{\"type\":\"info\",\"data\":{\"tts\":[],\"asr\":[" programs "]}}\n"
#define PROGRAM(more, models)                                                                      \
    "{\"name\":\"faster-whisper\",\"installed\":true" more ",\"models\":[" models "]}"
#define MODEL(name, languages)                                                                     \
    "{\"name\":\"" name "\",\"installed\":true,\"languages\":[" languages "]}"
#define STREAMS ",\"supports_transcript_streaming\":true"
#define TEXT(text) "{\"type\":\"transcript\",\"data\":{\"text\":\"" text "\"}}\n"
#define PIECE(text) "{\"type\":\"transcript-chunk\",\"data\":{\"text\":\"" text "\"}}\n"
#define BUSY "{\"type\":\"error\",\"data\":{\"text\":\"wait\",\"code\":\"overloaded\"}}\n"
static const char good_info[] = INFO(PROGRAM("", MODEL("tiny", "\"en\",\"de\"")));
static const char good[] = TEXT(" Yes,\\n sir. ");

static struct loop *loop;
static struct engine *engine;

/* --- the peer --- */

/* What it does by one connection of an utterance. */
struct act {
    const char *at_start, *at_stop;
    bool closes; /* after the last of them */
    bool drips;  /* a byte a step */
    bool floods; /* again and again */
};

static struct {
    int fd, port;
    const char *info;       /* NULL: it is silent */
    bool is_deaf;           /* reads nothing */
    const struct act *acts; /* of the first utterance's connection, and of those after it */
    unsigned probes, utterances, stops, closed;
    struct buf sound, asked; /* of the last one: samples; what transcribe said */
    struct line {
        int fd;
        struct wyoming_decoder decoder;
        const struct act *act;
        const char *dripping;
    } line[LINES];
} peer;

static inline void peer_listen(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    const int on = 1;
    at.sin_port = htons((uint16_t)peer.port);
    peer.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(setsockopt(peer.fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    assert_int_equal(bind(peer.fd, (struct sockaddr *)&at, n), 0);
    assert_int_equal(listen(peer.fd, LINES), 0);
    assert_int_equal(getsockname(peer.fd, (struct sockaddr *)&at, &n), 0);
    peer.port = ntohs(at.sin_port);
}

static inline void line_close(struct line *l)
{
    if (l->fd < 0)
        return;
    close(l->fd);
    wyoming_decoder_finish(&l->decoder);
    *l = (struct line){.fd = -1};
}

static inline void peer_leave(void)
{
    for (size_t i = 0; i < LINES; i++)
        line_close(&peer.line[i]);
    if (peer.fd >= 0)
        close(peer.fd);
    peer.fd = -1;
}

static inline void peer_accept(void)
{
    static const struct wyoming_limits limits = {4096, 4096, 64 * 1024};
    size_t i = 0;
    while (i < LINES && peer.line[i].fd >= 0)
        i++;
    int fd = i < LINES ? accept4(peer.fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC) : -1;
    if (fd < 0)
        return;
    peer.line[i].fd = fd;
    wyoming_decoder_init(&peer.line[i].decoder, &limits);
}

static inline void line_say(struct line *l, const char *bytes)
{
    size_t n = strlen(bytes);
    if (l->act && (l->act->drips || l->act->floods))
        l->dripping = bytes;
    else if (n)
        assert_int_equal(write(l->fd, bytes, n), n);
}

static inline void line_drip(struct line *l)
{
    size_t n = strlen(l->dripping);
    if (l->act->drips && write(l->fd, l->dripping, 1) == 1)
        l->dripping = l->dripping[1] ? l->dripping + 1 : nullptr;
    for (int i = 0; l->act->floods && i < 200; i++)
        if (write(l->fd, l->dripping, n) < (ssize_t)n)
            break;
}

static inline void put_asked(const struct wyoming_event *e)
{
    struct json_out j = {.to = &peer.asked};
    buf_clear(&peer.asked);
    json_put_val(&j, e->outer);
    assert_ok(json_finish(&j));
}

/* False: it has closed the connection. */
static inline bool line_take(struct line *l, const struct wyoming_event *e)
{
    if (str_eq(e->type, S("describe"))) {
        peer.probes++;
        if (peer.info)
            line_say(l, peer.info);
    } else if (str_eq(e->type, S("transcribe"))) {
        put_asked(e);
        l->act = peer.acts ? &peer.acts[peer.utterances != 0] : nullptr;
        peer.utterances++;
        buf_clear(&peer.sound);
    } else if (str_eq(e->type, S("audio-chunk"))) {
        assert_ok(buf_add(&peer.sound, e->payload));
    } else {
        bool is_stop = str_eq(e->type, S("audio-stop"));
        peer.stops += is_stop;
        const char *says = !l->act   ? is_stop ? good : ""
                           : is_stop ? l->act->at_stop
                                     : l->act->at_start;
        if (says)
            line_say(l, says);
        if (l->act && l->act->closes && (is_stop || !l->act->at_stop)) {
            line_close(l);
            return false;
        }
    }
    return true;
}

static inline void line_read(struct line *l)
{
    static char some[65536];
    ssize_t n = read(l->fd, some, sizeof some);
    struct str bytes = {some, n > 0 ? (size_t)n : 0};
    peer.closed += n == 0;
    if (n == 0 || (n < 0 && errno != EAGAIN))
        line_close(l);
    for (bool is_whole = true; n > 0 && is_whole;) {
        struct wyoming_event e;
        assert_ok(wyoming_decode(&l->decoder, &bytes, &is_whole, &e));
        if (is_whole && !line_take(l, &e))
            break;
    }
}

static inline void step(void)
{
    loop_step(loop, WAIT_MS);
    unsigned due = own_fault_pause();
    peer_accept();
    for (size_t i = 0; i < LINES; i++) {
        if (peer.line[i].fd >= 0 && !peer.is_deaf)
            line_read(&peer.line[i]);
        if (peer.line[i].fd >= 0 && peer.line[i].dripping)
            line_drip(&peer.line[i]);
    }
    own_fault_go_on(due);
}

/* Steps of real time with the clock standing still. */
#define step_until(condition)                                                                      \
    do {                                                                                           \
        for (int step_ = 0; !(condition) && step_ < MANY; step_++)                                 \
            step();                                                                                \
        assert_true(condition);                                                                    \
    } while (0)

static inline void pass_ms(uint64_t ms)
{
    clock_fake(clock_us() + ms * 1000);
    for (int i = 0; i < 3; i++)
        step();
}

/* --- --- */

static inline int begin_engine(const char *model, const char *info)
{
    char url[64];
    snprintf(url, sizeof url, "tcp://127.0.0.1:%d", peer.port);
    const struct engine_remote remote = {
        .url = url, .key = "", .slots = 8, .connect_ms = 5000, .reply_ms = REPLY_MS};
    const struct engine_config config = {
        .role = "stt", .driver = "remote", .model = model, .remote = &remote};
    peer.info = info;
    return engine_create(loop, &config, &engine) != OK;
}

static inline int set_up_nobody(void **)
{
    peer = (typeof(peer)){.fd = -1, .sound = BUF(HEARD_MAX), .asked = BUF(4096)};
    for (size_t i = 0; i < LINES; i++)
        peer.line[i].fd = -1;
    clock_fake(1000000000);
    peer_listen();
    return loop_create(&loop) != OK;
}

static inline int set_up_with(const char *model, const char *info)
{
    if (set_up_nobody(nullptr) || begin_engine(model, info))
        return 1;
    step_until(engine->state == ENGINE_READY);
    return 0;
}

static inline int set_up(void **)
{
    return set_up_with("", good_info);
}

static inline int set_up_streaming(void **)
{
    return set_up_with("tiny", INFO(PROGRAM(STREAMS, MODEL("tiny", "\"en\""))));
}

static inline int tear_down(void **)
{
    engine_destroy(engine);
    engine = nullptr;
    clock_fake(UINT64_MAX);
    for (int i = 0; i < 3; i++)
        loop_step(loop, 0);
    loop_destroy(loop);
    peer_leave();
    buf_finish(&peer.sound);
    buf_finish(&peer.asked);
    return 0;
}

/* --- who speaks --- */

struct owner {
    struct job *job;
    unsigned partials, finals, segments, ends;
    enum err err;
    uint32_t audio_ms; /* of the last partial */
    char text[256], partial[256], sentence[256], language[8], stable[256];
    bool is_untrue; /* what was stable has changed */
};

#define keep(into, s) snprintf(into, sizeof(into), "%.*s", (int)(s).n, (s).p)

static inline void take_partial(struct owner *o, const struct msg_stt_partial *p)
{
    struct str stable = str_sub(p->text, 0, p->stable_bytes);
    o->partials++;
    o->audio_ms = p->audio_ms;
    o->is_untrue = o->is_untrue || !str_starts(stable, str_of(o->stable));
    keep(o->partial, p->text);
    keep(o->stable, stable);
}

static inline void on_message(void *arg, enum msg_type type, const union msg *msg)
{
    struct owner *o = arg;
    if (type == MSG_stt_partial)
        take_partial(o, &msg->stt_partial);
    o->segments += type == MSG_stt_segment;
    o->finals += type == MSG_stt_final;
    if (type == MSG_stt_final) {
        keep(o->text, msg->stt_final.text);
        keep(o->language, msg->stt_final.language);
    }
}

static inline void on_ended(void *arg, enum err err, const char *text)
{
    struct owner *o = arg;
    o->job = nullptr;
    o->ends++;
    o->err = err;
    snprintf(o->sentence, sizeof o->sentence, "%s", text);
}

static int16_t tone[PCM_RATE_RECOGNISE / 2];

static inline struct str half_a_second(void)
{
    for (size_t i = 0; i < countof(tone); i++)
        tone[i] = (int16_t)(i % 50 * 200);
    return (struct str){(const char *)tone, sizeof tone};
}

static inline enum err say(struct owner *o)
{
    struct str samples = half_a_second();
    return o->job ? job_send(o->job, MSG_audio, &(struct msg_audio){samples}) : OK;
}

static inline enum err begin_as(struct owner *o, const struct msg_stt_open *open)
{
    static const struct job_events events = {.message = on_message, .ended = on_ended};
    try(engine_open(engine, &events, o, &o->job));
    return job_send(o->job, MSG_stt_open, open);
}

static inline enum err begin(struct owner *o)
{
    return begin_as(o, &(struct msg_stt_open){.rate_hz = PCM_RATE_RECOGNISE,
                                              .partials = PARTIALS_CHANGES,
                                              .language = S("en-GB")});
}

static inline enum err finish(struct owner *o)
{
    return o->job ? job_send(o->job, MSG_stt_finish, &(struct msg_stt_finish){}) : OK;
}

static inline void speak(struct owner *o)
{
    *o = (struct owner){};
    assert_ok(begin(o));
    assert_ok(say(o));
    assert_ok(finish(o));
}

static inline struct remote_hearing *hearing(void)
{
    return (struct remote_hearing *)engine->remote->works;
}
