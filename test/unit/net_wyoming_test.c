// SPDX-License-Identifier: Apache-2.0
/* Events as strangers send them (test/data/hostile/wyoming.txt), given whole, byte by byte and cut at every place; what is
 * written; and memory that is short. */
#include "server/net/wyoming.h"

#include <stdio.h>

#include "alloc_fault.h"
#include "base/mem.h"
#include "table.h"
#include "unit.h"

enum { LONG = 60 };
static const struct wyoming_limits limits = {.line = 200, .data = 100, .payload = 300};

/* What is long is told by its length. */
static void put(struct str bytes, struct buf *out)
{
    if (bytes.n > LONG)
        assert_ok(buf_addf(out, "%zu bytes", bytes.n));
    else
        table_text(bytes, out);
}

static void put_fields(const struct json_val *fields, struct buf *out)
{
    autobuf text = BUF(1000);
    struct json_out j = {.to = &text};
    if (fields)
        json_put_val(&j, fields);
    assert_ok(fields ? json_finish(&j) : OK);
    put(buf_str(&text), out);
}

static void put_event(const struct wyoming_event *e, struct buf *out)
{
    put(e->type, out);
    assert_ok(buf_add_byte(out, '('));
    put_fields(e->inner, out);
    assert_ok(buf_add_byte(out, ';'));
    put_fields(e->outer, out);
    assert_ok(buf_add_byte(out, ')'));
    if (e->payload.n > 0) {
        assert_ok(buf_add_byte(out, '['));
        put(e->payload, out);
        assert_ok(buf_add_byte(out, ']'));
    }
    assert_ok(buf_add_byte(out, ' '));
}

/* The first piece has `first` bytes, the others `step`; each lies in memory of its own size. */
static void decode(struct str bytes, size_t first, size_t step, struct buf *out)
{
    struct wyoming_decoder d;
    struct wyoming_event e;
    enum err err = OK;
    wyoming_decoder_init(&d, &limits);
    for (size_t n = first; bytes.n > 0 && err == OK; n = step) {
        autofree char *copy = mem_strdup(str_sub(bytes, 0, n));
        struct str piece = {copy, n < bytes.n ? n : bytes.n};
        bytes = str_sub(bytes, piece.n, bytes.n);
        bool is_whole = true;
        while (is_whole && err == OK) {
            err = wyoming_decode(&d, &piece, &is_whole, &e);
            if (err == OK && is_whole)
                put_event(&e, out);
        }
        assert_true(err != OK || piece.n == 0);
    }
    assert_ok(buf_add(out, str_of(err != OK               ? err_code(err)
                                  : wyoming_is_within(&d) ? "waits"
                                                          : "open")));
    if (err == OK && !wyoming_is_within(&d))
        assert_null(d.bytes.p); /* nothing is held between events */
    wyoming_decoder_finish(&d);
}

static void run_way(const struct table_case *c, const char *way, struct str bytes, size_t first,
                    size_t step)
{
    autobuf got = BUF(1 << 16);
    decode(bytes, first, step, &got);
    table_compare(c->name, way, buf_str(&got), c->want);
}

static void run_case(const struct table_case *c)
{
    autobuf bytes = BUF(1 << 16);
    table_bytes(c->text, &bytes);
    run_way(c, "whole", buf_str(&bytes), SIZE_MAX, SIZE_MAX);
    run_way(c, "byte by byte", buf_str(&bytes), 1, 1);
    for (size_t first = 1; first < bytes.n; first++)
        run_way(c, "cut in two", buf_str(&bytes), first, SIZE_MAX);
}

static void events_come_to_what_the_protocol_says(void **)
{
    assert_true(table_run("wyoming.txt", run_case) >= 60);
}

static void fields_after_the_line_have_the_last_word(void **)
{
    struct {
        struct str text;
        int64_t rate;
    } into = {.rate = 1};
    static const struct json_field fields[] = {
        {"text", JSON_STR, offsetof(typeof(into), text), .max = 5},
        {"rate", JSON_INT, offsetof(typeof(into), rate), .min = 8000, .max = 48000},
    };
    static const struct {
        struct str bytes;
        enum err err;
        const char *text;
        int64_t rate;
    } cases[] = {
        {S("{\"type\":\"x\"}\n"), OK, "", 1},
        {S("{\"type\":\"x\",\"data\":{\"text\":\"a\",\"rate\":8000}}\n"), OK, "a", 8000},
        {S("{\"type\":\"x\",\"data\":{\"text\":\"a\",\"rate\":8000},\"data_length\":12}\n{\"text\":\"b\"}"),
         OK, "b", 8000},
        {S("{\"type\":\"x\",\"data\":{\"text\":\"a\"},\"data_length\":13}\n{\"text\":null}"), OK,
         "a", 1},
        {S("{\"type\":\"x\",\"data\":{\"more\":[]}}\n"), OK, "", 1},
        {S("{\"type\":\"x\",\"data\":{\"text\":7}}\n"), ERR_INVALID, "", 1},
        {S("{\"type\":\"x\",\"data\":{\"rate\":7999}}\n"), ERR_INVALID, "", 1},
        {S("{\"type\":\"x\",\"data_length\":17}\n{\"text\":\"aaaaaa\"}"), ERR_INVALID, "", 1},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct wyoming_decoder d;
        struct wyoming_event e;
        struct str bytes = cases[i].bytes;
        bool is_whole = false;
        struct json_why why = {};
        into = (typeof(into)){.rate = 1};
        wyoming_decoder_init(&d, &limits);
        assert_ok(wyoming_decode(&d, &bytes, &is_whole, &e));
        assert_true(is_whole);
        assert_err(wyoming_read(&e, fields, countof(fields), &into, &why), cases[i].err);
        if (cases[i].err == OK) {
            assert_str(into.text, cases[i].text);
            assert_int_equal(into.rate, cases[i].rate);
        } else {
            assert_true(why.text[0] != '\0');
        }
        wyoming_decoder_finish(&d);
    }
}

static void what_is_written_can_be_read(void **)
{
    autobuf bytes = BUF(1000), got = BUF(1000);
    assert_ok(wyoming_head(&bytes, "describe", S(""), 0));
    assert_str(buf_str(&bytes), "{\"type\":\"describe\"}\n");
    assert_ok(wyoming_head(&bytes, "audio-chunk", S("{\"rate\":16000}"), 4));
    assert_ok(buf_add(&bytes, S("abcd")));
    assert_ok(wyoming_head(&bytes, "transcript", S("{\"text\":\"a\"}"), 0));
    decode(buf_str(&bytes), SIZE_MAX, SIZE_MAX, &got);
    assert_str(buf_str(&got), "describe(;) audio-chunk(;{\"rate\":16000})[abcd] "
                              "transcript(;{\"text\":\"a\"}) open");
}

/* In two pieces, so that each part is kept. */
static enum err read_once(void *)
{
    static const struct str pieces[] = {S("{\"type\":\"x\",\"data_le"),
                                        S("ngth\":12,\"payload_length\":4}\n{\"text"),
                                        S("\":\"a\"}ab"), S("cd")};
    struct wyoming_decoder d;
    enum err err = OK;
    bool is_whole = false;
    wyoming_decoder_init(&d, &limits);
    for (size_t i = 0; i < countof(pieces) && err == OK; i++) {
        struct str bytes = pieces[i];
        struct wyoming_event e;
        err = wyoming_decode(&d, &bytes, &is_whole, &e);
    }
    wyoming_decoder_finish(&d);
    return err == OK && !is_whole ? ERR_INTERNAL : err;
}

static enum err write_once(void *)
{
    struct buf bytes = BUF(1000);
    enum err err = wyoming_head(&bytes, "audio-chunk", S("{\"rate\":16000}"), 4);
    buf_finish(&bytes);
    return err;
}

static void short_memory_is_told(void **)
{
    assert_true(torture(read_once, nullptr) >= 5);
    assert_true(torture(write_once, nullptr) >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_to_what_the_protocol_says),
        cmocka_unit_test(fields_after_the_line_have_the_last_word),
        cmocka_unit_test(what_is_written_can_be_read),
        cmocka_unit_test(short_memory_is_told),
    };
    return cmocka_run_group_tests_name("net/wyoming", tests, nullptr, nullptr);
}
