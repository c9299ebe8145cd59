// SPDX-License-Identifier: Apache-2.0
#include <math.h>

#include "alloc_fault.h"
#include "base/json.h"

#include "unit.h"

static void test_commas(void **)
{
    autobuf b = BUF(1000);
    struct json_out j = {.to = &b};
    json_obj(&j);
    json_kstr(&j, "a", S("x"));
    json_key(&j, "list");
    json_arr(&j);
    json_put_int(&j, 1);
    json_obj(&j);
    json_end(&j);
    json_arr(&j);
    json_end(&j);
    json_put_null(&j);
    json_obj(&j);
    json_kbool(&j, "t", true);
    json_kbool(&j, "f", false);
    json_end(&j);
    json_end(&j);
    json_key(&j, "raw");
    json_put_raw(&j, S("[1, 2]"));
    json_knum(&j, "n", 0.5);
    json_kint(&j, "i", -3);
    json_end(&j);
    assert_ok(json_finish(&j));
    assert_str(buf_str(&b), "{\"a\":\"x\",\"list\":[1,{},[],null,{\"t\":true,\"f\":false}],"
                            "\"raw\":[1, 2],\"n\":0.5,\"i\":-3}");
}

static void test_strings(void **)
{
    static const struct {
        struct str text;
        const char *want;
    } rows[] = {
        {{}, "\"\""},
        {S("plain"), "\"plain\""},
        {S("\"\\/"), "\"\\\"\\\\/\""},
        {S("\n\r\t\b\0\x1f\x7f"), "\"\\n\\r\\t\\u0008\\u0000\\u001f\\u007f\""},
        {S("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z"), "\"a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z\""},
        {S("a\xff"
           "b"),
         "\"a\xef\xbf\xbd"
         "b\""},
        {S("\xc0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\""},
        {S("cut \xe2\x82"), "\"cut \xef\xbf\xbd\xef\xbf\xbd\""},
        {S("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        autobuf b = BUF(1000);
        struct json_out j = {.to = &b};
        json_put_str(&j, rows[i].text);
        assert_ok(json_finish(&j));
        assert_str(buf_str(&b), rows[i].want);
    }
}

static void test_numbers(void **)
{
    static const struct {
        int64_t n;
        const char *want;
    } whole[] = {
        {0, "0"},     {-1, "-1"},
        {10, "10"},   {INT64_MAX, "9223372036854775807"},
        {-90, "-90"}, {INT64_MIN, "-9223372036854775808"},
    };
    static const struct {
        double x;
        const char *want;
    } broken[] = {
        {0, "0"},
        {1, "1"},
        {100, "100"},
        {0.1, "0.1"},
        {-2.25, "-2.25"},
        {1.0 / 3, "0.333333"},
        {1e-9, "0"},
        {1e15, "1000000000000000"},
        {(double)NAN, "null"},
        {(double)INFINITY, "null"},
    };
    for (size_t i = 0; i < countof(whole); i++) {
        autobuf b = BUF(100);
        struct json_out j = {.to = &b};
        json_put_int(&j, whole[i].n);
        assert_str(buf_str(&b), whole[i].want);
    }
    for (size_t i = 0; i < countof(broken); i++) {
        autobuf b = BUF(400);
        struct json_out j = {.to = &b};
        json_put_num(&j, broken[i].x);
        assert_str(buf_str(&b), broken[i].want);
    }
    autobuf b = BUF(400);
    struct json_out j = {.to = &b};
    json_put_num(&j, -1.7e308);
    assert_ok(json_finish(&j));
    assert_int_equal(b.n, 310);
}

/* What was written is read back the same, for every byte and every neighbour. */
static void test_read_back(void **)
{
    for (unsigned a = 0; a < 256; a++) {
        char bytes[256 * 2];
        for (unsigned c = 0; c < 256; c++) {
            bytes[2 * c] = (char)a;
            bytes[2 * c + 1] = (char)c;
        }
        autobuf b = BUF(1 << 16);
        struct json_out j = {.to = &b};
        struct json_doc *doc;
        struct json_why why;
        json_put_str(&j, (struct str){bytes, sizeof bytes});
        assert_ok(json_finish(&j));
        assert_ok(json_parse(buf_str(&b), &doc, &why));
        struct str got = json_str(json_root(doc));
        assert_true(utf8_valid(got));
        if (a < 0x80) /* else hardly anything is a character */
            assert_memory_equal(got.p, bytes, 256);
        json_doc_destroy(doc);
    }
}

static void write_much(struct json_out *j)
{
    json_obj(j);
    for (int i = 0; i < 50; i++) {
        json_key(j, "key");
        json_arr(j);
        json_put_str(j, S("some text \n and \xff more"));
        json_put_num(j, i / 7.0);
        json_end(j);
    }
    json_end(j);
}

static void test_full(void **)
{
    for (size_t cap = 0; cap < 200; cap++) {
        autobuf b = BUF(cap);
        struct json_out j = {.to = &b};
        write_much(&j);
        assert_err(json_finish(&j), ERR_TOOBIG);
    }
}

static enum err write_step(void *)
{
    autobuf b = BUF(1 << 20);
    struct json_out j = {.to = &b};
    write_much(&j);
    return json_finish(&j);
}

static void test_without_memory(void **)
{
    assert_true(torture(write_step, nullptr) > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commas),  cmocka_unit_test(test_strings),
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_read_back),
        cmocka_unit_test(test_full),    cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
