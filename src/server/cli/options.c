// SPDX-License-Identifier: Apache-2.0
#include "server/cli/options.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

/* --- who was meant --- */

/* Keeps the name that is most like `wanted`; more than a third of differences is another word. */
struct nearest {
    struct str wanted;
    size_t least;
    char name[96];
};

static void consider(struct nearest *n, const char *prefix, const char *name)
{
    char whole[sizeof n->name];
    snprintf(whole, sizeof whole, "%s%s", prefix, name);
    size_t d = str_distance(n->wanted, str_of(whole));
    if (d >= n->least)
        return;
    n->least = d;
    memcpy(n->name, whole, sizeof whole);
}

const struct command *find_command(const char *name)
{
    int count;
    const struct command *c = commands(&count);
    for (int i = 0; i < count; i++)
        if (strcmp(c[i].name, name) == 0)
            return &c[i];
    return nullptr;
}

const struct command *nearest_command(const char *name)
{
    int count;
    const struct command *c = commands(&count);
    struct nearest n = {.wanted = str_of(name), .least = strlen(name) / 3 + 2};
    for (int i = 0; i < count; i++)
        consider(&n, "", c[i].name);
    return n.name[0] ? find_command(n.name) : nullptr;
}

static int no_option(const struct cli *c, const char *arg)
{
    struct str name = str_sub(str_of(arg), 0, str_find_byte(str_of(arg), '='));
    struct nearest n = {.wanted = name, .least = name.n / 3 + 2};
    int count;
    const struct cli_option *common = common_options(&count);
    for (const struct cli_option *o = c->command->options; o->name; o++)
        consider(&n, "--", o->name);
    for (int i = 0; i < count; i++)
        consider(&n, "--", common[i].name);
    size_t flags;
    const struct conf_option *o = conf_options(&flags);
    for (size_t i = 0; i < flags; i++) {
        char flag[sizeof n.name];
        conf_flag_name(&o[i], flag, sizeof flag);
        consider(&n, "", flag);
    }
    if (n.name[0])
        return cli_misuse(c, "\"%s\" is no option of this command; did you mean %s?", arg, n.name);
    return cli_misuse(c,
                      "\"%s\" is no option of this command; write -- before words that begin with "
                      "a minus sign",
                      arg);
}

/* --- one argument after the other --- */

struct parse {
    struct cli *c;
    int argc, at;
    char **argv;
};

/* An option that was recognised; `value` is what is glued on, or NULL. */
static int take(struct parse *p, const struct cli_option *o, bool is_common, const char *shown,
                const char *value)
{
    struct cli *c = p->c;
    if (value && !o->value)
        return cli_misuse(c, "%s takes no value; write it alone", shown);
    if (o->value && !value) {
        if (p->at + 1 == p->argc)
            return cli_misuse(c, "%s needs a value: %s %s", shown, shown, o->value);
        value = p->argv[++p->at];
    }
    if (!is_common) {
        c->given[o - c->command->options] = value ? value : "";
    } else if (strcmp(o->name, "config") == 0) {
        c->config = value;
    } else if (strcmp(o->name, "json") == 0) {
        c->json = true;
    } else if (strcmp(o->name, "version") == 0) {
        puts("repartee " REPARTEE_VERSION);
        exit(EXIT_OK);
    } else {
        c->help = true;
    }
    return EXIT_OK;
}

/* The option of that name, or of that letter when name is empty. */
static const struct cli_option *find(const struct command *command, struct str name, char letter,
                                     bool *ret_common)
{
    int count;
    const struct cli_option *common = common_options(&count);
    *ret_common = false;
    for (const struct cli_option *o = command->options; o->name; o++)
        if (name.n ? str_eq(name, str_of(o->name)) : o->letter == letter)
            return o;
    *ret_common = true;
    for (int i = 0; i < count; i++)
        if (name.n ? str_eq(name, str_of(common[i].name)) : common[i].letter == letter)
            return &common[i];
    return nullptr;
}

static int take_long(struct parse *p, char *arg)
{
    struct cli *c = p->c;
    size_t n = str_find_byte(str_of(arg), '=');
    char shown[96] = "";
    memcpy(shown, arg, n < sizeof shown ? n : sizeof shown - 1);
    bool is_common;
    const struct cli_option *o = find(c->command, str_sub(str_of(arg), 2, n), 0, &is_common);
    if (o)
        return take(p, o, is_common, shown, arg[n] ? arg + n + 1 : nullptr);
    int words = conf_flag_words(arg);
    if (words == 0)
        return no_option(c, arg);
    c->flag[c->flag_count++] = arg;
    if (words == 2 && p->at + 1 < p->argc)
        c->flag[c->flag_count++] = p->argv[++p->at];
    return EXIT_OK;
}

/* -o value, -ovalue, and several letters that take nothing in one word. */
static int take_letters(struct parse *p, const char *arg)
{
    for (const char *at = arg + 1; *at; at++) {
        bool is_common;
        const struct cli_option *o = find(p->c->command, S(""), *at, &is_common);
        const char shown[] = {'-', *at, 0};
        if (!o)
            return no_option(p->c, arg);
        const char *glued = o->value && at[1] ? at + 1 : nullptr;
        int code = take(p, o, is_common, shown, glued);
        if (code != EXIT_OK || glued)
            return code;
    }
    return EXIT_OK;
}

int options_parse(struct cli *c, int argc, char **argv)
{
    c->flag = mem_zero((size_t)argc + 2, sizeof *c->flag);
    if (!c->flag)
        return cli_no_memory(c);
    c->flag_count = 1;
    c->operand = argv;
    struct parse p = {.c = c, .argc = argc, .argv = argv};
    bool only_operands = false;
    for (; p.at < argc; p.at++) {
        char *arg = argv[p.at];
        int code = EXIT_OK;
        if (only_operands || arg[0] != '-' || !arg[1])
            c->operand[c->count++] = arg;
        else if (strcmp(arg, "--") == 0)
            only_operands = true;
        else
            code = arg[1] == '-' ? take_long(&p, arg) : take_letters(&p, arg);
        if (code != EXIT_OK)
            return code;
    }
    if (c->help)
        return EXIT_OK;
    if (c->count < c->command->least)
        return cli_misuse(c, "%s", c->command->missing);
    if (c->command->most >= 0 && c->count > c->command->most)
        return cli_misuse(c,
                          "\"%s\" is one argument too many; leave it out, or join words by quotes",
                          c->operand[c->command->most]);
    return EXIT_OK;
}

const char *cli_given(const struct cli *c, const char *option)
{
    for (int i = 0; c->command->options[i].name; i++)
        if (strcmp(c->command->options[i].name, option) == 0)
            return c->given[i];
    unreachable_state(); /* the command asks for an option that its table lacks */
}
