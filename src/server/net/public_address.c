// SPDX-License-Identifier: Apache-2.0
#include "server/net/public_address.h"

#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

static bool four_is_public(uint32_t a)
{
    static const struct {
        uint32_t net;
        uint8_t bits;
    } special[] = {
        {0x00000000, 8},  {0x0a000000, 8},  {0x64400000, 10}, {0x7f000000, 8},  {0xa9fe0000, 16},
        {0xac100000, 12}, {0xc0000000, 24}, {0xc0000200, 24}, {0xc0586300, 24}, {0xc0a80000, 16},
        {0xc6120000, 15}, {0xc6336400, 24}, {0xcb007100, 24}, {0xe0000000, 3},
    };
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        if (((a ^ special[i].net) >> (32 - special[i].bits)) == 0)
            return false;
    return true;
}

static uint32_t number(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static bool six_is_public(const uint8_t a[16])
{
    static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b},
                         mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (memcmp(a, nat64, sizeof nat64) == 0 || memcmp(a, mapped, sizeof mapped) == 0)
        return four_is_public(number(a + 12));
    uint32_t head = number(a);
    return head >> 29 == 1                 /* 2000::/3 */
           && head >> 9 != 0x20010000 >> 9 /* 2001::/23: Teredo, ORCHID and others */
           && head != 0x20010db8           /* documentation */
           && head >> 16 != 0x2002         /* 6to4 */
           && head >> 12 != 0x3fff0;       /* documentation */
}

bool address_is_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        return four_is_public(ntohl(in.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, address, sizeof in);
        return six_is_public(in.sin6_addr.s6_addr);
    }
    return false;
}
