// SPDX-License-Identifier: Apache-2.0
/*
 * Which certificate the server shows (options tls, tls.cert_file, tls.key_file): given files, or its
 * own, which is made anew when it no longer fits the machine (access/own_certificate). And its change
 * without a restart: the files are looked at every two seconds and read anew when they have changed
 * and are at rest again. A new one that is broken is told of once, and the old one stays. Loop thread.
 */
#pragma once

#include "server/api/server.h"
#include "server/net/tls.h"

struct secure;
/* `host` is what the server listens on. *ret_secure NULL: tls is off. On failure ret_why says what to
 * do. `data` outlives it. */
enum err secure_open(struct loop *l, const struct conf *conf, const char *data, struct str host,
                     struct secure **ret_secure, struct server_why *ret_why);
void secure_close(struct secure *s); /* takes NULL */
struct tls *secure_tls(const struct secure *s);
const struct tls_cert *secure_certificate(const struct secure *s); /* the present one */
/* Reads the files now, changed or not. */
void secure_reload(struct secure *s);
