// SPDX-License-Identifier: Apache-2.0
/*
 * A recogniser elsewhere that hangs, is slow, or is another server than it should be: a peer on this machine that
 * answers as the test says, under a clock that the test moves.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "audio/pcm.h"
#include "base/clock.h"
#include "server/engine/remote/parts.h"
#include "server/loop/loop.h"
#include "unit.h"

enum { WAIT_MS = 1, MANY = 5000, LINES = 16, REQUEST_MAX = 1 << 20, REPLY_MS = 540000 };
enum { PARTIALS_NONE, PARTIALS_CHANGES, PARTIALS_PROGRESS }; /* as stt_open has it */

static struct loop *loop;
static struct engine *engine;

/* --- the peer --- */

static struct {
    int fd, models, words; /* the status that each is answered with; 0: nothing is */
    unsigned probes, recordings;
    struct {
        int fd;
        struct buf in;
    } line[LINES];
} peer;

static void peer_take_line(void)
{
    int fd = accept4(peer.fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    size_t i = 0;
    while (i < LINES && peer.line[i].fd >= 0)
        i++;
    assert_true(fd < 0 || i < LINES);
    if (fd >= 0)
        peer.line[i].fd = fd;
}

static void peer_answer(int fd, int status, const char *body)
{
    char whole[256];
    int n =
        snprintf(whole, sizeof whole,
                 "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                 status, strlen(body), body);
    if (status)
        assert_int_equal(write(fd, whole, (size_t)n), n);
}

/* A form's last line has "--" behind its boundary. */
static bool is_whole(struct str request)
{
    return str_starts(request, S("GET ")) ? str_ends(request, S("\r\n\r\n"))
                                          : str_ends(request, S("--\r\n"));
}

static void peer_read_line(size_t i)
{
    char some[65536];
    struct buf *in = &peer.line[i].in;
    ssize_t n = read(peer.line[i].fd, some, sizeof some);
    if (n == 0) {
        close(peer.line[i].fd);
        peer.line[i].fd = -1;
        buf_finish(in);
    }
    if (n <= 0)
        return;
    assert_ok(buf_add(in, (struct str){some, (size_t)n}));
    if (!is_whole(buf_str(in)))
        return;
    bool is_probe = str_starts(buf_str(in), S("GET "));
    buf_clear(in);
    peer.probes += is_probe;
    peer.recordings += !is_probe;
    peer_answer(peer.line[i].fd, is_probe ? peer.models : peer.words,
                is_probe ? "{\"data\":[{\"id\":\"m\"}]}" : "{\"text\":\"a b\"}");
}

static void step(void)
{
    loop_step(loop, WAIT_MS);
    peer_take_line();
    for (size_t i = 0; i < LINES; i++)
        if (peer.line[i].fd >= 0)
            peer_read_line(i);
}

/* Steps of real time with the clock standing still. */
#define step_until(condition)                                                                      \
    do {                                                                                           \
        for (int step_ = 0; !(condition) && step_ < MANY; step_++)                                 \
            step();                                                                                \
        assert_true(condition);                                                                    \
    } while (0)

static void pass_ms(uint64_t ms)
{
    clock_fake(clock_us() + ms * 1000);
    for (int i = 0; i < 3; i++)
        step();
}

static int set_up(int models)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    char url[64];
    peer.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    peer.models = models;
    peer.words = 200;
    peer.probes = peer.recordings = 0;
    for (size_t i = 0; i < LINES; i++)
        peer.line[i] = (typeof(peer.line[i])){.fd = -1, .in = BUF(REQUEST_MAX)};
    if (bind(peer.fd, (struct sockaddr *)&at, n) < 0 || listen(peer.fd, LINES) < 0 ||
        getsockname(peer.fd, (struct sockaddr *)&at, &n) < 0)
        return 1;
    snprintf(url, sizeof url, "http://127.0.0.1:%u", ntohs(at.sin_port));
    const struct engine_remote remote = {
        .url = url, .key = "", .slots = 8, .connect_ms = 5000, .reply_ms = REPLY_MS};
    const struct engine_config config = {
        .role = "stt", .driver = "remote", .model = "", .remote = &remote};
    clock_fake(1000000000);
    if (loop_create(&loop) != OK || engine_create(loop, &config, &engine) != OK)
        return 1;
    step_until(engine->state == ENGINE_READY);
    return 0;
}

static int set_up_listed(void **)
{
    return set_up(200);
}

static int set_up_unlisted(void **)
{
    return set_up(404);
}

static int tear_down(void **)
{
    engine_destroy(engine);
    clock_fake(UINT64_MAX);
    for (int i = 0; i < 3; i++)
        step();
    loop_destroy(loop);
    for (size_t i = 0; i < LINES; i++) {
        buf_finish(&peer.line[i].in);
        if (peer.line[i].fd >= 0)
            close(peer.line[i].fd);
    }
    close(peer.fd);
    return 0;
}

/* --- who speaks --- */

struct owner {
    struct job *job;
    unsigned partials, finals, ends;
    enum err err;
};

static void on_message(void *arg, enum msg_type type, const union msg *)
{
    struct owner *o = arg;
    o->partials += type == MSG_stt_partial;
    o->finals += type == MSG_stt_final;
}

static void on_ended(void *arg, enum err err, const char *)
{
    struct owner *o = arg;
    o->job = nullptr;
    o->ends++;
    o->err = err;
}

/* A tone: half a second of it is enough to ask for a partial. */
static void say(struct owner *o)
{
    static int16_t tone[PCM_RATE_RECOGNISE / 2];
    for (size_t i = 0; i < countof(tone); i++)
        tone[i] = (int16_t)(i % 50 * 200);
    const struct str samples = {(const char *)tone, sizeof tone};
    if (o->job)
        assert_ok(job_send(o->job, MSG_audio, &(struct msg_audio){samples}));
    step();
}

static void begin(struct owner *o, uint32_t partials)
{
    static const struct job_events events = {.message = on_message, .ended = on_ended};
    const struct msg_stt_open open = {
        .rate_hz = PCM_RATE_RECOGNISE, .partials = partials, .language = S("en")};
    assert_ok(engine_open(engine, &events, o, &o->job));
    assert_ok(job_send(o->job, MSG_stt_open, &open));
    say(o);
}

static void finish(struct owner *o)
{
    unsigned before = peer.recordings;
    assert_ok(job_send(o->job, MSG_stt_finish, &(struct msg_stt_finish){}));
    step_until(peer.recordings > before);
}

static void speak(struct owner *o)
{
    begin(o, PARTIALS_NONE);
    finish(o);
}

/* --- what comes of it --- */

static void a_busy_server_is_not_gone_but_a_hung_one_is(void **)
{
    struct owner first = {}, second = {};
    peer.words = peer.models = 0;
    speak(&first);
    unsigned probes = peer.probes;
    for (int s = 0; s < 200; s++)
        pass_ms(1000);
    assert_true(peer.probes > probes + 2); /* so many in a row are enough else */
    assert_int_equal(engine->state, ENGINE_READY);
    pass_ms(100000); /* half of REPLY_MS is over */
    speak(&second);  /* which changes nothing */
    for (int s = 0; s < 40 && engine->state == ENGINE_READY; s++)
        pass_ms(1000);
    assert_int_equal(engine->state, ENGINE_DOWN);
    assert_int_equal(first.ends + second.ends, 0);
    peer.models = 200;
    for (int s = 0; s < 40 && engine->state != ENGINE_READY; s++)
        pass_ms(1000);
    assert_int_equal(engine->state, ENGINE_READY);
    job_cancel(first.job);
    job_cancel(second.job);
}

static void whoever_needs_partials_hears_that_there_are_none(void **)
{
    static const struct {
        int status;         /* of each partial */
        uint32_t passes_ms; /* before somebody says more */
        bool has_some;
    } rows[] = {{200, 0, true}, {200, 2600, true}, {500, 0, false}, {0, 0, true}, {0, 2600, false}};
    for (size_t i = 0; i < countof(rows); i++) {
        struct owner needs = {}, likes = {}, last = {};
        unsigned before = peer.recordings;
        peer.words = rows[i].status;
        begin(&needs, PARTIALS_PROGRESS);
        begin(&likes, PARTIALS_CHANGES);
        step_until(peer.recordings == before + 2 &&
                   (rows[i].status != 200 || (needs.partials && likes.partials)));
        for (int k = 0; k < 10; k++) /* until a refusal has come */
            step();
        pass_ms(rows[i].passes_ms);
        say(&needs);
        say(&likes);
        step_until(needs.ends == !rows[i].has_some);
        assert_int_equal(needs.err, rows[i].has_some ? OK : ERR_ENGINE);
        peer.words = 200;
        finish(&likes);
        step_until(likes.ends == 1);
        assert_int_equal(likes.finals, 1);
        job_cancel(needs.job);
        speak(&last); /* one that is quick again */
        step_until(last.ends == 1);
    }
}

static void a_server_that_takes_seconds_is_not_asked_for_partials(void **)
{
    struct owner slow = {}, needs = {};
    peer.words = 0;
    speak(&slow);
    pass_ms(3000);
    for (size_t i = 0; i < LINES; i++)
        if (peer.line[i].fd >= 0)
            peer_answer(peer.line[i].fd, 200, "{\"text\":\"a b\"}");
    step_until(slow.ends == 1);
    assert_int_equal(slow.finals, 1);
    begin(&needs, PARTIALS_PROGRESS);
    step_until(needs.ends == 1);
    assert_int_equal(needs.err, ERR_ENGINE);
}

static void a_wrong_address_is_found_out_by_the_first_words(void **)
{
    struct owner o = {};
    peer.words = 404;
    speak(&o);
    step_until(o.ends == 1 && engine->state == ENGINE_DOWN);
    assert_int_equal(o.err, ERR_REFUSED);
    assert_non_null(strstr(engine->refusal, "/audio/transcriptions (HTTP 404); does stt.url end"));
    for (int s = 0; s < 100; s++)
        pass_ms(1000);
    assert_int_equal(engine->state, ENGINE_DOWN);
    pass_ms(300000); /* it may have been started anew */
    for (int s = 0; s < 20 && engine->state != ENGINE_READY; s++)
        pass_ms(1000);
    assert_int_equal(engine->state, ENGINE_READY);
}

static void an_address_that_was_right_stays_so(void **)
{
    struct owner o = {};
    speak(&o);
    step_until(o.ends == 1);
    assert_int_equal(o.finals, 1);
    peer.words = 404;
    unsigned before = peer.probes;
    speak(&o);
    step_until(o.ends == 2 && peer.probes > before);
    for (int s = 0; s < 5; s++)
        pass_ms(1000);
    assert_int_equal(engine->state, ENGINE_READY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_busy_server_is_not_gone_but_a_hung_one_is, set_up_listed,
                                        tear_down),
        cmocka_unit_test_setup_teardown(whoever_needs_partials_hears_that_there_are_none,
                                        set_up_listed, tear_down),
        cmocka_unit_test_setup_teardown(a_server_that_takes_seconds_is_not_asked_for_partials,
                                        set_up_listed, tear_down),
        cmocka_unit_test_setup_teardown(a_wrong_address_is_found_out_by_the_first_words,
                                        set_up_unlisted, tear_down),
        cmocka_unit_test_setup_teardown(an_address_that_was_right_stays_so, set_up_unlisted,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
