// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "server/loop/loop.h"
#include "unit.h"

static struct loop *loop;
static uint64_t now_ms;

static void at(uint64_t ms)
{
    now_ms = ms;
    clock_fake(ms * 1000);
}

static int begin(void **)
{
    at(1000);
    return loop_create(&loop) == OK ? 0 : 1;
}

static int finish(void **)
{
    loop_destroy(loop);
    clock_fake(UINT64_MAX);
    return 0;
}

static char fired[64];
struct named {
    struct timer timer;
    char name;
};

static void note(void *arg)
{
    struct named *n = arg;
    size_t len = strlen(fired);
    assert_true(len < sizeof fired - 1);
    fired[len] = n->name;
    fired[len + 1] = '\0';
}

static void named_init(struct named *n, char name)
{
    n->name = name;
    timer_init(&n->timer, loop, note, n);
}

static void expect(const char *want)
{
    loop_step(loop, 0);
    assert_string_equal(fired, want);
    fired[0] = '\0';
}

static void fires_in_order_and_once(void **)
{
    struct named a, b, c;
    named_init(&a, 'a');
    named_init(&b, 'b');
    named_init(&c, 'c');
    timer_start(&a.timer, 30);
    timer_start(&b.timer, 10);
    timer_start(&c.timer, 10);
    expect("");
    at(1009);
    expect("");
    at(1010);
    expect("bc");
    assert_false(timer_armed(&b.timer));
    at(5000);
    expect("a");
    expect("");
}

static void moves_both_ways(void **)
{
    struct named a, b;
    named_init(&a, 'a');
    named_init(&b, 'b');
    timer_start(&a.timer, 10);
    timer_start(&b.timer, 20);
    timer_start(&a.timer, 50);
    at(1020);
    expect("b");
    timer_start(&a.timer, 5);
    at(1025);
    expect("a");
    timer_start(&a.timer, 10);
    timer_start(&a.timer, 100);
    timer_stop(&a.timer);
    timer_stop(&a.timer);
    at(9000);
    expect("");
}

static void again(void *arg)
{
    note(arg);
    timer_start(&((struct named *)arg)->timer, 0);
}

static void what_a_timer_arms_waits_for_the_next_step(void **)
{
    struct named a = {.name = 'a'};
    timer_init(&a.timer, loop, again, &a);
    timer_start(&a.timer, 0);
    expect("a");
    expect("a");
    timer_stop(&a.timer);
    expect("");
}

static struct named victim;
static void stop_victim(void *)
{
    timer_stop(&victim.timer);
}

static void a_timer_may_stop_another(void **)
{
    struct timer killer;
    timer_init(&killer, loop, stop_victim, nullptr);
    named_init(&victim, 'v');
    timer_start(&killer, 1);
    timer_start(&victim.timer, 1);
    at(2000);
    expect("");
}

/* Against a plain list: random arming, moving, stopping and passing of time. */
enum { MANY = 300, ROUNDS = 20000 };
static struct model {
    struct timer timer;
    uint64_t due;
} model[MANY];
static unsigned model_fired;

static void model_fire(void *arg)
{
    struct model *m = arg;
    assert_true(m->due != 0 && m->due <= now_ms);
    m->due = 0;
    model_fired++;
}

static void agrees_with_a_list(void **)
{
    for (unsigned i = 0; i < MANY; i++)
        timer_init(&model[i].timer, loop, model_fire, &model[i]);
    uint32_t seed = 7;
    for (unsigned round = 0; round < ROUNDS; round++) {
        seed = seed * 1664525 + 1013904223;
        struct model *m = &model[(seed >> 8) % MANY];
        if (seed >> 30 == 0) {
            timer_stop(&m->timer);
            m->due = 0;
        } else {
            uint64_t after = (seed >> 16) % 97;
            timer_start(&m->timer, after);
            m->due = now_ms + after;
        }
        if (round % 5 != 0)
            continue;
        at(now_ms + 3);
        loop_step(loop, 0);
        for (unsigned i = 0; i < MANY; i++)
            assert_true(model[i].due == 0 || model[i].due > now_ms);
    }
    assert_true(model_fired > ROUNDS / 10);
    for (unsigned i = 0; i < MANY; i++)
        timer_stop(&model[i].timer);
}

static void the_loop_wakes_for_a_timer(void **)
{
    clock_fake(UINT64_MAX);
    struct named a;
    named_init(&a, 'a');
    uint64_t before = clock_ms();
    timer_start(&a.timer, 20);
    while (timer_armed(&a.timer))
        loop_step(loop, 1000);
    assert_uint_in_range(clock_ms() - before, 19, 900);
    expect("a");
}

static struct deferred other;
static void defer_more(void *arg)
{
    note(arg);
    deferred_call(&other);
}

static void deferred_calls_run_once_in_the_next_step(void **)
{
    struct named a = {.name = 'a'}, b = {.name = 'b'}, c = {.name = 'c'};
    struct deferred da, db, dc;
    deferred_init(&da, loop, defer_more, &a);
    deferred_init(&db, loop, note, &b);
    deferred_init(&dc, loop, note, &c);
    other = (struct deferred){};
    deferred_init(&other, loop, note, &b);
    deferred_call(&da);
    deferred_call(&db);
    deferred_call(&dc);
    deferred_call(&da);
    deferred_cancel(&dc);
    expect("ab");
    expect("b");
    deferred_cancel(&dc);
    expect("");
}

static struct deferred tireless;
static void yield_again(void *arg)
{
    note(arg);
    clock_fake(clock_us() + 120);
    if (tireless.at == nullptr)
        deferred_yield(&tireless);
}

/* Two of them fill what a step has for them, and the first that came goes first. */
static void those_who_yield_share_a_part_of_a_step(void **)
{
    struct named a = {.name = 'a'}, b = {.name = 'b'}, c = {.name = 'c'}, d = {.name = 'd'};
    struct deferred db, dc, dd;
    tireless = (struct deferred){};
    deferred_init(&tireless, loop, yield_again, &a);
    deferred_init(&db, loop, yield_again, &b);
    deferred_init(&dc, loop, yield_again, &c);
    deferred_init(&dd, loop, note, &d);
    assert_false(loop_has_yielded(loop));
    deferred_yield(&tireless);
    deferred_yield(&db);
    deferred_yield(&dc);
    deferred_yield(&dd);
    deferred_yield(&db);
    assert_true(loop_has_yielded(loop));
    deferred_cancel(&dd);
    expect("ab");
    expect("ca");
    expect("a"); /* alone, it is not run twice in a step */
    deferred_call(&dd);
    expect("da");
    deferred_cancel(&tireless);
    assert_false(loop_has_yielded(loop));
    expect("");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fires_in_order_and_once, begin, finish),
        cmocka_unit_test_setup_teardown(moves_both_ways, begin, finish),
        cmocka_unit_test_setup_teardown(what_a_timer_arms_waits_for_the_next_step, begin, finish),
        cmocka_unit_test_setup_teardown(a_timer_may_stop_another, begin, finish),
        cmocka_unit_test_setup_teardown(agrees_with_a_list, begin, finish),
        cmocka_unit_test_setup_teardown(the_loop_wakes_for_a_timer, begin, finish),
        cmocka_unit_test_setup_teardown(deferred_calls_run_once_in_the_next_step, begin, finish),
        cmocka_unit_test_setup_teardown(those_who_yield_share_a_part_of_a_step, begin, finish),
    };
    return cmocka_run_group_tests_name("loop/timer", tests, nullptr, nullptr);
}
