// SPDX-License-Identifier: Apache-2.0
/* The small parts of a turn: its table, pace, what was heard, history, sessions. */
#include "base/clock.h"
#include "server/talk/heard.h"
#include "server/talk/pace.h"
#include "server/talk/session.h"
#include "server/talk/turn_table.h"

#include "unit.h"

constexpr uint64_t IDLE_MS = 24ull * 3600 * 1000;

/* From every state the end is reachable by failing, and nothing follows the end. */
static void test_table_is_total_where_it_must_be(void **)
{
    for (int s = 0; s < TURN_ENDED; s++) {
        assert_int_equal(turn_next(s, MOVE_FAIL), TURN_ENDED);
        assert_int_equal(turn_next(s, MOVE_CANCEL), TURN_ENDED);
        assert_int_not_equal(turn_next(s, MOVE_TIMEOUT), TURN_STATES);
        assert_true(turn_limit_ms(s, 60000, 120000, 0) > 0);
    }
    for (int m = 0; m < TURN_MOVES; m++)
        assert_int_equal(turn_next(TURN_ENDED, m), TURN_STATES);
}

/* A recogniser elsewhere ends its job by itself, with a sentence of its own, before the turn gives up on it; no other
 * state waits for it. */
static void test_limit_leaves_time_to_a_recogniser_elsewhere(void **)
{
    static const struct {
        uint32_t utterance_ms, reply_ms, limit_ms;
    } rows[] = {
        {60000, 0, 15000},
        {1000, 50, 2050},
        {60000, 15000, 76000},
        {600000, 540000, 1141000}, /* the longest of both that may be set */
    };
    for (size_t i = 0; i < countof(rows); i++) {
        uint32_t heard = rows[i].utterance_ms, reply = rows[i].reply_ms;
        assert_int_equal(turn_limit_ms(TURN_FINALISING, heard, 1000, reply), rows[i].limit_ms);
        for (int s = 0; s < TURN_ENDED; s++)
            if (s != TURN_FINALISING)
                assert_int_equal(turn_limit_ms(s, heard, 1000, reply),
                                 turn_limit_ms(s, heard, 1000, 0));
    }
}

/* No move goes back: a turn can take at most as many moves as there are states. */
static void test_table_only_goes_forward(void **)
{
    for (int s = 0; s < TURN_STATES; s++)
        for (int m = 0; m < TURN_MOVES; m++) {
            enum turn_state to = turn_next(s, m);
            assert_true(to == TURN_STATES || (int)to > s);
        }
}

static void test_pace_keeps_the_lead(void **)
{
    struct pace p;
    pace_init(&p, 10000);
    uint64_t now = 5000000;
    assert_int_equal(pace_room(&p, now), 20000);
    pace_sent(&p, 20000, now);
    assert_int_equal(pace_room(&p, now), 0);
    assert_int_equal(pace_room(&p, now + 500000), 5000);
    /* The client is slower than the clock: its word counts. */
    pace_played(&p, 100, now + 500000);
    assert_int_equal(pace_room(&p, now + 500000), 1000);
    assert_int_equal(pace_position_ms(&p, now + 600000), 200);
    /* Reports never go back, and never beyond what was sent. */
    pace_played(&p, 50, now + 600000);
    assert_int_equal(pace_position_ms(&p, now + 600000), 200);
    pace_played(&p, 1000000, now + 600000);
    assert_int_equal(pace_position_ms(&p, now + 600000), 2000);
}

static void test_pace_does_not_count_an_underrun_as_played(void **)
{
    struct pace p;
    pace_init(&p, 10000);
    uint64_t now = 5000000;
    pace_sent(&p, 10000, now);
    now += 10000000; /* nothing came for ten seconds */
    assert_int_equal(pace_position_ms(&p, now), 1000);
    assert_int_equal(pace_room(&p, now), 20000);
    pace_sent(&p, 20000, now);
    assert_int_equal(pace_position_ms(&p, now), 1000);
    assert_int_equal(pace_room(&p, now), 0);
    assert_int_equal(pace_position_ms(&p, now + 500000), 1500);
}

/* While nobody listens nothing is sent and nothing counts as played, however long it takes. */
static void test_pace_stands_still_for_who_is_away(void **)
{
    struct pace p;
    pace_init(&p, 10000);
    uint64_t now = 5000000;
    pace_hold(&p, true, now); /* before the first sample */
    assert_int_equal(pace_room(&p, now), 0);
    pace_hold(&p, false, now);
    pace_sent(&p, 20000, now);
    now += 700000;
    pace_hold(&p, true, now);
    now += 60000000;
    assert_int_equal(pace_position_ms(&p, now), 700);
    assert_int_equal(pace_room(&p, now), 0);
    pace_hold(&p, false, now);
    assert_int_equal(pace_position_ms(&p, now + 300000), 1000);
    assert_int_equal(pace_room(&p, now), 7000);
    pace_played(&p, 1500, now); /* his speaker went on for a while */
    assert_int_equal(pace_position_ms(&p, now), 1500);
}

static void test_heard_cuts_after_words(void **)
{
    const struct str answer = S("One two three. Four five six.");
    struct heard h;
    heard_init(&h, 1000);
    assert_ok(heard_clause_sent(&h, 14));
    assert_ok(heard_clause_sent(&h, 29));
    assert_int_equal(heard_prefix(&h, answer, 0), 0);
    assert_str(str_sub(answer, 0, heard_prefix(&h, answer, 500)), "One two"); /* a guess */
    assert_int_equal(heard_prefix(&h, answer, 60000), 14);
    heard_clause_done(&h, 1000);
    assert_str(str_sub(answer, 0, heard_prefix(&h, answer, 0)), "");
    assert_str(str_sub(answer, 0, heard_prefix(&h, answer, 500)), "One two");
    assert_str(str_sub(answer, 0, heard_prefix(&h, answer, 1000)), "One two three.");
    assert_str(str_sub(answer, 0, heard_prefix(&h, answer, 1400)), "One two three. Four");
    heard_clause_done(&h, 1000);
    heard_clause_done(&h, 999); /* one too many: ignored */
    assert_str(str_sub(answer, 0, heard_prefix(&h, answer, 1500)), "One two three. Four");
    assert_int_equal(heard_prefix(&h, answer, 60000), answer.n);
    heard_finish(&h);
}

static void test_history_is_bounded_and_opens_with_the_user(void **)
{
    struct history h = {};
    for (int i = 0; i < 500; i++) {
        assert_ok(history_add(&h, SAID_BY_USER, i, S("question"), false));
        assert_ok(history_add(&h, SAID_BY_ASSISTANT, i, S("answer"), i % 2));
        assert_true(h.count <= HISTORY_ENTRIES_MAX);
        assert_int_equal(h.entry[0].by, SAID_BY_USER);
    }
    assert_int_equal(h.entry[h.count - 1].turn, 499);
    static char big[2 * HISTORY_BYTES_MAX];
    memset(big, 'x', sizeof big);
    assert_ok(history_add(&h, SAID_BY_USER, 500, (struct str){big, sizeof big}, false));
    assert_true(h.bytes <= HISTORY_BYTES_MAX);
    history_finish(&h);
    assert_int_equal(h.count, 0);
}

static void test_sessions_belong_to_their_owner(void **)
{
    struct sessions *s;
    assert_ok(sessions_create(3, IDLE_MS, &s));
    struct session *a, *b, *found;
    assert_ok(session_create(s, S("ann"), &a));
    assert_ok(session_create(s, S("bob"), &b));
    assert_ok(session_find(s, str_of(a->id), S("ann"), &found));
    assert_ptr_equal(found, a);
    assert_err(session_find(s, str_of(a->id), S("bob"), &found), ERR_NOTFOUND);
    assert_err(session_find(s, S("../../../../etc/passwd0123456789"), S("ann"), &found),
               ERR_NOTFOUND);
    assert_err(session_find(s, S(""), S("ann"), &found), ERR_NOTFOUND);
    sessions_destroy(s);
}

static void test_longest_idle_session_makes_room(void **)
{
    struct sessions *s;
    assert_ok(sessions_create(2, IDLE_MS, &s));
    struct session *a, *b, *c, *d, *found;
    assert_ok(session_create(s, S("x"), &a));
    assert_ok(session_create(s, S("x"), &b));
    session_hold(a);
    assert_ok(session_create(s, S("x"), &c)); /* b leaves: a is held */
    assert_int_equal(sessions_count(s), 2);
    assert_ok(session_find(s, str_of(a->id), S("x"), &found));
    session_hold(c);
    assert_err(session_create(s, S("x"), &d), ERR_BUSY);
    session_release(s, a);
    session_release(s, c);
    assert_ok(session_create(s, S("x"), &d));
    sessions_destroy(s);
}

static void test_idle_sessions_are_swept(void **)
{
    clock_fake(1000000);
    struct sessions *s;
    assert_ok(sessions_create(10, IDLE_MS, &s));
    struct session *a, *b;
    assert_ok(session_create(s, S("x"), &a));
    clock_fake(1000000 + IDLE_MS * 1000 / 2);
    assert_ok(session_create(s, S("x"), &b));
    clock_fake(1000000 + IDLE_MS * 1000 + 1000);
    sessions_sweep(s);
    assert_int_equal(sessions_count(s), 1);
    sessions_destroy(s);
    clock_fake(UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_is_total_where_it_must_be),
        cmocka_unit_test(test_limit_leaves_time_to_a_recogniser_elsewhere),
        cmocka_unit_test(test_table_only_goes_forward),
        cmocka_unit_test(test_pace_keeps_the_lead),
        cmocka_unit_test(test_pace_does_not_count_an_underrun_as_played),
        cmocka_unit_test(test_pace_stands_still_for_who_is_away),
        cmocka_unit_test(test_heard_cuts_after_words),
        cmocka_unit_test(test_history_is_bounded_and_opens_with_the_user),
        cmocka_unit_test(test_sessions_belong_to_their_owner),
        cmocka_unit_test(test_longest_idle_session_makes_room),
        cmocka_unit_test(test_idle_sessions_are_swept),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
