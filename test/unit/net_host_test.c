// SPDX-License-Identifier: Apache-2.0
#include "server/net/host.h"

#include "unit.h"

static struct host_rules *rules(bool loopback, const char *hosts, const char *origins)
{
    struct host_rules *r;
    assert_ok(host_rules_create(loopback, str_of(hosts), str_of(origins), &r));
    return r;
}

static void hosts_are_checked(void **)
{
    static const struct {
        bool loopback;
        const char *configured, *host;
        bool allowed;
    } cases[] = {
        {true, "", "127.0.0.1:8600", true},
        {true, "", "localhost", true},
        {true, "", "LocalHost:1", true},
        {true, "", "[::1]:8600", true},
        {true, "", "127.0.0.2", false},
        {true, "", "evil.example:8600", false},
        {true, "", "localhost.evil.example", false},
        {true, "", "127.0.0.1.evil.example:8600", false},
        {true, "", "", false},
        {true, "", "localhost:", false},
        {true, "", "localhost:80a", false},
        {true, "", "[::1", false},
        {true, "", "[::1]x", false},
        {true, "chat.example, b:81", "chat.example:8600", true},
        {true, "chat.example, b:81", "CHAT.example", true},
        {true, "chat.example, b:81", "b:81", true},
        {true, "chat.example, b:81", "b:82", false},
        {true, "chat.example, b:81", "b", false},
        {false, "", "anything.example", true},
        {false, "chat.example", "anything.example", false},
        {false, "chat.example", "localhost", false},
        {false, "chat.example", "chat.example", true},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct host_rules *r = rules(cases[i].loopback, cases[i].configured, "");
        if (host_allowed(r, str_of(cases[i].host)) != cases[i].allowed)
            fail_msg("\"%s\" with \"%s\"", cases[i].host, cases[i].configured);
        host_rules_destroy(r);
    }
}

static void origins_are_checked(void **)
{
    static const struct {
        const char *configured, *origin, *host;
        bool allowed;
    } cases[] = {
        {"", "http://localhost:8600", "localhost:8600", true},
        {"", "http://LOCALHOST:8600", "localhost:8600", true},
        {"", "http://localhost:3000", "localhost:8600", false},
        {"", "http://127.0.0.1:8600", "localhost:8600", false},
        {"", "http://x", "x:80", true},
        {"", "https://x", "x:443", true},
        {"", "https://x", "x", true},
        {"", "https://x:443", "x", true},
        {"", "https://x:8443", "x", false},
        {"", "http://x", "x:443", false},
        {"", "http://[::1]:8600", "[::1]:8600", true},
        {"", "null", "x", false},
        {"", "", "x", false},
        {"", "file://", "x", false},
        {"", "chrome-extension://x", "x", false},
        {"", "http://x/", "x", false},
        {"", "http://x@x", "x", false},
        {"", "http://evil.example", "x", false},
        {"https://app.example, http://b:81", "https://app.example", "x", true},
        {"https://app.example, http://b:81", "https://app.example:443", "x", true},
        {"https://app.example, http://b:81", "http://app.example", "x", false},
        {"https://app.example, http://b:81", "https://app.example.evil", "x", false},
        {"https://app.example, http://b:81", "http://b:81", "x", true},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct host_rules *r = rules(true, "", cases[i].configured);
        if (origin_allowed(r, str_of(cases[i].origin), str_of(cases[i].host)) != cases[i].allowed)
            fail_msg("\"%s\" to \"%s\" with \"%s\"", cases[i].origin, cases[i].host,
                     cases[i].configured);
        host_rules_destroy(r);
    }
}

static void origin_is_asked_on_writes_and_websockets(void **)
{
    static const struct {
        const char *request;
        enum err err;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil\r\n\r\n", OK},
        {"POST / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil\r\n\r\n", ERR_DENIED},
        {"DELETE / HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\n\r\n", ERR_DENIED},
        {"POST / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n\r\n", OK},
        {"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n", OK},
        {"POST / HTTP/1.1\r\nHost: localhost\r\nOrigin:\r\n\r\n", ERR_DENIED},
        {"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\nOrigin: http://evil\r\n\r\n",
         ERR_DENIED},
        {"GET / HTTP/1.1\r\nHost: rebound.example\r\n\r\n", ERR_DENIED},
        {"GET / HTTP/1.0\r\n\r\n", ERR_DENIED},
    };
    struct host_rules *r = rules(true, "", "");
    for (size_t i = 0; i < countof(cases); i++) {
        struct http_parser *p;
        struct http_piece piece;
        struct str bytes = str_of(cases[i].request);
        const char *why = nullptr;
        assert_ok(http_parser_create(&p));
        assert_ok(http_parse(p, &bytes, &piece));
        assert_err(host_check(r, http_head(p), &why), cases[i].err);
        assert_true((why != nullptr) == (cases[i].err != OK));
        http_parser_destroy(p);
    }
    host_rules_destroy(r);
}

static void bad_lists_are_refused(void **)
{
    struct host_rules *r;
    assert_err(host_rules_create(true, S("a b"), S(""), &r), ERR_INVALID);
    assert_err(host_rules_create(true, S("http://a"), S(""), &r), ERR_INVALID);
    assert_err(host_rules_create(true, S(""), S("a"), &r), ERR_INVALID);
    assert_err(host_rules_create(true, S(""), S("https://a/b"), &r), ERR_INVALID);
    assert_err(host_rules_create(true, S(""), S("*"), &r), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_are_checked),
        cmocka_unit_test(origins_are_checked),
        cmocka_unit_test(origin_is_asked_on_writes_and_websockets),
        cmocka_unit_test(bad_lists_are_refused),
    };
    return cmocka_run_group_tests_name("net/host", tests, nullptr, nullptr);
}
