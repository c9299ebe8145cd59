// SPDX-License-Identifier: Apache-2.0
/*
 * A certificate that vouches for itself: EC P-256, for the names and addresses that one machine is
 * reached by. A browser warns of it once; whoever compares the fingerprint knows better. Pure but for
 * the clock and the random numbers. Wraps OpenSSL.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/* `names` as "DNS:localhost,IP:127.0.0.1,IP:::1"; at most 64. The key is without a passphrase. */
enum err self_signed_make(const char *names, unsigned days, struct buf *ret_cert_pem,
                          struct buf *ret_key_pem);
enum self_signed_state : uint8_t {
    SELF_SIGNED_FITS,
    SELF_SIGNED_BROKEN, /* no certificate, no key, or of two different pairs */
    SELF_SIGNED_ENDS,   /* it has less than `days` to live, or its time has not come yet */
    SELF_SIGNED_OTHER,  /* it is not for all of the names */
};
enum self_signed_state self_signed_check(struct str cert_pem, struct str key_pem, const char *names,
                                         unsigned days);
/* Appends ",IP:…" for every address that the certificate is for and that `names` has not. */
enum err self_signed_addresses(struct str cert_pem, const char *names, struct buf *into);
