// SPDX-License-Identifier: Apache-2.0
#include "table.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

enum { FILE_MAX = 1 << 20, LINE_MAX_BYTES = 1 << 16, NAMED_MAX = 32 };

static struct {
    struct str name, text;
} named[NAMED_MAX];
static unsigned named_count, cases, differences;

static void add(struct buf *into, struct str bytes)
{
    assert_ok(buf_add(into, bytes));
}

static unsigned hex(struct str s)
{
    char text[3] = {};
    char *end;
    assert_true(s.n >= 2);
    memcpy(text, s.p, 2);
    unsigned value = (unsigned)strtoul(text, &end, 16);
    assert_ptr_equal(end, text + 2);
    return value;
}

/* Behind the backslash; returns how many characters it took. */
static size_t escape(struct str s, struct buf *into)
{
    static const char names[] = "rnts0\\", bytes[] = "\r\n\t \0\\";
    assert_true(s.n > 0);
    if (s.p[0] == 'x') {
        assert_ok(buf_add_byte(into, (char)hex(str_sub(s, 1, s.n))));
        return 3;
    }
    const char *at = memchr(names, s.p[0], sizeof names - 1);
    if (at == nullptr)
        fail_msg("no such escape: \\%c", s.p[0]);
    assert_ok(buf_add_byte(into, bytes[at - names]));
    return 1;
}

/* Where the brace ends that begins before `s`. */
static size_t brace_end(struct str s)
{
    size_t depth = 1, at = 0;
    for (; at < s.n; at++) {
        depth += s.p[at] == '{';
        depth -= s.p[at] == '}';
        if (depth == 0)
            break;
    }
    return at;
}

/* Behind the brace: "20*ab}". */
static size_t repeat(struct str s, struct buf *into)
{
    size_t star = str_find_byte(s, '*'), end = brace_end(s);
    int64_t times;
    assert_true(star < end && end < s.n);
    assert_ok(str_to_i64(str_sub(s, 0, star), &times));
    for (int64_t i = 0; i < times; i++)
        table_bytes(str_sub(s, star + 1, end), into);
    return end + 1;
}

void table_bytes(struct str text, struct buf *into)
{
    for (size_t i = 0; i < text.n; i++) {
        struct str rest = str_sub(text, i + 1, text.n);
        if (text.p[i] == '\\')
            i += escape(rest, into);
        else if (text.p[i] == '{')
            i += repeat(rest, into);
        else if (text.p[i] == '~')
            add(into, S("\r\n"));
        else
            assert_ok(buf_add_byte(into, text.p[i]));
    }
}

void table_text(struct str bytes, struct buf *into)
{
    for (size_t i = 0; i < bytes.n; i++) {
        char c = bytes.p[i];
        if (c >= ' ' && c <= '~')
            assert_ok(buf_add_byte(into, c));
        else
            assert_ok(buf_addf(into, "\\x%02x", (unsigned)(uint8_t)c));
    }
}

void table_compare(const char *name, const char *way, struct str got, struct str want)
{
    if (str_eq(got, want))
        return;
    static char last[200];
    differences++;
    if (strcmp(name, last) != 0)
        print_message("# %s (%s): got \"%.*s\", want \"%.*s\"\n", name, way, STR_FMT(got),
                      STR_FMT(want));
    snprintf(last, sizeof last, "%s", name);
}

/* --- the file ------------------------------------------------------------------------------------ */

static bool is_capital(char c)
{
    return c >= 'A' && c <= 'Z';
}

/* The longest name that `s` begins with. */
static size_t find_named(struct str s, struct str *ret_text)
{
    size_t longest = 0;
    for (unsigned i = 0; i < named_count; i++)
        if (named[i].name.n > longest && str_starts(s, named[i].name)) {
            longest = named[i].name.n;
            *ret_text = named[i].text;
        }
    return longest;
}

static void expand(struct str text, struct buf *into)
{
    for (size_t i = 0; i < text.n; i++) {
        struct str piece, rest = str_sub(text, i + 1, text.n);
        size_t n = text.p[i] == '$' ? find_named(rest, &piece) : 0;
        if (n > 0)
            expand(piece, into);
        else
            assert_ok(buf_add_byte(into, text.p[i]));
        i += n;
    }
}

static bool read_named(struct str line)
{
    size_t n = 1;
    while (n < line.n && is_capital(line.p[n]))
        n++;
    if (line.p[0] != '$' || !str_starts(str_sub(line, n, line.n), S(" = ")))
        return false;
    assert_true(named_count < NAMED_MAX);
    named[named_count].name = str_sub(line, 1, n);
    named[named_count++].text = str_sub(line, n + 3, line.n);
    return true;
}

/* "name | bytes | want"; bytes may hold a bar. */
static void split(struct str line, struct str *ret_name, struct str *ret_text, struct str *ret_want)
{
    size_t first = str_find(line, S(" | ")), last = first, at;
    while ((at = str_find(str_sub(line, last + 1, line.n), S(" | "))) < line.n - last - 1)
        last += 1 + at;
    if (first == line.n || last == first)
        fail_msg("not a case: %.*s", STR_FMT(line));
    *ret_name = str_sub(line, 0, first);
    *ret_text = str_sub(line, first + 3, last);
    *ret_want = str_sub(line, last + 3, line.n);
}

static void put_at_marks(struct str text, struct str value, struct buf *into)
{
    size_t at;
    for (; (at = str_find(text, S("@@"))) < text.n; text = str_sub(text, at + 2, text.n)) {
        add(into, str_sub(text, 0, at));
        add(into, value);
    }
    add(into, text);
}

static void run_case(struct str line, int byte, table_fn on_case)
{
    struct str name, text, want;
    split(line, &name, &text, &want);
    char title[200];
    snprintf(title, sizeof title, byte < 0 ? "%.*s" : "%.*s: %02x", STR_FMT(name), (unsigned)byte);
    autobuf plain = BUF(LINE_MAX_BYTES), bytes = BUF(LINE_MAX_BYTES), comes = BUF(LINE_MAX_BYTES);
    autobuf shown = BUF(8);
    char escaped[8];
    int n = snprintf(escaped, sizeof escaped, "\\x%02x", (unsigned)byte & 0xff);
    table_text((struct str){(const char[]){(char)byte}, 1}, &shown);
    expand(text, &plain);
    put_at_marks(buf_str(&plain), (struct str){escaped, (size_t)n}, &bytes);
    put_at_marks(want, buf_str(&shown), &comes);
    cases++;
    const struct table_case c = {title, buf_str(&bytes), buf_str(&comes), byte >= 0};
    on_case(&c);
}

/* "00-08 7f: name | …" */
static void run_each(struct str line, table_fn on_case)
{
    size_t colon = str_find_byte(line, ':');
    struct str list = str_sub(line, 0, colon), range;
    while (str_cut(&list, ' ', &range)) {
        unsigned from = hex(range), to = range.n > 2 ? hex(str_sub(range, 3, range.n)) : from;
        for (unsigned byte = from; byte <= to; byte++)
            run_case(str_sub(line, colon + 2, line.n), (int)byte, on_case);
    }
}

unsigned table_run(const char *file, table_fn on_case)
{
    char path[200];
    snprintf(path, sizeof path, "test/data/hostile/%s", file);
    FILE *f = fopen(path, "r");
    if (f == nullptr)
        fail_msg("%s cannot be read", path);
    char *text = malloc(FILE_MAX);
    assert_non_null(text);
    struct str rest = {text, fread(text, 1, FILE_MAX, f)}, line;
    (void)fclose(f);
    named_count = cases = differences = 0;
    while (str_cut(&rest, '\n', &line)) {
        if (line.n == 0 || line.p[0] == '#' || read_named(line))
            continue;
        if (str_starts(line, S("each ")))
            run_each(str_sub(line, 5, line.n), on_case);
        else
            run_case(line, -1, on_case);
    }
    free(text);
    print_message("# %s: %u cases\n", file, cases);
    if (differences > 0)
        fail_msg("%s: %u differences", file, differences);
    return cases;
}
