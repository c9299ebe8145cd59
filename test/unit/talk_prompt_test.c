// SPDX-License-Identifier: Apache-2.0
#include "server/talk/prompt.h"

#include "unit.h"

/* The first segment is ours, says who the model is, and is never left out. */
static void test_self(void **)
{
    static const struct {
        struct prompt_self self;
        const char *want;
    } rows[] = {
        {{"Ada", "Be brief.", "en"}, "Your name is Ada. Be brief."},
        {{"Ada", "Be brief.", "EN-gb"}, "Your name is Ada. Be brief."},
        {{"", "Be brief.", ""}, "Be brief."},
        {{"", "", "en"}, ""},
        {{"Ada", "Sei kurz.", "de-AT"},
         "Your name is Ada. Sei kurz. Answer in the language whose tag is de-AT."},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct arena *arena = arena_create(64 * 1024);
        struct history history = {};
        struct prompt prompt;
        assert_ok(prompt_build(arena, &rows[i].self, &history, nullptr, 0, S("why?"), &prompt));
        assert_int_equal(prompt.count, 2);
        assert_str(prompt.segment[0].role, "system");
        assert_true(prompt.segment[0].trusted);
        assert_int_equal(prompt.segment[0].priority, 0);
        assert_str(prompt.segment[0].text, rows[i].want);
        assert_str(prompt.segment[1].text, "why?");
        assert_false(prompt.segment[1].trusted);
        arena_destroy(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_self),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
