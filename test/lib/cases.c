// SPDX-License-Identifier: Apache-2.0
#include "cases.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

enum { FILE_MAX_BYTES = 1 << 20 };

static unsigned differences;

void cases_differ(const struct text_case *c, struct str got, struct str want)
{
    differences++;
    print_message("# %s: \"%.*s\"\n#   got  \"%.*s\"\n#   want \"%.*s\"\n", c->where,
                  STR_FMT(c->field[0]), STR_FMT(got), STR_FMT(want));
}

static char escaped(struct str *rest)
{
    char c = rest->n > 0 ? rest->p[0] : '\0', digits[3] = {}, *end;
    *rest = str_sub(*rest, 1, rest->n);
    switch (c) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case '\\':
        return '\\';
    case 'x':
        assert_true(rest->n >= 2);
        memcpy(digits, rest->p, 2);
        *rest = str_sub(*rest, 2, rest->n);
        c = (char)strtoul(digits, &end, 16);
        assert_ptr_equal(end, digits + 2);
        return c;
    default:
        fail_msg("no such escape: \\%c", c);
        return '\0';
    }
}

static void plain(struct str text, struct buf *into)
{
    while (text.n > 0) {
        char c = text.p[0];
        text = str_sub(text, 1, text.n);
        assert_ok(buf_add_byte(into, c == '\\' ? escaped(&text) : c));
    }
}

static void run_line(const char *where, struct str line, text_case_fn on_case)
{
    struct text_case c = {.where = where};
    autobuf bytes = BUF(line.n);
    size_t ends[CASE_FIELDS_MAX];
    for (struct str field; str_cut(&line, '\t', &field); c.count++) {
        assert_true(c.count < CASE_FIELDS_MAX);
        plain(field, &bytes);
        ends[c.count] = bytes.n;
    }
    for (size_t i = 0; i < c.count; i++)
        c.field[i] = str_sub(buf_str(&bytes), i > 0 ? ends[i - 1] : 0, ends[i]);
    on_case(&c);
}

unsigned cases_run(const char *file, text_case_fn on_case)
{
    char path[200], where[200];
    snprintf(path, sizeof path, "test/data/speech/%s", file);
    FILE *f = fopen(path, "r");
    if (f == nullptr)
        fail_msg("%s cannot be read", path);
    char *text = malloc(FILE_MAX_BYTES);
    assert_non_null(text);
    struct str rest = {text, fread(text, 1, FILE_MAX_BYTES, f)}, line;
    (void)fclose(f);
    unsigned cases = 0, at = 1;
    differences = 0;
    for (; str_cut(&rest, '\n', &line); at++) {
        if (line.n == 0 || str_starts(line, S("# ")))
            continue;
        snprintf(where, sizeof where, "%s:%u", file, at);
        run_line(where, line, on_case);
        cases++;
    }
    free(text);
    print_message("# %s: %u cases\n", file, cases);
    if (differences > 0)
        fail_msg("%s: %u of %u cases differ", file, differences, cases);
    return cases;
}
