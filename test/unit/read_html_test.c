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
        {"<dl><dt>Term<dd>Meaning</dl>", "- Term: Meaning", nullptr, 0},
        {"a<dl><dt>A<dt>B?<dd><p>one<p>two</p><dd>three<dt>C<dd></dl>b",
         "a\n\n- A\n- B? one\n\ntwo\n\nthree\n- C:\n\nb", nullptr, 0},
        {"<dl><dd>lone<dt><dd>x</dl>", "lone\nx", nullptr, 0},
        {"<dl><dt>A<dd><ul><li>b<li>c</ul></dl>", "- A:\n\n- b\n- c", nullptr, 0},
        {"<ul><li>x<dl><dt>A<dd>b</dl></ul>", "- x\n  - A: b", nullptr, 0},
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
        {"a<span style='opacity:0!important'>b</span>c", "ac", nullptr, 1},
        {"a<span style='opacity:0%'>b</span>c", "ac", nullptr, 1},
        {"a<span style='\\64isplay:n\\6fne'>b</span>c", "ac", nullptr, 1},
        {"a<span style='display:none;display:inline'>b</span>c", "abc", nullptr, 0},
        {"a<span style='font-size:0'>b<b style='font-size:2em'>c</b><i style='font-size:1px'>d</i>e</span>f",
         "adf", nullptr, 3},
        {"a<span style='visibility:hidden'>b<b style='visibility:visible'>c</b></span>d", "acd",
         nullptr, 1},
        {"a<div style='position:absolute;left:-9999px'>b</div>c", "ac", nullptr, 1},
        {"a<span style='left:-9999px'>b</span>c", "abc", nullptr, 0},
        {"a<span style='text-indent:-10em;color:red'>b</span>c", "abc", nullptr, 0},
        {"a<span style='text-indent:-100em;color:red'>b</span>c", "ac", nullptr, 1},
        {"a<div style='position:fixed;top:-200vh'>b</div>c", "ac", nullptr, 1},
        {"a<div style='position:relative;left:-999em'>b</div>c", "ac", nullptr, 1},
        {"a<div style='margin-left:-100%'>b</div><div style='margin-top:-5000px'>c</div>", "a\nb",
         nullptr, 1},
        {"a<b style='opacity:0.01'>b</b><b style='opacity:4%'>c</b><b style='opacity:.3'>d</b>",
         "ad", nullptr, 2},
        {"a<b style='font-size:0.2px'>b</b><b style='font-size:.01em'>c</b>"
         "<b style='font-size:0.5rem'>d</b>",
         "ad", nullptr, 2},
        {"a<b style='visibility:hidden'><i style='visibility:inherit'>b</i></b>c", "ac", nullptr,
         1},
        {"a<b style='font-size:0'><i style='font-size:inherit'>b</i></b>c", "ac", nullptr, 1},
        {"a<div style='height:0;overflow:hidden'>b</div>c", "ac", nullptr, 1},
        {"a<div style='max-height:0px;overflow-y:clip'>b</div>c", "ac", nullptr, 1},
        {"a<div style='width:1px;height:1px;overflow:hidden'>b</div>c", "ac", nullptr, 1},
        {"a<div style='height:0'>b</div><div style='height:9px;overflow:hidden'>c</div>", "a\nb\nc",
         nullptr, 0},
        {"a<b style='transform:scale(0)'>b</b><b style='transform:scale(0.5)'>c</b>", "ac", nullptr,
         1},
        {"a<b style='clip-path:inset(100%)'>b</b><b style='clip:rect(0,0,0,0)'>c</b>d", "ad",
         nullptr, 2},
        {"a<b style='content-visibility:hidden'>b</b>c", "ac", nullptr, 1},
        {"a<div><template shadowrootmode=open></template>b</div>c", "ac", nullptr, 1},
        {"a<span style='text-indent:-9999px'>b</span>c", "ac", nullptr, 1},
        {"a<b style='color:;*zoom:1;display:none'>b</b>c", "ac", nullptr, 1},
        {"a<b style='color: /* */ ;5;display:none'>b</b>c", "ac", nullptr, 1},
        {"a<dialog>b</dialog><dialog open>c</dialog>", "ac", nullptr, 1},
        {"a<div popover>b</div><div popover=manual>c</div>d", "ad", nullptr, 2},
        {"a<progress>b</progress><meter>c</meter><ruby>d<rp>(</rp><rt>e</rt></ruby>", "ade",
         nullptr, 0},
        {"<math><semantics><mi>x</mi><annotation>y</annotation><annotation-xml>z</annotation-xml>"
         "</semantics></math>",
         "x", nullptr, 0},
        {"a<details>b<summary>c</summary></details>", "a\n\nb\nc", nullptr, 0},
        {"a<svg><text>b</text><title>c</title></svg>d", "ad", nullptr, 0},
        {"a<input type=hidden value=b><img alt=c>d", "ad", nullptr, 0},
        {"a<select><option>b</select><textarea>c</textarea>", "a\n\n```\nc\n```", nullptr, 0},
        {"<iframe>a</iframe><object>b</object><video>c</video>d", "d", nullptr, 0},
    };
    run(html_read, rows, countof(rows));
}

/* The rules are lexbor's; here that they reach the text, and in which order. */
static void test_sheets(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"<style>.h{display:none}</style>a<span class=h>b</span>c", "ac", nullptr, 1},
        {"a<span class=h>b</span>c<style>p > i,.h{opacity:0}</style>", "ac", nullptr, 1},
        {"<svg><style>.h{display:none}</style></svg>a<span class=h>b</span>c", "ac", nullptr, 1},
        {"<style>b{display:none} b.x{display:inline}</style>a<b>b</b><b class=x>c</b>", "ac",
         nullptr, 1},
        {"<style>#i{display:none}</style>a<b id=i style='display:inline'>b</b>", "ab", nullptr, 0},
        {"<style>#i{display:none!important}</style>a<b id=i style='display:inline'>b</b>", "a",
         nullptr, 1},
        {"<style>ul{font-size:0}li{font-size:1rem}</style><ul>a<li>b</ul>", "- b", nullptr, 1},
        {"<style media=print>b{display:none}</style>a<b>b</b>", "ab", nullptr, 0},
        {"<style media=screen>b{display:none}</style>a<b>b</b>", "a", nullptr, 1},
        {"<style>@media print{b{display:none}}</style>a<b>b</b>", "ab", nullptr, 0},
        {"<style>@media all{b{display:none}}</style>a<b>b</b>", "a", nullptr, 1},
        {"<style>@media screen and (min-width:1px){b{display:none}} i{opacity:0}</style>a<b>b</b><i>c</i>",
         "a", nullptr, 2},
        {"<style>@media only screen and (max-width: 600px){b{display:none}}</style>a<b>b</b>", "ab",
         nullptr, 0},
        {"<style>@media print, (400px<width<=2000px){b{display:none}}</style>a<b>b</b>", "a",
         nullptr, 1},
        {"<style>@media (width < 40em){b{display:none}} @media not print{i{opacity:0}}</style>"
         "a<b>b</b><i>c</i>",
         "ab", nullptr, 1},
        {"<style>@supports (a:b){@layer x{b{display:none}}}i{opacity:0}</style>a<b>b</b><i>c</i>",
         "a", nullptr, 2},
        {"<style>@media print{@media all{b{display:none}}}</style>a<b>b</b>", "ab", nullptr, 0},
        {"<style>@layer x;b{display:none}@media all</style>a<b>b</b>", "a", nullptr, 1},
        {"<style>.h{@media all{display:none}}</style>a<b class=h>b</b>", "a", nullptr, 1},
        {"<style>.h{transform:scale(0)}</style>a<b class=h>b</b>", "a", nullptr, 1},
        {"<style media='print,screen'>b{display:none}</style>a<b>b</b>", "a", nullptr, 1},
        {"<style>body{color:red}} .x{;display:none} .h{display:none</style>a<b class=h>b</b>", "a",
         nullptr, 1},
        {"<style>body{display:none}</style>a", "", nullptr, 1},
        {"<style>b::before{content:'/*'} b{display:none}</style>a<b>b</b>", "a", nullptr, 1},
        {"<style>.h{display:none/* }</style>a<b class=h>b</b>", "a", nullptr, 1},
        {"<style></style><style> </style><style>{}</style>a", "a", nullptr, 0},
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
        cmocka_unit_test(test_sheets),    cmocka_unit_test(test_broken),
        cmocka_unit_test(test_markdown),  cmocka_unit_test(test_depth),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
