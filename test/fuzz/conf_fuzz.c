// SPDX-License-Identifier: Apache-2.0
/* The first byte chooses where the text comes from: a file, the environment, the flags. Whatever it
 * says, every option keeps a value that the table allows. */
#include "base/check.h"
#include "base/conf.h"
#include "base/mem.h"
#include "fuzz.h"

static void check_option(const struct conf *c, const struct conf_option *o)
{
    autobuf shown = BUF(8192);
    check(conf_show(c, o, &shown) == OK && utf8_valid(buf_str(&shown)));
    int64_t n;
    if (o->kind == CONF_KIND_INT)
        check(str_to_i64(buf_str(&shown), &n) == OK && n >= o->min && n <= o->max);
    if (o->kind == CONF_KIND_WORD) {
        struct str rest = str_of(o->words), word = {};
        while (str_cut(&rest, '|', &word) && !str_eq(word, buf_str(&shown)))
            ;
        check(str_eq(word, buf_str(&shown)));
    }
}

/* The lines of the text as a list of C strings, the first one left free. */
static int list_of(char *text, char **list, int max)
{
    int n = 1;
    for (char *at = text; at && n < max - 1; n++) {
        list[n] = at;
        at = strchr(at, '\n');
        if (at)
            *at++ = 0;
    }
    list[n] = nullptr;
    return n;
}

static enum err read(struct conf *c, uint8_t how, struct str text, struct conf_err *why)
{
    char *list[64], program[] = "program";
    if (how % 3 == 0)
        return conf_read_text(c, text, "conf", why);
    autofree char *z = mem_strdup(text);
    check(z);
    list[0] = program;
    int count = list_of(z, list, 64);
    if (how % 3 == 1)
        return conf_read_env(c, list, why);
    enum err err = conf_read_args(c, &count, list, why);
    check(count > 0 && count < 64 && (err != OK || list[count] == nullptr));
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data + 1, size ? size - 1 : 0};
    struct conf c;
    struct conf_err why = {};
    /* No opening of files that a fuzzer thinks of. */
    if (size == 0 || str_find(text, S("file")) < text.n || str_find(text, S("FILE")) < text.n)
        return 0;
    check(conf_init(&c) == OK);
    enum err err = read(&c, data[0], text, &why);
    check((err == OK) == (why.text[0] == 0));
    size_t count;
    const struct conf_option *o = conf_options(&count);
    for (size_t i = 0; i < count; i++)
        check_option(&c, &o[i]);
    conf_finish(&c);
    return 0;
}
