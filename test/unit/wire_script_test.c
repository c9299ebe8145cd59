// SPDX-License-Identifier: Apache-2.0
#include "wire/script.h"

#include <string.h>

#include "unit.h"

static uint32_t tokens;
static struct buf text = BUF(64);
static const struct script_word words[] = {{"tokens", .number = &tokens}, {"text", .text = &text}};

static enum err parse(const char *options, struct script *script)
{
    char why[SCRIPT_WHY_BYTES] = "";
    enum err err = script_parse(script, str_of(options), words, countof(words), why);
    assert_true((err == OK) == (why[0] == '\0'));
    return err;
}

static void words_are_read(void **)
{
    static const struct {
        const char *options;
        enum err want;
    } rows[] = {
        {"", OK},
        {" , ,", OK},
        {"slow=5", OK},
        {"fail=1,hang=2 crash=3,, after=4,tokens=9", OK},
        {"text=", OK},
        {"text=a b, c=d", OK},
        {"tokens", ERR_INVALID},
        {"=3", ERR_INVALID},
        {"tokens=", ERR_INVALID},
        {"tokens=x", ERR_INVALID},
        {"tokens=-1", ERR_INVALID},
        {"tokens=4294967296", ERR_INVALID},
        {"Tokens=1", ERR_INVALID},
        {"nothing=1", ERR_INVALID},
        {"text=0123456789012345678901234567890123456789012345678901234567890123456789", ERR_TOOBIG},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct script script = {};
        assert_err(parse(rows[i].options, &script), rows[i].want);
    }
    struct script script = {};
    assert_ok(parse("slow=7,fail=1,hang=2 crash=3,after=4 start=1 tokens=9 text=two words, x=1",
                    &script));
    assert_int_equal(script.slow_ms, 7);
    assert_int_equal(script.fail, 1);
    assert_int_equal(script.hang, 2);
    assert_int_equal(script.crash, 3);
    assert_int_equal(script.after, 4);
    assert_int_equal(script.start_ms, 1);
    assert_int_equal(tokens, 9);
    assert_str(buf_str(&text), "two words, x=1");
    buf_finish(&text);
}

/* Answers true when it has been asked often enough. */
static bool after_some(void *left)
{
    int *n = left;
    return (*n)-- <= 0;
}

static void the_right_call_fails(void **)
{
    struct script script = {};
    assert_ok(parse("fail=2,after=1", &script));
    char why[SCRIPT_WHY_BYTES] = "";
    int patience = 100;
    for (uint32_t number = 1; number <= 3; number++) {
        struct script_call call = script_begin(&script);
        assert_int_equal(call.number, number);
        assert_ok(script_step(&script, &call, after_some, &patience, why));
        assert_err(script_step(&script, &call, after_some, &patience, why),
                   number == 2 ? ERR_INTERNAL : OK);
    }
    assert_string_equal(why, "the script lets call 2 fail");
}

static void waiting_ends_when_cancelled(void **)
{
    char why[SCRIPT_WHY_BYTES] = "";
    struct script hanging = {.hang = 1}, slow = {.slow_ms = UINT32_MAX};
    int patience = 3;
    struct script_call call = script_begin(&hanging);
    assert_err(script_step(&hanging, &call, after_some, &patience, why), ERR_CANCELED);
    patience = 3;
    call = script_begin(&slow);
    assert_err(script_step(&slow, &call, after_some, &patience, why), ERR_CANCELED);
    assert_int_equal(patience, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_read),
        cmocka_unit_test(the_right_call_fails),
        cmocka_unit_test(waiting_ends_when_cancelled),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
