// SPDX-License-Identifier: Apache-2.0
/* How the bytes that tokens say become words with times. */
#include "stt/window/heard.h"

#include "unit.h"

static void words_have_the_times_of_their_bytes(void **)
{
    static const struct {
        const char *raw;
        struct heard_byte of_bytes[8];
        const char *word;
        uint32_t start_ms, end_ms;
    } rows[] = {
        {"ab", {{.start_ms = 80, .end_ms = 160}, {.start_ms = 160, .end_ms = 240}}, "ab", 80, 240},
        /* The blank before it and the half character behind it are no part of it. */
        {" a", {{.start_ms = 0, .end_ms = 80}, {.start_ms = 400, .end_ms = 480}}, "a", 400, 480},
        {"a\xc3", {{.start_ms = 0, .end_ms = 80}, {.start_ms = 80, .end_ms = 160}}, "a", 0, 80},
        {"a", {{}}, "a", 0, 0},
        /* It never ends before it begins. */
        {" -", {{.end_ms = 80}, {.start_ms = 160, .end_ms = 80}}, "-", 160, 160},
        {"a-", {{.start_ms = 160, .end_ms = 240}, {.start_ms = 240, .end_ms = 80}}, "a-", 160, 160},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct heard h = {};
        heard_clear(&h);
        assert_ok(heard_put(&h, str_of(rows[i].raw), rows[i].of_bytes));
        assert_int_equal(h.words_n, 1);
        assert_str(buf_str(&h.text), rows[i].word);
        assert_int_equal(h.words[0].start_ms, rows[i].start_ms);
        assert_int_equal(h.words[0].end_ms, rows[i].end_ms);
        heard_finish(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_have_the_times_of_their_bytes),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
