// SPDX-License-Identifier: Apache-2.0
/*
 * TLS 1.2 and 1.3 for what a listener accepts, as a filter between the socket and its owner
 * (loop/sock_filter.h): whoever gets the socket after the handshake speaks plain bytes and sees the
 * same back-pressure, deadlines and ends as on a plain connection. Wraps OpenSSL. Loop thread.
 *
 *     try(tls_create(loop, 10000, &tls));
 *     try(tls_use(tls, cert_pem, key_pem, &cert, &why));   // again later: new connections get the new one
 *     try(front_listen_tls(front, S("0.0.0.0"), 8600, tls));
 *
 * Ciphers with forward secrecy and authentication only; no compression, no renegotiation, no early
 * data. Tickets resume a session for two hours; their keys change twice a day and never leave
 * the memory. ALPN offers http/1.1. End-of-stream is a close_notify in both directions.
 * An idle connection costs about 28 KB, a fifth of it the key of the post-quantum exchange.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "server/loop/sock.h"

struct tls;

enum err tls_create(struct loop *l, uint32_t handshake_ms, struct tls **ret_tls);
/* After the front that uses it. Takes NULL. */
void tls_destroy(struct tls *t);

enum { TLS_FINGERPRINT_SIZE = 3 * 32 };
struct tls_cert {
    char fingerprint[TLS_FINGERPRINT_SIZE]; /* SHA-256, "AB:CD:…" */
    int64_t expires_s;                      /* Unix time */
    char name[256];                         /* the first host name it is for; "": only patterns */
    bool self_signed;
};
/* Both in PEM; the certificate first, then those that lead to a known issuer. ERR_INVALID: *ret_why
 * is half a sentence ("the key belongs to another certificate"), and what was used before stays. */
enum err tls_use(struct tls *t, struct str cert_pem, struct str key_pem, struct tls_cert *ret_cert,
                 const char **ret_why);

enum tls_result : uint8_t {
    TLS_READY,  /* the socket is the callee's, who gives it events at once */
    TLS_PLAIN,  /* the same, but the peer speaks HTTP without TLS; its bytes are lost */
    TLS_FAILED, /* it is closed, `s` is NULL */
};
typedef void (*tls_fn)(void *arg, struct sock *s, enum tls_result result);
/* Takes over a socket that was just accepted and shakes hands within handshake_ms. `fn` comes once,
 * never inside this call. ERR_NOMEM leaves the socket to the caller. */
enum err tls_accept(struct tls *t, struct sock *s, tls_fn fn, void *arg);
/* Those under way fail now. */
void tls_end_handshakes(struct tls *t);
