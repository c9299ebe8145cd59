// SPDX-License-Identifier: Apache-2.0
#include "wire/driver_name.h"

#include "unit.h"

struct driver {
    const char *name;
    int more;
};
static const struct driver one = {"one", 1}, two = {"two", 2}, three = {"three", 3};
static const void *const drivers[] = {&one, &two, &three};

static void the_named_one_is_found(void **)
{
    char why[WORKER_WHY_BYTES] = "";
    for (size_t i = 0; i < countof(drivers); i++) {
        const struct driver *d = drivers[i];
        const void *found = nullptr;
        assert_ok(driver_choose(str_of(d->name), drivers, countof(drivers), "test", why, &found));
        assert_ptr_equal(found, d);
    }
    assert_string_equal(why, "");
}

static void another_name_is_told_which_there_are(void **)
{
    static const struct {
        const char *name;
        size_t count;
        const char *why;
    } rows[] = {
        {"four", 3, "there is no test driver \"four\"; there are one, two and three"},
        {"on", 2, "there is no test driver \"on\"; there are one and two"},
        {"", 1, "there is no test driver \"\"; there is one"},
        /* Cut between code points: the text goes into a message. */
        {"123456789012345678901234567890123456789\u00e9\u00e9", 1,
         "there is no test driver \"123456789012345678901234567890123456789\"; there is one"},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        char why[WORKER_WHY_BYTES] = "";
        const void *found = &one;
        assert_err(driver_choose(str_of(rows[i].name), drivers, rows[i].count, "test", why, &found),
                   ERR_UNSUPPORTED);
        assert_string_equal(why, rows[i].why);
        assert_ptr_equal(found, &one);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_named_one_is_found),
        cmocka_unit_test(another_name_is_told_which_there_are),
    };
    return cmocka_run_group_tests_name("wire/driver_name", tests, nullptr, nullptr);
}
