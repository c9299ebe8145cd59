// SPDX-License-Identifier: Apache-2.0
/* Pages to outlined text: what stays, what goes, and that nothing nests too deeply for it. */
#include "read/html.h"

#include "read/clean.h"
#include "read/markdown.h"
#include "unit.h"

struct row {
    const char *in, *text, *title;
    uint32_t hidden;
};

static void run(enum err (*read)(struct str, struct document *), const struct row *rows,
                size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct document doc;
        document_init(&doc);
        assert_ok(read(str_of(rows[i].in), &doc));
        (void)clean_text(&doc.text);
        (void)clean_line(&doc.title, DOCUMENT_TITLE_MAX);
        if (!str_eq(buf_str(&doc.text), str_of(rows[i].text)))
            fail_msg("%s\ngot:  \"%.*s\"\nwant: \"%s\"", rows[i].in, (int)doc.text.n, doc.text.p,
                     rows[i].text);
        assert_str(buf_str(&doc.title), rows[i].title ? rows[i].title : "");
        assert_int_equal(doc.hidden, rows[i].hidden);
        document_finish(&doc);
    }
}

static void test_structure(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"", "", nullptr, 0},
        {"just text", "just text", nullptr, 0},
        {"<p>one<p>two", "one\n\ntwo", nullptr, 0},
        {"<p> many \n\t blanks </p>", "many blanks", nullptr, 0},
        {"<b>b</b><i>i</i> <u>u</u>", "bi u", nullptr, 0},
        {"a<br>b<br/>c", "a\nb\nc", nullptr, 0},
        {"<div>a</div><div>b</div>", "a\nb", nullptr, 0},
        {"<h1>One</h1>x<h3>Three</h3>y", "# One\n\nx\n\n### Three\n\ny", "One", 0},
        {"<title> The\n title </title><h1>Other</h1>", "# Other", "The title", 0},
        {"<h2></h2><p>x", "x", nullptr, 0},
        {"<h1><span></span></h1><h1>Late</h1>", "# Late", nullptr, 0},
        {"<ul><li>a<li>b<ul><li>c</ul><li>d</ul>e", "- a\n- b\n  - c\n- d\n\ne", nullptr, 0},
        {"<ol start=3><li>a<li><p>b</p></ol>", "3. a\n4. b", nullptr, 0},
        {"<ul><li></li><li>x</li></ul>", "- x", nullptr, 0},
        {"<li>stray", "- stray", nullptr, 0},
        {"<table><tr><th>A<th>B<tr><td>1<td><p>2</p></table>", "A | B\n1 | 2", nullptr, 0},
        {"<table><tr><td><h2>Layout</h2><td>text</table>", "## Layout\n\ntext", nullptr, 0},
        {"<table><tr><td>out<table><tr><td>a<td>b</table></table>", "out\n\na | b", nullptr, 0},
        {"<table><tr><td><td>x</table>", "| x", nullptr, 0},
        {"a<pre>  code\n    more\n</pre>b", "a\n\n```\n  code\n    more\n```\n\nb", nullptr, 0},
        {"<dl><dt>Term<dd>Meaning</dl>", "Term\nMeaning", nullptr, 0},
        {"<a href='x'>link</a> &amp; &eacute;&#x1F600;", "link & é😀", nullptr, 0},
        {"<math><mi>x</mi></math>", "x", nullptr, 0},
    };
    run(html_read, rows, countof(rows));
}

static void test_hidden(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"a<script>b</script><style>c</style><template>d</template><noscript>e</noscript>f", "af",
         nullptr, 0},
        {"a<!-- whisper -->b", "ab", nullptr, 1},
        {"a<!---->b", "ab", nullptr, 0},
        {"a<p hidden>b</p>c", "ac", nullptr, 1},
        {"a<span aria-hidden=' TRUE '>b</span>c", "ac", nullptr, 1},
        {"a<span aria-hidden=false>b</span>c", "abc", nullptr, 0},
        {"a<span style='display:none'>b<b>c</b></span>d", "ad", nullptr, 1},
        {"a<span style='color:red; DISPLAY : none !important'>b</span>c", "ac", nullptr, 1},
        {"a<span style='display:/**/none'>b</span>c", "ac", nullptr, 1},
        {"a<span style='display/* : */:/**/none/*'>b</span>c", "ac", nullptr, 1},
        {"a<span style='visibility: hidden'>b</span>c", "ac", nullptr, 1},
        {"a<span style='opacity:0'>b</span><span style='opacity:0.5'>c</span>", "ac", nullptr, 1},
        {"a<span style='font-size:0px'>b</span>c", "ac", nullptr, 1},
        {"a<span style=''>b</span>", "ab", nullptr, 0},
        {"a<svg><text>b</text><title>c</title></svg>d", "ad", nullptr, 0},
        {"a<input type=hidden value=b><img alt=c>d", "ad", nullptr, 0},
        {"a<select><option>b</select><textarea>c</textarea>", "a\n\n```\nc\n```", nullptr, 0},
        {"<iframe>a</iframe><object>b</object><video>c</video>d", "d", nullptr, 0},
    };
    run(html_read, rows, countof(rows));
}

static void test_broken(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"<p", "", nullptr, 0},
        {"a<b <i>c", "ac", nullptr, 0},
        {"</div></p>x", "x", nullptr, 0},
        {"<b><p>x</b>y</p>z", "xy\n\nz", nullptr, 0},
        {"<table>x<tr>y<td>z", "xy\n\nz", nullptr, 0},
        {"<script>never closed", "", nullptr, 0},
        {"<!-- never closed", "", nullptr, 1},
        {"&#0;&#xD800;&#x110000;x", "\uFFFD\uFFFD\uFFFDx", nullptr, 0},
    };
    run(html_read, rows, countof(rows));
}

static void test_markdown(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"", "", nullptr, 0},
        {"# Title\n\nSome *thin* **text**\nin two lines.",
         "# Title\n\nSome thin text in two lines.", "Title", 0},
        {"Title\n=====\n\nx", "# Title\n\nx", "Title", 0},
        {"- a\n- b\n  1. c\n  2. d\n", "- a\n- b\n  1. c\n  2. d", nullptr, 0},
        {"- a\n\n- b\n", "- a\n- b", nullptr, 0},
        {"| A | B |\n|---|---|\n| 1 | `2` |\n", "A | B\n1 | 2", nullptr, 0},
        {"```sh\nmake  run\n\nx\n```\n", "```\nmake  run\n\nx\n```", nullptr, 0},
        {"    indented\n", "```\nindented\n```", nullptr, 0},
        {"[the text](http://x.y) <http://a.b> ![alt](p.png)", "the text http://a.b", nullptr, 0},
        {"~~old~~ new", "old new", nullptr, 0},
        {"- [x] done", "- done", nullptr, 0},
        {"> quoted", "quoted", nullptr, 0},
        {"---\ntitle: \"The: title\"\ntags: [a]\n---\n# Heading\n", "# Heading", "The: title", 0},
        {"---\nnot closed", "not closed", nullptr, 0},
        {"a <span style=\"display:none\">b *c*</span> d", "a d", nullptr, 1},
        {"<!-- whisper -->\n\n<div hidden>\n\n*b*\n\n</div>\n\nc", "c", nullptr, 2},
        {"<p>raw <b>html</b></p>", "raw html", nullptr, 0},
        {"a\\\nb  \nc", "a\nb\nc", nullptr, 0},
        {"1 < 2 & 3 &copy;", "1 < 2 & 3 ©", nullptr, 0},
    };
    run(markdown_read, rows, countof(rows));
}

static enum err read_many(const char *unit, size_t times, const char *end, struct document *doc)
{
    autobuf page = BUF(8 << 20);
    for (size_t i = 0; i < times; i++)
        assert_ok(buf_add(&page, str_of(unit)));
    assert_ok(buf_add(&page, str_of(end)));
    document_init(doc);
    return html_read(buf_str(&page), doc);
}

static void test_depth(void **state)
{
    (void)state;
    struct document doc;
    assert_err(read_many("<div>", 100000, "x", &doc), ERR_TOOBIG);
    assert_true(doc.why[0] != '\0');
    document_finish(&doc);
    assert_ok(read_many("<div>", 1000, "x", &doc));
    assert_str(str_trim(buf_str(&doc.text)), "x");
    document_finish(&doc);
    assert_ok(read_many("<ul><li>", 200, "x", &doc)); /* deeper than the outline indents */
    document_finish(&doc);
    assert_ok(read_many("<p>", 100000, "x", &doc));
    document_finish(&doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_structure), cmocka_unit_test(test_hidden),
        cmocka_unit_test(test_broken),    cmocka_unit_test(test_markdown),
        cmocka_unit_test(test_depth),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
