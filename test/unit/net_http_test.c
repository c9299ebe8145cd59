// SPDX-License-Identifier: Apache-2.0
#include "server/net/http.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/net/target.h"
#include "unit.h"

#define H "Host: x\r\n"
#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A512 A64 A64 A64 A64 A64 A64 A64 A64
#define A4K A512 A512 A512 A512 A512 A512 A512 A512

/* What one request comes to: its head in one line, its body, or the status of its refusal. */
struct outcome {
    int status;
    bool complete;
    char head[256];
    struct buf body;
};

static void describe(const struct http_head *h, char *into, size_t size)
{
    snprintf(into, size, "%s %.*s?%.*s host=%.*s%s%s%s%s%s%s", http_method_name(h->method),
             STR_FMT(h->path), STR_FMT(h->query), STR_FMT(h->host), h->slash_coded ? " coded" : "",
             h->http10 ? " 1.0" : "", h->keep_alive ? "" : " close", h->has_body ? " body" : "",
             h->expects_continue ? " expect" : "", h->wants_websocket ? " ws" : "");
}

/* A call without bytes, as after a pause, loses nothing of what they are in the middle of. */
static void nothing_new(struct http_parser *p)
{
    struct str none = {};
    struct http_piece got;
    assert_ok(http_parse(p, &none, &got));
    assert_int_equal(got.kind, PIECE_MORE);
}

/* Feeds `bytes` in pieces of at most `step`; leaves what was not eaten. */
static void parse(struct http_parser *p, struct str *bytes, size_t step, struct outcome *o)
{
    o->status = 0;
    o->complete = false;
    o->head[0] = '\0';
    o->body = BUF(1 << 20);
    while (!o->complete) {
        struct str piece = str_sub(*bytes, 0, step);
        size_t had = piece.n;
        struct http_piece got;
        if (http_parse(p, &piece, &got) != OK) {
            o->status = http_error_status(p);
            return;
        }
        *bytes = str_sub(*bytes, had - piece.n, bytes->n);
        if (got.kind == PIECE_HEAD)
            describe(http_head(p), o->head, sizeof o->head);
        else if (got.kind == PIECE_BODY)
            assert_ok(buf_add(&o->body, got.bytes));
        else if (got.kind == PIECE_END)
            o->complete = true;
        else if (bytes->n == 0)
            return;
        else
            nothing_new(p);
    }
}

static const size_t steps[] = {SIZE_MAX, 1, 2, 7};

// clang-format off
static const struct {
    const char *name;
    struct str bytes;
    int status; /* 0: not refused, but never complete */
} hostile[] = {
    {"length and chunked", S("POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400},
    {"chunked and length", S("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"), 400},
    {"two equal lengths", S("POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"), 400},
    {"two lengths", S("POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc"), 400},
    {"list of lengths", S("POST / HTTP/1.1\r\n" H "Content-Length: 3, 3\r\n\r\nabc"), 400},
    {"negative length", S("POST / HTTP/1.1\r\n" H "Content-Length: -1\r\n\r\n"), 400},
    {"signed length", S("POST / HTTP/1.1\r\n" H "Content-Length: +3\r\n\r\nabc"), 400},
    {"hexadecimal length", S("POST / HTTP/1.1\r\n" H "Content-Length: 0x3\r\n\r\nabc"), 400},
    {"empty length", S("POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n"), 400},
    {"length of 2^63", S("POST / HTTP/1.1\r\n" H "Content-Length: 9223372036854775808\r\n\r\n"), 400},
    {"length of 2^64", S("POST / HTTP/1.1\r\n" H "Content-Length: 18446744073709551616\r\n\r\n"), 400},
    {"length with a blank", S("POST / HTTP/1.1\r\n" H "Content-Length: 1 2\r\n\r\nabc"), 400},
    {"two codings", S("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400},
    {"gzip, chunked", S("POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), 501},
    {"chunked, identity", S("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"), 400},
    {"coding gzip", S("POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip\r\n\r\n"), 501},
    {"coding xchunked", S("POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"), 501},
    {"quoted coding", S("POST / HTTP/1.1\r\n" H "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"), 501},
    {"empty coding", S("POST / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n\r\n0\r\n\r\n"), 400},
    {"coding after a vertical tab", S("POST / HTTP/1.1\r\n" H "Transfer-Encoding: \x0b" "chunked\r\n\r\n0\r\n\r\n"), 400},
    {"chunked in 1.0", S("POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400},
    {"bare LF after the request line", S("GET / HTTP/1.1\n" H "\r\n"), 400},
    {"bare LF after a header", S("GET / HTTP/1.1\r\nHost: x\n\r\n"), 400},
    {"bare LF at the end", S("GET / HTTP/1.1\r\n" H "\n"), 400},
    {"bare CR in a header", S("GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n"), 400},
    {"folded header", S("GET / HTTP/1.1\r\n" H "A: b\r\n c\r\n\r\n"), 400},
    {"folded with a tab", S("GET / HTTP/1.1\r\n" H "A: b\r\n\tc\r\n\r\n"), 400},
    {"first header folded", S("GET / HTTP/1.1\r\n A: b\r\n" H "\r\n"), 400},
    {"blank before the colon", S("GET / HTTP/1.1\r\n" H "A : b\r\n\r\n"), 400},
    {"tab before the colon", S("GET / HTTP/1.1\r\n" H "A\t: b\r\n\r\n"), 400},
    {"no name", S("GET / HTTP/1.1\r\n" H ": b\r\n\r\n"), 400},
    {"no colon", S("GET / HTTP/1.1\r\n" H "abc\r\n\r\n"), 400},
    {"NUL in a name", S("GET / HTTP/1.1\r\n" H "A\0: b\r\n\r\n"), 400},
    {"NUL in a value", S("GET / HTTP/1.1\r\n" H "A: b\0c\r\n\r\n"), 400},
    {"control byte in a value", S("GET / HTTP/1.1\r\n" H "A: b\x01\r\n\r\n"), 400},
    {"DEL in a value", S("GET / HTTP/1.1\r\n" H "A: b\x7f\r\n\r\n"), 400},
    {"high byte in a name", S("GET / HTTP/1.1\r\n" H "\xc3\xa4: b\r\n\r\n"), 400},
    {"no Host", S("GET / HTTP/1.1\r\n\r\n"), 400},
    {"two Hosts", S("GET / HTTP/1.1\r\n" H H "\r\n"), 400},
    {"empty Host", S("GET / HTTP/1.1\r\nHost:\r\n\r\n"), 400},
    {"Host with a path", S("GET / HTTP/1.1\r\nHost: x/y\r\n\r\n"), 400},
    {"Host with user", S("GET / HTTP/1.1\r\nHost: a@x\r\n\r\n"), 400},
    {"Host list", S("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"), 400},
    {"absolute target elsewhere", S("GET http://y/ HTTP/1.1\r\n" H "\r\n"), 400},
    {"absolute target with a port", S("GET http://x:80/ HTTP/1.1\r\n" H "\r\n"), 400},
    {"absolute target without a host", S("GET http:/// HTTP/1.0\r\n\r\n"), 400},
    {"absolute target with user", S("GET http://a@x/ HTTP/1.1\r\n" H "\r\n"), 400},
    {"absolute target with dots", S("GET http://x/../a HTTP/1.1\r\n" H "\r\n"), 400},
    {"scheme of no use", S("GET ftp://x/ HTTP/1.1\r\n" H "\r\n"), 400},
    {"scheme alone", S("GET http HTTP/1.0\r\n\r\n"), 400},
    {"asterisk target", S("OPTIONS * HTTP/1.1\r\n" H "\r\n"), 400},
    {"authority target", S("CONNECT x:443 HTTP/1.1\r\n" H "\r\n"), 400},
    {"relative target", S("GET a HTTP/1.1\r\n" H "\r\n"), 400},
    {"no target", S("GET  HTTP/1.1\r\n" H "\r\n"), 400},
    {"dots in the path", S("GET /a/../b HTTP/1.1\r\n" H "\r\n"), 400},
    {"encoded dots", S("GET /%2e%2E/etc/passwd HTTP/1.1\r\n" H "\r\n"), 400},
    {"encoded dots and slash", S("GET /a/..%2fb HTTP/1.1\r\n" H "\r\n"), 400},
    {"backslash", S("GET /..\\a HTTP/1.1\r\n" H "\r\n"), 400},
    {"encoded NUL", S("GET /a%00b HTTP/1.1\r\n" H "\r\n"), 400},
    {"encoded line end", S("GET /a%0d%0aX:y HTTP/1.1\r\n" H "\r\n"), 400},
    {"half a percent", S("GET /a%2 HTTP/1.1\r\n" H "\r\n"), 400},
    {"bad percent", S("GET /a%zz HTTP/1.1\r\n" H "\r\n"), 400},
    {"bad UTF-8 in the path", S("GET /%c0%af HTTP/1.1\r\n" H "\r\n"), 400},
    {"fragment", S("GET /a#b HTTP/1.1\r\n" H "\r\n"), 400},
    {"raw high byte in the path", S("GET /\xff HTTP/1.1\r\n" H "\r\n"), 400},
    {"long target", S("GET /" A4K A4K A64 " HTTP/1.1\r\n" H "\r\n"), 414},
    {"long header", S("GET / HTTP/1.1\r\n" H "A: " A4K A4K A4K A4K "\r\n\r\n"), 431},
    {"long name", S("GET / HTTP/1.1\r\n" H A4K A4K A4K A4K ": b\r\n\r\n"), 431},
    {"unknown method", S("BREW / HTTP/1.1\r\n" H "\r\n"), 400},
    {"lower-case method", S("get / HTTP/1.1\r\n" H "\r\n"), 400},
    {"version 2", S("GET / HTTP/2.0\r\n" H "\r\n"), 505},
    {"version 1.2", S("GET / HTTP/1.2\r\n" H "\r\n"), 505},
    {"version 0.9", S("GET / HTTP/0.9\r\n\r\n"), 505},
    {"no version", S("GET /\r\n\r\n"), 505},
    {"HTTP/2 preface", S("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505},
    {"TLS hello", S("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), 400},
    {"binary", S("\xff\xfe\x00\x01"), 400},
    {"unknown expectation", S("POST / HTTP/1.1\r\n" H "Expect: tea\r\nContent-Length: 1\r\n\r\na"), 417},
    {"upgrade with a body", S("GET / HTTP/1.1\r\n" H "Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n\r\na"), 400},
    {"chunk of no digits", S("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n\r\n"), 400},
    {"chunk size with a sign", S("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n-1\r\n"), 400},
    {"chunk size with 0x", S("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n"), 400},
    {"chunk size overflows", S("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n"), 400},
    {"chunk longer than said", S("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n"), 400},
    {"chunk ended by LF", S("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n"), 400},
    {"chunk without its end", S("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1\r\na0\r\n\r\n"), 400},
    {"blank after a chunk size", S("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1 \r\na\r\n0\r\n\r\n"), 400},
    {"endless chunk extension", S("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1;a=" A4K A4K A4K A4K A4K A4K), 400},
    {"endless trailers", S("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\nA: " A4K A4K A4K A4K A4K A4K), 400},
    {"cut in the head", S("GET / HTTP/1.1\r\nHost"), 0},
    {"cut in the body", S("POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nabc"), 0},
    {"cut in a chunk", S("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n5\r\nabc"), 0},
    {"empty lines only", S("\r\n\r\n\r\n"), 0},
};
// clang-format on

static void hostile_requests_are_refused(void **)
{
    static_assert(countof(hostile) >= 60);
    for (size_t i = 0; i < countof(hostile); i++) {
        for (size_t s = 0; s < countof(steps); s++) {
            struct http_parser *p;
            struct outcome o;
            struct str bytes = hostile[i].bytes;
            assert_ok(http_parser_create(&p));
            parse(p, &bytes, steps[s], &o);
            if (o.status != hostile[i].status || o.complete)
                fail_msg("%s in pieces of %zu: got %d%s, want %d", hostile[i].name, steps[s],
                         o.status, o.complete ? " (complete)" : "", hostile[i].status);
            if (o.status != 0) { /* it sticks */
                struct http_piece piece;
                assert_true(http_parse(p, &bytes, &piece) != OK);
            }
            buf_finish(&o.body);
            http_parser_destroy(p);
        }
    }
}

static void too_many_headers_are_refused(void **)
{
    autobuf text = BUF(16384);
    assert_ok(buf_add(&text, S("GET / HTTP/1.1\r\n" H)));
    for (unsigned i = 0; i < HTTP_HEADERS_MAX; i++)
        assert_ok(buf_addf(&text, "h%u: v\r\n", i));
    assert_ok(buf_add(&text, S("\r\n")));
    struct http_parser *p;
    struct outcome o;
    struct str bytes = buf_str(&text);
    assert_ok(http_parser_create(&p));
    parse(p, &bytes, SIZE_MAX, &o);
    assert_int_equal(o.status, 431);
    http_parser_destroy(p);
    buf_finish(&o.body);
}

// clang-format off
static const struct {
    struct str bytes;
    const char *head, *body;
} good[] = {
    {S("GET / HTTP/1.1\r\n" H "\r\n"), "GET /? host=x", ""},
    {S("\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n"), "GET /? host=x", ""},
    {S("HEAD /a%20b/%C3%A4?q=1%2f&r HTTP/1.1\r\nhOST:  [::1]:80\t \r\n\r\n"),
     "HEAD /a b/ä?q=1%2f&r host=[::1]:80", ""},
    {S("GET /a%2Fb/c HTTP/1.1\r\n" H "\r\n"), "GET /a/b/c? host=x coded", ""},
    {S("DELETE /x? HTTP/1.1\r\n" H "Connection: keep-alive, Close\r\n\r\n"),
     "DELETE /x? host=x close", ""},
    {S("GET /a/...b/. HTTP/1.0\r\n\r\n"), "", ""},
    {S("GET /a/...b HTTP/1.0\r\n\r\n"), "GET /a/...b? host= 1.0 close", ""},
    {S("POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n"), "POST /? host=x", ""},
    {S("POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello"), "POST /? host=x body", "hello"},
    {S("PUT / HTTP/1.1\r\n" H "Expect: 100-Continue\r\nContent-Length: 2\r\n\r\nab"),
     "PUT /? host=x body expect", "ab"},
    {S("POST / HTTP/1.1\r\n" H
       "Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n00A;x=\"y\"\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n"),
     "POST /? host=x body", "abc0123456789"},
    {S("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
     "POST /? host=x body", ""},
    {S("GET /ws HTTP/1.1\r\n" H "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\r\n"),
     "GET /ws? host=x ws", ""},
    {S("GET /h2 HTTP/1.1\r\n" H "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n"),
     "GET /h2? host=x", ""},
    {S("POST /h2 HTTP/1.1\r\n" H
       "Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nab"),
     "POST /h2? host=x body", "ab"},
    {S("GET http://X/a%20b?c HTTP/1.1\r\n" H "\r\n"), "GET /a b?c host=x", ""},
    {S("GET HTTPS://x HTTP/1.1\r\n" H "\r\n"), "GET /? host=x", ""},
    {S("OPTIONS /x HTTP/1.1\r\n" H "Origin: http://a\r\n\r\n"), "OPTIONS /x? host=x", ""},
};
// clang-format on

static void good_requests_are_understood(void **)
{
    for (size_t i = 0; i < countof(good); i++) {
        for (size_t s = 0; s < countof(steps); s++) {
            struct http_parser *p;
            struct outcome o;
            struct str bytes = good[i].bytes;
            assert_ok(http_parser_create(&p));
            parse(p, &bytes, steps[s], &o);
            assert_string_equal(o.head, good[i].head);
            assert_str(buf_str(&o.body), good[i].body);
            assert_int_equal(o.complete, good[i].head[0] != '\0');
            if (o.complete)
                assert_int_equal(bytes.n, 0);
            buf_finish(&o.body);
            http_parser_destroy(p);
        }
    }
}

static void pipelined_requests_come_one_by_one(void **)
{
    for (size_t s = 0; s < countof(steps); s++) {
        autobuf all = BUF(4096);
        unsigned want = 0;
        for (size_t i = 0; i < countof(good); i++)
            if (good[i].head[0] != '\0')
                assert_ok(buf_add(&all, good[i].bytes));
        struct str bytes = buf_str(&all);
        struct http_parser *p;
        assert_ok(http_parser_create(&p));
        for (size_t i = 0; i < countof(good); i++) {
            if (good[i].head[0] == '\0')
                continue;
            struct outcome o;
            assert_false(http_begun(p));
            parse(p, &bytes, steps[s], &o);
            assert_true(o.complete && http_begun(p));
            assert_string_equal(o.head, good[i].head);
            assert_str(buf_str(&o.body), good[i].body);
            buf_finish(&o.body);
            http_next(p);
            want++;
        }
        assert_true(want > 10);
        assert_int_equal(bytes.n, 0);
        http_parser_destroy(p);
    }
}

static void headers_are_found(void **)
{
    struct str bytes =
        S("GET / HTTP/1.1\r\n" H "Accept: a\r\nX-Empty:\r\nACCEPT: b , C\r\nX-Obs: \xff \r\n\r\n");
    struct http_parser *p;
    struct http_piece piece;
    assert_ok(http_parser_create(&p));
    assert_ok(http_parse(p, &bytes, &piece));
    assert_int_equal(piece.kind, PIECE_HEAD);
    const struct http_head *h = http_head(p);
    assert_str(http_value(h, "accept"), "a");
    assert_str(http_value(h, "x-empty"), "");
    assert_non_null(http_value(h, "x-empty").p);
    assert_null(http_value(h, "x-none").p);
    assert_str(http_value(h, "x-obs"), "\xff");
    assert_true(http_has(h, "accept", S("c")) && http_has(h, "accept", S("a")));
    assert_false(http_has(h, "accept", S("b , C")));
    http_parser_destroy(p);
}

static void query_parameters_are_decoded(void **)
{
    static const struct {
        const char *query, *name, *value;
        enum err err;
    } cases[] = {
        {"a=1&b=two+words", "b", "two words", OK},
        {"&&a&b=%C3%A4", "b", "ä", OK},
        {"a", "a", "", OK},
        {"%61=x", "a", "x", OK},
        {"a=1&a=2", "a", "1", OK},
        {"a=1", "b", "", ERR_NOTFOUND},
        {"a=%0", "a", "", ERR_SYNTAX},
        {"a=%00", "a", "", ERR_SYNTAX},
        {"a=%ff", "a", "", ERR_UTF8},
        {"a=0123456789abcdefg", "a", "", ERR_TOOBIG},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        char into[16];
        struct str value = S("");
        assert_err(query_get(str_of(cases[i].query), cases[i].name, into, sizeof into, &value),
                   cases[i].err);
        assert_str(value, cases[i].value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_requests_are_refused),
        cmocka_unit_test(too_many_headers_are_refused),
        cmocka_unit_test(good_requests_are_understood),
        cmocka_unit_test(pipelined_requests_come_one_by_one),
        cmocka_unit_test(headers_are_found),
        cmocka_unit_test(query_parameters_are_decoded),
    };
    return cmocka_run_group_tests_name("net/http", tests, nullptr, nullptr);
}
