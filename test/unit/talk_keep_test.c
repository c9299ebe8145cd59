// SPDX-License-Identifier: Apache-2.0
/* Conversations over a restart: what is there again, what is not, and what a disk can do to them. */
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>

#include "talk_keep.h"

static void what_was_said_is_there_again(void **)
{
    char id[64], secret[KEEP_SECRET_BYTES];
    assert_ok(live());
    snprintf(id, sizeof id, "%s", say("ann", "caf\303\251 \"quoted\"\n\001"));
    memcpy(secret, keep_secret(keep).p, sizeof secret);
    die();
    pass(2 * HOUR_MS);
    for (int lives = 0; lives < 3; lives++) {
        assert_ok(live());
        assert_int_equal(sessions_count(sessions), 1);
        assert_memory_equal(keep_secret(keep).p, secret, sizeof secret);
        const struct session *session = session_peek(sessions, str_of(id), S("ann"));
        assert_non_null(session);
        assert_null(session_peek(sessions, str_of(id), S("bob")));
        assert_int_equal(session->history.count, 2);
        assert_string_equal(session->history.entry[0].text, "caf\303\251 \"quoted\"\n\001");
        assert_int_equal(session->history.entry[0].by, SAID_BY_USER);
        assert_false(session->history.entry[0].interrupted);
        assert_int_equal(session->history.entry[1].by, SAID_BY_ASSISTANT);
        assert_true(session->history.entry[1].interrupted);
        die();
    }
    struct stat about;
    assert_int_equal(stat(in_folder("sessions.db"), &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
}

/* Old ones go for good, the table's size decides how many come, and the newest of them. */
static void what_is_too_old_or_too_much_is_not(void **)
{
    char old[64], ids[TABLE_MAX + 2][64];
    assert_ok(live());
    snprintf(old, sizeof old, "%s", say("ann", "old"));
    pass(23 * HOUR_MS);
    for (int i = 0; i < TABLE_MAX + 2; i++) {
        pass(1000);
        snprintf(ids[i], sizeof *ids, "%s", say("ann", "new"));
    }
    die();
    assert_ok(live());
    assert_int_equal(sessions_count(sessions), TABLE_MAX);
    for (int i = 0; i < TABLE_MAX + 2; i++)
        assert_int_equal(said(ids[i], "ann") != nullptr, i >= 2);
    assert_ptr_equal(session_peek(sessions, str_of(ids[TABLE_MAX + 1]), S("ann")),
                     sessions_next(sessions, nullptr));
    die();
    pass(24 * HOUR_MS);
    assert_ok(live());
    assert_int_equal(sessions_count(sessions), 0);
    die();
    clock_fake(start_us); /* back again: they are not on the disk any more */
    assert_ok(live());
    assert_int_equal(sessions_count(sessions), 0);
    die();
}

/* Who uses a session now and then keeps it; a clock that was set back makes it new. */
static void age_goes_on_over_a_restart(void **)
{
    char id[64];
    assert_ok(live());
    snprintf(id, sizeof id, "%s", say("ann", "x"));
    die();
    pass(20 * HOUR_MS);
    assert_ok(live());
    pass(3 * HOUR_MS);
    sessions_sweep(sessions);
    assert_non_null(said(id, "ann"));
    pass(1 * HOUR_MS);
    sessions_sweep(sessions);
    assert_null(said(id, "ann"));
    die();
    clock_fake(start_us - 100 * HOUR_MS * 1000);
    assert_ok(live());
    assert_non_null(said(id, "ann"));
    die();
}

/* --- what lies there is foreign --- */

static void write_file(const char *name, struct str bytes)
{
    int fd = open(in_folder(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(write(fd, bytes.p, bytes.n), bytes.n);
    close(fd);
}

static void read_file(const char *name, struct buf *into)
{
    char piece[4096];
    int fd = open(in_folder(name), O_RDONLY);
    for (ssize_t n; fd >= 0 && (n = read(fd, piece, sizeof piece)) > 0;)
        assert_ok(buf_add(into, (struct str){piece, (size_t)n}));
    if (fd >= 0)
        close(fd);
}

/* Whatever lies there, the server starts, and what is said then is kept. */
static void starts_and_keeps(void)
{
    char id[64];
    assert_ok(live());
    snprintf(id, sizeof id, "%s", say("ann", "after the damage"));
    die();
    assert_ok(live());
    assert_string_equal(said(id, "ann"), "after the damage");
    die();
}

static void sql_into_file(const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(in_folder("sessions.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(db);
}

static void a_file_that_is_none_of_ours_is_set_aside(void **)
{
    static const struct {
        const char *text, *sql; /* instead of a file; or a file made by it */
        bool aside;
    } table[] = {
        {.text = "", .aside = false},
        {.text = "this is a letter, not a database; it is long enough to hold a header of SQLite's,"
                 " which is a hundred bytes and no more",
         .aside = true},
        {.text = "SQLite format 3", .aside = true},
        {.sql = "PRAGMA user_version = 2", .aside = true},
        {.sql = "PRAGMA user_version = -1", .aside = true},
        {.sql = "PRAGMA user_version = 1", .aside = true},
        {.sql = "CREATE TABLE sessions(id)", .aside = true},
        {.sql = "CREATE TABLE secret(x); CREATE TABLE sessions(id, owner, used, said);"
                "PRAGMA user_version = 1",
         .aside = true},
        {.sql = "CREATE VIEW sessions AS SELECT 1 AS id, 2 AS owner, 3 AS used, 4 AS said;"
                "CREATE TABLE secret(id, bytes); PRAGMA user_version = 1",
         .aside = true},
    };
    for (size_t i = 0; i < countof(table); i++) {
        clean_folder();
        if (table[i].text)
            write_file("sessions.db", str_of(table[i].text));
        else
            sql_into_file(table[i].sql);
        starts_and_keeps();
        if (exists("sessions.db.aside") != table[i].aside)
            fail_msg("case %zu", i);
    }
}

/* Cut anywhere, or with a page of other bytes: either it is still whole, or it is set aside. */
static void damage_is_noticed(void **)
{
    static char text[16000];
    memset(text, 'x', sizeof text - 1);
    clean_folder();
    assert_ok(live());
    for (int i = 0; i < TABLE_MAX - 1; i++)
        say("ann", text);
    die();
    autobuf whole = BUF(1 << 22);
    read_file("sessions.db", &whole);
    assert_true(whole.n > 100000);
    unsigned aside = 0;
    for (size_t at = 1; at < whole.n; at += 4099) {
        clean_folder();
        write_file("sessions.db", str_sub(buf_str(&whole), 0, at));
        starts_and_keeps();
        aside += exists("sessions.db.aside");
    }
    assert_true(aside > whole.n / 4099 - 1);
    for (size_t at = 0; at + 4096 <= whole.n; at += 3 * 4096) {
        clean_folder();
        autobuf broken = BUF(1 << 22);
        assert_ok(buf_add(&broken, buf_str(&whole)));
        for (size_t i = 0; i < 4096; i++)
            broken.p[at + i] ^= (char)(i * 31 + 5);
        write_file("sessions.db", buf_str(&broken));
        starts_and_keeps();
    }
}

/* Of rows that we would not have written each is forgotten, alone. */
static void a_bad_row_costs_itself(void **)
{
    static const char *const rows[] = {
        "'zz', 'ann', 9000000000000, '[]'",
        "'0123456789abcdef0123456789ABCDEF', 'ann', 9000000000000, '[]'",
        "'0123456789abcdef0123456789abcdef', '', 9000000000000, '[]'",
        "'0123456789abcdef0123456789abcdef', hex(zeroblob(40)), 9000000000000, '[]'",
        "'0123456789abcdef0123456789abcdef', CAST(x'61ff' AS TEXT), 9000000000000, '[]'",
        "'0123456789abcdef0123456789abcdef', CAST(x'610061' AS TEXT), 9000000000000, '[]'",
        "'0123456789abcdef0123456789abcdef', 'ann', 9000000000000, ''",
        "'0123456789abcdef0123456789abcdef', 'ann', 9000000000000, '{}'",
        "'0123456789abcdef0123456789abcdef', 'ann', 9000000000000, '[{\"by\":\"me\",\"text\":\"\"}]'",
        "'0123456789abcdef0123456789abcdef', 'ann', 9223372036854775807, '[1]'",
        "'0123456789abcdef0123456789abcdef', 'ann', 9000000000000, hex(zeroblob(1000000))",
    };
    for (size_t i = 0; i < countof(rows); i++) {
        char id[64], sql[300];
        clean_folder();
        assert_ok(live());
        snprintf(id, sizeof id, "%s", say("ann", "good"));
        die();
        snprintf(sql, sizeof sql, "INSERT INTO sessions(id, owner, used, said) VALUES(%s)",
                 rows[i]);
        sql_into_file(sql);
        for (int lives = 0; lives < 2; lives++) {
            assert_ok(live());
            if (sessions_count(sessions) != 1 || !said(id, "ann"))
                fail_msg("row %zu: %u sessions", i, sessions_count(sessions));
            die();
        }
        assert_false(exists("sessions.db.aside"));
    }
}

static void what_was_set_aside_goes_with_its_time(void **)
{
    clean_folder();
    write_file("sessions.db",
               S("no database, but long enough to be looked at as one, it seems to me"));
    assert_ok(live());
    die();
    assert_true(exists("sessions.db.aside"));
    pass(25 * HOUR_MS);
    assert_ok(live());
    die();
    assert_false(exists("sessions.db.aside"));
}

/* --- deletion --- */

static bool forgotten;
static enum err how;
static void on_forgotten(void *, enum err err)
{
    how = err;
    forgotten = true;
}

static bool is_on_disk(const char *word)
{
    static const char *const names[] = {"sessions.db", "sessions.db-wal", "sessions.db.aside",
                                        "sessions.db.aside-wal"};
    bool found = false;
    for (size_t i = 0; i < countof(names); i++) {
        autobuf bytes = BUF(1 << 22);
        read_file(names[i], &bytes);
        found = found || str_find(buf_str(&bytes), str_of(word)) < bytes.n;
    }
    return found;
}

static void what_is_deleted_is_gone_from_the_disk(void **)
{
    static char text[9000];
    char id[64], other[64];
    for (size_t i = 0; i < sizeof text - 1; i++)
        text[i] = "swordfish "[i % 10];
    clean_folder();
    assert_ok(live());
    snprintf(id, sizeof id, "%s", say("ann", text));
    snprintf(other, sizeof other, "%s", say("bob", "another"));
    forgotten = false;
    struct session *session = session_peek(sessions, str_of(id), S("ann"));
    session_hold(session); /* a connection */
    assert_ok(keep_forget(keep, S("ann"), str_of(id), on_forgotten, nullptr));
    session_end(sessions, session);
    assert_false(forgotten);
    assert_null(session_peek(sessions, str_of(id), S("ann")));
    keep_save(keep, session);
    session_release(sessions, session);
    assert_int_equal(sessions_count(sessions), 1);
    for (int i = 0; i < 1000 && !forgotten; i++)
        loop_step(loop, 50);
    assert_true(forgotten);
    assert_ok(how);
    assert_false(is_on_disk("swordfish"));
    assert_true(is_on_disk("another"));
    die();
    assert_ok(live());
    assert_null(session_peek(sessions, str_of(id), S("ann"))); /* nor is its token good again */
    assert_non_null(said(other, "bob"));
    die();
    assert_ok(keep_file_erase(folder));
    assert_false(exists("sessions.db"));
}

static void forget(const char *owner, const char *id)
{
    forgotten = false;
    assert_ok(keep_forget(keep, str_of(owner), str_of(id), on_forgotten, nullptr));
    for (int i = 0; i < 1000 && !forgotten; i++)
        loop_step(loop, 50);
    assert_true(forgotten);
}

static void forget_all_of(const char *owner)
{
    forget(owner, "");
}

/* The session has ended in memory by then. */
static void what_could_not_be_deleted_is_when_tried_again(void **)
{
    char id[64];
    clean_folder();
    assert_ok(live());
    snprintf(id, sizeof id, "%s", say("ann", "swordfish"));
    die();
    assert_ok(live());
    struct rlimit whole, small;
    getrlimit(RLIMIT_FSIZE, &whole);
    small = (struct rlimit){.rlim_cur = 1, .rlim_max = whole.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    forget("ann", id);
    setrlimit(RLIMIT_FSIZE, &whole);
    assert_true(how != OK && how != ERR_NOTFOUND);
    forget("ann", id);
    assert_ok(how);
    assert_false(is_on_disk("swordfish"));
    forget("ann", id);
    assert_int_equal(how, ERR_NOTFOUND);
    die();
}

/* Nobody can tell whose it is what lies in a file that cannot be read. */
static void what_was_set_aside_goes_with_all_that_was_said(void **)
{
    clean_folder();
    assert_ok(live());
    (void)say("ann", "swordfish");
    die();
    sql_into_file("PRAGMA user_version = 2");
    assert_ok(live());
    assert_true(is_on_disk("swordfish"));
    forget_all_of("ann");
    assert_ok(how);
    assert_false(is_on_disk("swordfish"));
    assert_false(exists("sessions.db.aside"));
    die();
}

/* A program that reads the file keeps what was overwritten in the journal alive. */
static void what_may_still_be_on_the_disk_is_said(void **)
{
    clean_folder();
    assert_ok(live());
    (void)say("ann", "swordfish");
    (void)say("bob", "another");
    for (int i = 0; i < 1000 && !is_on_disk("another"); i++)
        loop_step(loop, 50);
    sqlite3 *reader;
    assert_int_equal(sqlite3_open(in_folder("sessions.db"), &reader), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(reader, "BEGIN; SELECT * FROM sessions", nullptr, nullptr, nullptr),
        SQLITE_OK);
    forget_all_of("ann");
    assert_true(is_on_disk("swordfish"));
    assert_int_equal(how, ERR_BUSY);
    sqlite3_close(reader);
    keep_tick(keep); /* it is tried again */
    for (int i = 0; i < 1000 && is_on_disk("swordfish"); i++)
        loop_step(loop, 50);
    assert_false(is_on_disk("swordfish"));
    die();
}

/* --- the disk --- */

static void step_until(const bool *flag, bool value)
{
    for (int i = 0; i < 1000 && *flag != value; i++)
        loop_step(loop, 50);
    assert_int_equal(*flag, value);
}

/* A limit on the size of files stands for a disk that is full. */
static void a_full_disk_is_survived(void **)
{
    static char text[16000];
    char id[64];
    memset(text, 'z', sizeof text - 1);
    clean_folder();
    assert_ok(live());
    struct rlimit whole, small;
    getrlimit(RLIMIT_FSIZE, &whole);
    small = (struct rlimit){.rlim_cur = 16 * 1024, .rlim_max = whole.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    snprintf(id, sizeof id, "%s", say("ann", text));
    struct session *session = session_peek(sessions, str_of(id), S("ann"));
    step_until(&session->unsaved, true);
    keep_tick(keep); /* tried again, in vain */
    step_until(&session->unsaved, true);
    setrlimit(RLIMIT_FSIZE, &whole);
    assert_string_equal(said(id, "ann"), text);
    loop_step(loop, 100);
    keep_tick(keep);
    step_until(&session->unsaved, false);
    die();
    assert_ok(live());
    assert_string_equal(said(id, "ann"), text);
    die();
}

static void a_folder_without_rights_is_said(void **)
{
    clean_folder();
    assert_int_equal(mkdir(in_folder("sessions.db"), 0700), 0); /* also root cannot open that */
    enum err err = live();
    assert_true(err != OK);
    assert_null(keep);
    die();
    assert_int_equal(rmdir(in_folder("sessions.db")), 0);
}

int main(void)
{
#define t(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        t(what_was_said_is_there_again),
        t(what_is_too_old_or_too_much_is_not),
        t(age_goes_on_over_a_restart),
        t(a_file_that_is_none_of_ours_is_set_aside),
        t(damage_is_noticed),
        t(a_bad_row_costs_itself),
        t(what_was_set_aside_goes_with_its_time),
        t(what_is_deleted_is_gone_from_the_disk),
        t(what_could_not_be_deleted_is_when_tried_again),
        t(what_was_set_aside_goes_with_all_that_was_said),
        t(what_may_still_be_on_the_disk_is_said),
        t(a_full_disk_is_survived),
        t(a_folder_without_rights_is_said),
    };
    return cmocka_run_group_tests_name("talk/keep", tests, nullptr, nullptr);
}
