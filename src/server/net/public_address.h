// SPDX-License-Identifier: Apache-2.0
/*
 * Does an address belong to the public Internet? What IANA keeps for special purposes does not (RFC 6890 and the
 * registries it began): private, shared, loopback, link-local, documentation, multicast and others; nor does an
 * IPv6 address that stands for such a one of IPv4 (mapped, or by NAT64's well-known prefix), nor tunnels.
 */
#pragma once

struct sockaddr;

bool address_is_public(const struct sockaddr *address);
