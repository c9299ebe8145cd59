// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <errno.h>
#include <unistd.h>

#include "base/clock.h"

#include "unit.h"

/* What `level`, `turn`, "%.*s" of text writes on standard error. */
static void capture(enum log_level level, uint64_t turn, struct str text, struct buf *into)
{
    int ends[2], saved = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    errno = ENOENT;
    log_line(level, turn, "%.*s", STR_FMT(text));
    int after = errno;
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[1]);
    char bytes[8192];
    for (ssize_t n; (n = read(ends[0], bytes, sizeof bytes)) > 0;)
        assert_ok(buf_add(into, (struct str){bytes, (size_t)n}));
    close(ends[0]);
    assert_int_equal(after, ENOENT);
}

static void test_lines(void **)
{
    static const struct {
        enum log_level level;
        uint64_t turn;
        struct str text;
        const char *want;
    } rows[] = {
        {LOG_ERROR, 0, S("it failed"), "error it failed\n"},
        {LOG_WARN, 17, S("late"), "warn  turn=17 late\n"},
        {LOG_INFO, 0, S("\xc3\xa4\xe2\x82\xac"), "info  \xc3\xa4\xe2\x82\xac\n"},
        {LOG_INFO, 0, S("a\nb\r\x1b[2J\x7f\t"), "info  a\\x0ab\\x0d\\x1b[2J\\x7f\\x09\n"},
        {LOG_INFO, 0,
         S("\xc2\x9b"
           "2J \xe2\x80\xa8 \xff"),
         "info  \\xc2\\x9b2J \\xe2\\x80\\xa8 \\xff\n"},
        {LOG_DEBUG, 0, S("silent"), ""},
    };
    clock_fake(1769860800123000); /* 2026-01-31T12:00:00.123Z */
    log_set_level(LOG_INFO);
    for (size_t i = 0; i < countof(rows); i++) {
        autobuf got = BUF(1 << 16);
        capture(rows[i].level, rows[i].turn, rows[i].text, &got);
        struct str line = buf_str(&got);
        if (line.n) {
            assert_true(str_starts(line, S("2026-01-31T12:00:00.123Z ")));
            line = str_sub(line, 25, line.n);
        }
        assert_str(line, rows[i].want);
    }
    clock_fake(UINT64_MAX);
}

static void test_name_and_level(void **)
{
    autobuf got = BUF(1 << 16);
    log_set_level(LOG_DEBUG);
    log_set_name("stt");
    assert_true(log_enabled(LOG_DEBUG));
    capture(LOG_DEBUG, 3, S("text"), &got);
    assert_true(str_ends(buf_str(&got), S("Z debug stt: turn=3 text\n")));
    log_set_name("");
    log_set_level(LOG_ERROR);
    assert_false(log_enabled(LOG_WARN));
}

/* The longest line there can be: everything is escaped, and what is too long is cut. */
static void test_long_texts(void **)
{
    static char text[3000];
    autobuf got = BUF(1 << 16);
    memset(text, '\n', sizeof text);
    capture(LOG_ERROR, UINT64_MAX, (struct str){text, sizeof text}, &got);
    struct str line = buf_str(&got);
    assert_uint_in_range(line.n, 4 * 1000, 4 * 1024 + 100);
    assert_int_equal(str_find_byte(line, '\n'), line.n - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_name_and_level),
        cmocka_unit_test(test_long_texts),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
