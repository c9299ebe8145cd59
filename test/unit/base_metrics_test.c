// SPDX-License-Identifier: Apache-2.0
#include "base/metrics.h"

#include "unit.h"

static void test_counter(void **)
{
    struct counter c = {};
    counter_add(&c, 3);
    counter_add(&c, 4);
    assert_int_equal(counter_get(&c), 7);
}

/* Each bound belongs to its own bucket; buckets are cumulative in the text, as Prometheus wants. */
static void test_histogram(void **)
{
    struct histogram h = {};
    static const uint64_t us[] = {0, 5000, 5001, 300000, 10000000, 10000001, 60000000};
    for (size_t i = 0; i < countof(us); i++)
        histogram_observe_us(&h, us[i]);
    autobuf text = BUF(1 << 16);
    assert_ok(metrics_histogram(&text, "x", "stage=\"a\"", &h));
    static const char *const lines[] = {
        "x_bucket{stage=\"a\",le=\"0.005\"} 2\n",
        "x_bucket{stage=\"a\",le=\"0.01\"} 3\n",
        "x_bucket{stage=\"a\",le=\"0.2\"} 3\n",
        "x_bucket{stage=\"a\",le=\"0.3\"} 4\n",
        "x_bucket{stage=\"a\",le=\"10\"} 5\n",
        "x_bucket{stage=\"a\",le=\"+Inf\"} 7\n",
        "x_count{stage=\"a\"} 7\n",
        "x_sum{stage=\"a\"} 80.31",
    };
    for (size_t i = 0; i < countof(lines); i++)
        if (str_find(buf_str(&text), str_of(lines[i])) == text.n)
            fail_msg("%s is not in\n%s", lines[i], buf_z(&text));
    buf_clear(&text);
    assert_ok(metrics_histogram(&text, "x", "", &h));
    assert_true(str_starts(buf_str(&text), S("x_bucket{le=\"0.005\"} 2\n")));
    assert_true(str_ends(buf_str(&text), S("x_count 7\n")));
}

static void test_samples(void **)
{
    autobuf text = BUF(1000);
    assert_ok(metrics_family(&text, "n", "counter", "how many"));
    assert_ok(metrics_sample(&text, "n", "", 3));
    assert_ok(metrics_sample(&text, "n", "a=\"b\"", 0.5));
    assert_ok(metrics_sample(&text, "n", "", 9007199254740991));
    assert_str(buf_str(&text), "# HELP n how many\n# TYPE n counter\nn 3\nn{a=\"b\"} 0.5\n"
                               "n 9007199254740991\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counter),
        cmocka_unit_test(test_histogram),
        cmocka_unit_test(test_samples),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
