// SPDX-License-Identifier: Apache-2.0
/* That the threads are there by which libgomp is told to spin shortly: more of them than there are cores. */
#include "llm/decode/spin.h"

#include <sched.h>

#include "threads_now.h"
#include "unit.h"

/* libgomp does not wait for those that it lets go. */
static void wait_for_threads(unsigned want)
{
    while (threads_now() != want)
        sched_yield();
}

static void it_turns_both_ways(void **)
{
    cpu_set_t set;
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    unsigned cores = (unsigned)CPU_COUNT(&set), before = threads_now();
    for (unsigned threads = 1; threads <= cores; threads++) {
        spin_shortly(false, threads);
        assert_int_equal(threads_now(), before);
        spin_shortly(true, threads);
        /* Those of a step are the caller's and, beside it, threads - 1. */
        unsigned idle = threads_now() - before;
        assert_true(1 + (threads - 1) + (idle - 1) > cores);
        spin_shortly(true, threads);
        assert_int_equal(threads_now(), before + idle);
        spin_shortly(false, threads);
        wait_for_threads(before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_turns_both_ways)};
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
