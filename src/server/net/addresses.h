// SPDX-License-Identifier: Apache-2.0
/* Addresses of listeners: how they are written, and by which of them other machines may come. Asks the system; no name
 * is looked up. */
#pragma once

#include <stdint.h>

#include "base/str.h"

/* "127.0.0.1:8600", "[::1]:8600", "localhost:0". ERR_INVALID. */
enum err address_split(struct str text, struct str *ret_host, uint16_t *ret_port);

enum { ADDRESSES_MAX = 16, ADDRESS_SIZE = 46 };
struct addresses {
    unsigned count;
    char text[ADDRESSES_MAX][ADDRESS_SIZE]; /* "192.0.2.1", "2001:db8::1" */
};
/* `host` is what the listener was told: of "0.0.0.0" and "::" all addresses of interfaces that are up,
 * the one that leads to the world first, without loopback, link-local and short-lived IPv6 ones; of
 * any other that one alone. None: only loopback, or no network. */
void addresses_of(struct str host, struct addresses *ret_addresses);
