// SPDX-License-Identifier: Apache-2.0
/*
 * A synthesiser elsewhere for tests: a peer on this machine that answers as a row says, and a job of an engine whose clauses
 * it is asked for, under a clock that the test moves. For one test program each, so that all of it is static.
 */
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "audio/wav.h"
#include "base/clock.h"
#include "engine_fake.h"
#include "server/engine/mouth/parts.h"
#include "server/loop/loop.h"
#include "unit.h"

enum {
    WAIT_MS = 1,
    LINES = 32,
    REQUEST_MAX = 1 << 16,
    OUT_MAX = 1 << 22,
    FIRST_MS = 1500,
    REPLY_MS = 30000,
    PROBE_MS = 1520, /* of sound for its 19 bytes: 80 ms each */
    PER_MS = MOUTH_RATE / 1000 * sizeof(int16_t),
    QUIET_STEPS = 12, /* in which nothing happens: then the clock moves */
    MOVE_MS = 100,
    MOVES_MAX = 800,
    SLACK_MS = 3 * MOVE_MS, /* a connection that is slow looks like one that is quiet */
};

static struct loop *loop;
static struct fake fake;

/* --- the peer --- */

struct row {
    const char *name;
    int status; /* 0: it says nothing at all */
    const char *type, *headers, *text;
    const char *raw; /* in the place of all of these */
    uint32_t ms;     /* of sound */
    size_t odd;      /* bytes that it is longer */
    bool is_wav, is_silent;
    uint32_t wav_ms; /* that the file claims to have; 0: it does not say */
    size_t claimed;  /* bytes that its length counts and that do not come */
    bool closes;
    uint32_t drip_ms; /* of sound, each MOVE_MS, after the rest */
    uint32_t late_ms; /* it comes so late */
    bool one_by_one;  /* 429 for whoever asks while another is answered */
    /* what comes of it */
    const char *spoken;
    uint32_t sounds_ms;
    enum mouth_reason reason; /* with `falls` */
    unsigned falls;           /* clauses that the local voice spoke */
    bool stays;               /* in use for others, all the same */
    uint32_t took_ms;         /* at most, by the clock, but for SLACK_MS; 0: no time at all */
};

static struct {
    int fd;
    const struct row *row; /* of what is asked but the probe */
    const struct row *probe_row;
    unsigned probes, asked, at_once, most_at_once, crowded;
    char text[512]; /* the last request, whole */
    struct line {
        int fd;
        struct buf in, out;
        bool closes;           /* once all is out */
        const struct row *row; /* how it was answered */
        uint64_t answer_ms;    /* when it will be; 0: it was */
    } line[LINES];
} peer;

static int16_t tone[MOUTH_RATE * 4];

static void send_all(struct line *l, const void *bytes, size_t n)
{
    assert_ok(buf_add(&l->out, (struct str){bytes, n}));
}

/* Whoever has hung up misses it. */
static bool flush_line(struct line *l)
{
    ssize_t n = l->out.n ? send(l->fd, l->out.p, l->out.n, MSG_NOSIGNAL) : 0;
    if (n > 0)
        buf_eat(&l->out, (size_t)n);
    if (l->closes && l->out.n == 0) {
        shutdown(l->fd, SHUT_RDWR);
        l->closes = false;
    }
    return n > 0;
}

static void answer(struct line *l)
{
    const struct row *r = l->row;
    char head[512];
    uint8_t wav[WAV_HEADER_BYTES];
    static const int16_t silence[MOUTH_RATE];
    size_t bytes = r->ms * PER_MS + r->odd,
           body = bytes + (r->is_wav ? sizeof wav : 0) + (r->text ? strlen(r->text) : 0);
    l->answer_ms = 0;
    if (r->raw) {
        send_all(l, r->raw, strlen(r->raw));
    } else if (r->status) {
        char length[64] = "";
        if (!r->drip_ms)
            snprintf(length, sizeof length, "Content-Length: %zu\r\n", body + r->claimed);
        int n = snprintf(head, sizeof head, "HTTP/1.1 %d X\r\nContent-Type: %s\r\n%s%s\r\n%s",
                         r->status, r->type ? r->type : "audio/pcm", length,
                         r->headers ? r->headers : "", r->text ? r->text : "");
        send_all(l, head, (size_t)n);
        wav_header(wav, MOUTH_RATE,
                   r->wav_ms ? (uint32_t)(r->wav_ms * PER_MS / sizeof(int16_t)) : UINT32_MAX);
        if (r->is_wav)
            send_all(l, wav, sizeof wav);
        send_all(l, r->is_silent ? silence : tone, bytes);
    }
    l->closes = r->closes;
    if (!r->drip_ms)
        peer.at_once--;
}

static void peer_take_line(void)
{
    int fd = accept4(peer.fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    size_t i = 0;
    while (i < LINES && peer.line[i].fd >= 0)
        i++;
    assert_true(fd < 0 || i < LINES);
    if (fd >= 0)
        peer.line[i] = (struct line){.fd = fd, .in = BUF(REQUEST_MAX), .out = BUF(OUT_MAX)};
}

/* Its body is there, too: a GET, or JSON. */
static bool is_whole(struct str in)
{
    return str_starts(in, S("GET ")) ? str_ends(in, S("\r\n\r\n")) : str_ends(in, S("}"));
}

static void peer_read_line(struct line *l)
{
    char some[65536];
    ssize_t n = read(l->fd, some, sizeof some);
    if (n == 0) {
        close(l->fd);
        if (l->answer_ms || (l->row && l->row->drip_ms))
            peer.at_once--;
        buf_finish(&l->in);
        buf_finish(&l->out);
        *l = (struct line){.fd = -1};
    }
    if (n <= 0)
        return;
    assert_ok(buf_add(&l->in, (struct str){some, (size_t)n}));
    if (!is_whole(buf_str(&l->in)))
        return;
    bool is_probe = str_find(buf_str(&l->in), S("One")) < l->in.n;
    snprintf(peer.text, sizeof peer.text, "%.*s", STR_FMT(buf_str(&l->in)));
    buf_clear(&l->in);
    peer.probes += is_probe;
    peer.asked += !is_probe;
    if (++peer.at_once > peer.most_at_once)
        peer.most_at_once = peer.at_once;
    static const struct row crowded = {.name = "crowded", .status = 429};
    l->row = is_probe ? peer.probe_row : peer.row;
    if (l->row->one_by_one && peer.at_once > 1) {
        l->row = &crowded;
        peer.crowded++;
    }
    l->answer_ms = clock_ms() + l->row->late_ms;
}

static struct job *job;
static bool is_stingy;
static uint64_t paid;

/* The engine takes whatever comes, or only what the test says. */
static void pay(void)
{
    uint64_t owed = fake.sound_bytes > paid ? fake.sound_bytes - paid : 0;
    if (!job || is_stingy || owed < 32 * 1024)
        return;
    paid += owed;
    assert_ok(fake_answer(&fake, job->stream, MSG_credit, &(struct msg_credit){(uint32_t)owed}));
}

/* True: something has happened. */
static bool step(void)
{
    size_t notes = fake.notes;
    unsigned asked = peer.asked + peer.probes;
    loop_step(loop, WAIT_MS);
    peer_take_line();
    pay();
    bool is_news = false;
    for (size_t i = 0; i < LINES; i++) {
        struct line *l = &peer.line[i];
        if (l->fd >= 0)
            peer_read_line(l);
        if (l->fd >= 0 && l->answer_ms && clock_ms() >= l->answer_ms) {
            answer(l);
            is_news = true;
        }
        if (l->fd >= 0 && flush_line(l))
            is_news = true;
    }
    return is_news || fake.notes != notes || peer.asked + peer.probes != asked;
}

static void move_clock(void)
{
    clock_fake(clock_us() + MOVE_MS * 1000);
    for (size_t i = 0; i < LINES; i++) {
        struct line *l = &peer.line[i];
        if (l->fd >= 0 && l->row && l->row->drip_ms && !l->answer_ms)
            send_all(l, tone, l->row->drip_ms * PER_MS);
    }
}

/* Until the condition holds; the clock moves only while nothing else does. */
#define step_until(condition)                                                                      \
    do {                                                                                           \
        for (unsigned quiet_ = 0, moves_ = 0; !(condition) && moves_ < MOVES_MAX;) {               \
            quiet_ = step() ? 0 : quiet_ + 1;                                                      \
            if (quiet_ >= QUIET_STEPS) {                                                           \
                move_clock();                                                                      \
                moves_++;                                                                          \
                quiet_ = 0;                                                                        \
            }                                                                                      \
        }                                                                                          \
        if (!(condition))                                                                          \
            fail_msg("%s: in vain waited for %s", peer.row->name, #condition);                     \
    } while (0)

static void steps(int n)
{
    for (int i = 0; i < n; i++)
        step();
}

/* --- the job --- */

static enum err ended_err;
static unsigned ended;

static void on_message(void *, enum msg_type, const union msg *) {}
static void on_ended(void *, enum err err, const char *)
{
    job = nullptr;
    ended_err = err;
    ended++;
}
static const struct job_events events = {.message = on_message, .ended = on_ended};

static const struct row good = {.name = "good", .status = 200, .ms = PROBE_MS};

static void set_up_for(enum mouth_api api, const char *path)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    char url[64];
    for (size_t i = 0; i < countof(tone); i++)
        tone[i] = (int16_t)(i % 100 * 60 - 3000);
    peer = (typeof(peer)){.row = &good, .probe_row = &good};
    for (size_t i = 0; i < LINES; i++)
        peer.line[i].fd = -1;
    peer.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(peer.fd, (struct sockaddr *)&at, n), 0);
    assert_int_equal(listen(peer.fd, LINES), 0);
    assert_int_equal(getsockname(peer.fd, (struct sockaddr *)&at, &n), 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", ntohs(at.sin_port), path);
    const struct engine_mouth config = {.api = api,
                                        .url = url,
                                        .key = "",
                                        .model = "m",
                                        .voice = "far",
                                        .language = "",
                                        .local_voice = "near",
                                        .connect_ms = 5000,
                                        .first_sound_ms = FIRST_MS,
                                        .reply_ms = REPLY_MS};
    clock_fake(1000000000);
    assert_ok(loop_create(&loop));
    fake_create(&fake, loop, "tts", 4);
    assert_ok(mouth_create(&fake.engine, &config, &fake.engine.mouth));
    fake.engine.filter = &mouth_filter;
    job = nullptr;
    is_stingy = false;
    ended = 0;
}

static int set_up(void **)
{
    set_up_for(MOUTH_OPENAI, "/v1/");
    return 0;
}

static int tear_down(void **)
{
    job_cancel(job);
    job = nullptr;
    fake_destroy(&fake);
    mouth_destroy(fake.engine.mouth);
    clock_fake(UINT64_MAX);
    steps(3);
    for (size_t i = 0; i < LINES; i++)
        if (peer.line[i].fd >= 0) {
            buf_finish(&peer.line[i].in);
            buf_finish(&peer.line[i].out);
            close(peer.line[i].fd);
        }
    close(peer.fd);
    loop_destroy(loop);
    return 0;
}

static struct mouth_info info(void)
{
    struct mouth_info i;
    mouth_info(fake.engine.mouth, &i);
    return i;
}

static void open_job(const char *voice, float speed)
{
    fake.spoken[0] = 0;
    fake.sound_bytes = paid = 0;
    fake.notes = 0;
    assert_ok(engine_open(&fake.engine, &events, nullptr, &job));
    const struct msg_tts_open open = {.voice = str_of(voice), .rate_hz = 16000, .speed = speed};
    assert_ok(job_send(job, MSG_tts_open, &open));
}

static void say(const char *text)
{
    assert_ok(job_send(job, MSG_tts_text, &(struct msg_tts_text){str_of(text)}));
}

static void finish(void)
{
    assert_ok(job_send(job, MSG_tts_finish, &(struct msg_tts_finish){}));
}

static bool is_finished(void)
{
    return fake_sent(&fake, MSG_tts_finish) > 0;
}

static void end_job(void)
{
    assert_ok(fake_answer(&fake, 0, MSG_tts_done, &(struct msg_tts_done){}));
    assert_null(job);
}

/* A job of one clause, to its end. */
[[maybe_unused]] static void speak_once(const struct row *row, const char *text)
{
    peer.row = row;
    open_job("", 1);
    say(text);
    finish();
    step_until(is_finished());
    end_job();
}

#define FIRST "Good morning to all."
#define SECOND "And good bye, then."
#define LOCAL FIRST "|" SECOND "|"
#define REST "morning to all.|" SECOND "|"
#define JSON(body) .type = "application/json", .text = body
#define CHUNKED "HTTP/1.1 200 OK\r\nContent-Type: audio/pcm\r\nTransfer-Encoding: chunked\r\n\r\n"
