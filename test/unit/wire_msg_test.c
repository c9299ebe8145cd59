// SPDX-License-Identifier: Apache-2.0
#include "wire/msg.h"

#include "unit.h"

/* A value for every field of every message, told apart by the field's place in its struct. */
#define PLACE(msg, field) ((uint32_t)offsetof(struct msg_##msg, field) + MSG_##msg)
#define U32(msg, field) .field = PLACE(msg, field),
#define U64(msg, field) .field = 0x100000000u + PLACE(msg, field),
#define F32(msg, field) .field = (float)PLACE(msg, field),
#define STR(msg, field) .field = S("Müller " #field),
#define BYTES(msg, field) .field = S("\0\xff bytes " #field),
#define MSG(name, type, direction, fields) static struct msg_##name some_##name(void) { return (struct msg_##name){fields}; }
#include "wire/msg_table.h"
#undef MSG
#undef U32
#undef U64
#undef F32
#undef STR
#undef BYTES

static const enum msg_type types[] = {
#define MSG(name, type, direction, fields) MSG_##name,
#include "wire/msg_table.h"
#undef MSG
};

/* One frame with each message, its stream 7 + n. */
static void encode_all(struct buf *out)
{
    uint32_t n = 0;
#define MSG(name, type, direction, fields)                                                         \
    {                                                                                              \
        struct msg_##name m = some_##name();                                                       \
        assert_ok(msg_encode(out, MSG_##name, 7 + n, &m));                                      \
        n++;                                                                                       \
    }
#include "wire/msg_table.h"
#undef MSG
}

/* Fields are compared one by one: padding is nobody's. */
#define U32(msg, field) && got->msg.field == want.field
#define U64(msg, field) && got->msg.field == want.field
#define F32(msg, field) && got->msg.field == want.field
#define STR(msg, field) && str_eq(got->msg.field, want.field)
#define BYTES(msg, field) && str_eq(got->msg.field, want.field)
#define MSG(name, type, direction, fields)                                                         \
    static bool same_##name(const union msg *got)                                                  \
    {                                                                                              \
        struct msg_##name want = some_##name();                                                    \
        return true fields;                                                                        \
    }
#include "wire/msg_table.h"
#undef MSG
#undef U32
#undef U64
#undef F32
#undef STR
#undef BYTES

static bool (*const same[])(const union msg *) = {
#define MSG(name, type, direction, fields) same_##name,
#include "wire/msg_table.h"
#undef MSG
};

static void every_message_arrives(void **)
{
    autobuf out = BUF(1 << 20);
    encode_all(&out);
    struct str rest = buf_str(&out);
    for (uint32_t i = 0; i < countof(types); i++) {
        struct frame f;
        union msg msg;
        size_t used;
        assert_ok(frame_next(rest, &f, &used));
        assert_int_equal(f.type, types[i]);
        assert_int_equal(f.stream, 7 + i);
        assert_int_equal(used, WIRE_HEADER_BYTES + f.payload.n);
        assert_ok(msg_decode(&f, &msg));
        if (!same[i](&msg))
            fail_msg("%s differs", msg_name(f.type));
        rest = str_sub(rest, used, rest.n);
    }
    assert_int_equal(rest.n, 0);
}

static void the_table_is_consistent(void **)
{
    for (size_t i = 0; i < countof(types); i++) {
        assert_true(msg_from_engine(types[i]) || msg_from_server(types[i]));
        assert_string_not_equal(msg_name(types[i]), "?");
        for (size_t j = 0; j < i; j++)
            if (types[i] == types[j])
                fail_msg("%s has the number of %s", msg_name(types[i]), msg_name(types[j]));
    }
    assert_string_equal(msg_name(0xffff), "?");
    assert_false(msg_from_engine(0xffff) || msg_from_server(0xffff));
    assert_true(msg_from_engine(MSG_hello) && !msg_from_server(MSG_hello));
    assert_true(msg_from_server(MSG_load) && !msg_from_engine(MSG_load));
    assert_true(msg_from_server(MSG_audio) && msg_from_engine(MSG_audio));
    assert_int_equal(msg_cost(MSG_audio, 100), 100);
    assert_int_equal(msg_cost(MSG_tts_text, 100), 100);
    assert_int_equal(msg_cost(MSG_llm_logprob, 104), 4 + 8 * 100 + 256);
    assert_int_equal(msg_cost(MSG_ping, 100), 0);
}

/* Two programs of different builds must agree on the bytes. */
static void the_bytes_are_these(void **)
{
    static const char want[] = "\x1d\0\0\0"       // length
                               "\x24\0\0\0"       // type, flags
                               "\x04\x03\x02\x01" // stream
                               "\x11\0\0\0"       // text
                               "gr\u00fc\u00df dich, Welt"
                               "\x05\0\0\0"    // stable_bytes
                               "\xe8\x03\0\0"; // audio_ms
    const struct msg_stt_partial m = {S("gr\u00fc\u00df dich, Welt"), 5, 1000};
    autobuf out = BUF(1000);
    assert_ok(msg_encode(&out, MSG_stt_partial, 0x01020304, &m));
    assert_int_equal(out.n, sizeof want - 1);
    assert_memory_equal(out.p, want, out.n);
}

static void nothing_may_be_missing_or_too_much(void **)
{
    autobuf out = BUF(1 << 20);
    encode_all(&out);
    struct str rest = buf_str(&out);
    struct frame f;
    union msg msg = {};
    for (size_t used; rest.n; rest = str_sub(rest, used, rest.n)) {
        assert_ok(frame_next(rest, &f, &used));
        for (size_t n = 0; n < used; n++)
            assert_err(frame_next(str_sub(rest, 0, n), &f, &(size_t){0}), ERR_AGAIN);
        struct frame cut = f;
        for (cut.payload.n = 0; cut.payload.n < f.payload.n; cut.payload.n++)
            assert_err(msg_decode(&cut, &msg), ERR_SYNTAX);
        autobuf longer = BUF(WIRE_PAYLOAD_MAX);
        assert_ok(buf_add(&longer, f.payload));
        assert_ok(buf_add_byte(&longer, 0));
        cut.payload = buf_str(&longer);
        assert_err(msg_decode(&cut, &msg), ERR_SYNTAX);
    }
}

static void frames_are_checked(void **)
{
    static const struct {
        const char *bytes;
        enum err err;
    } rows[] = {
        {"\0\0\0\0\x10\0\0\0\1\0\0\0", OK},
        {"\0\0\1\0\x10\0\0\0\1\0\0\0", ERR_AGAIN},          /* 64 KiB are allowed */
        {"\1\0\1\0\x10\0\0\0\1\0\0\0", ERR_SYNTAX},         /* and no more */
        {"\xff\xff\xff\xff\x10\0\0\0\1\0\0\0", ERR_SYNTAX}, /* header and length overflow */
        {"\0\0\0\0\0\0\0\0\1\0\0\0", ERR_SYNTAX},           /* no such type */
        {"\0\0\0\0\x10\0\1\0\1\0\0\0", ERR_SYNTAX},         /* flags */
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct frame f;
        size_t used;
        assert_err(frame_next((struct str){rows[i].bytes, WIRE_HEADER_BYTES}, &f, &used),
                   rows[i].err);
    }
}

static void texts_are_checked(void **)
{
    autobuf out = BUF(1000);
    struct frame f;
    union msg msg;
    size_t used;
    assert_ok(msg_encode(&out, MSG_tts_text, 1, &(struct msg_tts_text){S("abc\xc3")}));
    assert_ok(frame_next(buf_str(&out), &f, &used));
    assert_err(msg_decode(&f, &msg), ERR_SYNTAX);
    buf_clear(&out);
    assert_ok(msg_encode(&out, MSG_audio, 1, &(struct msg_audio){S("abc\xc3")}));
    assert_ok(frame_next(buf_str(&out), &f, &used));
    assert_ok(msg_decode(&f, &msg));
}

/* What cannot be encoded leaves the buffer as it was. */
static void too_large_is_refused(void **)
{
    static char large[WIRE_PAYLOAD_MAX + 1];
    autobuf out = BUF(1 << 20);
    const struct {
        size_t n;
        enum err err;
    } rows[] = {
        {WIRE_PAYLOAD_MAX - 4, OK},
        {WIRE_PAYLOAD_MAX - 3, ERR_TOOBIG},
        {WIRE_PAYLOAD_MAX + 1, ERR_TOOBIG},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        buf_clear(&out);
        assert_ok(buf_add(&out, S("before")));
        const struct msg_audio m = {{large, rows[i].n}};
        assert_err(msg_encode(&out, MSG_audio, 1, &m), rows[i].err);
        if (rows[i].err != OK)
            assert_str(buf_str(&out), "before");
    }
    autobuf small = BUF(20);
    assert_err(msg_encode(&small, MSG_tts_text, 1, &(struct msg_tts_text){S("a text")}),
               ERR_TOOBIG);
    assert_int_equal(small.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_arrives),
        cmocka_unit_test(the_table_is_consistent),
        cmocka_unit_test(the_bytes_are_these),
        cmocka_unit_test(nothing_may_be_missing_or_too_much),
        cmocka_unit_test(frames_are_checked),
        cmocka_unit_test(texts_are_checked),
        cmocka_unit_test(too_large_is_refused),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
