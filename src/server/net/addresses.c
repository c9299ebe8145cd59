// SPDX-License-Identifier: Apache-2.0
#include "server/net/addresses.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/if_addr.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum err address_split(struct str text, struct str *ret_host, uint16_t *ret_port)
{
    size_t colon = text.n;
    while (colon > 0 && text.p[colon - 1] != ':')
        colon--;
    int64_t port;
    if (colon == 0 || str_to_i64(str_sub(text, colon, text.n), &port) != OK || port < 0 ||
        port > 65535)
        return ERR_INVALID;
    struct str host = str_sub(text, 0, colon - 1);
    if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
        host = str_sub(host, 1, host.n - 1);
    *ret_host = host;
    *ret_port = (uint16_t)port;
    return host.n ? OK : ERR_INVALID;
}

static void add(struct addresses *list, const char *text)
{
    for (unsigned i = 0; i < list->count; i++)
        if (strcmp(list->text[i], text) == 0)
            return;
    if (list->count < ADDRESSES_MAX)
        snprintf(list->text[list->count++], ADDRESS_SIZE, "%s", text);
}

/* From where the system would send to that address. Nothing is sent. */
static void add_way_out(struct addresses *list, const struct sockaddr *to, socklen_t size)
{
    struct sockaddr_storage from = {};
    socklen_t from_size = sizeof from;
    char text[ADDRESS_SIZE] = "";
    int fd = socket(to->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (connect(fd, to, size) == 0 && getsockname(fd, (struct sockaddr *)&from, &from_size) == 0) {
        const struct sockaddr_in *in = (const void *)&from;
        if (ntohl(in->sin_addr.s_addr) >> 24 != 127 &&
            inet_ntop(AF_INET, &in->sin_addr, text, sizeof text) != nullptr)
            add(list, text);
    }
    close(fd);
}

static void add_v4(struct addresses *list, const struct ifaddrs *all)
{
    const struct sockaddr_in world = {.sin_family = AF_INET,
                                      .sin_port = htons(9),
                                      .sin_addr.s_addr = htonl(0xcb007101)}; /* 203.0.113.1 */
    add_way_out(list, (const struct sockaddr *)&world, sizeof world);
    for (const struct ifaddrs *a = all; a != nullptr; a = a->ifa_next) {
        char text[ADDRESS_SIZE];
        if (a->ifa_addr == nullptr || a->ifa_addr->sa_family != AF_INET ||
            (a->ifa_flags & IFF_UP) == 0 || (a->ifa_flags & IFF_LOOPBACK) != 0)
            continue;
        const struct sockaddr_in *in = (const void *)a->ifa_addr;
        if (ntohl(in->sin_addr.s_addr) >> 16 != 0xa9fe && /* 169.254.0.0/16 */
            inet_ntop(AF_INET, &in->sin_addr, text, sizeof text) != nullptr)
            add(list, text);
    }
}

/* "20010db8000000000000000000000001 02 40 00 80     eth0": address, then in hexadecimal the number of
 * the interface, the length of the prefix, the scope and the flags. */
static bool parse_if_inet6(const char *line, struct in6_addr *ret_address, unsigned long *ret_scope,
                           unsigned long *ret_flags)
{
    enum { DIGITS = 32 };
    char *at = (char *)line + DIGITS;
    if (strspn(line, "0123456789abcdef") != DIGITS)
        return false;
    for (size_t i = 0; i < sizeof ret_address->s6_addr; i++) {
        const char pair[] = {line[2 * i], line[2 * i + 1], '\0'};
        ret_address->s6_addr[i] = (uint8_t)strtoul(pair, nullptr, 16);
    }
    (void)strtoul(at, &at, 16);
    (void)strtoul(at, &at, 16);
    *ret_scope = strtoul(at, &at, 16);
    *ret_flags = strtoul(at, &at, 16);
    return true;
}

/* The kernel's own list, since only it tells which addresses will be others tomorrow. */
static void add_v6(struct addresses *list)
{
    constexpr unsigned long passing = IFA_F_TEMPORARY | IFA_F_DEPRECATED | IFA_F_TENTATIVE;
    FILE *f = fopen("/proc/net/if_inet6", "re");
    char line[128];
    while (f != nullptr && fgets(line, sizeof line, f) != nullptr) {
        struct in6_addr address;
        char text[ADDRESS_SIZE];
        unsigned long scope, flags;
        if (parse_if_inet6(line, &address, &scope, &flags) && scope == 0 &&
            (flags & passing) == 0 && inet_ntop(AF_INET6, &address, text, sizeof text) != nullptr)
            add(list, text);
    }
    if (f != nullptr)
        fclose(f);
}

void addresses_of(struct str host, struct addresses *ret_addresses)
{
    *ret_addresses = (struct addresses){};
    bool any6 = str_eq(host, S("::"));
    if (any6 || str_eq(host, S("0.0.0.0"))) {
        struct ifaddrs *all = nullptr;
        if (getifaddrs(&all) == 0)
            add_v4(ret_addresses, all);
        freeifaddrs(all);
        if (any6)
            add_v6(ret_addresses);
        return;
    }
    struct in_addr in;
    struct in6_addr in6;
    char text[ADDRESS_SIZE];
    if (host.n >= sizeof text)
        return;
    memcpy(text, host.p, host.n);
    text[host.n] = '\0';
    if ((inet_pton(AF_INET, text, &in) == 1 && ntohl(in.s_addr) >> 24 != 127) ||
        (inet_pton(AF_INET6, text, &in6) == 1 && !IN6_IS_ADDR_LOOPBACK(&in6)))
        add(ret_addresses, text);
}
