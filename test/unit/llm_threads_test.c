// SPDX-License-Identifier: Apache-2.0
/* How many threads a step gets, on a machine that is made up: who else is there, and what a step takes then. */
#include "llm/decode/threads.h"

#include "unit.h"

enum { ALONE_US = 40000, STOLEN = 8, STOLEN_ASLEEP = 3 };

struct machine {
    uint32_t cores, others; /* others: programs that never rest */
    uint64_t now_us;
    uint32_t tokens;
};

/* Shared evenly; who has to share a core with somebody is waited for STOLEN times as long, and STOLEN_ASLEEP times
 * by those who do not wait awake. They lose a third of their time to being woken. */
static void step(struct machine *m, struct threads *t, bool reads)
{
    struct threads_use use = threads_use(t, reads, m->now_us);
    uint32_t n = use.count, sharing = n + m->others > m->cores ? n + m->others - m->cores : 0;
    uint64_t wall = ALONE_US * m->tokens / n, lost = 0;
    if (!use.awake) {
        wall = wall * 5 / 4;
        lost = wall * n / 3;
    }
    if (sharing && n > 1)
        wall *= use.awake ? STOLEN : STOLEN_ASLEEP;
    lost += wall * sharing / 2;
    m->now_us += wall;
    threads_note(t, &(struct threads_step){.wall_us = wall,
                                           .cpu_us = n * wall > lost ? n * wall - lost : 0,
                                           .tokens = reads ? 0 : m->tokens,
                                           .reads = reads,
                                           .now_us = m->now_us});
}

/* What an answer begins with. */
static void read_prompt(struct machine *m, struct threads *t)
{
    struct threads_use use = threads_use(t, true, m->now_us);
    assert_int_equal(use.count, t->most);
    uint64_t wall = 100000, lost = m->others ? wall / 2 : wall / 100;
    m->now_us += wall;
    threads_note(t, &(struct threads_step){.wall_us = wall,
                                           .cpu_us = use.count * wall - lost,
                                           .reads = true,
                                           .now_us = m->now_us});
}

static void take(struct machine *m, struct threads *t, unsigned steps)
{
    while (steps-- > 0)
        step(m, t, false);
}

static void alone_it_uses_all(void **)
{
    struct machine m = {.cores = 4, .tokens = 1};
    struct threads t = threads_of(4);
    for (int i = 0; i < 1000; i++) {
        take(&m, &t, 1);
        assert_int_equal(t.now, 4);
    }
    struct threads one = threads_of(1);
    take(&m, &one, 10);
    assert_int_equal(one.now, 1);
}

static void beside_others_it_uses_what_they_leave(void **)
{
    static const struct {
        uint32_t cores, others, left;
    } rows[] = {{2, 1, 1}, {2, 2, 1}, {4, 1, 3}, {4, 3, 1}, {8, 3, 5}, {16, 1, 15}, {16, 8, 8}};
    for (size_t i = 0; i < countof(rows); i++) {
        struct machine m = {.cores = rows[i].cores, .others = rows[i].others, .tokens = 1};
        struct threads t = threads_of(m.cores);
        take(&m, &t, 600);
        unsigned right = 0, steps = 1000;
        for (unsigned k = 0; k < steps; k++) {
            right += t.now == rows[i].left;
            take(&m, &t, 1);
        }
        if (right < steps * 98 / 100)
            fail_msg("%u cores and %u others: only %u steps with %u threads", m.cores, m.others,
                     right, rows[i].left);
        m.others = 0; /* they have gone */
        take(&m, &t, 1500);
        assert_int_equal(t.now, m.cores);
    }
}

/* A step that is disturbed once, or takes longer since more is to be done, is no reason. */
static void what_is_no_crowd_changes_nothing(void **)
{
    struct machine m = {.cores = 2, .tokens = 1};
    struct threads t = threads_of(2);
    read_prompt(&m, &t);
    for (int i = 0; i < 200; i++) {
        m.others = i % 3 == 0;
        m.tokens = 1 + (uint32_t)i % 5;
        take(&m, &t, 1);
        assert_int_equal(t.now, 2);
        assert_true(t.alone);
    }
}

/* Whoever was there may have gone. */
static void after_a_pause_all_are_used_again(void **)
{
    struct machine m = {.cores = 4, .others = 3, .tokens = 1};
    struct threads t = threads_of(4);
    take(&m, &t, 400);
    assert_int_equal(t.now, 1);
    m.now_us += 5000000;
    assert_int_equal(threads_use(&t, false, m.now_us).count, 4);
}

static void a_prompt_shows_whether_somebody_is_there(void **)
{
    struct machine m = {.cores = 2, .tokens = 1};
    struct threads t = threads_of(2);
    assert_false(threads_use(&t, true, m.now_us).awake); /* it is not known yet */
    read_prompt(&m, &t);
    struct threads_use use = threads_use(&t, false, m.now_us);
    assert_true(use.awake);
    assert_int_equal(use.count, 2);
    assert_true(threads_use(&t, true, m.now_us).awake);
    m.others = 1;
    read_prompt(&m, &t);
    assert_false(threads_use(&t, true, m.now_us).awake);
    take(&m, &t, 1); /* not awake, to compare with */
    assert_int_equal(t.now, 1);
    take(&m, &t, 20);
    assert_int_equal(t.now, 1);
}

/* A prompt between the steps of a trial, however crowded, is no reason to try still fewer. */
static void a_prompt_is_no_part_of_a_trial(void **)
{
    struct machine m = {.cores = 4, .others = 2, .tokens = 1};
    struct threads t = threads_of(4);
    for (int i = 0; t.now == 4; i++) {
        assert_true(i < 100);
        take(&m, &t, 1);
    }
    assert_int_equal(t.now, 2);
    take(&m, &t, 2);
    read_prompt(&m, &t);
    take(&m, &t, 1);
    assert_int_equal(t.now, 2);
}

/* Two that wait for each other awake, beside somebody: with bad luck on one core, and then a step takes seconds. */
static void a_trial_in_vain_stalls_nobody(void **)
{
    struct machine m = {.cores = 2, .others = 1, .tokens = 1};
    struct threads t = threads_of(2);
    read_prompt(&m, &t);
    unsigned tried = 0;
    for (int i = 0; i < 2000; i++) {
        struct threads_use use = threads_use(&t, false, m.now_us);
        tried += use.count == 2;
        assert_false(use.count == 2 && use.awake);
        take(&m, &t, 1);
    }
    assert_uint_in_range(tried, 3, 20);
}

/* Nobody was there, and then somebody is: one step that takes much longer is enough to see it. */
static void a_stall_is_seen_at_once(void **)
{
    struct machine m = {.cores = 2, .tokens = 1};
    struct threads t = threads_of(2);
    read_prompt(&m, &t);
    take(&m, &t, 100);
    assert_true(threads_use(&t, false, m.now_us).awake);
    m.others = 1;
    take(&m, &t, 1);
    assert_int_equal(threads_use(&t, false, m.now_us).count, 1);
}

/* Those who went while fewer wait differently do not keep it that way. */
static void it_waits_awake_again_once_they_are_gone(void **)
{
    struct machine m = {.cores = 2, .others = 1, .tokens = 1};
    struct threads t = threads_of(2);
    read_prompt(&m, &t);
    take(&m, &t, 100);
    assert_false(t.alone);
    m.others = 0;
    take(&m, &t, 1000);
    assert_int_equal(t.now, 2);
    assert_true(t.alone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alone_it_uses_all),
        cmocka_unit_test(beside_others_it_uses_what_they_leave),
        cmocka_unit_test(what_is_no_crowd_changes_nothing),
        cmocka_unit_test(a_prompt_is_no_part_of_a_trial),
        cmocka_unit_test(a_prompt_shows_whether_somebody_is_there),
        cmocka_unit_test(a_trial_in_vain_stalls_nobody),
        cmocka_unit_test(a_stall_is_seen_at_once),
        cmocka_unit_test(it_waits_awake_again_once_they_are_gone),
        cmocka_unit_test(after_a_pause_all_are_used_again),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
