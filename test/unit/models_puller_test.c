// SPDX-License-Identifier: Apache-2.0
/* What a program that pulls may say and do; here it is a script. */
#include "server/models/puller.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "unit.h"

static struct loop *loop;
static struct {
    unsigned reports, ends;
    int64_t done, total;
    enum err err;
    char sentence[800];
} seen;

static void on_progress(void *, int64_t done, int64_t total)
{
    seen.reports++;
    seen.done = done;
    seen.total = total;
}

static void on_ended(void *, enum err err, const char *sentence)
{
    seen.ends++;
    seen.err = err;
    snprintf(seen.sentence, sizeof seen.sentence, "%s", sentence);
}

static const struct puller_events events = {on_progress, on_ended};

static int begin(void **)
{
    memset(&seen, 0, sizeof seen);
    return loop_create(&loop) == OK ? 0 : 1;
}

static int finish(void **)
{
    clock_fake(UINT64_MAX);
    loop_destroy(loop);
    return 0;
}

static struct puller *start(const char *script)
{
    const char *argv[] = {"sh", "-c", script, nullptr}, *env[] = {"PATH=/usr/bin:/bin", nullptr};
    const struct puller_spec spec = {"/bin/sh", argv, env, 600000};
    struct puller *p;
    assert_ok(puller_start(loop, &spec, &events, nullptr, &p));
    return p;
}

static void until_ended(void)
{
    while (!seen.ends)
        loop_step(loop, 1000);
    assert_int_equal(seen.ends, 1);
}

static void what_it_says_is_what_comes_of_it(void **)
{
    static const struct {
        const char *script;
        enum err err;
        const char *sentence;
        unsigned reports;
    } rows[] = {
        {"echo '{\"type\":\"progress\",\"name\":\"x\",\"done\":3,\"total\":7}\n{\"type\":\"done\"}' >&3",
         OK, "", 1},
        {"echo '{\"type\":\"alive\"}' >&3; echo '{\"type\":\"done\"}' >&3; exit 7", OK, "", 0},
        {"printf '{\"type\":' >&3; printf '\"done\"}\\n' >&3", OK, "", 0},
        {"echo '{\"type\":\"error\",\"code\":\"disk_full\",\"message\":\"it is full\"}' >&3; exit 1",
         ERR_NOSPACE, "it is full", 0},
        {"echo '{\"type\":\"error\",\"code\":\"ok\",\"message\":\"hm\"}' >&3", ERR_INTERNAL, "hm",
         0},
        {"echo '{\"type\":\"error\"}' >&3", ERR_INTERNAL, "something went wrong inside", 0},
        {"echo '{\"type\":\"error\",\"code\":\"timeout\"}\n{\"type\":\"done\"}' >&3", ERR_TIMEOUT,
         "it took too long", 0},
        {"kill -9 $$", ERR_IO,
         "the download was ended by signal 9; try again, what has come is kept", 0},
        {"exit 3", ERR_IO,
         "the download ended with status 3 and did not say why; the server's log may tell", 0},
        {"exit 0", ERR_IO,
         "the download ended with status 0 and did not say why; the server's log may tell", 0},
        {"printf '{\"type\":\"done\"}' >&3", ERR_IO,
         "the download ended with status 0 and did not say why; the server's log may tell", 0},
#define NONSENSE                                                                                   \
    "the download said what nobody understands and was ended; try again, what has come is kept"
        {"echo hello >&3; exec sleep 1000", ERR_INTERNAL, NONSENSE, 0},
        {"echo >&3; exec sleep 1000", ERR_INTERNAL, NONSENSE, 0},
        {"echo '{\"type\":\"other\"}' >&3; exec sleep 1000", ERR_INTERNAL, NONSENSE, 0},
        {"echo '{\"type\":\"progress\",\"done\":-1}' >&3; exec sleep 1000", ERR_INTERNAL, NONSENSE,
         0},
        {"echo '{\"type\":\"progress\",\"done\":1e300}' >&3; exec sleep 1000", ERR_INTERNAL,
         NONSENSE, 0},
        {"echo '{\"type\":\"progress\",\"more\":1}' >&3; exec sleep 1000", ERR_INTERNAL, NONSENSE,
         0},
#define MUCH "the download said more than it may and was ended; try again, what has come is kept"
        {"head -c 5000 /dev/zero | tr '\\0' x >&3; exec sleep 1000", ERR_INTERNAL, MUCH, 0},
        {"exec 3>&-; exec sleep 1000 3>&-", ERR_IO,
         "the download was ended by signal 9; try again, what has come is kept", 0},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        memset(&seen, 0, sizeof seen);
        (void)start(rows[i].script);
        until_ended();
        if (seen.err != rows[i].err || strcmp(seen.sentence, rows[i].sentence) != 0)
            fail_msg("%s: %s, %s", rows[i].script, err_code(seen.err), seen.sentence);
        assert_int_equal(seen.reports, rows[i].reports);
    }
}

static void progress_is_passed_on(void **)
{
    (void)start("echo '{\"type\":\"progress\",\"done\":5000000000,\"total\":6000000000}' >&3; "
                "echo '{\"type\":\"done\"}' >&3");
    until_ended();
    assert_true(seen.done == 5000000000 && seen.total == 6000000000);
}

/* Time stands still, so that what it may write does not grow. */
static void one_that_never_ends_is_ended(void **)
{
    clock_fake(clock_us());
    (void)start("while :; do echo '{\"type\":\"alive\"}'; done >&3");
    until_ended();
    assert_int_equal(seen.err, ERR_INTERNAL);
    assert_string_equal(seen.sentence, MUCH);
}

static void one_that_is_silent_is_ended(void **)
{
    clock_fake(clock_us());
    (void)start("echo '{\"type\":\"progress\",\"done\":1}' >&3; exec sleep 1000");
    while (!seen.reports)
        loop_step(loop, 1000);
    clock_fake(clock_us() + 599999 * 1000ull);
    loop_step(loop, 0);
    assert_int_equal(seen.ends, 0);
    clock_fake(clock_us() + 1000);
    until_ended();
    assert_int_equal(seen.err, ERR_LATE);
    assert_string_equal(
        seen.sentence,
        "the download did not stir any more and was ended; try again, what has come is kept");
}

static void one_that_will_not_leave_is_ended(void **)
{
    clock_fake(clock_us());
    struct puller *p =
        start("echo '{\"type\":\"progress\"}\n{\"type\":\"done\"}' >&3; exec sleep 1000");
    (void)p;
    while (!seen.reports)
        loop_step(loop, 1000);
    clock_fake(clock_us() + 11000 * 1000ull);
    until_ended();
    assert_int_equal(seen.err, OK);
}

static void a_cancel_is_its_end(void **)
{
    struct puller *p = start("echo '{\"type\":\"progress\"}' >&3; kill -STOP $$; exit 3");
    while (!seen.reports)
        loop_step(loop, 1000);
    puller_cancel(p, ERR_CANCELED, "enough");
    puller_cancel(p, ERR_DRAINING, "later");
    assert_int_equal(seen.ends, 0);
    until_ended();
    assert_int_equal(seen.err, ERR_CANCELED);
    assert_string_equal(seen.sentence, "enough");
}

static void destroyed_it_says_nothing(void **)
{
    puller_destroy(start("exec sleep 1000"));
    puller_destroy(nullptr);
    loop_step(loop, 0);
    assert_int_equal(seen.ends, 0);
}

static void no_program(void **)
{
    const char *argv[] = {"x", nullptr}, *env[] = {nullptr};
    struct puller *p = (struct puller *)&seen;
    assert_err(puller_start(loop, &(struct puller_spec){"/nonexistent", argv, env, 1000}, &events,
                            nullptr, &p),
               ERR_NOTFOUND);
    assert_ptr_equal(p, &seen);
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, finish)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_it_says_is_what_comes_of_it), T(progress_is_passed_on),
        T(one_that_never_ends_is_ended),     T(one_that_is_silent_is_ended),
        T(one_that_will_not_leave_is_ended), T(a_cancel_is_its_end),
        T(destroyed_it_says_nothing),        T(no_program),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
