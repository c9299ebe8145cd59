// SPDX-License-Identifier: Apache-2.0
/* The inside of net/tls: tls.c has what all connections share, tls_stream.c one connection. */
#pragma once

#include <openssl/ssl.h>

#include "server/loop/sock_filter.h"
#include "server/net/tls.h"

enum {
    TLS_RECORD = 16 * 1024,    /* plain bytes of the largest record */
    TLS_WIRE_HIGH = 64 * 1024, /* no more is encrypted ahead of the wire */
    TLS_TICKET_KEYS = 80,      /* name, HMAC key, AES key */
};

struct tls {
    struct loop *loop;
    SSL_CTX
    *ctx; /* NULL until a certificate is there; every connection holds a reference of its own */
    BIO_METHOD *bio;
    uint32_t handshake_ms;
    struct timer new_keys;
    struct tls_stream *shaking;
    unsigned char ticket_keys[TLS_TICKET_KEYS];
    /* One connection at a time is at work, so one of each is enough for all. */
    char plain[SOCK_READ_MAX + TLS_RECORD]; /* decrypted, for the owner */
    char record[TLS_RECORD];                /* small pieces gathered, to be encrypted */
    size_t out_n;
    char out[TLS_WIRE_HIGH + 2 * TLS_RECORD]; /* for the wire */
};

/* tls_stream.c */
BIO_METHOD *tls_bio_create(void); /* NULL: no memory */
