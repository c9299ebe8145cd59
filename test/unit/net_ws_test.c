// SPDX-License-Identifier: Apache-2.0
#include "server/net/ws.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

enum { MAX_MESSAGE = 70000 };
#define M "\x01\x02\x03\x04" /* the mask of the cases below… */
#define Z "\0\0\0\0"         /* …and one that changes nothing */

static const size_t steps[] = {SIZE_MAX, 1, 2, 7};

/* Writes what comes out as "text(…) ping(…) close(1000,…)" and the error that ends it. */
static void decode(bool server, struct str bytes, size_t step, struct buf *out)
{
    static const char *const names[] = {
        [WS_TEXT] = "text", [WS_BINARY] = "binary", [WS_PING] = "ping", [WS_PONG] = "pong"};
    struct ws_decoder d;
    ws_decoder_init(&d, server, MAX_MESSAGE);
    while (true) {
        struct str piece = str_sub(bytes, 0, step);
        size_t had = piece.n;
        struct ws_message m;
        enum err err = ws_decode(&d, &piece, &m);
        bytes = str_sub(bytes, had - piece.n, bytes.n);
        if (err != OK) {
            assert_ok(buf_addf(out, "%s", err_code(err)));
            break;
        }
        if (m.op == WS_CLOSE)
            assert_ok(buf_addf(out, "close(%u,%.*s) ", m.code, STR_FMT(m.payload)));
        else if (m.op != WS_NONE && m.payload.n > 200)
            assert_ok(buf_addf(out, "%s[%zu] ", names[m.op], m.payload.n));
        else if (m.op != WS_NONE)
            assert_ok(buf_addf(out, "%s(%.*s) ", names[m.op], STR_FMT(m.payload)));
        else if (bytes.n == 0)
            break;
    }
    ws_decoder_finish(&d);
}

static const struct {
    const char *name;
    struct str bytes;
    const char *want;
} cases[] = {
#define X(name, want, bytes) {name, S(bytes), want},
    X("text", "text(hello) ", "\x81\x85" M "\x69\x67\x6f\x68\x6e") X(
        "empty text", "text() ",
        "\x81\x80" M) X("binary", "binary(abc) ",
                        "\x82\x83" Z "abc") X("two messages", "text(a) text(b) ",
                                              "\x81\x81" Z "a"
                                              "\x81\x81" Z
                                              "b") X("fragments", "text(abc) ",
                                                     "\x01\x81" Z "a"
                                                     "\x00\x81" Z "b"
                                                     "\x80\x81" Z
                                                     "c") X("empty fragments", "text(ab) ",
                                                            "\x01\x80" Z "\x00\x82" Z "ab"
                                                            "\x00\x80" Z "\x80\x80" Z)
        X("ping between fragments", "ping(?) text(ab) ",
          "\x01\x81" Z "a"
          "\x89\x81" Z "?"
          "\x80\x81" Z "b") X("character across fragments", "text(\xc3\xa4) ",
                              "\x01\x81" Z "\xc3"
                              "\x80\x81" Z "\xa4") X("last code point", "text(\xf4\x8f\xbf\xbf) ",
                                                     "\x81\x84" Z "\xf4\x8f\xbf\xbf")
            X("pong", "pong(x) ", "\x8a\x81" Z "x") X("close", "close(1005,) ", "\x88\x80" Z) X(
                "close with code", "close(1000,) ",
                "\x88\x82" Z "\x03\xe8") X("close with reason", "close(4999,bye) ",
                                           "\x88\x85" Z "\x13\x87"
                                           "bye") X("bad bytes in binary are fine", "binary(\xff) ", "\x82\x81" Z "\xff")

                X("unmasked", "malformed",
                  "\x81\x01"
                  "a") X("unmasked ping", "malformed",
                         "\x89\x00") X("RSV1", "malformed", "\xc1\x80" Z)
                    X("RSV2", "malformed", "\xa1\x80" Z) X("RSV3", "malformed", "\x91\x80" Z) X(
                        "RSV1 on a control frame", "malformed",
                        "\xc9\x80" Z) X("opcode 3", "malformed", "\x83\x80" Z)
                        X("opcode 7", "malformed", "\x87\x80" Z) X(
                            "opcode 11", "malformed",
                            "\x8b\x80" Z) X("opcode 15", "malformed", "\x8f\x80" Z)
                            X("continuation of nothing", "malformed", "\x80\x80" Z) X(
                                "continuation after a whole message",
                                "text(a) malformed",
                                "\x81\x81" Z "a"
                                "\x80\x80" Z)
                                X("message within a message", "malformed",
                                  "\x01\x81" Z "a"
                                  "\x81\x81" Z
                                  "b") X("binary within text", "malformed",
                                         "\x01\x81" Z "a"
                                         "\x82\x81" Z
                                         "b") X("fragmented ping", "malformed", "\x09\x80" Z)
                                    X("fragmented close", "malformed", "\x08\x80" Z) X(
                                        "long ping",
                                        "malformed", "\x89\xfe\x00\x7e" Z) X("long ping, long length",
                                                                             "malformed", "\x89\xff\x00\x00\x00\x00\x00\x00\x00\x7e" Z)
                                        X("length not shortest, 16 bits", "malformed", "\x82\xfe\x00\x7d" Z) X(
                                            "length not shortest, 64 bits",
                                            "malformed",
                                            "\x82\xff\x00\x00\x00\x00\x00\x00\xff\xff" Z)
                                            X("length with the top bit", "malformed",
                                              "\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00" Z) X("message too long",
                                                                                              "too_large",
                                                                                              "\x82\xff\x00\x00\x00\x00\x00\x01\x11\x71" Z)
                                                X("length of 2^62", "too_large", "\x82\xff\x40\x00\x00\x00\x00\x00\x00\x00" Z) X(
                                                    "fragments too long together", "too_large",
                                                    "\x02\x81" Z "a"
                                                    "\x80\xff\x00\x00\x00\x00\x00\x01\x11\x70" Z)
                                                    X("close of one byte", "malformed", "\x88\x81" Z "\x03") X(
                                                        "close code 0",
                                                        "malformed",
                                                        "\x88\x82" Z
                                                        "\0\0") X("close code 999", "malformed", "\x88\x82" Z "\x03\xe7")
                                                        X("close code 1004", "malformed", "\x88\x82" Z "\x03\xec") X(
                                                            "close code 1005", "malformed",
                                                            "\x88\x82" Z
                                                            "\x03\xed") X("close code 1006", "malformed", "\x88\x82" Z "\x03\xee")
                                                            X("close code 1015", "malformed", "\x88\x82" Z "\x03\xf7") X(
                                                                "close code 2999", "malformed",
                                                                "\x88\x82" Z "\x0b\xb7")
                                                                X("close code 5000", "malformed",
                                                                  "\x88\x82" Z "\x13\x88") X("close reason not UTF-8",
                                                                                             "invalid_utf8",
                                                                                             "\x88\x83" Z "\x03\xe8\xff")
                                                                    X("text 0xff", "invalid_utf8", "\x81\x81" Z "\xff") X(
                                                                        "text cut in a character",
                                                                        "invalid_utf8",
                                                                        "\x81\x81" Z "\xc3")
                                                                        X("fragments cut in a character",
                                                                          "invalid_utf8",
                                                                          "\x01\x81" Z "\xe2"
                                                                          "\x80\x81" Z "\x82")
                                                                            X("seen before the message ends",
                                                                              "invalid_utf8",
                                                                              "\x01\x82" Z "\xc3"
                                                                              "a") X("overlong slash",
                                                                                     "invalid_utf8",
                                                                                     "\x81\x82" Z
                                                                                     "\xc0\xaf")
                                                                                X("overlong, three bytes",
                                                                                  "invalid_utf8",
                                                                                  "\x81\x83" Z
                                                                                  "\xe0\x80\xaf")
                                                                                    X("overlong, four bytes",
                                                                                      "invalid_utf8",
                                                                                      "\x81\x84" Z
                                                                                      "\xf0\x80\x80\xaf")
                                                                                        X("surrogate",
                                                                                          "invalid_utf8",
                                                                                          "\x81\x83" Z
                                                                                          "\xed\xa0\x80")
                                                                                            X("above U+10FFFF",
                                                                                              "invalid_utf8",
                                                                                              "\x81\x84" Z
                                                                                              "\xf4\x90\x80\x80")
                                                                                                X("five bytes",
                                                                                                  "invalid_utf8",
                                                                                                  "\x81\x85" Z
                                                                                                  "\xf8\x88\x80\x80\x80")
                                                                                                    X("lone continuation",
                                                                                                      "invalid_utf8",
                                                                                                      "\x81\x81" Z
                                                                                                      "\x80")
#undef X
};

static void frames_come_to_what_the_rfc_says(void **)
{
    for (size_t i = 0; i < countof(cases); i++) {
        for (size_t s = 0; s < countof(steps); s++) {
            autobuf out = BUF(4096);
            decode(true, cases[i].bytes, steps[s], &out);
            if (!str_eq(buf_str(&out), str_of(cases[i].want)))
                fail_msg("%s in pieces of %zu: got \"%.*s\", want \"%s\"", cases[i].name, steps[s],
                         STR_FMT(buf_str(&out)), cases[i].want);
        }
    }
}

/* What we encode for each length at the borders of the length fields is what we decode. */
static void encoder_and_decoder_agree(void **)
{
    static const size_t lengths[] = {0, 1, 125, 126, 127, 65535, 65536, MAX_MESSAGE};
    for (size_t i = 0; i < countof(lengths); i++) {
        for (int masked = 0; masked < 2; masked++) {
            const uint8_t mask[4] = {0xa1, 0x02, 0xf3, 0x44};
            uint8_t head[WS_HEAD_MAX];
            size_t n = lengths[i];
            unsigned head_n =
                masked ? ws_head_masked(WS_BINARY, n, mask, head) : ws_head(WS_BINARY, n, head);
            char *all = malloc(head_n + n);
            memcpy(all, head, head_n);
            for (size_t j = 0; j < n; j++)
                all[head_n + j] = (char)(j * 7 + j / 255);
            if (masked)
                ws_mask(all + head_n, n, mask);
            for (size_t s = 0; s < countof(steps); s++) {
                struct ws_decoder d;
                struct ws_message m = {.op = WS_NONE};
                ws_decoder_init(&d, masked, MAX_MESSAGE);
                struct str bytes = {all, head_n + n};
                while (m.op == WS_NONE) {
                    struct str piece = str_sub(bytes, 0, steps[s]);
                    size_t had = piece.n;
                    assert_ok(ws_decode(&d, &piece, &m));
                    bytes = str_sub(bytes, had - piece.n, bytes.n);
                }
                assert_int_equal(bytes.n, 0);
                assert_int_equal(m.payload.n, n);
                for (size_t j = 0; j < n; j++)
                    assert_int_equal((uint8_t)m.payload.p[j], (uint8_t)(j * 7 + j / 255));
                struct str none = {};
                assert_ok(ws_decode(&d, &none, &m));
                assert_null(d.message.p); /* no memory between messages */
                ws_decoder_finish(&d);
            }
            free(all);
        }
    }
}

static void a_clients_decoder_refuses_masked_frames(void **)
{
    autobuf out = BUF(100);
    decode(false,
           S("\x81\x01"
             "a"
             "\x81\x81" Z "b"),
           SIZE_MAX, &out);
    assert_str(buf_str(&out), "text(a) malformed");
}

static void a_flood_of_fragments_is_refused(void **)
{
    struct ws_decoder d;
    struct ws_message m;
    ws_decoder_init(&d, true, MAX_MESSAGE);
    struct str bytes = S("\x02\x80" Z);
    enum err err = ws_decode(&d, &bytes, &m);
    unsigned count = 0;
    for (; err == OK && count < 100000; count++) {
        bytes = S("\x00\x80" Z);
        err = ws_decode(&d, &bytes, &m);
    }
    assert_err(err, ERR_TOOBIG);
    ws_decoder_finish(&d);
}

static void the_handshake_is_the_rfcs(void **)
{
    char accept[WS_ACCEPT_SIZE];
    assert_ok(ws_accept_key(S("dGhlIHNhbXBsZSBub25jZQ=="), accept));
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_err(ws_accept_key(S(""), accept), ERR_INVALID);
    assert_err(ws_accept_key(S("dGhlIHNhbXBsZSBub25jZQ"), accept), ERR_INVALID);
    assert_err(ws_accept_key(S("dGhlIHNhbXBsZSBub25jZSE="), accept), ERR_INVALID);
    assert_err(ws_accept_key(S("dGhl*HNhbXBsZSBub25jZQ=="), accept), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_to_what_the_rfc_says),
        cmocka_unit_test(encoder_and_decoder_agree),
        cmocka_unit_test(a_clients_decoder_refuses_masked_frames),
        cmocka_unit_test(a_flood_of_fragments_is_refused),
        cmocka_unit_test(the_handshake_is_the_rfcs),
    };
    return cmocka_run_group_tests_name("net/ws", tests, nullptr, nullptr);
}
