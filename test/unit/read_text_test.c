// SPDX-License-Identifier: Apache-2.0
/* Bytes to UTF-8, and the last pass over every text. */
#include "read/charset.h"
#include "read/clean.h"
#include "read/document.h"
#include "unit.h"

#define BYTES(literal) {literal, sizeof(literal) - 1}

static void test_charset(void **state)
{
    (void)state;
    static const struct {
        struct str in;
        const char *out, *name;
        uint32_t malformed;
    } rows[] = {
        {BYTES(""), "", nullptr, 0},
        {BYTES("plain"), "plain", nullptr, 0},
        {BYTES("\xEF\xBB\xBFmärk"), "märk", nullptr, 0},
        {BYTES("\xFF\xFEh\0\xE4\0\x3D\xD8\x00\xDE"), "hä😀", "UTF-16", 0},
        {BYTES("\xFE\xFF\0h\0\xE4"), "hä", "UTF-16", 0},
        {BYTES("\xFF\xFE\x3D\xD8x\0"), "\uFFFDx", "UTF-16", 1}, /* half a pair */
        {BYTES("\xFF\xFE\x00\xDEx\0"), "\uFFFDx", "UTF-16", 1}, /* the other half */
        {BYTES("\xFF\xFE\x3D\xD8\x3D\xD8"), "\uFFFD\uFFFD", "UTF-16", 2},
        {BYTES("\xFF\xFEx\0y"), "x\uFFFD", "UTF-16", 1}, /* half a unit */
        {BYTES("\xFF\xFE"), "", "UTF-16", 0},
        {BYTES("Gr\xFC\xDF"
               "e \x80 \x93x\x94"),
         "Grüße € “x”", "Windows-1252", 0},
        {BYTES("\x81\xFC\xFC"), "\uFFFDüü", "Windows-1252", 1},
        {BYTES("äöüßé \xFF x"), "äöüßé \uFFFD x", nullptr, 1}, /* damaged UTF-8 stays UTF-8 */
    };
    for (size_t i = 0; i < countof(rows); i++) {
        autobuf out = BUF(1024);
        struct charset_report report;
        assert_ok(charset_decode(rows[i].in, &out, &report));
        assert_str(buf_str(&out), rows[i].out);
        assert_int_equal(report.malformed, rows[i].malformed);
        assert_string_equal(report.name ? report.name : "-", rows[i].name ? rows[i].name : "-");
    }
}

static void test_no_text(void **state)
{
    (void)state;
    autobuf out = BUF(1 << 20);
    struct charset_report report;
    char zeros[1000] = {};
    assert_err(charset_decode((struct str){zeros, sizeof zeros}, &out, &report), ERR_MEDIA);
    assert_err(charset_decode((struct str)BYTES("\xFF\xFE\0\0x\0\0\0"), &out, &report), ERR_MEDIA);
    assert_int_equal(out.n, 0);
}

static void test_clean(void **state)
{
    (void)state;
    static const struct {
        struct str in;
        const char *out;
        uint32_t invisible;
    } rows[] = {
        {BYTES(""), "", 0},
        {BYTES("\n \n a\r\nb\rc  \n\n\n\n\nd \t\n"), " a\nb\nc\n\nd", 0},
        {BYTES("nul\0bell\x07tab\tdel\x7f"), "nulbelltab\tdel", 0},
        {BYTES("a\u200Bb\u202Ec\uFEFFd"), "abcd", 3},
        {BYTES("x\U000E0041\U000E0042y"), "xy", 2}, /* Unicode tags spell hidden orders */
        {BYTES("soft\u00ADhyphen"), "softhyphen", 1},
        {BYTES("no\u00A0break"), "no break", 0},
        {BYTES("line\u2028sep\u2029"), "line\nsep", 0},
        {BYTES("می\u200Cخواهم a\u200Cb"), "می\u200Cخواهم ab", 1}, /* Persian needs its joiner */
        {BYTES("👨\u200D👩"), "👨👩", 1},
        {BYTES("bad\xff\xc3"), "bad", 0},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        autobuf text = BUF(1024);
        assert_ok(buf_add(&text, rows[i].in));
        assert_int_equal(clean_text(&text), rows[i].invisible);
        assert_str(buf_str(&text), rows[i].out);
    }
}

static void test_clean_line(void **state)
{
    (void)state;
    autobuf text = BUF(1024);
    assert_ok(buf_add(&text, S("  a \n\n b\tc\u200B äöü  ")));
    assert_int_equal(clean_line(&text, 10), 1);
    assert_str(buf_str(&text), "a b c äö");
}

static void test_kinds(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *name;
        struct str bytes;
        enum err err;
        const char *title, *text, *notes;
    } rows[] = {
        {"text", "a/b/My notes.txt", BYTES("hello\n"), OK, "My notes", "hello", ""},
        {"text", "..\\x\\Read me", BYTES("<b>no html</b>"), OK, "Read me", "<b>no html</b>", ""},
        {"text", "", BYTES("x"), OK, "Untitled", "x", ""},
        {"text", "x.txt", BYTES("intro\n# The title\ntext"), OK, "The title",
         "intro\n# The title\ntext", ""},
        {"text", "x.txt", BYTES("Minutes of May\n\nThey met."), OK, "Minutes of May",
         "Minutes of May\n\nThey met.", ""},
        {"text", "x.txt", BYTES("They met. It was\nlate."), OK, "x", "They met. It was\nlate.", ""},
        {"text", "x.txt", BYTES("They met.\n\nLate."), OK, "x", "They met.\n\nLate.", ""},
        {"text", "x.txt", BYTES("Top\n===\n\n1. Part\r\n-------\r\nx\n----\ny"), OK, "Top",
         "# Top\n\n## 1. Part\n## x\ny", ""},
        {"text", "x.txt", BYTES("a\n\n---\n---\n\nb\n\n- c\n---"), OK, "a",
         "a\n\n---\n---\n\nb\n\n- c\n---", ""},
        {"", "x.md", BYTES("# T\n\n*x*"), OK, "T", "# T\n\nx", ""},
        {"", "x.HTML", BYTES("<p>x<script>y</script>"), OK, "x", "x", ""},
        {"", "noname", BYTES(" <!DOCTYPE html><title>T</title>x"), OK, "T", "x", ""},
        {"", "noname", BYTES("a < b"), OK, "noname", "a < b", ""},
        {"text", "l.txt",
         BYTES("Gr\xFC\xDF"
               "e\x81"),
         OK, "l", "Grüße\uFFFD", "converted from Windows-1252; 1 malformed place"},
        {"html", "h", BYTES("<p hidden>a</p>b\u200B<!-- c -->"), OK, "h", "b",
         "2 hidden parts left out; 1 invisible character left out"},
        {"text", "x.txt", BYTES("%PDF-1.7 "), ERR_MEDIA, "", "", ""},
        {"html", "x.html", BYTES("PK\3\4"), ERR_MEDIA, "", "", ""},
        {"pdf", "x.pdf", BYTES("x"), ERR_MEDIA, "", "", ""},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct document doc;
        document_init(&doc);
        assert_err(document_read(str_of(rows[i].kind), str_of(rows[i].name), rows[i].bytes, &doc),
                   rows[i].err);
        if (rows[i].err == OK) {
            autobuf notes = BUF(1024);
            assert_ok(document_notes(&doc, &notes));
            assert_str(buf_str(&doc.title), rows[i].title);
            assert_str(buf_str(&doc.text), rows[i].text);
            assert_str(buf_str(&notes), rows[i].notes);
        } else {
            assert_true(doc.why[0] != '\0');
        }
        document_finish(&doc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_charset), cmocka_unit_test(test_no_text),
        cmocka_unit_test(test_clean),   cmocka_unit_test(test_clean_line),
        cmocka_unit_test(test_kinds),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
