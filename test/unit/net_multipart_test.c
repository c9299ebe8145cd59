// SPDX-License-Identifier: Apache-2.0
#include "server/net/multipart.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

static const size_t steps[] = {SIZE_MAX, 1, 2, 3, 7};

static enum err on_part(void *arg, const struct multipart_part *part)
{
    return buf_addf(arg, "[%.*s|%.*s|%.*s|", STR_FMT(part->name),
                    part->filename.p != nullptr ? (int)part->filename.n : 4,
                    part->filename.p != nullptr ? part->filename.p : "none", STR_FMT(part->type));
}

static enum err on_data(void *arg, struct str bytes)
{
    assert_true(bytes.n > 0);
    return buf_add(arg, bytes);
}

static enum err on_part_end(void *arg)
{
    return buf_add_byte(arg, ']');
}

static const struct multipart_events events = {on_part, on_data, on_part_end};

static enum err parse(struct str type, struct str body, size_t step, struct buf *out)
{
    struct multipart *m;
    try(multipart_create(type, 3, &events, out, &m));
    enum err err = OK;
    while (err == OK && body.n > 0) {
        err = multipart_feed(m, str_sub(body, 0, step));
        body = str_sub(body, step < body.n ? step : body.n, body.n);
    }
    if (err == OK)
        err = multipart_finish(m);
    else
        assert_err(multipart_feed(m, S("x")), err);
    multipart_destroy(m);
    return err;
}

#define D "Content-Disposition: form-data; "
#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A512 A64 A64 A64 A64 A64 A64 A64 A64

// clang-format off
static const struct {
    const char *name;
    struct str body;
    enum err err;
    const char *want;
} cases[] = {
    {"one field", S("--B\r\n" D "name=\"a\"\r\n\r\nhello\r\n--B--\r\n"), OK, "[a|none||hello]"},
    {"no last line end", S("--B\r\n" D "name=\"a\"\r\n\r\nhello\r\n--B--"), OK, "[a|none||hello]"},
    {"empty field", S("--B\r\n" D "name=\"a\"\r\n\r\n\r\n--B--\r\n"), OK, "[a|none||]"},
    {"file and field", S("--B\r\n" D "name=\"f\"; filename=\"x.md\"\r\nContent-Type: text/markdown\r\n\r\n# hi\r\n\r\n--B\r\n" D "name=k\r\n\r\n5\r\n--B--\r\n"), OK, "[f|x.md|text/markdown|# hi\r\n][k|none||5]"},
    {"preamble and epilogue", S("ignore\r\n--A not me\r\n\r\n--B\r\n" D "name=a\r\n\r\nx\r\n--B--\r\nthe end --B\r\n"), OK, "[a|none||x]"},
    {"nearly a delimiter", S("--B\r\n" D "name=a\r\n\r\n\r\r\n\r\n-\r\n--\r\n--C--B\n--B\r\n--B--\r\n"), OK, "[a|none||\r\r\n\r\n-\r\n--\r\n--C--B\n--B]"},
    {"blanks behind the delimiter", S("--B \t\r\n" D "name=a\r\n\r\nx\r\n--B--\r\n"), OK, "[a|none||x]"},
    {"quoted quote", S("--B\r\n" D "name=a; filename=\"\\\"q\\\"\\\\.txt\"\r\n\r\nx\r\n--B--\r\n"), OK, "[a|\"q\"\\.txt||x]"},
    {"bare backslash", S("--B\r\n" D "name=a; filename=\"C:\\x.txt\"\r\n\r\nx\r\n--B--\r\n"), OK, "[a|C:\\x.txt||x]"},
    {"path in the name stays data", S("--B\r\n" D "name=a; filename=\"../../etc/passwd\"\r\n\r\nx\r\n--B--\r\n"), OK, "[a|../../etc/passwd||x]"},
    {"UTF-8 name", S("--B\r\n" D "name=a; filename=\"\xc3\xa4.txt\"\r\n\r\nx\r\n--B--\r\n"), OK, "[a|\xc3\xa4.txt||x]"},
    {"extended name wins", S("--B\r\n" D "name=a; filename*=UTF-8''%e2%82%ac%205.txt; filename=e.txt\r\n\r\nx\r\n--B--\r\n"), OK, "[a|\xe2\x82\xac 5.txt||x]"},
    {"extended name second", S("--B\r\n" D "name=a; filename=e.txt; filename*=utf-8'en'%E2%82%AC\r\n\r\nx\r\n--B--\r\n"), OK, "[a|\xe2\x82\xac||x]"},
    {"no parts", S("--B--\r\n"), OK, ""},
    {"nothing", S(""), ERR_SYNTAX, ""},
    {"no delimiter", S("hello"), ERR_SYNTAX, ""},
    {"cut in data", S("--B\r\n" D "name=a\r\n\r\nhel"), ERR_SYNTAX, "[a|none||hel"},
    {"cut in the delimiter", S("--B\r\n" D "name=a\r\n\r\nhel\r\n--"), ERR_SYNTAX, "[a|none||hel"},
    {"cut behind the delimiter", S("--B\r\n" D "name=a\r\n\r\nhel\r\n--B"), ERR_SYNTAX, "[a|none||hel]"},
    {"other boundary", S("--C\r\n" D "name=a\r\n\r\nx\r\n--C--\r\n"), ERR_SYNTAX, ""},
    {"longer boundary", S("--BB\r\n" D "name=a\r\n\r\nx\r\n--BB--\r\n"), ERR_SYNTAX, ""},
    {"no disposition", S("--B\r\nContent-Type: text/plain\r\n\r\nx\r\n--B--"), ERR_SYNTAX, ""},
    {"no headers", S("--B\r\n\r\nx\r\n--B--"), ERR_SYNTAX, ""},
    {"no name", S("--B\r\n" D "filename=x\r\n\r\nx\r\n--B--"), ERR_SYNTAX, ""},
    {"attachment", S("--B\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n--B--"), ERR_SYNTAX, ""},
    {"two dispositions", S("--B\r\n" D "name=a\r\n" D "name=b\r\n\r\nx\r\n--B--"), ERR_SYNTAX, ""},
    {"open quote", S("--B\r\n" D "name=\"a\r\n\r\nx\r\n--B--"), ERR_SYNTAX, ""},
    {"header without colon", S("--B\r\nabc\r\n\r\nx\r\n--B--"), ERR_SYNTAX, ""},
    {"NUL in a name", S("--B\r\n" D "name=\"a\0b\"\r\n\r\nx\r\n--B--"), ERR_SYNTAX, ""},
    {"bare CR in a header", S("--B\r\n" D "name=\"a\rb\"\r\n\r\nx\r\n--B--"), ERR_SYNTAX, ""},
    {"encoded control byte", S("--B\r\n" D "name=a; filename*=UTF-8''a%0d%0ab\r\n\r\nx\r\n--B--"), ERR_SYNTAX, ""},
    {"encoded badly", S("--B\r\n" D "name=a; filename*=UTF-8''a%0\r\n\r\nx\r\n--B--"), ERR_SYNTAX, ""},
    {"other charset", S("--B\r\n" D "name=a; filename*=KOI8-R''a\r\n\r\nx\r\n--B--"), ERR_SYNTAX, ""},
    {"name not UTF-8", S("--B\r\n" D "name=\"\xff\"\r\n\r\nx\r\n--B--"), ERR_UTF8, ""},
    {"base64", S("--B\r\n" D "name=a\r\nContent-Transfer-Encoding: base64\r\n\r\nx\r\n--B--"), ERR_MEDIA, ""},
    {"long headers", S("--B\r\nX: " A512 A512 A512 A512 A512 A512 A512 A512 A512 "\r\n\r\nx\r\n--B--"), ERR_TOOBIG, ""},
    {"many parts", S("--B\r\n" D "name=a\r\n\r\n\r\n--B\r\n" D "name=a\r\n\r\n\r\n--B\r\n" D "name=a\r\n\r\n\r\n--B\r\n" D "name=a\r\n\r\n\r\n--B--"), ERR_TOOBIG, "[a|none||][a|none||][a|none||]"},
};
// clang-format on

static void bodies_come_to_their_parts(void **)
{
    for (size_t i = 0; i < countof(cases); i++) {
        for (size_t s = 0; s < countof(steps); s++) {
            autobuf out = BUF(65536);
            enum err err =
                parse(S("multipart/form-data; boundary=B"), cases[i].body, steps[s], &out);
            if (err != cases[i].err || !str_eq(buf_str(&out), str_of(cases[i].want)))
                fail_msg("%s in pieces of %zu: got %s and %.*s, want %s and %s", cases[i].name,
                         steps[s], err_code(err), STR_FMT(buf_str(&out)), err_code(cases[i].err),
                         cases[i].want);
        }
    }
}

static void content_types_are_checked(void **)
{
    static const struct {
        const char *type;
        enum err err;
    } types[] = {
        {"Multipart/Form-Data ; boundary=\"a b\"; charset=utf-8", OK},
        {"multipart/form-data; charset=x; BOUNDARY=----WebKitFormBoundary7MA4YWxkTrZu0gW", OK},
        {"multipart/form-data", ERR_SYNTAX},
        {"multipart/form-data; boundary=", ERR_SYNTAX},
        {"multipart/form-data; boundary=\"\"", ERR_SYNTAX},
        {"multipart/form-data; boundary=\"a\\\"b\"", ERR_SYNTAX},
        {"multipart/form-data; boundary=\"a", ERR_SYNTAX},
        {"multipart/form-data; boundary=\"a \"", ERR_SYNTAX},
        {"multipart/form-data; boundary=\xc3\xa4", ERR_SYNTAX},
        {"multipart/form-data; boundary=" A64 "0123456", ERR_SYNTAX},
        {"multipart/form-data; boundary=" A64 "012345", OK},
        {"multipart/mixed; boundary=a", ERR_MEDIA},
        {"application/json", ERR_MEDIA},
        {"", ERR_MEDIA},
        {"multipart/form-data; x=" A512, ERR_SYNTAX},
    };
    for (size_t i = 0; i < countof(types); i++) {
        struct multipart *m = nullptr;
        assert_err(multipart_create(str_of(types[i].type), 1, &events, nullptr, &m), types[i].err);
        multipart_destroy(m);
    }
}

static enum err refuse(void *, struct str)
{
    return ERR_NOSPACE;
}

static void a_callbacks_error_comes_back(void **)
{
    static const struct multipart_events refusing = {on_part, refuse, on_part_end};
    autobuf out = BUF(1024);
    struct multipart *m;
    assert_ok(multipart_create(S("multipart/form-data; boundary=B"), 1, &refusing, &out, &m));
    assert_err(multipart_feed(m, S("--B\r\n" D "name=a\r\n\r\nxyz")), ERR_NOSPACE);
    assert_err(multipart_finish(m), ERR_NOSPACE);
    multipart_destroy(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_come_to_their_parts),
        cmocka_unit_test(content_types_are_checked),
        cmocka_unit_test(a_callbacks_error_comes_back),
    };
    return cmocka_run_group_tests_name("net/multipart", tests, nullptr, nullptr);
}
