// SPDX-License-Identifier: Apache-2.0
#include "server/net/addresses.h"

#include <arpa/inet.h>

#include "unit.h"

static void an_address_stands_for_itself(void **)
{
    static const struct {
        const char *host, *want; /* "": none */
    } rows[] = {
        {"127.0.0.1", ""},
        {"127.9.9.9", ""},
        {"::1", ""},
        {"localhost", ""},
        {"nonsense", ""},
        {"", ""},
        {"10.1.2.3", "10.1.2.3"},
        {"2001:DB8::1", "2001:DB8::1"},
        {"10.1.2.3.4", ""},
        {"00000000000000000000000000000000000000000000000000000000000000000000000", ""},
    };
    for (unsigned i = 0; i < countof(rows); i++) {
        struct addresses list;
        addresses_of(str_of(rows[i].host), &list);
        assert_int_equal(list.count, rows[i].want[0] != '\0');
        if (list.count > 0)
            assert_string_equal(list.text[0], rows[i].want);
    }
}

static void any_address_is_all_of_the_machine(void **)
{
    static const char *const hosts[] = {"0.0.0.0", "::"};
    for (unsigned h = 0; h < countof(hosts); h++) {
        struct addresses list;
        addresses_of(str_of(hosts[h]), &list);
        for (unsigned i = 0; i < list.count; i++) {
            struct in_addr in;
            struct in6_addr in6;
            bool v4 = inet_pton(AF_INET, list.text[i], &in) == 1;
            assert_true(v4 || (h == 1 && inet_pton(AF_INET6, list.text[i], &in6) == 1));
            if (v4)
                assert_int_not_equal(ntohl(in.s_addr) >> 24, 127);
            else
                assert_false(IN6_IS_ADDR_LOOPBACK(&in6) || IN6_IS_ADDR_LINKLOCAL(&in6));
            for (unsigned k = 0; k < i; k++)
                assert_string_not_equal(list.text[i], list.text[k]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_stands_for_itself),
        cmocka_unit_test(any_address_is_all_of_the_machine),
    };
    return cmocka_run_group_tests_name("net/addresses", tests, nullptr, nullptr);
}
