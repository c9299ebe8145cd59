// SPDX-License-Identifier: Apache-2.0
#include "alloc_fault.h"
#include "base/json.h"
#include "base/mem.h"

#include "unit.h"

static void test_what_is_json(void **)
{
    static const struct {
        struct str text;
        enum err want;
    } rows[] = {
        {S("{}"), OK},
        {S(" [1, 2.5, -3e2, \"x\", true, false, null, {\"a\": []}] \r\n\t"), OK},
        {S("\"a\""), OK},
        {S("null"), OK},
        {S("0"), OK},
        {S("{\"\":1,\"a\":1,\"A\":1}"), OK},
        {S("{\"a\":{\"a\":{\"a\":1}}}"), OK},
        {S("\"\\ud83d\\ude00\\u0000\""), OK},
        {{}, ERR_SYNTAX},
        {S("  "), ERR_SYNTAX},
        {S("{"), ERR_SYNTAX},
        {S("{} {}"), ERR_SYNTAX},
        {S("{}\0"), ERR_SYNTAX},
        {S("{}x"), ERR_SYNTAX},
        {S("{\"a\":1,}"), ERR_SYNTAX},
        {S("[1,]"), ERR_SYNTAX},
        {S("{'a':1}"), ERR_SYNTAX},
        {S("{a:1}"), ERR_SYNTAX},
        {S("// x\n{}"), ERR_SYNTAX},
        {S("\xef\xbb\xbf{}"), ERR_SYNTAX},
        {S("NaN"), ERR_SYNTAX},
        {S("Infinity"), ERR_SYNTAX},
        {S("1e999"), ERR_SYNTAX},
        {S("01"), ERR_SYNTAX},
        {S("+1"), ERR_SYNTAX},
        {S(".5"), ERR_SYNTAX},
        {S("1."), ERR_SYNTAX},
        {S("0x1"), ERR_SYNTAX},
        {S("tru"), ERR_SYNTAX},
        {S("\"a\nb\""), ERR_SYNTAX},
        {S("\"\\x\""), ERR_SYNTAX},
        {S("\"\\ud800\""), ERR_SYNTAX},
        {S("\"\\udc00\\ud800\""), ERR_SYNTAX},
        {S("\"\xff\""), ERR_UTF8},
        {S("\"\xc0\x80\""), ERR_UTF8},
        {S("\"\xed\xa0\x80\""), ERR_UTF8},
        {S("{\"\xff\":1}"), ERR_UTF8},
        {S("{\"a\":1,\"a\":1}"), ERR_SYNTAX},
        {S("{\"a\":1,\"b\":2,\"\\u0061\":3}"), ERR_SYNTAX},
        {S("[[{\"x\":{\"b\":1,\"b\":2}}]]"), ERR_SYNTAX},
        {S("{\"\":1,\"\":2}"), ERR_SYNTAX},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct json_doc *doc = nullptr;
        struct json_why why = {};
        /* A copy of exact size, so that AddressSanitizer sees a byte too many being read. */
        autofree char *copy = malloc(rows[i].text.n + 1);
        if (rows[i].text.n)
            memcpy(copy + 1, rows[i].text.p, rows[i].text.n);
        enum err err = json_parse((struct str){copy + 1, rows[i].text.n}, &doc, &why);
        if (err != rows[i].want)
            fail_msg("row %zu: %s (%s)", i, err_code(err), why.text);
        assert_true((err == OK) == (doc != nullptr) && (err == OK) == (why.text[0] == 0));
        json_doc_destroy(doc);
    }
}

static enum err parse_nested(int depth, const char *open, const char *end)
{
    autobuf text = BUF(1 << 20);
    struct json_doc *doc = nullptr;
    struct json_why why;
    for (int i = 0; i < depth; i++)
        assert_ok(buf_add(&text, str_of(open)));
    for (int i = 0; i < depth; i++)
        assert_ok(buf_add(&text, str_of(end)));
    enum err err = json_parse(buf_str(&text), &doc, &why);
    json_doc_destroy(doc);
    return err;
}

static void test_depth(void **)
{
    assert_ok(parse_nested(JSON_MAX_DEPTH, "[", "]"));
    assert_err(parse_nested(JSON_MAX_DEPTH + 1, "[", "]"), ERR_TOOBIG);
    assert_err(parse_nested(100000, "[", "]"), ERR_TOOBIG);
    assert_err(parse_nested(100000, "[", ""), ERR_SYNTAX);
    assert_err(parse_nested(JSON_MAX_DEPTH, "[{\"a\":", "}]"), ERR_SYNTAX); /* no value inside */
}

static enum err parse_wide(int fields, int twice)
{
    autobuf text = BUF(1 << 20);
    struct json_doc *doc = nullptr;
    struct json_why why;
    assert_ok(buf_add_byte(&text, '{'));
    for (int i = 0; i < fields; i++)
        assert_ok(buf_addf(&text, "%s\"k%d\":%d", i ? "," : "", i == fields - 1 ? twice : i, i));
    assert_ok(buf_add_byte(&text, '}'));
    enum err err = json_parse(buf_str(&text), &doc, &why);
    json_doc_destroy(doc);
    return err;
}

static void test_wide_objects(void **)
{
    assert_ok(parse_wide(256, 1000));
    assert_err(parse_wide(257, 1000), ERR_TOOBIG);
    for (int i = 0; i < 255; i++)
        assert_err(parse_wide(256, i), ERR_SYNTAX);
}

static struct json_doc *doc_of(const char *text)
{
    struct json_doc *doc = nullptr;
    struct json_why why = {};
    if (json_parse(str_of(text), &doc, &why) != OK)
        fail_msg("%s: %s", text, why.text);
    return doc;
}

static void test_numbers(void **)
{
    static const struct {
        const char *text;
        enum json_type type;
        int64_t whole;
        double number;
    } rows[] = {
        {"0", JSON_INT, 0, 0},
        {"-7", JSON_INT, -7, -7},
        {"9223372036854775807", JSON_INT, INT64_MAX, 9223372036854775807.0},
        {"-9223372036854775808", JSON_INT, INT64_MIN, -9223372036854775808.0},
        {"9223372036854775808", JSON_NUM, 42, 9223372036854775808.0},
        {"18446744073709551616", JSON_NUM, 42, 18446744073709551616.0},
        {"2.5", JSON_NUM, 42, 2.5},
        {"1e2", JSON_NUM, 42, 100},
        {"\"1\"", JSON_STR, 42, 43},
        {"true", JSON_BOOL, 42, 43},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct json_doc *doc = doc_of(rows[i].text);
        assert_int_equal(json_typeof(json_root(doc)), rows[i].type);
        assert_int_equal(json_int(json_root(doc), 42), rows[i].whole);
        assert_true(json_num(json_root(doc), 43) == rows[i].number);
        json_doc_destroy(doc);
    }
}

static void test_looking_around(void **)
{
    struct json_doc *doc =
        doc_of("{\"a\":\"x\\u0000y\",\"b\":[1,{\"c\":true},[]],\"n\":null,\"e\":{},\"f\":[]}");
    const struct json_val *root = json_root(doc), *b = json_get(root, "b");
    struct str text = json_str(json_get(root, "a"));
    assert_true(str_eq(text, S("x\0y")));
    assert_int_equal(json_count(root), 5);
    assert_int_equal(json_count(b), 3);
    assert_true(json_bool(json_get(json_at(b, 1), "c"), false));
    assert_null(json_at(b, 3));
    assert_null(json_get(b, "c"));
    assert_null(json_get(root, "missing"));
    assert_int_equal(json_typeof(json_get(root, "n")), JSON_NULL);
    /* Nothing there is as good as null, all the way down. */
    assert_null(json_get(nullptr, "x"));
    assert_null(json_at(nullptr, 0));
    assert_int_equal(json_typeof(nullptr), JSON_NULL);
    assert_int_equal(json_count(nullptr), 0);
    assert_int_equal(json_str(nullptr).n, 0);
    assert_int_equal(json_int(nullptr, 3), 3);
    assert_true(json_bool(nullptr, true));
    json_doc_destroy(doc);
    json_doc_destroy(nullptr);
}

/* All keys, or the numbers of an array, joined. */
static void walk(const struct json_val *v, struct buf *into)
{
    size_t iter = 0;
    struct str key;
    const struct json_val *item;
    while (json_next(v, &iter, &key, &item)) {
        assert_ok(buf_add(into, key));
        assert_ok(buf_addf(into, "=%d ", (int)json_int(item, -1)));
    }
    assert_false(json_next(v, &iter, nullptr, &item));
}

static void test_walking(void **)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"{}", ""},
        {"[]", ""},
        {"3", ""},
        {"{\"a\":1,\"b\":{\"x\":[1,2]},\"\":[],\"d\":4}", "a=1 b=-1 =-1 d=4 "},
        {"[1,[2,3],{\"a\":{}},4]", "=1 =-1 =-1 =4 "},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        autobuf got = BUF(1000);
        struct json_doc *doc = doc_of(rows[i].text);
        walk(json_root(doc), &got);
        assert_str(buf_str(&got), rows[i].want);
        json_doc_destroy(doc);
    }
    autobuf got = BUF(1000);
    walk(nullptr, &got);
    assert_int_equal(got.n, 0);
}

struct ask {
    struct str message, format;
    bool use_rag;
    int64_t k;
    double speed;
    const struct json_val *list;
};
static const struct json_field fields[] = {
    {"message", JSON_STR, offsetof(struct ask, message), .required = true, .min = 1, .max = 10},
    {"format", JSON_STR, offsetof(struct ask, format), .one_of = "pcm|wav"},
    {"use_rag", JSON_BOOL, offsetof(struct ask, use_rag)},
    {"k", JSON_INT, offsetof(struct ask, k), .min = 1, .max = 33554432},
    {"speed", JSON_NUM, offsetof(struct ask, speed), .min = 0.5, .max = 2},
    {"list", JSON_ARR, offsetof(struct ask, list)},
};

static enum err read_ask(const char *text, enum json_mode mode, struct ask *ask,
                         struct json_why *why)
{
    struct json_doc *doc = doc_of(text);
    *why = (struct json_why){};
    enum err err = json_read(json_root(doc), fields, countof(fields), mode, ask, why);
    ask->message = ask->format = (struct str){}; /* they go with the document */
    ask->list = nullptr;
    json_doc_destroy(doc);
    return err;
}

static void test_fields(void **)
{
    static const struct {
        const char *text;
        enum err want;
        const char *param;
    } rows[] = {
        {"{\"message\":\"hi\"}", OK, ""},
        {"{\"message\":\"hi\",\"format\":\"wav\",\"k\":1,\"list\":[1],\"speed\":2}", OK, ""},
        {"{\"message\":\"hi\",\"k\":null,\"format\":null}", OK, ""},
        {"[]", ERR_INVALID, ""},
        {"3", ERR_INVALID, ""},
        {"{}", ERR_INVALID, "message"},
        {"{\"message\":null}", ERR_INVALID, "message"},
        {"{\"message\":1}", ERR_INVALID, "message"},
        {"{\"message\":\"\"}", ERR_INVALID, "message"},
        {"{\"message\":\"12345678901\"}", ERR_INVALID, "message"},
        {"{\"message\":\"x\",\"format\":\"pc\"}", ERR_INVALID, "format"},
        {"{\"message\":\"x\",\"format\":\"pcm|wav\"}", ERR_INVALID, "format"},
        {"{\"message\":\"x\",\"format\":\"\"}", ERR_INVALID, "format"},
        {"{\"message\":\"x\",\"use_rag\":1}", ERR_INVALID, "use_rag"},
        {"{\"message\":\"x\",\"use_rag\":\"true\"}", ERR_INVALID, "use_rag"},
        {"{\"message\":\"x\",\"k\":0}", ERR_INVALID, "k"},
        {"{\"message\":\"x\",\"k\":-1}", ERR_INVALID, "k"},
        {"{\"message\":\"x\",\"k\":1.5}", ERR_INVALID, "k"},
        {"{\"message\":\"x\",\"k\":9223372036854775807}", ERR_INVALID, "k"},
        {"{\"message\":\"x\",\"k\":99999999999999999999}", ERR_INVALID, "k"},
        {"{\"message\":\"x\",\"speed\":0.49}", ERR_INVALID, "speed"},
        {"{\"message\":\"x\",\"speed\":1e300}", ERR_INVALID, "speed"},
        {"{\"message\":\"x\",\"list\":{}}", ERR_INVALID, "list"},
        {"{\"message\":\"x\",\"Message\":\"y\"}", ERR_UNKNOWN, "Message"},
        {"{\"message\":\"x\",\"extra\":null}", ERR_UNKNOWN, "extra"},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct ask ask = {};
        struct json_why why;
        enum err err = read_ask(rows[i].text, JSON_STRICT, &ask, &why);
        if (err != rows[i].want || strcmp(why.param, rows[i].param) != 0)
            fail_msg("%s: %s, about \"%s\": %s", rows[i].text, err_code(err), why.param, why.text);
        assert_true((err == OK) == (why.text[0] == 0));
    }
}

static void test_field_values(void **)
{
    struct ask ask = {.k = 7, .use_rag = true};
    struct json_why why;
    assert_ok(
        read_ask("{\"message\":\"x\",\"speed\":1,\"more\":1}", JSON_IGNORE_UNKNOWN, &ask, &why));
    assert_true(ask.k == 7 && ask.use_rag && ask.speed == 1); /* absent ones are left alone */
    assert_err(read_ask("{\"message\":\"x\",\"k\":33554433}", JSON_STRICT, &ask, &why),
               ERR_INVALID);
    assert_string_equal(why.text, "k must be between 1 and 33554432");
}

/* A name of any length or shape is quoted whole or cut, never in the middle of a character. */
static void test_long_unknown_names(void **)
{
    for (int n = 50; n < 70; n++) {
        autobuf text = BUF(1000);
        struct ask ask;
        struct json_why why;
        assert_ok(buf_addf(&text, "{\"%*s\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\":1}", n, "a"));
        assert_err(read_ask(buf_z(&text), JSON_STRICT, &ask, &why), ERR_UNKNOWN);
        assert_true(utf8_valid(str_of(why.text)) && utf8_valid(str_of(why.param)));
    }
}

static enum err parse_and_read(void *)
{
    struct json_doc *doc;
    struct json_why why;
    struct ask ask;
    try(json_parse(S("{\"message\":\"hi\",\"list\":[1,2,3,{\"a\":\"b\\n\"}]}"), &doc, &why));
    enum err err = json_read(json_root(doc), fields, countof(fields), JSON_STRICT, &ask, &why);
    json_doc_destroy(doc);
    return err;
}

static void test_without_memory(void **)
{
    assert_true(torture(parse_and_read, nullptr) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_json),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_wide_objects),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_looking_around),
        cmocka_unit_test(test_walking),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_field_values),
        cmocka_unit_test(test_long_unknown_names),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
