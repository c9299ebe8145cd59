// SPDX-License-Identifier: Apache-2.0
/* Who interrupts and who does not, and who has the floor. */
#include "server/talk/barge.h"
#include "server/talk/floor.h"

#include "unit.h"

#define ANSWER                                                                                     \
    "Each colored bar is one stage of the answer. The first one is the time in which your words "  \
    "were recognized."

static void test_verdicts(void **)
{
    static const struct {
        const char *heard;
        uint32_t voiced_ms, silence_ms, total_ms;
        bool final, deaf, doubted;
        enum barge_verdict verdict;
    } cases[] = {
        /* Nothing is known yet. */
        {"", 140, 0, 200, .verdict = BARGE_WAIT},
        {"is", 300, 0, 400, .verdict = BARGE_WAIT},
        {"documents", 400, 0, 500, .verdict = BARGE_WAIT},
        {"uh huh", 300, 300, 700, .verdict = BARGE_WAIT}, /* its last words may change */
        /* Two words that mean something. */
        {"how do", 400, 0, 600, .verdict = BARGE_INTERRUPT},
        {"where are my documents", 900, 0, 1200, .verdict = BARGE_INTERRUPT},
        {"yeah but where are my documents", 900, 0, 1200, .verdict = BARGE_INTERRUPT},
        /* One is enough when it was the only one. */
        {"documents", 400, 300, 800, .final = true, .verdict = BARGE_INTERRUPT},
        {"why", 800, 300, 1100, .final = true, .verdict = BARGE_INTERRUPT},
        {"op", 300, 300, 600, .final = true, .verdict = BARGE_NOTHING},
        /* And some at once. */
        {"stop", 200, 0, 300, .verdict = BARGE_INTERRUPT},
        {"no wait", 300, 0, 400, .verdict = BARGE_INTERRUPT},
        {"Okay, stop!", 300, 0, 400, .verdict = BARGE_INTERRUPT},
        /* Murmurs, as they are spoken and as they are misheard. */
        {"uh huh", 300, 300, 700, .final = true, .verdict = BARGE_NOTHING},
        {"okay yeah", 500, 300, 800, .final = true, .verdict = BARGE_NOTHING},
        {"okay you have", 500, 300, 800, .final = true, .verdict = BARGE_NOTHING},
        {"m m h and m.", 500, 300, 800, .final = true, .verdict = BARGE_NOTHING},
        {"i see", 500, 300, 800, .final = true, .verdict = BARGE_NOTHING},
        {"", 500, 300, 800, .final = true, .verdict = BARGE_NOTHING},
        {"yeah yeah yeah yeah", 2000, 0, 2500, .verdict = BARGE_NOTHING}, /* endless ones */
        {"", 2000, 0, 2500, .verdict = BARGE_NOTHING},
        /* The answer itself, more or less. */
        {"each colored bar", 800, 0, 900, .verdict = BARGE_ECHO},
        {"each color bars one", 800, 0, 900, .verdict = BARGE_ECHO},
        {"one stage", 500, 300, 900, .final = true, .verdict = BARGE_ECHO},
        {"stage of the answer fish", 800, 0, 1000, .verdict = BARGE_WAIT},
        {"each colored bar is one stop", 900, 0, 1000, .verdict = BARGE_ECHO},
        {"each colored bar where are my documents please", 1900, 0, 2000,
         .verdict = BARGE_INTERRUPT},
        {"what is that first one", 900, 0, 1000, .verdict = BARGE_WAIT},
        {"what is that first one again please", 1500, 0, 1900, .verdict = BARGE_INTERRUPT},
        /* Who was found to say nothing has to say more. */
        {"how do", 400, 0, 600, .doubted = true, .verdict = BARGE_WAIT},
        {"how do people", 400, 0, 600, .doubted = true, .verdict = BARGE_INTERRUPT},
        {"documents", 400, 300, 800, .final = true, .doubted = true, .verdict = BARGE_NOTHING},
        {"wait", 400, 0, 500, .doubted = true, .verdict = BARGE_INTERRUPT},
        /* Without a recogniser much voice means something. */
        {"", 300, 0, 500, .deaf = true, .verdict = BARGE_WAIT},
        {"", 300, 300, 800, .deaf = true, .verdict = BARGE_NOTHING},
        {"", 600, 0, 800, .deaf = true, .verdict = BARGE_INTERRUPT},
        {"", 600, 0, 800, .deaf = true, .doubted = true, .verdict = BARGE_WAIT},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        const struct barge_evidence e = {
            .heard = str_of(cases[i].heard),
            .final = cases[i].final,
            .deaf = cases[i].deaf,
            .spoken = S(ANSWER),
            .doubted = cases[i].doubted,
            .voiced_ms = cases[i].voiced_ms,
            .silence_ms = cases[i].silence_ms,
            .total_ms = cases[i].total_ms,
            .decoded_ms = cases[i].total_ms,
        };
        enum barge_verdict verdict = barge_judge(&e);
        if (verdict != cases[i].verdict)
            fail_msg("case %zu, \"%s\": got %d, want %d", i, cases[i].heard, verdict,
                     cases[i].verdict);
    }
}

/* Nobody is dismissed for what a slow recogniser has not come to yet. */
static void test_slow_recogniser(void **)
{
    struct barge_evidence e = {.heard = S("where"),
                               .spoken = S(ANSWER),
                               .voiced_ms = 3000,
                               .total_ms = 2 * BARGE_LIMIT_MS,
                               .decoded_ms = BARGE_LIMIT_MS - 100};
    assert_int_equal(barge_judge(&e), BARGE_WAIT);
    e.heard = S("where are my documents");
    assert_int_equal(barge_judge(&e), BARGE_INTERRUPT);
    e.heard = S("yeah");
    e.decoded_ms = BARGE_LIMIT_MS;
    assert_int_equal(barge_judge(&e), BARGE_NOTHING);
}

/* Every verdict is reached in time, whatever is heard. */
static void test_never_waits_forever(void **)
{
    static const char *const heard[] = {"", "yeah", "documents", "each colored bar", "stop"};
    for (size_t i = 0; i < countof(heard); i++) {
        struct barge_evidence e = {.heard = str_of(heard[i]),
                                   .spoken = S(ANSWER),
                                   .voiced_ms = 2000,
                                   .total_ms = BARGE_LIMIT_MS,
                                   .decoded_ms = BARGE_LIMIT_MS};
        assert_int_not_equal(barge_judge(&e), BARGE_WAIT);
        e.decoded_ms = 0;
        e.total_ms = BARGE_STUCK_MS;
        assert_int_not_equal(barge_judge(&e), BARGE_WAIT);
        e.total_ms = 500;
        e.final = true;
        assert_int_not_equal(barge_judge(&e), BARGE_WAIT);
    }
}

/* A question takes the floor in every state, and the end of the turn frees it. */
static void test_floor(void **)
{
    for (int s = 0; s < FLOOR_STATES; s++) {
        assert_int_equal(floor_next(s, FLOOR_ASKED), FLOOR_ANSWER);
        assert_int_equal(floor_next(s, FLOOR_OVER), FLOOR_FREE);
        assert_int_equal(floor_next(s, FLOOR_INTERRUPT) != FLOOR_STATES,
                         s == FLOOR_DUCKED || s == FLOOR_DOUBTED);
    }
    assert_int_equal(floor_next(FLOOR_FREE, FLOOR_VOICE), FLOOR_USER);
    assert_int_equal(floor_next(FLOOR_USER, FLOOR_QUIET), FLOOR_ANSWER);
    assert_int_equal(floor_next(FLOOR_ANSWER, FLOOR_VOICE), FLOOR_DUCKED);
    assert_int_equal(floor_next(FLOOR_DUCKED, FLOOR_RESUME), FLOOR_ANSWER);
    assert_int_equal(floor_next(FLOOR_DUCKED, FLOOR_DOUBT), FLOOR_DOUBTED);
    assert_int_equal(floor_next(FLOOR_DOUBTED, FLOOR_QUIET), FLOOR_ANSWER);
    assert_int_equal(floor_next(FLOOR_DUCKED, FLOOR_QUIET), FLOOR_STATES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_slow_recogniser),
        cmocka_unit_test(test_never_waits_forever),
        cmocka_unit_test(test_floor),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
