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

// clang-format off
static const struct {
    const char *name;
    struct str bytes;
    const char *want;
} cases[] = {
    {"text", S("\x81\x85" M "\x69\x67\x6f\x68\x6e"), "text(hello) "},
    {"empty text", S("\x81\x80" M), "text() "},
    {"binary", S("\x82\x83" Z "abc"), "binary(abc) "},
    {"two messages", S("\x81\x81" Z "a\x81\x81" Z "b"), "text(a) text(b) "},
    {"fragments", S("\x01\x81" Z "a\x00\x81" Z "b\x80\x81" Z "c"), "text(abc) "},
    {"empty fragments", S("\x01\x80" Z "\x00\x82" Z "ab\x00\x80" Z "\x80\x80" Z), "text(ab) "},
    {"ping between fragments", S("\x01\x81" Z "a\x89\x81" Z "?\x80\x81" Z "b"), "ping(?) text(ab) "},
    {"character across fragments", S("\x01\x81" Z "\xc3" "\x80\x81" Z "\xa4"), "text(\xc3\xa4) "},
    {"last code point", S("\x81\x84" Z "\xf4\x8f\xbf\xbf"), "text(\xf4\x8f\xbf\xbf) "},
    {"pong", S("\x8a\x81" Z "x"), "pong(x) "},
    {"close", S("\x88\x80" Z), "close(1005,) "},
    {"close with code", S("\x88\x82" Z "\x03\xe8"), "close(1000,) "},
    {"close with reason", S("\x88\x85" Z "\x13\x87" "bye"), "close(4999,bye) "},
    {"bad bytes in binary are fine", S("\x82\x81" Z "\xff"), "binary(\xff) "},
    {"unmasked", S("\x81\x01" "a"), "malformed"},
    {"unmasked ping", S("\x89\x00"), "malformed"},
    {"RSV1", S("\xc1\x80" Z), "malformed"},
    {"RSV2", S("\xa1\x80" Z), "malformed"},
    {"RSV3", S("\x91\x80" Z), "malformed"},
    {"RSV1 on a control frame", S("\xc9\x80" Z), "malformed"},
    {"opcode 3", S("\x83\x80" Z), "malformed"},
    {"opcode 7", S("\x87\x80" Z), "malformed"},
    {"opcode 11", S("\x8b\x80" Z), "malformed"},
    {"opcode 15", S("\x8f\x80" Z), "malformed"},
    {"continuation of nothing", S("\x80\x80" Z), "malformed"},
    {"continuation after a whole message", S("\x81\x81" Z "a\x80\x80" Z), "text(a) malformed"},
    {"message within a message", S("\x01\x81" Z "a\x81\x81" Z "b"), "malformed"},
    {"binary within text", S("\x01\x81" Z "a\x82\x81" Z "b"), "malformed"},
    {"fragmented ping", S("\x09\x80" Z), "malformed"},
    {"fragmented close", S("\x08\x80" Z), "malformed"},
    {"long ping", S("\x89\xfe\x00\x7e" Z), "malformed"},
    {"long ping, long length", S("\x89\xff\x00\x00\x00\x00\x00\x00\x00\x7e" Z), "malformed"},
    {"length not shortest, 16 bits", S("\x82\xfe\x00\x7d" Z), "malformed"},
    {"length not shortest, 64 bits", S("\x82\xff\x00\x00\x00\x00\x00\x00\xff\xff" Z), "malformed"},
    {"length with the top bit", S("\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00" Z), "malformed"},
    {"message too long", S("\x82\xff\x00\x00\x00\x00\x00\x01\x11\x71" Z), "too_large"},
    {"length of 2^62", S("\x82\xff\x40\x00\x00\x00\x00\x00\x00\x00" Z), "too_large"},
    {"fragments too long together", S("\x02\x81" Z "a\x80\xff\x00\x00\x00\x00\x00\x01\x11\x70" Z), "too_large"},
    {"close of one byte", S("\x88\x81" Z "\x03"), "malformed"},
    {"close code 0", S("\x88\x82" Z "\0\0"), "malformed"},
    {"close code 999", S("\x88\x82" Z "\x03\xe7"), "malformed"},
    {"close code 1004", S("\x88\x82" Z "\x03\xec"), "malformed"},
    {"close code 1005", S("\x88\x82" Z "\x03\xed"), "malformed"},
    {"close code 1006", S("\x88\x82" Z "\x03\xee"), "malformed"},
    {"close code 1015", S("\x88\x82" Z "\x03\xf7"), "malformed"},
    {"close code 2999", S("\x88\x82" Z "\x0b\xb7"), "malformed"},
    {"close code 5000", S("\x88\x82" Z "\x13\x88"), "malformed"},
    {"close reason not UTF-8", S("\x88\x83" Z "\x03\xe8\xff"), "invalid_utf8"},
    {"text 0xff", S("\x81\x81" Z "\xff"), "invalid_utf8"},
    {"text cut in a character", S("\x81\x81" Z "\xc3"), "invalid_utf8"},
    {"fragments cut in a character", S("\x01\x81" Z "\xe2" "\x80\x81" Z "\x82"), "invalid_utf8"},
    {"seen before the message ends", S("\x01\x82" Z "\xc3" "a"), "invalid_utf8"},
    {"overlong slash", S("\x81\x82" Z "\xc0\xaf"), "invalid_utf8"},
    {"overlong, three bytes", S("\x81\x83" Z "\xe0\x80\xaf"), "invalid_utf8"},
    {"overlong, four bytes", S("\x81\x84" Z "\xf0\x80\x80\xaf"), "invalid_utf8"},
    {"surrogate", S("\x81\x83" Z "\xed\xa0\x80"), "invalid_utf8"},
    {"above U+10FFFF", S("\x81\x84" Z "\xf4\x90\x80\x80"), "invalid_utf8"},
    {"five bytes", S("\x81\x85" Z "\xf8\x88\x80\x80\x80"), "invalid_utf8"},
    {"lone continuation", S("\x81\x81" Z "\x80"), "invalid_utf8"},
};
// clang-format on

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
