// SPDX-License-Identifier: Apache-2.0
/*
 * repartee-tts as a program, over the engine protocol, with its scripted driver: exact lengths,
 * order of messages, cancelling, faults. $PROGRAM is its path.
 */
#include <stdio.h>
#include <stdlib.h>

#include "audio/ogg_in.h"
#include "audio/opus_in.h"
#include "engine_peer.h"
#include "unit.h"

enum { SCRIPT_RATE = 22050 };

static struct peer *start(const char *options)
{
    struct peer *p = peer_start(getenv("PROGRAM"));
    assert_str(p->msg.hello.role, "tts");
    peer_load(p, "scripted", options);
    return p;
}

static void open_voice(struct peer *p, uint32_t stream, const char *voice, uint32_t rate_hz,
                       float speed)
{
    peer_send(p, MSG_tts_open, stream,
              &(struct msg_tts_open){.voice = str_of(voice), .rate_hz = rate_hz, .speed = speed});
}

static void say(struct peer *p, uint32_t stream, const char *text)
{
    peer_send(p, MSG_tts_text, stream, &(struct msg_tts_text){str_of(text)});
}

static void finish(struct peer *p, uint32_t stream)
{
    peer_send(p, MSG_tts_finish, stream, &(struct msg_tts_finish){0});
}

/* Every clause is announced with the exact number of samples that came since the last one. */
static void test_counts(void **state)
{
    (void)state;
    static const uint32_t rates[] = {0, 8000, 16000, 22050, 24000, 48000};
    struct peer *p = start("ms=20");
    for (uint32_t stream = 1; stream <= countof(rates); stream++) {
        uint32_t asked = rates[stream - 1], rate = asked ? asked : SCRIPT_RATE;
        open_voice(p, stream, "", asked, 0);
        say(p, stream, "Hello world.");
        say(p, stream, "😀");
        say(p, stream, "And a second clause, which is longer.");
        finish(p, stream);
        assert_true(peer_next(p));
        assert_int_equal(p->frame.type, MSG_tts_format);
        assert_int_equal(p->msg.tts_format.rate_hz, rate);
        uint32_t clause = 0, samples = 0, total = 0, counts[3] = {};
        while (peer_next(p) && p->frame.type != MSG_tts_done) {
            assert_int_equal(p->frame.stream, stream);
            if (p->frame.type == MSG_audio) {
                assert_int_equal(p->msg.audio.samples.n % 2, 0);
                samples += (uint32_t)p->msg.audio.samples.n / 2;
                continue;
            }
            assert_int_equal(p->frame.type, MSG_tts_clause);
            assert_int_equal(p->msg.tts_clause.index, clause);
            assert_int_equal(p->msg.tts_clause.samples, samples);
            counts[clause++] = samples;
            total += samples;
            samples = 0;
        }
        assert_int_equal(clause, 3);
        assert_int_equal(p->msg.tts_done.samples, total);
        assert_int_equal(counts[1], 0);
        uint32_t first = rate * 20 * 12 / 1000, second = rate * 20 * 37 / 1000 + rate * 260 / 1000;
        assert_uint_in_range(counts[0], first - 3, first + 3);
        assert_uint_in_range(counts[2], second - 3, second + 3); /* with the pause before it */
    }
    assert_int_equal(peer_stop(p), 0);
}

static void speak_coded(struct peer *p, uint32_t stream, const char *format, uint32_t rate_hz)
{
    peer_send(p, MSG_tts_open, stream,
              &(struct msg_tts_open){.rate_hz = rate_hz, .format = str_of(format)});
    say(p, stream, "Hello world.");
    say(p, stream, "😀");
    say(p, stream, "And a second clause.");
    finish(p, stream);
}

/* Bare packets of 20 ms; the clauses' counts are theirs, and one more brings what was held back. */
static void test_opus(void **state)
{
    (void)state;
    static const uint32_t rates[] = {8000, 12000, 16000, 24000, 48000};
    struct peer *p = start("ms=19");
    for (uint32_t stream = 1; stream <= countof(rates); stream++) {
        uint32_t frame = rates[stream - 1] / 50, packets = 0, samples = 0;
        struct opus_in *o;
        autobuf sound = BUF(1 << 20);
        assert_ok(opus_in_create(&o));
        speak_coded(p, stream, "opus", rates[stream - 1]);
        while (peer_next(p) && p->frame.type != MSG_tts_done) {
            if (p->frame.type == MSG_audio) {
                assert_ok(opus_in_packet(o, p->msg.audio.samples, &sound));
                assert_int_equal(sound.n / 2, ++packets * 320);
            } else if (p->frame.type == MSG_tts_clause) {
                assert_int_equal(p->msg.tts_clause.samples % frame, 0);
                samples += p->msg.tts_clause.samples;
                assert_int_equal(samples, packets * frame);
            }
        }
        assert_int_equal(p->msg.tts_done.samples, samples);
        assert_int_equal(samples, (packets - 1) * frame);
        assert_true(pcm_rms((const int16_t *)sound.p, sound.n / 2) > 500);
        opus_in_destroy(o);
    }
    assert_int_equal(peer_stop(p), 0);
}

static void test_ogg(void **state)
{
    (void)state;
    struct peer *p = start("ms=19");
    struct ogg_in *o;
    autobuf sound = BUF(1 << 20);
    size_t messages = 0;
    assert_ok(ogg_in_create(&o));
    speak_coded(p, 1, "ogg", 24000);
    while (peer_next(p) && p->frame.type != MSG_tts_done)
        if (p->frame.type == MSG_audio) {
            size_t before = sound.n;
            assert_true(str_starts(p->msg.audio.samples, S("OggS")));
            assert_ok(ogg_in_feed(o, p->msg.audio.samples, &sound));
            assert_true(sound.n > before); /* whoever gets a piece can play it */
            messages++;
        }
    assert_ok(ogg_in_end(o));
    assert_int_equal(sound.n / 2, p->msg.tts_done.samples * 2 / 3);
    assert_true(messages > 6);
    ogg_in_destroy(o);

    assert_ok(ogg_in_create(&o)); /* an answer without a sound is a whole file too */
    peer_send(p, MSG_tts_open, 2, &(struct msg_tts_open){.rate_hz = 16000, .format = S("ogg")});
    finish(p, 2);
    assert_true(peer_wait(p, MSG_audio));
    assert_ok(ogg_in_feed(o, p->msg.audio.samples, &sound));
    assert_ok(ogg_in_end(o));
    ogg_in_destroy(o);
    assert_int_equal(peer_stop(p), 0);
}

/* Files whose frames players read: see test/api/speech.test.js. Here, that they leave early and have the sound's length. */
static void test_mp3_and_flac(void **state)
{
    (void)state;
    static const struct {
        const char *format;
        struct str begin;
        uint32_t sound_max; /* bytes a sample, of 100 */
    } rows[] = {{"mp3", {"\xff\xf3", 2}, 40}, {"flac", {"fLaC", 4}, 120}};
    struct peer *p = start("ms=60");
    for (uint32_t i = 0; i < countof(rows); i++) {
        autobuf file = BUF(1 << 20);
        size_t before_clause = 0, messages = 0;
        speak_coded(p, i + 1, rows[i].format, 24000);
        while (peer_next(p) && p->frame.type != MSG_tts_done) {
            if (p->frame.type == MSG_audio) {
                assert_ok(buf_add(&file, p->msg.audio.samples));
                messages++;
            } else if (p->frame.type == MSG_tts_clause && before_clause == 0) {
                before_clause = file.n;
            }
        }
        uint32_t samples = p->msg.tts_done.samples;
        assert_true(str_starts(buf_str(&file), rows[i].begin));
        assert_true(before_clause > file.n / 8 && messages > 10);
        assert_uint_in_range(file.n, samples / 100, (size_t)samples * rows[i].sound_max / 100);
    }
    assert_int_equal(peer_stop(p), 0);
}

/* The first pieces are short, none is long. */
static void test_pieces(void **state)
{
    (void)state;
    struct peer *p = start("ms=60");
    open_voice(p, 1, "", 16000, 1);
    say(p, 1, "This is a clause of some length.");
    finish(p, 1);
    size_t nth = 0;
    while (peer_next(p) && p->frame.type != MSG_tts_done) {
        if (p->frame.type != MSG_audio)
            continue;
        size_t ms = p->msg.audio.samples.n / 2 / 16;
        assert_uint_in_range(ms, 1, nth < 2 ? 20 : nth < 4 ? 40 : 120);
        nth++;
    }
    assert_true(nth > 10);
    assert_int_equal(peer_stop(p), 0);
}

static void test_speed(void **state)
{
    (void)state;
    struct peer *p = start("ms=60");
    open_voice(p, 1, "", 0, 2);
    say(p, 1, "Hello.");
    assert_true(peer_wait(p, MSG_tts_clause));
    uint32_t want = SCRIPT_RATE * 60 * 6 / 1000 / 2;
    assert_uint_in_range(p->msg.tts_clause.samples, want - 2, want + 2);
    assert_int_equal(peer_stop(p), 0);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *voice;
        uint32_t rate_hz;
        float speed;
        enum err err;
        const char *word, *format;
    } rows[] = {
        {"", 22050, 0, ERR_INVALID, "opus", "opus"},
        {"", 0, 0, ERR_INVALID, "opus", "ogg"}, /* the voice's own rate */
        {"", 22051, 0, ERR_INVALID, "mp3", "mp3"},
        {"", 24000, 0, ERR_UNSUPPORTED, "", "aac"},
        {"missing", 0, 0, ERR_NOTFOUND, "tone"},
        {"", 4000, 0, ERR_INVALID, "rate"},
        {"", 96000, 0, ERR_INVALID, "rate"},
        {"", 0, 9, ERR_INVALID, "speed"},
        {"", 0, -1, ERR_INVALID, "speed"},
        {"", 0, __builtin_nanf(""), ERR_INVALID, "speed"},
    };
    struct peer *p = start("");
    for (uint32_t i = 0; i < countof(rows); i++) {
        peer_send(p, MSG_tts_open, i + 1,
                  &(struct msg_tts_open){str_of(rows[i].voice), rows[i].rate_hz, rows[i].speed,
                                         str_of(rows[i].format)});
        assert_true(peer_next(p));
        assert_int_equal(p->frame.type, MSG_fail);
        assert_int_equal(p->msg.fail.err, rows[i].err);
        assert_true(str_find(p->msg.fail.text, str_of(rows[i].word)) < p->msg.fail.text.n);
    }
    open_voice(p, 100, "", 0, 0);
    open_voice(p, 100, "", 0, 0);
    assert_true(peer_wait(p, MSG_fail));
    assert_int_equal(p->msg.fail.err, ERR_SYNTAX);
    assert_int_equal(peer_stop(p), 0);
}

/* After a cancel at most the piece under way comes, and the engine goes on with others. */
static void test_cancel(void **state)
{
    (void)state;
    struct peer *p = start("ms=60 slow=20");
    open_voice(p, 1, "", 16000, 1);
    say(p, 1, "A clause that would take several seconds to speak in full length.");
    for (int i = 0; i < 3; i++)
        assert_true(peer_wait(p, MSG_audio));
    peer_send(p, MSG_cancel, 1, &(struct msg_cancel){0});
    peer_send(p, MSG_ping, 0, &(struct msg_ping){7});
    open_voice(p, 2, "", 16000, 1);
    say(p, 2, "Hi.");
    unsigned late = 0;
    while (peer_next(p) && p->frame.type != MSG_tts_clause)
        late += p->frame.type == MSG_audio && p->frame.stream == 1;
    assert_int_equal(p->frame.stream, 2);
    assert_uint_in_range(late, 0, 1);
    assert_int_equal(peer_stop(p), 0);
}

static void test_fail(void **state)
{
    (void)state;
    struct peer *p = start("fail=2");
    open_voice(p, 1, "", 0, 0);
    say(p, 1, "One.");
    say(p, 1, "Two.");
    assert_true(peer_wait(p, MSG_fail));
    assert_int_equal(p->msg.fail.err, ERR_INTERNAL);
    assert_str(p->msg.fail.text, "the script lets call 2 fail");
    open_voice(p, 2, "", 0, 0);
    say(p, 2, "Three.");
    assert_true(peer_wait(p, MSG_tts_clause));
    assert_int_equal(peer_stop(p), 0);
}

static void test_hang(void **state)
{
    (void)state;
    struct peer *p = start("hang=1");
    open_voice(p, 1, "", 0, 0);
    say(p, 1, "One.");
    open_voice(p, 2, "", 0, 0);
    say(p, 2, "Two."); /* is spoken beside the one that hangs, whichever of the two that is */
    assert_true(peer_wait(p, MSG_tts_clause));
    uint32_t hanging = 3 - p->frame.stream;
    peer_send(p, MSG_cancel, hanging, &(struct msg_cancel){0});
    assert_int_equal(peer_stop(p), 0);
}

static void test_crash(void **state)
{
    (void)state;
    struct peer *p = start("crash=1");
    open_voice(p, 1, "", 0, 0);
    say(p, 1, "One.");
    assert_false(peer_wait(p, MSG_tts_clause));
    assert_int_equal(peer_stop(p), 256 + 9);
}

/* Four answers at once, their clauses interleaved, each with its own exact counts. */
static void test_four_streams(void **state)
{
    (void)state;
    enum { STREAMS = 4, CLAUSES = 5 };
    struct peer *p = start("ms=10 slow=1");
    for (uint32_t s = 1; s <= STREAMS; s++)
        open_voice(p, s, "", 16000 + 2000 * s, 1);
    for (int c = 0; c < CLAUSES; c++)
        for (uint32_t s = 1; s <= STREAMS; s++)
            say(p, s, "This is one clause.");
    for (uint32_t s = 1; s <= STREAMS; s++)
        finish(p, s);
    uint32_t total[STREAMS + 1] = {}, done = 0;
    while (done < STREAMS && peer_next(p)) {
        uint32_t s = p->frame.stream;
        assert_uint_in_range(s, 1, STREAMS);
        if (p->frame.type == MSG_audio)
            total[s] += (uint32_t)p->msg.audio.samples.n / 2;
        if (p->frame.type == MSG_tts_done) {
            assert_int_equal(p->msg.tts_done.samples, total[s]);
            done++;
        }
        assert_true(p->frame.type != MSG_fail);
    }
    assert_int_equal(done, STREAMS);
    assert_int_equal(peer_stop(p), 0);
}

/* What a message costs of the credit; 0 for others than sound of the stream. */
static uint32_t cost_in(const struct peer *p, uint32_t stream)
{
    return p->frame.stream == stream ? msg_cost(p->frame.type, (uint32_t)p->frame.payload.n) : 0;
}

/* A listener that takes nothing holds its own answer up and no other, and gets the rest when he does. */
static void test_credit(void **state)
{
    (void)state;
    enum { RATE = 48000, LARGEST = RATE * 120 / 1000 * 2 + 4 };
    struct peer *p = start("ms=60");
    p->stingy = true;
    char text[2000] = ""; /* no word twice in a row: that would not be spoken */
    for (size_t n = 0, i = 0; n + 8 < sizeof text; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s ", i % 2 ? "one" : "another");
    open_voice(p, 1, "", RATE, 1); /* two minutes: far more than the credit */
    say(p, 1, text);
    uint32_t spent = 0, samples = 0;
    while (spent + LARGEST <= WIRE_CREDIT && peer_next(p)) {
        spent += cost_in(p, 1);
        samples += p->frame.type == MSG_audio ? (uint32_t)p->msg.audio.samples.n / 2 : 0;
    }
    /* Others are spoken one after another, which takes time in which nothing more of the first comes. */
    for (uint32_t stream = 2; stream < 12; stream++) {
        open_voice(p, stream, "", 16000, 1);
        say(p, stream, "Hello, how are you?");
        finish(p, stream);
        while (peer_next(p) && p->frame.type != MSG_tts_done) {
            spent += cost_in(p, 1);
            samples += cost_in(p, 1) ? (uint32_t)p->msg.audio.samples.n / 2 : 0;
        }
        assert_int_equal(p->frame.stream, stream);
    }
    assert_uint_in_range(spent, 0, WIRE_CREDIT);
    peer_send(p, MSG_credit, 1, &(struct msg_credit){spent});
    p->stingy = false;
    while (peer_next(p) && p->frame.type != MSG_tts_clause)
        samples += p->frame.type == MSG_audio ? (uint32_t)p->msg.audio.samples.n / 2 : 0;
    assert_int_equal(p->msg.tts_clause.samples, samples);
    assert_true(samples > RATE * 100);
    assert_int_equal(peer_stop(p), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opus),         cmocka_unit_test(test_ogg),
        cmocka_unit_test(test_mp3_and_flac), cmocka_unit_test(test_counts),
        cmocka_unit_test(test_pieces),       cmocka_unit_test(test_speed),
        cmocka_unit_test(test_refusals),     cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_fail),         cmocka_unit_test(test_hang),
        cmocka_unit_test(test_crash),        cmocka_unit_test(test_four_streams),
        cmocka_unit_test(test_credit),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
