// SPDX-License-Identifier: Apache-2.0
/*
 * A certificate that vouches for itself: EC P-256, for the names and addresses that one machine is
 * reached by. A browser warns of it once; whoever compares the fingerprint knows better. Pure but for
 * the clock and the random numbers. Wraps OpenSSL.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

/* `names` as "DNS:localhost,IP:127.0.0.1,IP:::1"; at most 64. The key is without a passphrase. */
enum err self_signed_make(const char *names, unsigned days, struct buf *ret_cert_pem,
                          struct buf *ret_key_pem);
/* Is the certificate good for every one of the names, and for `days` to come? */
bool self_signed_fits(struct str cert_pem, const char *names, unsigned days);
