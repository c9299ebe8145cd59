// SPDX-License-Identifier: Apache-2.0
/* The configuration as it is, in the form of a configuration file. */
#include <stdio.h>

#include "base/json.h"
#include "server/cli/cli.h"

enum { SHOWN_MAX = 8 * 1024, ALL_MAX = 512 * 1024 };

static enum err put_json(struct json_out *j, const struct cli *c, const struct conf_option *o)
{
    static const char *const kinds[] = {"integer", "boolean", "text", "word", "secret"};
    autobuf value = BUF(SHOWN_MAX);
    char flag[96], variable[96];
    try(conf_show(&c->conf, o, &value));
    conf_flag_name(o, flag, sizeof flag);
    conf_env_name(o, variable, sizeof variable);
    json_obj(j);
    json_kstr(j, "name", str_of(o->name));
    json_kstr(j, "value", buf_str(&value));
    json_kstr(j, "default", str_of(o->def));
    json_kstr(j, "kind", str_of(kinds[o->kind]));
    json_kstr(j, "words", str_of(o->words ? o->words : ""));
    json_kint(j, "min", o->min);
    json_kint(j, "max", o->max);
    json_kstr(j, "flag", str_of(flag));
    json_kstr(j, "variable", str_of(variable));
    if (conf_old_variable(o))
        json_kstr(j, "old_variable", str_of(conf_old_variable(o)));
    json_kstr(j, "help", str_of(o->help));
    json_end(j);
    return OK;
}

static int print_json(const struct cli *c, const char *only)
{
    size_t count;
    const struct conf_option *o = conf_options(&count);
    autobuf out = BUF(ALL_MAX);
    struct json_out j = {.to = &out};
    enum err err = OK;
    json_obj(&j);
    json_key(&j, "options");
    json_arr(&j);
    for (size_t i = 0; i < count && err == OK; i++)
        if (!only || strcmp(only, o[i].name) == 0)
            err = put_json(&j, c, &o[i]);
    json_end(&j);
    json_end(&j);
    if (err != OK || json_finish(&j) != OK)
        return cli_no_memory(c);
    printf("%.*s\n", STR_FMT(out));
    return EXIT_OK;
}

/* "tts.voice = rms", with quotes where the file needs them. */
static enum err print_line(const struct cli *c, const struct conf_option *o)
{
    autobuf value = BUF(SHOWN_MAX);
    try(conf_show(&c->conf, o, &value));
    struct str v = buf_str(&value);
    bool needs_quotes = v.n == 0 || str_trim(v).n < v.n || v.p[0] == '"';
    const char *quote = needs_quotes ? "\"" : "";
    printf("%s%s = %s%.*s%s\n", o->kind == CONF_KIND_SECRET ? "# " : "", o->name, quote, STR_FMT(v),
           quote);
    return OK;
}

static int print_one(const struct cli *c, const struct conf_option *o)
{
    autobuf value = BUF(SHOWN_MAX);
    if (conf_show(&c->conf, o, &value) != OK)
        return cli_no_memory(c);
    printf("%.*s\n", STR_FMT(value));
    return EXIT_OK;
}

int cli_config(struct cli *c)
{
    size_t count, at = 0;
    const struct conf_option *o = conf_options(&count);
    const char *only = c->count ? c->operand[0] : nullptr;
    while (only && at < count && strcmp(o[at].name, only) != 0)
        at++;
    if (at == count)
        return cli_misuse(c, "there is no option \"%s\"; 'repartee config' lists them all", only);
    if (c->json)
        return print_json(c, only);
    if (only)
        return print_one(c, &o[at]);
    for (size_t i = 0; i < count; i++)
        if (print_line(c, &o[i]) != OK)
            return cli_no_memory(c);
    return EXIT_OK;
}
