// SPDX-License-Identifier: Apache-2.0
/* What is sent again to a client who was cut off: all that he has not got, once. */
#include <stdio.h>
#include <stdlib.h>

#include "server/api/call_log.h"

#include "unit.h"

static enum err add(struct call_log *l, bool sound, const char *text, uint64_t now_ms)
{
    return call_log_add(l, sound, str_of(text), S(""), now_ms);
}

/* Sends all there is; a letter each. */
static void send(struct call_log *l, char *into)
{
    const struct logged *m;
    for (; (m = call_log_next(l)) != nullptr; call_log_sent(l))
        *into++ = m->bytes[0];
    *into = 0;
}

static void fill(struct call_log *l, bool keeps)
{
    call_log_init(l, keeps);
    for (const char *c = "aAbBCc"; *c; c++) /* capitals are sound */
        assert_ok(add(l, *c < 'a', (char[]){*c, 0}, (uint64_t)(c - "aAbBCc") * 1000));
}

static void test_queue(void **)
{
    struct call_log l;
    char sent[16];
    fill(&l, false);
    send(&l, sent);
    assert_string_equal(sent, "aAbBCc");
    assert_null(l.first);
    assert_int_equal(l.bytes, 0);
    assert_err(call_log_rewind(&l, (struct call_place){2, 1}), ERR_NOTFOUND);
    assert_ok(call_log_rewind(&l, (struct call_place){3, 3})); /* all was received */
    call_log_finish(&l);
}

static void test_places(void **)
{
    static const struct {
        struct call_place from;
        const char *sent; /* NULL: there is no such place */
    } cases[] = {
        {{0, 0}, "aAbBCc"}, {{1, 0}, "AbBCc"}, {{1, 1}, "bBCc"},  {{2, 1}, "BCc"},
        {{2, 3}, "c"},      {{3, 3}, ""},      {{2, 2}, "Cc"},    {{0, 1}, nullptr},
        {{3, 2}, nullptr},  {{2, 0}, nullptr}, {{4, 3}, nullptr}, {{3, 4}, nullptr},
    };
    struct call_log l;
    char sent[16];
    fill(&l, true);
    send(&l, sent);
    for (size_t i = 0; i < countof(cases); i++) {
        enum err err = call_log_rewind(&l, cases[i].from);
        assert_int_equal(err, cases[i].sent ? OK : ERR_NOTFOUND);
        send(&l, sent);
        assert_string_equal(sent, cases[i].sent ? cases[i].sent : "");
    }
    call_log_finish(&l);
}

static void test_what_is_let_go_of(void **)
{
    struct call_log l;
    char sent[16];
    fill(&l, true);
    call_log_received(&l, (struct call_place){3, 3}); /* nothing was sent yet: a liar */
    send(&l, sent);
    assert_string_equal(sent, "aAbBCc");
    call_log_received(&l, (struct call_place){1, 1});
    assert_err(call_log_rewind(&l, (struct call_place){1, 0}), ERR_NOTFOUND);
    assert_ok(call_log_rewind(&l, (struct call_place){1, 1}));
    send(&l, sent);
    assert_string_equal(sent, "bBCc");
    call_log_forget(&l, 4000);
    assert_err(call_log_rewind(&l, (struct call_place){2, 1}), ERR_NOTFOUND);
    assert_ok(call_log_rewind(&l, (struct call_place){2, 2}));
    call_log_forget(&l, UINT64_MAX); /* what is still to be sent stays */
    send(&l, sent);
    assert_string_equal(sent, "Cc");
    call_log_forget(&l, UINT64_MAX);
    assert_int_equal(l.bytes, 0);
    assert_null(l.last);
    call_log_finish(&l);
}

static void test_bounds(void **)
{
    static char big[CALL_LOG_MAX / 4];
    struct call_log l;
    const struct str body = {big, sizeof big};
    call_log_init(&l, true);
    for (int i = 0; i < 3; i++)
        assert_ok(call_log_add(&l, true, S("h"), body, 0));
    assert_err(call_log_add(&l, true, S("h"), body, 0), ERR_TOOBIG);
    assert_int_equal(l.end.sounds, 3);
    call_log_sent(&l);
    assert_ok(call_log_add(&l, true, S("h"), body, 0)); /* the first one made room */
    assert_int_equal(l.gone.sounds, 1);
    assert_true(l.bytes <= CALL_LOG_MAX);
    call_log_finish(&l);
}

/* However a client is cut off and acknowledges, he ends with everything, once, in order. */
static void test_random_cuts(void **)
{
    for (unsigned seed = 1; seed <= 200; seed++) {
        srand48(seed);
        struct call_log l;
        call_log_init(&l, true);
        struct call_place got = {};
        uint64_t last = 0; /* number of the message received last, over both kinds */
        for (uint64_t i = 1; i <= 300; i++) {
            char text[24];
            snprintf(text, sizeof text, "%llu", (unsigned long long)i);
            assert_ok(call_log_add(&l, lrand48() % 2, (struct str){text, sizeof text}, S(""), i));
            bool cut = lrand48() % 5 == 0;
            for (const struct logged *m; (m = call_log_next(&l)) != nullptr; call_log_sent(&l)) {
                if (cut && lrand48() % 2)
                    continue; /* lost */
                cut = false;
                if (strtoull(m->bytes, nullptr, 10) != last + 1)
                    break; /* after a loss nothing arrives */
                last++;
                (*(m->sound ? &got.sounds : &got.events))++;
            }
            assert_ok(call_log_rewind(&l, got));
            if (lrand48() % 7 == 0)
                call_log_received(&l, got);
        }
        for (const struct logged *m; (m = call_log_next(&l)) != nullptr; call_log_sent(&l))
            assert_int_equal(strtoull(m->bytes, nullptr, 10), ++last);
        assert_int_equal(last, 300);
        call_log_finish(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queue),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_what_is_let_go_of),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_random_cuts),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
