// SPDX-License-Identifier: Apache-2.0
#include "server/access/jwt.h"

#include "unit.h"

static const struct str key = S("0123456789abcdef0123456789abcdef");
static const struct str other_key = S("fedcba9876543210fedcba9876543210");

static void sign(struct buf *into, int64_t now_s)
{
    struct jwt_claims c = {
        .owner = "local", .right = "socket", .session = "00112233445566778899aabbccddeeff"};
    assert_ok(jwt_sign(key, now_s, &c, into));
}

static void test_round_trip(void **)
{
    autobuf token = BUF(JWT_MAX_BYTES);
    sign(&token, 1000000);
    struct jwt_claims got;
    assert_ok(jwt_verify(key, 1000000, buf_str(&token), &got));
    assert_string_equal(got.owner, "local");
    assert_string_equal(got.session, "00112233445566778899aabbccddeeff");
    assert_int_equal(got.expires_s, 1000000 + JWT_LIFE_S);
}

static void test_time(void **)
{
    autobuf token = BUF(JWT_MAX_BYTES);
    sign(&token, 1000000);
    struct jwt_claims got;
    assert_ok(jwt_verify(key, 1000000 + JWT_LIFE_S + JWT_LEEWAY_S - 1, buf_str(&token), &got));
    assert_err(jwt_verify(key, 1000000 + JWT_LIFE_S + JWT_LEEWAY_S, buf_str(&token), &got),
               ERR_AUTH);
    assert_err(jwt_verify(key, 1000000 - JWT_LEEWAY_S - 1, buf_str(&token), &got), ERR_AUTH);
}

static void test_every_changed_byte_is_noticed(void **)
{
    autobuf token = BUF(JWT_MAX_BYTES);
    sign(&token, 1000000);
    struct jwt_claims got;
    assert_err(jwt_verify(other_key, 1000000, buf_str(&token), &got), ERR_AUTH);
    for (size_t i = 0; i < token.n; i++) {
        char was = token.p[i];
        token.p[i] = was == 'A' ? 'B' : 'A';
        assert_err(jwt_verify(key, 1000000, buf_str(&token), &got), ERR_AUTH);
        token.p[i] = was;
    }
    for (size_t n = 0; n < token.n; n++)
        assert_err(jwt_verify(key, 1000000, str_sub(buf_str(&token), 0, n), &got), ERR_AUTH);
}

static void test_foreign_headers_are_refused(void **)
{
    static const char *const tokens[] = {
        /* {"alg":"none"} */
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJsb2NhbCJ9.",
        /* {"alg":"RS256","typ":"JWT"} */
        "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.e30.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "....",
        "a.b.c",
        "",
    };
    struct jwt_claims got;
    for (size_t i = 0; i < countof(tokens); i++)
        assert_err(jwt_verify(key, 1000000, str_of(tokens[i]), &got), ERR_AUTH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_every_changed_byte_is_noticed),
        cmocka_unit_test(test_foreign_headers_are_refused),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
