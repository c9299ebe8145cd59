// SPDX-License-Identifier: Apache-2.0
#include "net_tls_peer.h"

/* --- handshakes ---------------------------------------------------------------------------------- */

static void both_versions_also_byte_by_byte(void **)
{
    static const struct {
        int version;
        bool bytewise;
    } rows[] = {{TLS1_2_VERSION, false},
                {TLS1_3_VERSION, false},
                {TLS1_2_VERSION, true},
                {TLS1_3_VERSION, true}};
    for (unsigned i = 0; i < countof(rows); i++) {
        struct secret c = secret_new(rows[i].version, rows[i].version);
        c.bytewise = rows[i].bytewise;
        secret_hello(&c);
        secret_hello(&c);
        assert_int_equal(SSL_version(c.ssl), rows[i].version);
        assert_int_equal(stats()->connections_now, 1);
        assert_int_equal(stats()->handshakes_now, 0);
        secret_free(&c);
        while (stats()->connections_now > 0)
            loop_step(loop, 10);
    }
    assert_int_equal(stats()->requests, 2 * countof(rows));
    assert_int_equal(stats()->handshakes_failed, 0);
}

static void older_versions_are_refused(void **)
{
    struct secret c = secret_new(TLS1_VERSION, TLS1_1_VERSION);
    secret_until(&c, c.why != 0);
    assert_int_equal(ERR_GET_REASON(c.why), SSL_R_TLSV1_ALERT_PROTOCOL_VERSION);
    secret_until(&c, c.raw.ended);
    assert_int_equal(stats()->handshakes_failed, 1);
    secret_free(&c);
}

static void the_protocol_is_http_1_1(void **)
{
    static const struct {
        const char *offer;
        bool taken;
    } rows[] = {{"\x02h2\x08http/1.1", true}, {"\x08http/1.1", true}, {"\x02h2", false}};
    for (unsigned i = 0; i < countof(rows); i++) {
        struct secret c = secret_new(0, 0);
        SSL_set_alpn_protos(c.ssl, (const unsigned char *)rows[i].offer,
                            (unsigned)strlen(rows[i].offer));
        if (rows[i].taken) {
            secret_hello(&c);
            const unsigned char *name;
            unsigned n;
            SSL_get0_alpn_selected(c.ssl, &name, &n);
            assert_str(((struct str){(const char *)name, n}), "http/1.1");
        } else {
            secret_until(&c, c.why != 0);
            assert_int_equal(ERR_GET_REASON(c.why), SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL);
        }
        secret_free(&c);
    }
}

static void what_is_no_tls_is_dropped(void **)
{
    static const struct {
        const char *bytes;
        size_t n;
    } rows[] = {
        {"\x16\x03\x01\xff\xffgarbage", 12},
        {"\x16\x03\x01\x00\x05hello", 10},
        {"\x00", 1},
        {"\x00\x00\x00\x00\x00\x00", 6},
        {"\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10", 11}, /* SSL 2 */
        {"\xff\xff\xff\xff\xff\xff\xff\xff", 8},
        {"\x15\x03\x03\x00\x02\x02\x28", 7}, /* an alert as a greeting */
        {"\x17\x03\x03\x00\x01x", 6},        /* data before the handshake */
        {"get / http/1.1\r\n\r\n", 18},
    };
    for (unsigned i = 0; i < countof(rows); i++) {
        struct peer p = peer_open(address);
        peer_send(&p, (struct str){rows[i].bytes, rows[i].n});
        shutdown(p.fd, SHUT_WR);
        peer_until(&p, p.ended);
        peer_close(&p);
        assert_int_equal(stats()->handshakes_failed, i + 1);
        assert_int_equal(stats()->handshakes_now, 0);
    }
    struct secret c = secret_new(0, 0);
    secret_hello(&c);
    secret_free(&c);
}

static void plain_http_is_told_so(void **)
{
    assert_ok(front_set_headers(front, S("X-Content-Type-Options: nosniff\r\n")));
    struct peer p = peer_open(address);
    peer_send(&p, S(GET("/hello")));
    peer_until(&p, peer_has(&p, "}}"));
    assert_true(peer_has(&p, "HTTP/1.1 400 Bad Request\r\n"));
    assert_true(peer_has(&p, "https://"));
    assert_true(peer_has(&p, "Connection: close\r\n"));
    assert_int_equal(stats()->requests, 0);
    assert_int_equal(stats()->handshakes_now, 0);
    peer_close(&p);
}

static void a_slow_handshake_is_dropped_at_its_deadline(void **)
{
    struct peer p = peer_open(address);
    static const char hello[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    for (unsigned i = 0; i < 10; i++) { /* a byte a second: each is progress, and none counts */
        peer_send(&p, (struct str){hello + i, 1});
        peer_settle(&p);
        assert_false(p.ended);
        assert_int_equal(stats()->handshakes_now, 1);
        peer_time(peer_now_ms + 999);
    }
    peer_settle(&p);
    assert_false(p.ended);
    peer_time(peer_now_ms + 11);
    peer_until(&p, p.ended);
    assert_int_equal(stats()->handshakes_now, 0);
    assert_int_equal(stats()->handshakes_failed, 1);
    peer_close(&p);
}

/* Connections that shake hands count, so that silent ones cannot outgrow the limit. */
static void handshakes_are_limited(void **)
{
    enum { MANY = 90 };
    struct peer p[MANY];
    for (unsigned i = 0; i < MANY; i++)
        p[i] = peer_open(address);
    unsigned ended = 0;
    for (unsigned rounds = 0; rounds < 1000 && ended == 0; rounds++) {
        peer_settle(nullptr);
        for (unsigned i = 0; i < MANY; i++) {
            peer_read(&p[i]);
            ended += p[i].ended;
        }
    }
    assert_int_equal(ended, MANY - 84);
    assert_int_equal(stats()->handshakes_now, 84);
    assert_int_equal(stats()->refused, MANY - 84);
    for (unsigned i = 0; i < MANY; i++)
        peer_close(&p[i]);
}

static void too_many_connections_are_told_so(void **)
{
    struct secret c[21];
    for (unsigned i = 0; i < countof(c); i++) {
        c[i] = secret_new(0, 0);
        secret_until(&c[i], c[i].ready);
        secret_until(&c[i], stats()->handshakes_now == 0);
    }
    secret_until(&c[20], secret_has(&c[20], "}}"));
    assert_true(secret_has(&c[20], "HTTP/1.1 503"));
    secret_hello(&c[0]);
    for (unsigned i = 0; i < countof(c); i++)
        secret_free(&c[i]);
}

static void sessions_are_resumed(void **)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (unsigned i = 0; i < countof(versions); i++) {
        struct secret c = secret_new(versions[i], versions[i]);
        secret_hello(&c);
        SSL_SESSION *session = SSL_get1_session(c.ssl);
        assert_false(SSL_session_reused(c.ssl));
        assert_uint_in_range(SSL_SESSION_get_timeout(session), 1, 7200);
        SSL_shutdown(c.ssl); /* else OpenSSL thinks little of the session */
        secret_free(&c);

        struct pair other = new_pair();
        const char *why;
        assert_ok(use(&other, &why)); /* a new certificate forgets nobody */
        for (unsigned half_days = 0; half_days < 2; half_days++) {
            struct secret again = secret_new(versions[i], versions[i]);
            SSL_set_session(again.ssl, session);
            secret_hello(&again);
            assert_int_equal(SSL_session_reused(again.ssl), half_days == 0);
            secret_free(&again);
            peer_time(peer_now_ms + 12ull * 3600 * 1000 + 1);
            peer_settle(nullptr);
        }
        SSL_SESSION_free(session);
        free_pair(&other);
    }
}

/* --- certificates -------------------------------------------------------------------------------- */

static void shown_certificate(const struct secret *c, char fingerprint[TLS_FINGERPRINT_SIZE])
{
    unsigned char digest[32];
    X509 *x = SSL_get1_peer_certificate(c->ssl);
    assert_int_equal(X509_digest(x, EVP_sha256(), digest, nullptr), 1);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(fingerprint + 3 * i, 4, i == 31 ? "%02X" : "%02X:", digest[i]);
    X509_free(x);
}

static void a_new_certificate_is_for_new_connections(void **)
{
    char shown[TLS_FINGERPRINT_SIZE];
    struct tls_cert first = facts;
    assert_true(first.self_signed);
    struct secret old = secret_new(0, 0);
    secret_hello(&old);
    struct pair other = new_pair();
    const char *why;
    assert_ok(use(&other, &why));
    assert_string_not_equal(facts.fingerprint, first.fingerprint);

    struct secret c = secret_new(0, 0);
    secret_hello(&c);
    shown_certificate(&c, shown);
    assert_string_equal(shown, facts.fingerprint);
    secret_hello(&old);
    shown_certificate(&old, shown);
    assert_string_equal(shown, first.fingerprint);
    secret_free(&c);
    secret_free(&old);
    free_pair(&other);
}

static void a_broken_certificate_changes_nothing(void **)
{
    struct pair other = new_pair();
    const struct {
        struct str cert, key;
        const char *says;
    } rows[] = {
        {S(""), buf_str(&mine.key), "no certificate in PEM"},
        {S("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), buf_str(&mine.key),
         "no certificate in PEM"},
        {buf_str(&mine.key), buf_str(&mine.cert), "no certificate in PEM"},
        {buf_str(&mine.cert), S(""), "no private key"},
        {buf_str(&mine.cert), buf_str(&mine.cert), "no private key"},
        {buf_str(&mine.cert), buf_str(&other.key), "another certificate"},
        {str_sub(buf_str(&mine.cert), 0, mine.cert.n / 2), buf_str(&mine.key),
         "no certificate in PEM"},
        {buf_str(&mine.cert), str_sub(buf_str(&mine.key), 0, mine.key.n / 2), "no private key"},
    };
    struct tls_cert before = facts;
    for (unsigned i = 0; i < countof(rows); i++) {
        const char *why = "";
        assert_err(tls_use(tls, rows[i].cert, rows[i].key, &facts, &why), ERR_INVALID);
        assert_non_null(strstr(why, rows[i].says));
    }
    assert_memory_equal(&facts, &before, sizeof facts);
    char shown[TLS_FINGERPRINT_SIZE];
    struct secret c = secret_new(0, 0);
    secret_hello(&c);
    shown_certificate(&c, shown);
    assert_string_equal(shown, before.fingerprint);
    secret_free(&c);
    free_pair(&other);
}

static void a_self_signed_certificate_fits_its_names(void **)
{
    struct pair other = new_pair();
    const struct {
        const struct pair *cert, *key;
        const char *names;
        unsigned days;
        enum self_signed_state state;
    } rows[] = {
        {&mine, &mine, NAMES, 0, SELF_SIGNED_FITS},
        {&mine, &mine, "DNS:localhost", 9, SELF_SIGNED_FITS},
        {&mine, &mine, "DNS:localhost", 11, SELF_SIGNED_ENDS},
        {&mine, &mine, "DNS:localhost,IP:127.0.0.2", 0, SELF_SIGNED_OTHER},
        {&mine, &mine, "DNS:other.local", 0, SELF_SIGNED_OTHER},
        {&mine, &mine, "IP:::1", 0, SELF_SIGNED_OTHER},
        {&mine, &other, NAMES, 0, SELF_SIGNED_BROKEN},
    };
    for (unsigned i = 0; i < countof(rows); i++)
        assert_int_equal(self_signed_check(buf_str(&rows[i].cert->cert), buf_str(&rows[i].key->key),
                                           rows[i].names, rows[i].days),
                         rows[i].state);
    assert_int_equal(self_signed_check(S(""), S("nonsense"), NAMES, 0), SELF_SIGNED_BROKEN);
    assert_int_equal(self_signed_check(buf_str(&mine.cert), S(""), NAMES, 0), SELF_SIGNED_BROKEN);
    free_pair(&other);

    autobuf cert = BUF(1 << 16);
    autobuf key = BUF(1 << 16);
    autobuf names = BUF(1000);
    assert_err(self_signed_make("IP:not an address", 10, &cert, &key), ERR_NOMEM);
    assert_ok(self_signed_make("DNS:a,IP:10.0.0.1,IP:::1,IP:10.0.0.2", 10, &cert, &key));
    assert_ok(self_signed_addresses(buf_str(&cert), "IP:10.0.0.1", &names));
    assert_str(buf_str(&names), ",IP:::1,IP:10.0.0.2");
}

int main(void)
{
#define t(name) cmocka_unit_test_setup_teardown(name, begin_tls, finish_tls)
    const struct CMUnitTest tests[] = {
        t(both_versions_also_byte_by_byte),
        t(older_versions_are_refused),
        t(the_protocol_is_http_1_1),
        t(what_is_no_tls_is_dropped),
        t(plain_http_is_told_so),
        t(a_slow_handshake_is_dropped_at_its_deadline),
        t(handshakes_are_limited),
        t(too_many_connections_are_told_so),
        t(sessions_are_resumed),
        t(a_new_certificate_is_for_new_connections),
        t(a_broken_certificate_changes_nothing),
        t(a_self_signed_certificate_fits_its_names),
    };
    return cmocka_run_group_tests_name("net/tls", tests, nullptr, nullptr);
}
