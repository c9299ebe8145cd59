// SPDX-License-Identifier: Apache-2.0
/*
 * One connection:  SHAKING ─▶ ready ─▶ said_bye (our close_notify is on its way)
 *
 * OpenSSL reads from the slice that has just come (`in`) and writes into the bytes that are about to
 * leave (tls->out), so nothing waits in it but the beginning of a record.
 */
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/check.h"
#include "base/log.h"
#include "server/loop/chunks.h"
#include "server/net/tls_parts.h"

struct tls_stream {
    struct sock_filter filter;
    struct tls *tls;
    SSL *ssl;
    struct str in;       /* from the wire, during on_wire */
    struct chunks plain; /* written by the owner, not yet encrypted */
    bool begun, ready, shut, said_bye, broken;
    /* while it is shaking hands */
    struct tls_stream *next, **at; /* tls->shaking */
    struct timer deadline;
    tls_fn fn;
    void *arg;
};

static struct tls_stream *stream_of(const struct sock_filter *f)
{
    return (struct tls_stream *)f; /* its first member */
}

/* --- OpenSSL's view of the wire ------------------------------------------------------------------ */

static int bio_read(BIO *bio, char *into, int n)
{
    struct tls_stream *t = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (t->in.n == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t take = t->in.n < (size_t)n ? t->in.n : (size_t)n;
    memcpy(into, t->in.p, take);
    t->in = str_sub(t->in, take, t->in.n);
    return (int)take;
}

static void send_out(struct tls_stream *t)
{
    struct tls *tls = t->tls;
    size_t n = tls->out_n;
    tls->out_n = 0;
    if (n > 0)
        sock_wire_write(t->filter.sock, (struct str){tls->out, n});
}

static int bio_write(BIO *bio, const char *bytes, int n)
{
    struct tls_stream *t = BIO_get_data(bio);
    struct tls *tls = t->tls;
    size_t size = (size_t)n;
    BIO_clear_retry_flags(bio);
    if (size > sizeof tls->out - tls->out_n)
        send_out(t);
    if (size > sizeof tls->out) {
        sock_wire_write(t->filter.sock, (struct str){bytes, size});
        return n;
    }
    memcpy(tls->out + tls->out_n, bytes, size);
    tls->out_n += size;
    return n;
}

static long bio_ctrl(BIO *, int command, long, void *)
{
    return command == BIO_CTRL_FLUSH;
}

BIO_METHOD *tls_bio_create(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "repartee sock");
    if (m == nullptr)
        return nullptr;
    if (BIO_meth_set_read(m, bio_read) == 1 && BIO_meth_set_write(m, bio_write) == 1 &&
        BIO_meth_set_ctrl(m, bio_ctrl) == 1)
        return m;
    BIO_meth_free(m);
    return nullptr;
}

/* --- the handshake ------------------------------------------------------------------------------- */

static void leave_handshake(struct tls_stream *t)
{
    if (t->at == nullptr)
        return;
    timer_stop(&t->deadline);
    *t->at = t->next;
    if (t->next != nullptr)
        t->next->at = t->at;
    t->at = nullptr;
}

static void fail(struct tls_stream *t)
{
    tls_fn fn = t->fn;
    void *arg = t->arg;
    sock_close(t->filter.sock); /* which leaves the handshake */
    fn(arg, nullptr, TLS_FAILED);
}

static void on_deadline(void *arg)
{
    log_debug("tls: no handshake in time");
    fail(arg);
}

static void on_shaking_read(void *, struct str)
{
    check(false); /* nothing is delivered before the handshake is over */
}

static void on_shaking_end(void *arg, enum err)
{
    fail(arg);
}

/* False: it goes on later, or is over. */
static bool shake_hands(struct tls_stream *t)
{
    struct sock *s = t->filter.sock;
    ERR_clear_error();
    int result = SSL_do_handshake(t->ssl);
    int why = result == 1 ? SSL_ERROR_NONE : SSL_get_error(t->ssl, result);
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    send_out(t); /* an alert too */
    if (why == SSL_ERROR_WANT_READ)
        return false;
    if (why != SSL_ERROR_NONE) {
        log_debug("tls: handshake refused: %s", reason != nullptr ? reason : "unknown");
        t->broken = true;
        sock_end(s, ERR_IO);
        return false;
    }
    t->ready = true;
    leave_handshake(t);
    sock_set_owner(s, nullptr, nullptr);
    t->fn(t->arg, s, TLS_READY);
    return true;
}

/* The browser was told http:// instead of https://. */
static bool speaks_plain_http(struct str bytes)
{
    return bytes.p[0] >= 'A' && bytes.p[0] <= 'Z';
}

static void free_stream(struct tls_stream *t)
{
    SSL_free(t->ssl);
    chunks_finish(&t->plain);
    free(t);
}

static void let_go(struct tls_stream *t)
{
    struct sock *s = t->filter.sock;
    tls_fn fn = t->fn;
    void *arg = t->arg;
    leave_handshake(t);
    sock_set_filter(s, nullptr);
    sock_set_owner(s, nullptr, nullptr);
    free_stream(t);
    fn(arg, s, TLS_PLAIN);
}

/* --- reading ------------------------------------------------------------------------------------- */

/* Everything that `in` gives, into tls->plain. */
static enum err decrypt(struct tls_stream *t, size_t *ret_n)
{
    struct tls *tls = t->tls;
    size_t n = 0, more;
    ERR_clear_error();
    while (n + TLS_RECORD <= sizeof tls->plain &&
           SSL_read_ex(t->ssl, tls->plain + n, sizeof tls->plain - n, &more) == 1)
        n += more;
    check(n <= SOCK_READ_MAX);
    *ret_n = n;
    switch (SSL_get_error(t->ssl, 0)) {
    case SSL_ERROR_WANT_READ:
        return OK;
    case SSL_ERROR_ZERO_RETURN:
        return ERR_CLOSED;
    default:
        t->broken = true;
        return ERR_IO;
    }
}

static void say_bye(struct tls_stream *t)
{
    if (!t->ready || t->broken || t->said_bye)
        return;
    t->said_bye = true;
    ERR_clear_error();
    (void)SSL_shutdown(t->ssl);
    send_out(t);
}

static void on_wire(struct sock_filter *f, struct str bytes)
{
    struct tls_stream *t = stream_of(f);
    if (!t->begun && speaks_plain_http(bytes)) {
        let_go(t);
        return;
    }
    if (t->broken)
        return;
    t->begun = true;
    t->in = bytes;
    if (t->ready || shake_hands(t)) {
        size_t n = 0;
        enum err err = decrypt(t, &n);
        send_out(t); /* what OpenSSL answers by itself */
        /* A peer that makes it answer and reads nothing. */
        if (err == OK && sock_wire_queued(f->sock) > (size_t)4 * TLS_WIRE_HIGH)
            err = ERR_IO;
        if (n > 0)
            sock_deliver(f->sock, (struct str){t->tls->plain, n});
        if (err == ERR_CLOSED && t->plain.n == 0)
            say_bye(t);
        if (err != OK)
            sock_end(f->sock, err);
    }
    t->in = (struct str){};
}

/* Without a close_notify somebody may have cut the stream. */
static void on_wire_end(struct sock_filter *f, enum err)
{
    stream_of(f)->broken = true;
    sock_end(f->sock, ERR_IO);
}

/* --- writing ------------------------------------------------------------------------------------- */

/* The first bytes in one piece, at most a record. */
static struct str next_record(struct tls_stream *t)
{
    struct str pieces[16];
    unsigned count = chunks_peek(&t->plain, pieces, 16);
    if (count == 1 || pieces[0].n >= TLS_RECORD)
        return str_sub(pieces[0], 0, TLS_RECORD);
    size_t n = 0;
    for (unsigned i = 0; i < count && n < TLS_RECORD; i++) {
        struct str piece = str_sub(pieces[i], 0, TLS_RECORD - n);
        memcpy(t->tls->record + n, piece.p, piece.n);
        n += piece.n;
    }
    return (struct str){t->tls->record, n};
}

static enum err encrypt_record(struct tls_stream *t)
{
    struct str record = next_record(t);
    size_t written = 0;
    ERR_clear_error();
    if (SSL_write_ex(t->ssl, record.p, record.n, &written) != 1) {
        t->broken = true;
        return ERR_IO;
    }
    check(written == record.n);
    chunks_eat(&t->plain, written);
    return OK;
}

static enum err pump(struct sock_filter *f)
{
    struct tls_stream *t = stream_of(f);
    if (!t->ready || t->broken)
        return OK;
    enum err err = OK;
    while (err == OK && t->plain.n > 0 && sock_wire_queued(f->sock) < TLS_WIRE_HIGH) {
        err = encrypt_record(t);
        if (t->tls->out_n >= TLS_WIRE_HIGH)
            send_out(t);
    }
    send_out(t);
    if (err == OK && t->shut && t->plain.n == 0) {
        say_bye(t);
        sock_wire_shutdown(f->sock);
    }
    return err;
}

static enum err on_write(struct sock_filter *f, const struct str *pieces, unsigned count,
                         struct blob *body)
{
    struct tls_stream *t = stream_of(f);
    for (unsigned i = 0; i < count; i++)
        try(chunks_add(&t->plain, pieces[i]));
    if (body != nullptr)
        try(chunks_add_blob(&t->plain, body, 0));
    return pump(f);
}

static size_t kept(const struct sock_filter *f)
{
    return stream_of(f)->plain.n;
}

static void on_shutdown(struct sock_filter *f)
{
    stream_of(f)->shut = true; /* the pump, which comes next, sees to it */
}

/* --- life ---------------------------------------------------------------------------------------- */

static void on_close(struct sock_filter *f)
{
    struct tls_stream *t = stream_of(f);
    leave_handshake(t);
    if (sock_queued(f->sock) == 0)
        say_bye(t);
}

static void on_destroy(struct sock_filter *f)
{
    free_stream(stream_of(f));
}

static SSL *create_ssl(struct tls_stream *t)
{
    SSL *ssl = SSL_new(t->tls->ctx);
    BIO *bio = BIO_new(t->tls->bio);
    if (ssl == nullptr || bio == nullptr) {
        SSL_free(ssl);
        BIO_free(bio);
        return nullptr;
    }
    BIO_set_data(bio, t);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_accept_state(ssl);
    return ssl;
}

enum err tls_accept(struct tls *tls, struct sock *s, tls_fn fn, void *arg)
{
    static const struct sock_filter_ops ops = {.on_wire = on_wire,
                                               .on_wire_end = on_wire_end,
                                               .write = on_write,
                                               .shutdown = on_shutdown,
                                               .close = on_close,
                                               .pump = pump,
                                               .kept = kept,
                                               .destroy = on_destroy};
    static const struct sock_events shaking = {on_shaking_read, on_shaking_end, nullptr};
    check(tls->ctx != nullptr);
    struct tls_stream *t = mem_zero(1, sizeof *t);
    if (t == nullptr)
        return ERR_NOMEM;
    *t = (struct tls_stream){.filter.ops = &ops, .tls = tls, .fn = fn, .arg = arg};
    t->ssl = create_ssl(t);
    if (t->ssl == nullptr) {
        free(t);
        return ERR_NOMEM;
    }
    t->next = tls->shaking;
    t->at = &tls->shaking;
    if (t->next != nullptr)
        t->next->at = &t->next;
    tls->shaking = t;
    timer_init(&t->deadline, tls->loop, on_deadline, t);
    timer_start(&t->deadline, tls->handshake_ms);
    sock_set_filter(s, &t->filter);
    sock_set_owner(s, &shaking, t);
    return OK;
}

void tls_end_handshakes(struct tls *tls)
{
    while (tls->shaking != nullptr)
        fail(tls->shaking);
}
