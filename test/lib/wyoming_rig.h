// SPDX-License-Identifier: Apache-2.0
/*
 * A connection of Wyoming by a clock and engines that the test plays, and the client at its other end. Included by one file
 * a program.
 */
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/conf.h"
#include "engine_fake.h"
#include "own_fault.h"
#include "server/access/limit.h"
#include "server/answerer/answerer.h"
#include "server/api/wyoming/peer.h"
#include "server/loop/sock.h"
#include "unit.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, ROUNDS = 12, RATE = 16000 };

static struct loop *loop;
static struct conf conf;
static struct fake stt, tts;
static struct server server;
static struct wyoming_door door;
static uint64_t now_ms;
static enum err key_answer; /* of auth_token */

static struct client {
    int fd;
    struct buf in;
    bool ended;
} client;

/* --- what is not under test --- */

enum err auth_token(const struct auth *, struct str, const struct sock_peer *,
                    struct principal *ret_who)
{
    if (key_answer == OK)
        *ret_who = (struct principal){.owner = "local"};
    return key_answer;
}

void auth_stranger(struct principal *) {}

void answerer_info(const struct answerer *, struct answerer_info *ret_info)
{
    *ret_info = (struct answerer_info){.driver = "quote", .model = "quote"};
}

static inline void on_nothing(void *, struct str) {}

static inline void on_no_end(void *, enum err) {}

/* --- the client --- */

static inline void receive(void)
{
    char bytes[64 * 1024];
    unsigned due = own_fault_pause(); /* the test's own memory */
    ssize_t n;
    while (client.fd >= 0 && (n = read(client.fd, bytes, sizeof bytes)) > 0)
        assert_ok(buf_add(&client.in, (struct str){bytes, (size_t)n}));
    client.ended = client.fd >= 0 && n == 0;
    own_fault_go_on(due);
}

/* Without reading what comes. */
static inline void step(void)
{
    for (unsigned i = 0; i < ROUNDS; i++)
        loop_step(loop, 0);
}

static inline void settle(void)
{
    step();
    receive();
}

/* Resumed reading waits for the next step, so time goes on in small ones. */
static inline void pass(uint64_t ms)
{
    clock_fake((now_ms += ms) * 1000);
    settle();
}

static inline void send_bytes(struct str bytes)
{
    assert_int_equal(write(client.fd, bytes.p, bytes.n), bytes.n);
    settle();
}
#define say(literal) send_bytes(S(literal))

static inline bool has(const char *text)
{
    return str_find(buf_str(&client.in), str_of(text)) < client.in.n;
}

static inline void hang_up(void)
{
    if (client.fd >= 0)
        close(client.fd);
    client.fd = -1;
    step();
}

static inline void call(void)
{
    static const struct sock_events events = {.on_read = on_nothing, .on_end = on_no_end};
    int fds[2];
    struct sock *s;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    client = (struct client){.fd = fds[1], .in = BUF(1 << 26)};
    unsigned due = own_fault_pause();
    assert_ok(sock_open(loop, fds[0], &events, nullptr, &s));
    own_fault_go_on(due);
    peer_accept(&door, s);
    settle();
}

static inline int begin(void **)
{
    static char language[] = "en", voice[] = "", none[] = "";
    now_ms = 1000 * SECOND;
    key_answer = OK;
    clock_fake(now_ms * 1000);
    conf = (struct conf){.language = language,
                         .tts_voice = voice,
                         .tts_url = none,
                         .max_uploads = 16,
                         .utterance_ms = 60 * SECOND,
                         .wyoming_connections = 2};
    if (loop_create(&loop) != OK)
        return 1;
    fake_create(&stt, loop, "stt", 2);
    fake_create(&tts, loop, "tts", 2);
    server = (struct server){.conf = &conf, .loop = loop, .stt = &stt.engine, .tts = &tts.engine};
    door = (struct wyoming_door){.server = &server};
    server.wyoming = &door;
    return limit_create(100000, &server.turn_limit) == OK ? 0 : 1;
}

static inline int finish(void **)
{
    hang_up();
    while (door.peers)
        peer_free(door.peers);
    buf_finish(&client.in);
    step();
    fake_destroy(&stt);
    fake_destroy(&tts);
    limit_destroy(server.turn_limit);
    loop_destroy(loop);
    clock_fake(UINT64_MAX);
    return 0;
}

#define CHUNK(sound) \
    "{\"type\":\"audio-chunk\",\"data\":{\"rate\":16000,\"width\":2,\"channels\":1},\"payload_length\":2}\n" sound
#define LISTEN \
    "{\"type\":\"audio-start\",\"data\":{\"rate\":16000,\"width\":2,\"channels\":1}}\n"

#define timed(test) cmocka_unit_test_setup_teardown(test, begin, finish)
