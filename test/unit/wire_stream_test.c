// SPDX-License-Identifier: Apache-2.0
/*
 * Streams as the server meets them: order, credit, cancels, places. $PROGRAM is echo_engine,
 * which checks by itself that no stream is worked on by two threads and that all are closed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "engine_peer.h"
#include "unit.h"

enum { FLOOD_BYTES = 16000 };

static struct peer *start(const char *options)
{
    struct peer *p = peer_start(getenv("PROGRAM"));
    peer_load(p, "echo", options);
    return p;
}

static void begin(struct peer *p, uint32_t stream)
{
    peer_send(p, MSG_tts_open, stream, &(struct msg_tts_open){});
}

static void tell(struct peer *p, uint32_t stream, const char *text)
{
    peer_send(p, MSG_tts_text, stream, &(struct msg_tts_text){str_of(text)});
}

static void finish(struct peer *p, uint32_t stream)
{
    peer_send(p, MSG_tts_finish, stream, &(struct msg_tts_finish){});
}

static void cancel(struct peer *p, uint32_t stream)
{
    peer_send(p, MSG_cancel, stream, &(struct msg_cancel){});
}

static void ping(struct peer *p, uint64_t token)
{
    peer_send(p, MSG_ping, WIRE_STREAM_NONE, &(struct msg_ping){token});
}

/* What is deaf goes on. */
static void wake(struct peer *p)
{
    peer_send(p, MSG_stt_words, WIRE_STREAM_NONE, &(struct msg_stt_words){});
}

/* Waits for the answer of one stream and says that it is `want`. */
static void hear(struct peer *p, uint32_t stream, const char *want)
{
    do
        assert_true(peer_wait(p, MSG_llm_token));
    while (p->frame.stream != stream);
    assert_str(p->msg.llm_token.text, want);
}

/* Waits until the engine has closed all streams but `left`. */
static void settle(struct peer *p, uint32_t left)
{
    do {
        ping(p, 0);
        assert_true(peer_wait(p, MSG_pong));
    } while (p->msg.pong.live_streams > left);
    assert_int_equal(p->msg.pong.live_streams, left);
}

static void messages_keep_their_order(void **)
{
    struct peer *p = start("");
    for (uint32_t stream = 1; stream <= 3; stream++)
        begin(p, stream);
    for (uint32_t i = 0; i < 300; i++) {
        char text[32];
        snprintf(text, sizeof text, "say %u", i / 3);
        tell(p, 1 + i % 3, text);
    }
    uint32_t next[4] = {};
    for (uint32_t i = 0; i < 300; i++) {
        char want[16];
        assert_true(peer_wait(p, MSG_llm_token));
        snprintf(want, sizeof want, "%u", next[p->frame.stream]++);
        assert_str(p->msg.llm_token.text, want);
    }
    assert_int_equal(peer_stop(p), 0);
}

/* One thread: a stream with much to do does not keep another waiting. */
static void streams_take_turns(void **)
{
    struct peer *p = start("threads=1");
    begin(p, 1);
    tell(p, 1, "deaf");
    hear(p, 1, "deaf");
    for (int i = 0; i < 40; i++)
        tell(p, 1, "say 1");
    begin(p, 2);
    tell(p, 2, "say 2");
    ping(p, 0);
    assert_true(peer_wait(p, MSG_pong)); /* all of it waits for the thread */
    wake(p);
    uint32_t before = 0;
    while (peer_wait(p, MSG_llm_token) && p->frame.stream == 1)
        before++;
    assert_uint_in_range(before, 1, 3);
    for (; before < 40; before++)
        hear(p, 1, "1");
    assert_int_equal(peer_stop(p), 0);
}

/* Many more than there are threads: with but one that counts while it waits, none of them would ever go on. */
static void who_waits_for_another_stream_does_not_hold_it_up(void **)
{
    enum { WAITING = 20 };
    struct peer *p = start("threads=1,streams=24");
    for (uint32_t stream = 1; stream <= WAITING; stream++) {
        begin(p, stream);
        tell(p, stream, "await");
    }
    begin(p, WAITING + 1);
    tell(p, WAITING + 1, "say here I am");
    hear(p, WAITING + 1, "here I am");
    cancel(p, 1); /* it may go before */
    settle(p, WAITING);
    tell(p, WAITING + 1, "release");
    for (uint32_t i = 2; i <= WAITING; i++) {
        assert_true(peer_wait(p, MSG_llm_token));
        assert_str(p->msg.llm_token.text, "awaited");
    }
    /* The threads are still there, and one of them computes at a time. */
    tell(p, 2, "say well");
    hear(p, 2, "well");
    for (uint32_t stream = 2; stream <= WAITING + 1; stream++)
        finish(p, stream);
    settle(p, 0);
    assert_int_equal(peer_stop(p), 0);
}

static void sound_waits_for_credit(void **)
{
    struct peer *p = start("");
    p->stingy = true;
    begin(p, 1);
    tell(p, 1, "flood 40");
    uint64_t got = 0, credit = WIRE_CREDIT, total = 40 * (4 + FLOOD_BYTES);
    while (got < total) {
        /* As much as there is credit for comes, and not one frame more. */
        while (credit - got >= 4 + FLOOD_BYTES && got < total) {
            assert_true(peer_wait(p, MSG_audio));
            got += p->frame.payload.n;
        }
        ping(p, got);
        assert_true(peer_next(p));
        assert_int_equal(p->frame.type, MSG_pong);
        peer_send(p, MSG_credit, 1, &(struct msg_credit){50000});
        credit += 50000;
    }
    tell(p, 1, "say done");
    hear(p, 1, "done");
    assert_int_equal(peer_stop(p), 0);
}

static void a_blocked_stream_is_cancelled(void **)
{
    struct peer *p = start("");
    p->stingy = true;
    begin(p, 1);
    tell(p, 1, "flood 40");
    for (uint32_t i = 0; i < WIRE_CREDIT / (4 + FLOOD_BYTES); i++)
        assert_true(peer_wait(p, MSG_audio));
    cancel(p, 1);
    settle(p, 0);
    assert_int_equal(peer_stop(p), 0);
}

/* The server reads nothing for a while: the socket fills, nothing is lost. */
static void a_slow_reader_gets_all(void **)
{
    struct peer *p = start("");
    begin(p, 1);
    begin(p, 2);
    tell(p, 1, "chatter 40000");
    tell(p, 2, "say other");
    for (int unread = 0; unread < 2000;)
        assert_int_equal(ioctl(p->fd, FIONREAD, &unread), 0);
    uint32_t got = 0, other = 0;
    while (got < 40000 || other < 1) {
        assert_true(peer_wait(p, MSG_llm_token));
        got += p->frame.stream == 1;
        other += p->frame.stream == 2;
    }
    assert_int_equal(got, 40000);
    assert_int_equal(peer_stop(p), 0);
}

/* What a stream was not granted is more than a server may send. */
static void credit_is_exact(void **)
{
    struct peer *p = start("");
    char text[1024];
    memset(text, ' ', sizeof text);
    begin(p, 1);
    tell(p, 1, "spin"); /* 8 bytes with its length */
    const struct msg_tts_text m = {{text, sizeof text}};
    size_t fit = (WIRE_CREDIT - 8) / (sizeof text + 4);
    for (size_t i = 0; i < fit; i++)
        peer_send(p, MSG_tts_text, 1, &m);
    ping(p, 7);
    assert_true(peer_wait(p, MSG_pong)); /* it took all that */
    assert_int_equal(peer_stop(p), 0);

    p = start("");
    begin(p, 1);
    tell(p, 1, "spin");
    for (size_t i = 0; i < fit + 1; i++)
        peer_send(p, MSG_tts_text, 1, &m);
    assert_false(peer_wait(p, MSG_pong));
    assert_int_equal(peer_stop(p), 1);
}

static void free_messages_are_bounded(void **)
{
    struct peer *p = start("");
    begin(p, 1);
    tell(p, 1, "spin");
    for (int i = 0; i < 80; i++)
        finish(p, 1);
    assert_false(peer_wait(p, MSG_pong));
    assert_int_equal(peer_stop(p), 1);
}

static void what_comes_after_the_end_is_dropped(void **)
{
    struct peer *p = start("");
    begin(p, 1);
    tell(p, 1, "fail it is broken");
    tell(p, 1, "say no");
    assert_true(peer_next(p));
    assert_int_equal(p->frame.type, MSG_fail);
    assert_int_equal(p->msg.fail.err, ERR_MEDIA);
    assert_str(p->msg.fail.text, "it is broken");
    tell(p, 1, "say no");
    finish(p, 1);
    peer_send(p, MSG_tts_open, 2, &(struct msg_tts_open){.voice = S("no")});
    tell(p, 2, "say no");
    assert_true(peer_next(p));
    assert_int_equal(p->frame.type, MSG_fail);
    assert_int_equal(p->frame.stream, 2);
    assert_str(p->msg.fail.text, err_text(ERR_NOTFOUND));
    begin(p, 3);
    finish(p, 3);
    tell(p, 3, "say no");
    assert_true(peer_next(p));
    assert_int_equal(p->frame.type, MSG_tts_done);
    begin(p, 4);
    tell(p, 4, "say yes");
    assert_true(peer_next(p));
    assert_str(p->msg.llm_token.text, "yes");
    assert_int_equal(peer_stop(p), 0);
}

/* A place that a server knows to be free may not be free yet: the stream waits, it is not refused. */
static void a_stream_waits_for_its_place(void **)
{
    struct peer *p = start("streams=1");
    begin(p, 1);
    tell(p, 1, "deaf");
    hear(p, 1, "deaf");
    cancel(p, 1);
    begin(p, 2); /* waits */
    tell(p, 2, "say next");
    begin(p, 3); /* one too many */
    assert_true(peer_next(p));
    assert_int_equal(p->frame.stream, 3);
    assert_int_equal(p->frame.type, MSG_fail);
    assert_int_equal(p->msg.fail.err, ERR_BUSY);
    tell(p, 3, "say no");
    wake(p);
    hear(p, 2, "next");
    begin(p, 4); /* waits, and is cancelled while it does */
    tell(p, 4, "say no");
    cancel(p, 4);
    settle(p, 1);
    tell(p, 2, "census");
    hear(p, 2, "2 1 1");
    assert_int_equal(peer_stop(p), 0);
}

/* The word that a place is free comes when it is, not when the cancel is seen; a stream that ended by
 * itself gets none. */
static void a_cancel_is_answered_once_its_place_is_free(void **)
{
    struct peer *p = start("");
    begin(p, 1);
    tell(p, 1, "deaf");
    hear(p, 1, "deaf");
    begin(p, 2);
    cancel(p, 1);
    cancel(p, 2); /* not opened yet, or idle */
    assert_true(peer_next(p));
    assert_int_equal(p->frame.type, MSG_canceled);
    assert_int_equal(p->frame.stream, 2);
    cancel(p, 2);
    begin(p, 3);
    finish(p, 3);
    assert_true(peer_next(p));
    assert_int_equal(p->frame.type, MSG_tts_done);
    cancel(p, 3);
    ping(p, 1);
    assert_true(peer_next(p));
    assert_int_equal(p->frame.type, MSG_pong);
    wake(p);
    assert_true(peer_wait(p, MSG_canceled));
    assert_int_equal(p->frame.stream, 1);
    settle(p, 0);
    assert_int_equal(peer_stop(p), 0);
}

static void ten_thousand_streams(void **)
{
    struct peer *p = start("");
    enum { STREAMS = 10000, WINDOW = 4 };
    for (uint32_t stream = 1; stream <= STREAMS; stream++) {
        begin(p, stream);
        tell(p, stream, "say hello");
        finish(p, stream);
        if (stream > WINDOW)
            assert_true(peer_wait(p, MSG_tts_done));
    }
    for (int i = 0; i < WINDOW; i++)
        assert_true(peer_wait(p, MSG_tts_done));
    settle(p, 0);
    begin(p, STREAMS + 1);
    tell(p, STREAMS + 1, "census");
    hear(p, STREAMS + 1, "10001 10000 4");
    assert_int_equal(peer_stop(p), 0);
}

/* The same numbers on every run. */
static uint32_t dice(uint32_t *seed, uint32_t sides)
{
    *seed = *seed * 1664525 + 1013904223;
    return (*seed >> 16) % sides;
}

enum { STREAMS_CANCELED = 2000 };

/* Notes last words until the pong: each stream has one. */
static void drain(struct peer *p, bool over[STREAMS_CANCELED + 1], uint32_t *count)
{
    ping(p, 1);
    while (peer_next(p) && p->frame.type != MSG_pong) {
        if (p->frame.type != MSG_canceled && p->frame.type != MSG_fail)
            continue;
        assert_false(over[p->frame.stream]);
        over[p->frame.stream] = true;
        ++*count;
    }
}

static void cancels_at_any_moment(void **)
{
    static bool over[STREAMS_CANCELED + 1];
    uint32_t count = 0;
    static const char *const deeds[] = {"say x",  "flood 3", "nap 1",   "spin",
                                        "deaf 1", "fail",    "flood 40"};
    struct peer *p = start("streams=8");
    p->stingy = true;
    uint32_t seed = 1;
    for (uint32_t stream = 1; stream <= STREAMS_CANCELED; stream++) {
        begin(p, stream);
        for (uint32_t i = dice(&seed, 4); i > 0; i--)
            tell(p, stream, deeds[dice(&seed, countof(deeds))]);
        uint32_t moment = dice(&seed, 60);
        for (volatile uint32_t i = 0; i < moment * 500; i++)
            ;
        cancel(p, stream);
        if (stream % 4 == 0)
            drain(p, over, &count);
    }
    while (count < STREAMS_CANCELED)
        drain(p, over, &count);
    settle(p, 0);
    drain(p, over, &count);
    assert_int_equal(count, STREAMS_CANCELED);
    assert_int_equal(peer_stop(p), 0);
}

/* Who cannot look is told, by another thread; and not once that was taken back. */
static void a_cancel_reaches_who_does_not_look(void **)
{
    struct peer *p = start("");
    begin(p, 1);
    tell(p, 1, "watch");
    hear(p, 1, "watching");
    cancel(p, 1);
    settle(p, 0);
    begin(p, 2);
    tell(p, 2, "unwatch");
    hear(p, 2, "unwatched");
    cancel(p, 2);
    settle(p, 0);
    assert_int_equal(peer_stop(p), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cancel_reaches_who_does_not_look),
        cmocka_unit_test(messages_keep_their_order),
        cmocka_unit_test(streams_take_turns),
        cmocka_unit_test(who_waits_for_another_stream_does_not_hold_it_up),
        cmocka_unit_test(sound_waits_for_credit),
        cmocka_unit_test(a_blocked_stream_is_cancelled),
        cmocka_unit_test(a_slow_reader_gets_all),
        cmocka_unit_test(credit_is_exact),
        cmocka_unit_test(free_messages_are_bounded),
        cmocka_unit_test(what_comes_after_the_end_is_dropped),
        cmocka_unit_test(a_stream_waits_for_its_place),
        cmocka_unit_test(a_cancel_is_answered_once_its_place_is_free),
        cmocka_unit_test(ten_thousand_streams),
        cmocka_unit_test(cancels_at_any_moment),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
