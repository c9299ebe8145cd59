// SPDX-License-Identifier: Apache-2.0
/*
 * The certificate of `tls = auto`: DATA/tls/certificate.pem and DATA/tls/key.pem, both with mode 0600,
 * made by ourselves for localhost, the host's name (also with .local) and the machine's addresses. It
 * stays as long as it fits, so that a browser's exception for it stays, too. One that must be made
 * anew keeps the addresses that it had: a laptop carried between two networks has one for both.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

enum own_made : unsigned char {
    OWN_KEPT,
    OWN_FIRST,   /* there was none */
    OWN_EXPIRED, /* the old one is at its end */
    OWN_MOVED,   /* the machine has a new name or address */
    OWN_DAMAGED, /* the old one is unreadable, or its key is another's */
};
/* `host` as in addresses_of. */
enum err own_certificate_renew(const char *data, struct str host, enum own_made *ret_made);
/* Into `into`, of `size`. */
enum own_file : unsigned char { OWN_CERTIFICATE, OWN_KEY };
void own_certificate_path(const char *data, enum own_file which, char *into, size_t size);
