// SPDX-License-Identifier: Apache-2.0
#include "server/net/public_address.h"

#include <arpa/inet.h>

#include "server/net/fetch_url.h"
#include "unit.h"

static void test_addresses(void **)
{
    static const struct {
        const char *text;
        bool is_public;
    } rows[] = {
        {"1.1.1.1", true},
        {"0.0.0.0", false},
        {"9.255.255.255", true},
        {"10.0.0.1", false},
        {"100.63.255.255", true},
        {"100.64.0.1", false},
        {"100.128.0.1", true},
        {"127.0.0.1", false},
        {"169.254.169.254", false},
        {"172.15.255.255", true},
        {"172.16.0.1", false},
        {"172.32.0.1", true},
        {"192.0.0.8", false},
        {"192.0.2.1", false},
        {"192.88.99.1", false},
        {"192.168.1.1", false},
        {"192.169.0.1", true},
        {"198.18.0.1", false},
        {"198.51.100.1", false},
        {"203.0.113.1", false},
        {"223.255.255.255", true},
        {"224.0.0.1", false},
        {"255.255.255.255", false},
        {"2606:4700::1111", true},
        {"::", false},
        {"::1", false},
        {"::ffff:10.0.0.1", false},
        {"::ffff:1.1.1.1", true},
        {"::1.1.1.1", false},
        {"64:ff9b::10.0.0.1", false},
        {"64:ff9b::1.1.1.1", true},
        {"64:ff9b:1::1.1.1.1", false},
        {"100::1", false},
        {"2001::1", false},
        {"2001:1ff:ffff::1", false},
        {"2001:200::1", true},
        {"2001:db8::1", false},
        {"2002:a00:1::", false},
        {"3fff:1::1", false},
        {"fc00::1", false},
        {"fd00:ec2::254", false},
        {"fe80::1", false},
        {"ff02::1", false},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct sockaddr_in four = {.sin_family = AF_INET};
        struct sockaddr_in6 six = {.sin6_family = AF_INET6};
        bool is_four = inet_pton(AF_INET, rows[i].text, &four.sin_addr) == 1;
        if (!is_four)
            assert_int_equal(inet_pton(AF_INET6, rows[i].text, &six.sin6_addr), 1);
        const struct sockaddr *address =
            is_four ? (const struct sockaddr *)&four : (const struct sockaddr *)&six;
        if (address_is_public(address) != rows[i].is_public)
            fail_msg("%s", rows[i].text);
    }
    assert_false(address_is_public(&(struct sockaddr){.sa_family = AF_UNIX}));
}

static void test_urls(void **)
{
    struct url_parts p;
    assert_ok(url_read("https://Example.ORG/x?y#z", &p));
    assert_true(p.is_https && p.port == 443 && strcmp(p.host, "example.org") == 0);
    assert_ok(url_read("http://[::1]:8080", &p));
    assert_true(!p.is_https && p.port == 8080 && strcmp(p.host, "[::1]") == 0);
    static const char *const bad[] = {
        "",           "x",           "file:///x",       "https://",
        "ftp://x/y",  "https://a@b", "https://a:b@c/d", "https://:b@c/d",
        "http://a b", "http://a:0/"};
    for (size_t i = 0; i < countof(bad); i++)
        if (url_read(bad[i], &p) == OK)
            fail_msg("%s", bad[i]);
    assert_ok(url_read("http://mirror.lan:8080/x", &p));
    assert_true(url_is_listed(&p, "a, MIRROR.lan"));
    assert_true(url_is_listed(&p, "mirror.lan:8080,b"));
    assert_false(url_is_listed(&p, "mirror.lan:80"));
    assert_false(url_is_listed(&p, ""));
    assert_false(url_is_listed(&p, ",,mirror,lan"));
    assert_true(url_is_this_machine("https://LOCALHOST./x?y"));
    assert_true(url_is_this_machine("http://[::ffff:127.0.0.1]/"));
    assert_false(url_is_this_machine("http://localhost.example/"));
}

static void test_redirects(void **)
{
    static const struct {
        const char *location, *want; /* NULL: none */
    } rows[] = {
        {"https://b/c", "https://b/c"}, {"/c?d", "https://a/c?d"}, {"c", "https://a/x/c"},
        {"../c", "https://a/c"},        {"//b/c", "https://b/c"},  {"?q", "https://a/x/y?q"},
        {"https://", nullptr},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        autobuf to = BUF(URL_MAX);
        enum err err = url_follow("https://a/x/y", str_of(rows[i].location), &to);
        if ((err == OK) != (rows[i].want != nullptr) ||
            (err == OK && !str_eq(buf_str(&to), str_of(rows[i].want))))
            fail_msg("%s: %s %.*s", rows[i].location, err_code(err), STR_FMT(to));
    }
    autobuf to = BUF(URL_MAX);
    assert_err(url_follow("https://a/", (struct str){"b\0c", 3}, &to), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_redirects),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
