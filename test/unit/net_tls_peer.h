// SPDX-License-Identifier: Apache-2.0
/* A TLS client over net_peer.h, and the server of net_app.h with a TLS listener. */
#pragma once

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "net_app.h"
#include "server/net/self_signed.h"
#include "server/net/tls.h"

#define NAMES "DNS:localhost,IP:127.0.0.1"

struct pair {
    struct buf cert, key;
};

static struct tls *tls;
static struct pair mine;
static struct tls_cert facts;

static inline struct pair new_pair(void)
{
    struct pair p = {BUF(1 << 16), BUF(1 << 16)};
    assert_ok(self_signed_make(NAMES, 10, &p.cert, &p.key));
    return p;
}

static inline void free_pair(struct pair *p)
{
    buf_finish(&p->cert);
    buf_finish(&p->key);
}

static inline enum err use(const struct pair *p, const char **ret_why)
{
    return tls_use(tls, buf_str(&p->cert), buf_str(&p->key), &facts, ret_why);
}

static inline int begin_tls(void **)
{
    const char *why;
    if (begin(nullptr) != 0)
        return 1;
    mine = new_pair();
    assert_ok(tls_create(loop, 10000, &tls));
    assert_ok(use(&mine, &why));
    assert_ok(front_listen_tls(front, S("127.0.0.1"), 0, tls));
    address = front_address(front, 1);
    return 0;
}

static inline int finish_tls(void **)
{
    front_destroy(front);
    tls_destroy(tls);
    loop_destroy(loop);
    buf_finish(&app.body);
    free_pair(&mine);
    clock_fake(UINT64_MAX);
    return 0;
}

struct secret {
    struct peer raw;
    SSL_CTX *ctx;
    SSL *ssl;
    struct buf text;   /* decrypted, so far */
    unsigned long why; /* the error that ended it */
    bool bytewise;     /* every byte travels alone */
    bool ready, bye;   /* handshake done; close_notify has come */
};

static inline struct secret secret_new(int min_version, int max_version)
{
    struct secret c = {
        .raw = peer_open(address), .ctx = SSL_CTX_new(TLS_client_method()), .text = BUF(64u << 20)};
    if (max_version != 0 && max_version < TLS1_2_VERSION) {
        SSL_CTX_set_security_level(c.ctx, 0);
        assert_int_equal(SSL_CTX_set_cipher_list(c.ctx, "ALL:@SECLEVEL=0"), 1);
    }
    assert_int_equal(SSL_CTX_set_min_proto_version(c.ctx, min_version), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(c.ctx, max_version), 1);
    c.ssl = SSL_new(c.ctx);
    SSL_set_bio(c.ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(c.ssl);
    return c;
}

static inline void secret_free(struct secret *c)
{
    peer_close(&c->raw);
    SSL_free(c->ssl);
    SSL_CTX_free(c->ctx);
    buf_finish(&c->text);
}

/* What OpenSSL wants to say goes out. */
static inline void secret_send(struct secret *c)
{
    char bytes[16384];
    int n;
    while ((n = BIO_read(SSL_get_wbio(c->ssl), bytes, sizeof bytes)) > 0)
        for (int i = 0, step = c->bytewise ? 1 : n; i < n; i += step) {
            peer_send(&c->raw, (struct str){bytes + i, (size_t)step});
            if (c->bytewise)
                loop_step(loop, 0);
        }
}

static inline void note(struct secret *c, int result)
{
    int error = SSL_get_error(c->ssl, result);
    if (error == SSL_ERROR_ZERO_RETURN)
        c->bye = true;
    else if (error == SSL_ERROR_SSL)
        c->why = ERR_peek_last_error();
    ERR_clear_error();
}

static inline void one_step(void)
{
    loop_step(loop, 1);
}

static inline void secret_turn_with(struct secret *c, void (*serve)(void))
{
    char bytes[16384];
    serve();
    peer_read(&c->raw);
    if (c->raw.in.n > 0)
        assert_int_equal(BIO_write(SSL_get_rbio(c->ssl), c->raw.in.p, (int)c->raw.in.n),
                         c->raw.in.n);
    buf_clear(&c->raw.in);
    ERR_clear_error();
    int n = c->ready ? 1 : SSL_do_handshake(c->ssl);
    c->ready = n == 1;
    while (c->ready && (n = SSL_read(c->ssl, bytes, sizeof bytes)) > 0)
        assert_ok(buf_add(&c->text, (struct str){bytes, (size_t)n}));
    if (n <= 0)
        note(c, n);
    secret_send(c);
}

static inline void secret_turn(struct secret *c)
{
    secret_turn_with(c, one_step);
}

#define secret_until(who, condition)                                                               \
    do {                                                                                           \
        for (unsigned rounds_ = 0; !(condition); rounds_++) {                                      \
            if (rounds_ == 4000)                                                                   \
                fail_msg("never came: %s; got \"%.*s\"", #condition,                               \
                         (int)((who)->text.n > 2000 ? 2000 : (who)->text.n), (who)->text.p);       \
            secret_turn(who);                                                                      \
        }                                                                                          \
    } while (0)

static inline void secret_write(struct secret *c, struct str bytes)
{
    assert_int_equal(SSL_write(c->ssl, bytes.p, (int)bytes.n), bytes.n);
    secret_send(c);
}

static inline bool secret_has(const struct secret *c, const char *text)
{
    return str_find(buf_str(&c->text), str_of(text)) < c->text.n;
}

static inline void secret_hello(struct secret *c)
{
    secret_until(c, c->ready);
    buf_clear(&c->text);
    secret_write(c, S(GET("/hello")));
    secret_until(c, secret_has(c, "\r\n\r\nhello"));
}
