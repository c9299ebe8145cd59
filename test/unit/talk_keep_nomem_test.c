// SPDX-License-Identifier: Apache-2.0
/*
 * Each allocation of opening, loading and saving fails in turn, ours and SQLite's: the server goes on, a
 * good file is never taken for a damaged one, and what was written before stays.
 */
#include "alloc_fault.h"
#include "talk_keep.h"

static void a_good_file_stays_good(void **)
{
    char id[64];
    assert_ok(live());
    snprintf(id, sizeof id, "%s", say("ann", "before"));
    die();
    unsigned refused = 0, n = 0;
    for (bool failed = true; failed; n++) {
        assert_ok(sessions_create(TABLE_MAX, 24 * HOUR_MS, &sessions));
        alloc_fault_arm(n);
        enum err err = keep_open(loop, folder, sessions, &keep);
        failed = alloc_fault_disarm();
        refused += err != OK;
        assert_true(failed || err == OK);
        die();
        assert_false(exists("sessions.db.aside"));
    }
    assert_true(n > 50 && refused > 20);
    assert_ok(live());
    assert_string_equal(said(id, "ann"), "before");
    die();
}

/* Of this thread, where the snapshot is made; it is tried again with the next tick. */
static void a_snapshot_waits_for_memory(void **)
{
    assert_ok(live());
    struct session *session;
    assert_ok(session_create(sessions, S("ann"), &session));
    assert_ok(history_add(&session->history, SAID_BY_USER, 1, S("remember me"), false));
    unsigned n = 0;
    for (bool failed = true; failed; n++) {
        alloc_fault_arm(n);
        keep_save(keep, session);
        failed = alloc_fault_disarm();
        assert_int_equal(session->unsaved, failed);
        alloc_fault_arm(0);
        keep_tick(keep);
        (void)alloc_fault_disarm();
    }
    assert_true(n > 1);
    alloc_fault_arm(0);
    keep_save(keep, session);
    assert_true(alloc_fault_disarm() && session->unsaved);
    char id[64];
    snprintf(id, sizeof id, "%s", session->id);
    keep_tick(keep);
    assert_false(session->unsaved);
    die();
    assert_ok(live());
    assert_string_equal(said(id, "ann"), "remember me");
    die();
}

int main(void)
{
#define t(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {t(a_good_file_stays_good), t(a_snapshot_waits_for_memory)};
    return cmocka_run_group_tests_name("talk/keep_nomem", tests, nullptr, nullptr);
}
