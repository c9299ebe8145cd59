// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "unit.h"

/* RFC 6455, 7.4: what may stand in a close frame, with what IANA added since. */
static bool may_be_sent(int code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

static void test_every_row_is_fit_to_be_sent(void **)
{
    for (int e = 0; e < ERR_COUNT; e++) {
        struct str code = str_of(err_code((enum err)e)), text = str_of(err_text((enum err)e));
        assert_true(code.n > 0 && text.n > 0);
        for (size_t i = 0; i < code.n; i++)
            assert_non_null(strchr("abcdefghijklmnopqrstuvwxyz0123456789_", code.p[i]));
        assert_false(str_ends(text, S(".")));
        int status = err_http_status((enum err)e);
        assert_true(e == OK ? status == 200 : status >= 400 && status < 600);
        assert_true(may_be_sent(err_ws_close((enum err)e)));
        for (int other = 0; other < e; other++)
            assert_string_not_equal(err_code((enum err)e), err_code((enum err)other));
    }
}

static void test_numbers_from_elsewhere(void **)
{
    static const int numbers[] = {-1, ERR_COUNT, ERR_COUNT + 1, 1 << 30, -(1 << 30)};
    for (size_t i = 0; i < countof(numbers); i++) {
        assert_string_equal(err_code((enum err)numbers[i]), "internal");
        assert_int_equal(err_http_status((enum err)numbers[i]), 500);
    }
}

static void test_errno(void **)
{
    static const struct {
        int number;
        enum err want;
    } rows[] = {
        {0, OK},
        {ENOENT, ERR_NOTFOUND},
        {EACCES, ERR_DENIED},
        {ENOMEM, ERR_NOMEM},
        {ENOSPC, ERR_NOSPACE},
        {EDQUOT, ERR_NOSPACE},
        {EADDRINUSE, ERR_CONFLICT},
        {EMFILE, ERR_BUSY},
        {EAGAIN, ERR_AGAIN},
        {EPIPE, ERR_CLOSED},
        {EIO, ERR_IO},
        {12345, ERR_IO},
    };
    for (size_t i = 0; i < countof(rows); i++)
        assert_err(err_from_errno(rows[i].number), rows[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_is_fit_to_be_sent),
        cmocka_unit_test(test_numbers_from_elsewhere),
        cmocka_unit_test(test_errno),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
