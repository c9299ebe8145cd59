// SPDX-License-Identifier: Apache-2.0
/*
 * Every allocation of OpenSSL's on the server's side of a connection fails in turn. The server may
 * refuse or drop that one connection; it goes on, and nothing is left behind. The client uses the same
 * library, so faults come only while the loop runs.
 */
#include <openssl/crypto.h>

#include "net_tls_peer.h"

static bool serving;           /* inside loop_step: the server is at work */
static unsigned until_failure; /* 0: none is due */
static bool failed;

static bool fails(void)
{
    if (!serving || until_failure == 0)
        return false;
    until_failure--;
    failed = failed || until_failure == 0;
    return until_failure == 0;
}

/* Before every piece of memory: how much of it is the server's. */
union label {
    size_t serving_n;
    max_align_t align;
};
static size_t live; /* bytes of the server's connections */

static void *take(size_t n, const char *, int)
{
    union label *l = fails() ? nullptr : malloc(sizeof *l + n);
    if (l == nullptr)
        return nullptr;
    l->serving_n = serving ? n : 0;
    live += l->serving_n;
    return l + 1;
}

static void give(void *p, const char *, int)
{
    if (p == nullptr)
        return;
    union label *l = (union label *)p - 1;
    live -= l->serving_n;
    free(l);
}

static void *retake(void *p, size_t n, const char *file, int line)
{
    if (p == nullptr || n == 0) {
        give(p, file, line);
        return n > 0 ? take(n, file, line) : nullptr;
    }
    union label *l = fails() ? nullptr : realloc((union label *)p - 1, sizeof *l + n);
    if (l == nullptr)
        return nullptr;
    live -= l->serving_n;
    l->serving_n = serving ? n : 0;
    live += l->serving_n;
    return l + 1;
}

static void serve(void)
{
    serving = true;
    loop_step(loop, 1);
    serving = false;
}

/* A connection with a request; true when it was answered. */
static bool visit(int version)
{
    struct secret c = secret_new(version, version);
    bool sent = false;
    for (unsigned i = 0; i < 200 && !c.raw.ended && !secret_has(&c, "\r\n\r\nhello"); i++) {
        secret_turn_with(&c, serve);
        if (c.ready && !sent) { /* it may have been refused meanwhile */
            sent = true;
            (void)SSL_write(c.ssl, GET("/hello"), sizeof GET("/hello") - 1);
            secret_send(&c);
        }
    }
    bool answered = secret_has(&c, "\r\n\r\nhello");
    secret_free(&c);
    for (unsigned i = 0; i < 50 && stats()->connections_now + stats()->handshakes_now > 0; i++)
        loop_step(loop, 1);
    return answered;
}

static void every_allocation_fails_once(void **)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (unsigned i = 0; i < countof(versions); i++) {
        assert_true(visit(versions[i])); /* what is made once is made */
        unsigned n = 0;
        do {
            failed = false;
            until_failure = ++n;
            bool answered = visit(versions[i]);
            until_failure = 0;
            if (!failed)
                assert_true(answered);
            assert_int_equal(stats()->connections_now, 0);
            assert_int_equal(stats()->handshakes_now, 0);
        } while (failed);
        print_message("# %s: %u allocations\n", i ? "TLS 1.3" : "TLS 1.2", n - 1);
        assert_uint_in_range(n, 50, 10000);
        assert_true(visit(versions[i]));
    }
}

/* The buffers of a record, 16 KiB each way, go when they are empty. */
static void an_idle_connection_is_small(void **)
{
    enum { MOST = 32 * 1024 };
    assert_true(visit(TLS1_3_VERSION));
    size_t before = live;
    struct secret c = secret_new(TLS1_3_VERSION, TLS1_3_VERSION);
    for (unsigned i = 0; i < 200 && !c.ready; i++)
        secret_turn_with(&c, serve);
    secret_write(&c, S(POST("/echo", "Content-Length: 5\r\n") "hello"));
    for (unsigned i = 0; i < 200 && !secret_has(&c, "\r\n\r\nhello"); i++)
        secret_turn_with(&c, serve);
    assert_true(secret_has(&c, "\r\n\r\nhello"));
    print_message("# %zu bytes\n", live - before);
    assert_uint_in_range(live - before, 1000, MOST);
    secret_free(&c);
}

int main(void)
{
    if (CRYPTO_set_mem_functions(take, retake, give) != 1)
        return 1; /* somebody has allocated before us */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_allocation_fails_once, begin_tls, finish_tls),
        cmocka_unit_test_setup_teardown(an_idle_connection_is_small, begin_tls, finish_tls),
    };
    return cmocka_run_group_tests_name("net/tls_nomem", tests, nullptr, nullptr);
}
