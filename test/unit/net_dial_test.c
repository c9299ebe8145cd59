// SPDX-License-Identifier: Apache-2.0
/* Connections of our own: made, refused, cancelled, and where memory or a descriptor is short. */
#include "server/net/dial.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "own_fault.h"
#include "server/loop/sock.h"
#include "unit.h"

enum { WAIT_MS = 1, MANY = 5000, CONNECT_MS = 5000 };

static struct loop *loop;
static struct fetcher *fetcher;
static struct listener *listener;

static struct {
    struct sock *sock; /* of the other end */
    unsigned accepted;
    struct buf in;
    bool has_ended;
} other;

static struct {
    struct dial *dial;
    struct sock *sock;
    unsigned calls;
    struct fetch_result result;
    struct buf in;
    bool has_ended;
} own;

static void other_read(void *, struct str bytes)
{
    assert_ok(buf_add(&other.in, bytes));
}

static void other_end(void *, enum err)
{
    other.has_ended = true;
}

static void on_accept(void *, struct sock *s)
{
    static const struct sock_events events = {.on_read = other_read, .on_end = other_end};
    sock_close(other.sock);
    other.sock = s;
    other.accepted++;
    sock_set_owner(s, &events, nullptr);
}

static void own_read(void *, struct str bytes)
{
    assert_ok(buf_add(&own.in, bytes));
}

static void own_end(void *, enum err)
{
    own.has_ended = true;
}

static void on_dialled(void *arg, struct sock *s, const struct fetch_result *result)
{
    static const struct sock_events events = {.on_read = own_read, .on_end = own_end};
    assert_ptr_equal(arg, &own);
    assert_int_equal(s != nullptr, result->err == OK);
    own.dial = nullptr;
    own.sock = s;
    own.result = *result;
    own.calls++;
    if (s)
        sock_set_owner(s, &events, nullptr);
}

#define step_until(condition)                                                                      \
    do {                                                                                           \
        for (int step_ = 0; !(condition) && step_ < MANY; step_++)                                 \
            loop_step(loop, WAIT_MS);                                                              \
        assert_true(condition);                                                                    \
    } while (0)

static int set_up(void **)
{
    other = (typeof(other)){.in = BUF(4096)};
    own = (typeof(own)){.in = BUF(4096)};
    return loop_create(&loop) != OK || fetcher_create(loop, &fetcher) != OK ||
           listener_open_tcp(loop, S("127.0.0.1"), 0, on_accept, nullptr, &listener) != OK;
}

static int tear_down(void **)
{
    sock_close(own.sock);
    sock_close(other.sock);
    listener_close(listener);
    fetcher_destroy(fetcher);
    for (int i = 0; i < 3; i++)
        loop_step(loop, 0);
    loop_destroy(loop);
    buf_finish(&own.in);
    buf_finish(&other.in);
    return 0;
}

static enum err dial(const char *address)
{
    const struct dial_request request = {address, CONNECT_MS};
    return dial_start(fetcher, loop, &request, on_dialled, &own, &own.dial);
}

static void both_ends_speak(void **)
{
    char address[64];
    snprintf(address, sizeof address, "LocalHost%s", strrchr(listener_address(listener), ':'));
    assert_ok(dial(address));
    assert_int_equal(own.calls, 0);
    step_until(own.calls == 1 && other.accepted == 1);
    assert_ok(own.result.err);
    (void)sock_write(own.sock, S("hello"));
    (void)sock_write(other.sock, S("welcome"));
    step_until(other.in.n == 5 && own.in.n == 7);
    assert_str(buf_str(&other.in), "hello"); /* and nothing of curl's before it */
    assert_str(buf_str(&own.in), "welcome");
    /* It outlives who has made it. */
    fetcher_destroy(fetcher);
    fetcher = nullptr;
    (void)sock_write(own.sock, S(" again"));
    step_until(other.in.n == 11);
    sock_close(own.sock);
    own.sock = nullptr;
    step_until(other.has_ended);
}

static void the_other_end_may_leave(void **)
{
    assert_ok(dial(listener_address(listener)));
    step_until(own.calls == 1 && other.accepted == 1);
    sock_close(other.sock);
    other.sock = nullptr;
    step_until(own.has_ended);
}

static void where_nobody_listens_none_comes(void **)
{
    char address[64];
    snprintf(address, sizeof address, "%s", listener_address(listener));
    listener_close(listener);
    listener = nullptr;
    assert_ok(dial(address));
    step_until(own.calls == 1);
    assert_err(own.result.err, ERR_NOTFOUND);
    assert_true(own.result.why[0]);
}

static void whoever_cancels_hears_nothing(void **)
{
    for (int steps = 0; own.calls == 0; steps++) { /* until it is there before it is cancelled */
        assert_ok(dial(listener_address(listener)));
        for (int i = 0; i < steps && own.dial; i++)
            loop_step(loop, WAIT_MS);
        dial_cancel(own.dial);
        unsigned before = own.calls;
        for (int i = 0; i < 10; i++)
            loop_step(loop, 0);
        assert_int_equal(own.calls, before);
    }
    dial_cancel(nullptr);
}

static void addresses(void **)
{
    static const struct {
        const char *address;
        enum err err;
    } rows[] = {
        {"127.0.0.1:10300", OK},     {"[::1]:10300", OK},        {"host.example:1", OK},
        {"host:65535", OK},          {"host", ERR_INVALID},      {"", ERR_INVALID},
        {":10300", ERR_INVALID},     {"host:", ERR_INVALID},     {"host:0", ERR_INVALID},
        {"host:65536", ERR_INVALID}, {"host:1x", ERR_INVALID},   {"host:-1", ERR_INVALID},
        {"host:1/", ERR_INVALID},    {"a@host:1", ERR_INVALID},  {"host:1?a", ERR_INVALID},
        {"host:1#a", ERR_INVALID},   {"ho st:1", ERR_INVALID},   {"http://host:1", ERR_INVALID},
        {"[::1:10300", ERR_INVALID}, {"::1:10300", ERR_INVALID}, {"ho\r\nst:1", ERR_INVALID},
    };
    for (size_t i = 0; i < countof(rows); i++)
        if (dial_check(rows[i].address) != rows[i].err)
            fail_msg("%s: %s", rows[i].address, err_code(dial_check(rows[i].address)));
    assert_err(dial("host"), ERR_INVALID);
}

/* Descriptors that are left: none, then one more each time, until there is a connection. */
static void descriptors_may_be_short(void **)
{
    struct rlimit before, now;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int first_free = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    close(first_free);
    now = before;
    unsigned failures = 0;
    for (rlim_t left = 0; !own.sock && left < 32; left++) {
        own.calls = 0;
        now.rlim_cur = (rlim_t)first_free + left;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
        if (dial(listener_address(listener)) == OK)
            step_until(own.calls == 1);
        failures += !own.sock;
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_non_null(own.sock);
    assert_true(failures >= 2); /* curl's own, and ours */
}

static void memory_may_be_short(void **)
{
    bool has_failed = true;
    unsigned failures = 0;
    for (unsigned n = 1; has_failed; n++) {
        own.calls = 0;
        own_fault_arm(n);
        enum err err = dial(listener_address(listener));
        for (int step = 0; err == OK && !own.calls && step < MANY; step++)
            loop_step(loop, WAIT_MS);
        has_failed = own_fault_disarm();
        assert_int_equal(own.calls, err == OK);
        err = err == OK ? own.result.err : err;
        assert_true(err == OK || (has_failed && err == ERR_NOMEM)); /* or the other end had none */
        failures += err == ERR_NOMEM;
        sock_close(own.sock);
        own.sock = nullptr;
    }
    assert_true(failures >= 3); /* the dial, its fetch, its socket */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(both_ends_speak, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_other_end_may_leave, set_up, tear_down),
        cmocka_unit_test_setup_teardown(where_nobody_listens_none_comes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(whoever_cancels_hears_nothing, set_up, tear_down),
        cmocka_unit_test(addresses),
        cmocka_unit_test_setup_teardown(descriptors_may_be_short, set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory_may_be_short, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("net/dial", tests, nullptr, nullptr);
}
