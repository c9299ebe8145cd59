// SPDX-License-Identifier: Apache-2.0
#include "server/loop/lane.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "unit.h"

static struct loop *loop;

static int begin(void **)
{
    return loop_create(&loop) == OK ? 0 : 1;
}

static int finish(void **)
{
    loop_destroy(loop);
    return 0;
}

struct job {
    struct lane_job job; /* first, so that a job is its lane_job */
    int number, told;
    char thread[16];
    bool off_loop, done, told_all_before_done;
};
static int order[64], ran;

static void count_told(void *arg)
{
    ((struct job *)arg)->told++;
}

static void run(struct lane_job *lj)
{
    struct job *j = (struct job *)lj;
    j->off_loop = !loop_on_thread(loop);
    prctl(PR_GET_NAME, j->thread);
    for (int i = 0; i < 3; i++)
        lane_tell(lj, count_told, j);
    order[ran++] = j->number;
}

static void done(struct lane_job *lj)
{
    struct job *j = (struct job *)lj;
    assert_true(loop_on_thread(loop));
    j->told_all_before_done = j->told == 3;
    j->done = true;
}

static void jobs_run_in_order_and_come_back(void **)
{
    struct lane *lane;
    struct job jobs[10] = {};
    ran = 0;
    assert_ok(lane_create(loop, "shelf", 10, &lane));
    for (int i = 0; i < 10; i++) {
        jobs[i] = (struct job){.job = {.run = run, .done = done}, .number = i};
        assert_ok(lane_post(lane, &jobs[i].job));
    }
    while (!jobs[9].done)
        loop_step(loop, 1000);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(order[i], i);
        assert_true(jobs[i].off_loop && jobs[i].told_all_before_done);
        assert_string_equal(jobs[i].thread, "shelf");
    }
    assert_int_equal(lane_jobs(lane), 0);
    lane_destroy(lane);
}

static void is_busy_when_full_and_destroy_drains(void **)
{
    struct lane *lane;
    struct job jobs[3] = {};
    ran = 0;
    assert_ok(lane_create(loop, "shelf", 2, &lane));
    for (int i = 0; i < 3; i++)
        jobs[i] = (struct job){.job = {.run = run, .done = done}, .number = i};
    assert_ok(lane_post(lane, &jobs[0].job));
    assert_ok(lane_post(lane, &jobs[1].job));
    assert_err(lane_post(lane, &jobs[2].job), ERR_BUSY);
    lane_destroy(lane);
    assert_true(jobs[0].done && jobs[1].done);
    assert_false(jobs[2].done);
}

enum { FLOOD = 20000 };
static int flood_seen;

static void count_flood(void *arg)
{
    assert_int_equal((intptr_t)arg, flood_seen);
    flood_seen++;
}

static void flood(struct lane_job *lj)
{
    for (intptr_t i = 0; i < FLOOD; i++)
        lane_tell(lj, count_flood, (void *)i);
}

/* More than the loop's mailbox holds: the lane must wait, also while it is being destroyed. */
static void a_lane_waits_for_the_loop(void **)
{
    struct lane *lane;
    struct job j = {.job = {.run = flood, .done = done}};
    flood_seen = 0;
    assert_ok(lane_create(loop, "flood", 1, &lane));
    assert_ok(lane_post(lane, &j.job));
    lane_destroy(lane);
    assert_int_equal(flood_seen, FLOOD);
    assert_true(j.done);
}

static struct lane *doomed;
static int after_doom;

static void count_after(void *)
{
    assert_null(doomed);
    after_doom++;
}

static void destroy_doomed(void *)
{
    lane_destroy(doomed);
    doomed = nullptr;
}

/* lane_destroy inside a posted call empties the mailbox itself; what was posted after that call must
 * still be handled, once. */
static void may_be_destroyed_inside_a_posted_call(void **)
{
    struct job j = {.job = {.run = flood, .done = done}};
    flood_seen = after_doom = 0;
    assert_ok(lane_create(loop, "doomed", 1, &doomed));
    assert_ok(loop_post(loop, destroy_doomed, nullptr)); /* while there is surely room */
    assert_ok(lane_post(doomed, &j.job));
    while (doomed != nullptr)
        loop_step(loop, 1000);
    assert_int_equal(flood_seen, FLOOD);
    assert_ok(loop_post(loop, count_after, nullptr));
    loop_step(loop, 1000);
    assert_int_equal(after_doom, 1);
}

static void ignore(void *) {}

static void the_loops_own_thread_is_never_made_to_wait(void **)
{
    unsigned posted = 0;
    while (loop_post(loop, ignore, nullptr) == OK)
        posted++;
    assert_true(posted >= 1000 && posted <= 10000);
    loop_step(loop, 0);
    assert_ok(loop_post(loop, ignore, nullptr));
}

static void stop_loop(void *)
{
    loop_stop(loop);
}

static void signals_reach_the_loop(void **)
{
    assert_ok(loop_on_signal(loop, SIGUSR1, stop_loop, nullptr));
    kill(getpid(), SIGUSR1);
    loop_run(loop);
    assert_ok(loop_on_signal(loop, SIGUSR1, nullptr, nullptr));
}

static void stop_before_run_returns_at_once(void **)
{
    loop_stop(loop);
    loop_run(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(jobs_run_in_order_and_come_back, begin, finish),
        cmocka_unit_test_setup_teardown(is_busy_when_full_and_destroy_drains, begin, finish),
        cmocka_unit_test_setup_teardown(a_lane_waits_for_the_loop, begin, finish),
        cmocka_unit_test_setup_teardown(may_be_destroyed_inside_a_posted_call, begin, finish),
        cmocka_unit_test_setup_teardown(the_loops_own_thread_is_never_made_to_wait, begin, finish),
        cmocka_unit_test_setup_teardown(signals_reach_the_loop, begin, finish),
        cmocka_unit_test_setup_teardown(stop_before_run_returns_at_once, begin, finish),
    };
    return cmocka_run_group_tests_name("loop/lane", tests, nullptr, nullptr);
}
