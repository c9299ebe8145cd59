// SPDX-License-Identifier: Apache-2.0
/* What happens on a connection after its handshake. */
#include "net_tls_peer.h"

static struct blob *pattern(size_t n)
{
    struct blob *blob = blob_reserve(n);
    assert_non_null(blob);
    for (size_t i = 0; i < n; i++)
        blob->bytes[i] = (char)(i * 31 + i / 251);
    return blob;
}

static struct secret held(void)
{
    struct secret c = secret_new(0, 0);
    secret_until(&c, c.ready);
    secret_write(&c, S(GET("/hold")));
    secret_until(&c, app.held != nullptr);
    return c;
}

static void a_big_answer_waits_for_its_reader(void **)
{
    enum { BIG = 12 << 20 };
    struct secret c = held();
    struct blob *blob = pattern(BIG);
    exchange_reply_blob(app.held, 200, "application/octet-stream", blob);
    for (unsigned i = 0; i < 20; i++)
        loop_step(loop, 1); /* nobody reads: it waits as a reference, not as ciphertext */
    assert_int_equal(blob->refs, 2);
    secret_until(&c, secret_has(&c, "\r\n\r\n"));
    size_t head = str_find(buf_str(&c.text), S("\r\n\r\n")) + 4;
    secret_until(&c, c.text.n == head + BIG);
    assert_memory_equal(c.text.p + head, blob->bytes, BIG);
    peer_settle(nullptr);
    assert_int_equal(blob->refs, 1);
    assert_int_equal(stats()->slow_readers, 0);
    secret_hello(&c);
    blob_unref(blob);
    secret_free(&c);
}

/* A stream's producer is asked for more when its queue has drained. */
static void a_stream_is_held_back_and_goes_on(void **)
{
    static char part[30000];
    memset(part, 'x', sizeof part);
    struct secret c = held();
    exchange_begin(app.held, 200, "text/plain");
    size_t queued = 0, sent = 0;
    while (queued <= EXCHANGE_QUEUE) {
        queued = exchange_write(app.held, (struct str){part, sizeof part});
        sent += sizeof part;
        loop_step(loop, 0);
        assert_uint_in_range(sent, 1, 64u << 20);
    }
    assert_int_equal(queued, exchange_queued(app.held));
    assert_int_equal(app.writables, 0);
    secret_until(&c, app.writables == 1);
    exchange_end(app.held);
    secret_until(&c, secret_has(&c, "\r\n0\r\n\r\n"));
    size_t xs = 0;
    for (size_t i = 0; i < c.text.n; i++)
        xs += c.text.p[i] == 'x';
    assert_uint_in_range(xs, sent, sent + 2); /* "text/plain" has one */
    secret_hello(&c);
    secret_free(&c);
}

static void a_reader_that_never_reads_is_dropped(void **)
{
    struct secret c = held();
    struct blob *blob = pattern(24 << 20);
    exchange_reply_blob(app.held, 200, "application/octet-stream", blob);
    for (unsigned i = 0; i < 10 && stats()->connections_now > 0; i++) {
        peer_settle(nullptr);
        peer_time(peer_now_ms + 20000);
    }
    peer_settle(nullptr);
    assert_int_equal(stats()->connections_now, 0);
    assert_int_equal(stats()->slow_readers, 1);
    assert_int_equal(blob->refs, 1);
    blob_unref(blob);
    secret_free(&c);
}

static void uploads_come_whole_in_any_cut(void **)
{
    static char request[70000];
    for (unsigned bytewise = 0; bytewise < 2; bytewise++) {
        size_t body = bytewise ? 3000 : 60000;
        int head = snprintf(request, sizeof request,
                            "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", body);
        for (size_t i = 0; i < body; i++)
            request[(size_t)head + i] = (char)('a' + i % 23);
        struct secret c = secret_new(0, 0);
        c.bytewise = bytewise;
        secret_until(&c, c.ready);
        buf_clear(&c.text);
        secret_write(&c, (struct str){request, (size_t)head + body});
        secret_until(&c, c.text.n > body && secret_has(&c, "\r\n\r\n"));
        size_t at = str_find(buf_str(&c.text), S("\r\n\r\n")) + 4;
        secret_until(&c, c.text.n == at + body);
        assert_memory_equal(c.text.p + at, request + head, body);
        secret_free(&c);
    }
}

static void a_close_notify_is_answered(void **)
{
    struct secret c = secret_new(0, 0);
    secret_hello(&c);
    SSL_shutdown(c.ssl);
    secret_send(&c);
    secret_until(&c, c.bye);
    secret_until(&c, c.raw.ended);
    assert_int_equal(c.why, 0);
    assert_int_equal(stats()->connections_now, 0);
    secret_free(&c);
}

static void the_server_says_goodbye_first(void **)
{
    struct secret c = secret_new(0, 0);
    secret_until(&c, c.ready);
    secret_write(&c, S("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    secret_until(&c, c.bye);
    assert_true(secret_has(&c, "\r\n\r\nhello"));
    assert_int_equal(c.why, 0);
    secret_until(&c, c.raw.ended); /* end-of-file behind it */
    secret_free(&c);
}

/* Without a close_notify, or with half a record, the request that is under way is over. */
static void a_cut_connection_ends_its_request(void **)
{
    for (unsigned half_a_record = 0; half_a_record < 2; half_a_record++) {
        struct secret c = held();
        if (half_a_record) {
            char bytes[4096];
            SSL_write(c.ssl, "more", 4);
            int n = BIO_read(SSL_get_wbio(c.ssl), bytes, sizeof bytes);
            peer_send(&c.raw, (struct str){bytes, (size_t)n - 3});
        }
        shutdown(c.raw.fd, SHUT_WR);
        peer_until(&c.raw, app.gones == half_a_record + 1);
        assert_null(app.held);
        secret_free(&c);
    }
    peer_settle(nullptr);
    assert_int_equal(stats()->connections_now, 0);
}

static void a_forged_record_ends_the_connection(void **)
{
    char bytes[4096];
    struct secret c = held();
    SSL_write(c.ssl, GET("/hello"), sizeof GET("/hello") - 1);
    int n = BIO_read(SSL_get_wbio(c.ssl), bytes, sizeof bytes);
    bytes[n - 1] ^= 1;
    peer_send(&c.raw, (struct str){bytes, (size_t)n});
    secret_until(&c, c.why != 0);
    assert_int_equal(ERR_GET_REASON(c.why), SSL_R_SSLV3_ALERT_BAD_RECORD_MAC);
    assert_int_equal(app.gones, 1);
    assert_int_equal(app.heads, 1);
    assert_int_equal(stats()->connections_now, 0);
    secret_free(&c);
}

static void renegotiation_is_refused(void **)
{
    struct secret c = secret_new(TLS1_2_VERSION, TLS1_2_VERSION);
    secret_hello(&c);
    assert_int_equal(SSL_renegotiate(c.ssl), 1);
    (void)SSL_do_handshake(c.ssl);
    secret_send(&c);
    secret_until(&c, c.why != 0);
    assert_int_equal(ERR_GET_REASON(c.why), SSL_R_NO_RENEGOTIATION);
    secret_free(&c);
}

/* Key updates make OpenSSL answer by itself; who asks and never reads must not fill our memory. */
static void key_updates_are_survived(void **)
{
    struct secret c = secret_new(TLS1_3_VERSION, TLS1_3_VERSION);
    secret_hello(&c);
    for (unsigned i = 0; i < 1000; i++) {
        SSL_key_update(c.ssl, SSL_KEY_UPDATE_REQUESTED);
        (void)SSL_do_handshake(c.ssl);
        secret_send(&c);
        loop_step(loop, 0);
    }
    secret_hello(&c);
    secret_free(&c);
}

static void an_end_with_everything_under_way_leaves_nothing(void **)
{
    struct secret waiting = secret_new(0, 0), big = held();
    (void)SSL_do_handshake(waiting.ssl);
    secret_send(&waiting);
    struct blob *blob = pattern(4 << 20);
    exchange_reply_blob(app.held, 200, "application/octet-stream", blob);
    app.held = nullptr;
    struct secret busy = held();
    peer_settle(nullptr);
    finish_tls(nullptr);
    assert_int_equal(app.gones, 1);
    assert_int_equal(blob->refs, 1);
    blob_unref(blob);
    secret_free(&waiting);
    secret_free(&big);
    secret_free(&busy);
    assert_int_equal(begin_tls(nullptr), 0); /* for the teardown */
}

int main(void)
{
#define t(name) cmocka_unit_test_setup_teardown(name, begin_tls, finish_tls)
    const struct CMUnitTest tests[] = {
        t(a_big_answer_waits_for_its_reader),
        t(a_stream_is_held_back_and_goes_on),
        t(a_reader_that_never_reads_is_dropped),
        t(uploads_come_whole_in_any_cut),
        t(a_close_notify_is_answered),
        t(the_server_says_goodbye_first),
        t(a_cut_connection_ends_its_request),
        t(a_forged_record_ends_the_connection),
        t(renegotiation_is_refused),
        t(key_updates_are_survived),
        t(an_end_with_everything_under_way_leaves_nothing),
    };
    return cmocka_run_group_tests_name("net/tls_stream", tests, nullptr, nullptr);
}
