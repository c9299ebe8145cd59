// SPDX-License-Identifier: Apache-2.0
/* Where options come from: a file, the environment, the flags. */
#include <errno.h>
#include <stdio.h>

#include "base/conf.h"
#include "base/mem.h"

enum { FILE_MAX = 256 * 1024, NAME_MAX_BYTES = 96 };

static struct str unquote(struct str value)
{
    if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
        return str_sub(value, 1, value.n - 1);
    return value;
}

enum err conf_read_text(struct conf *c, struct str text, const char *origin, struct conf_err *why)
{
    if (text.n > FILE_MAX) {
        snprintf(why->text, sizeof why->text, "%s: larger than 256 KiB", origin);
        return ERR_TOOBIG;
    }
    struct str line;
    for (int number = 1; str_cut(&text, '\n', &line); number++) {
        line = str_trim(line);
        if (line.n == 0 || line.p[0] == '#')
            continue;
        char place[128];
        snprintf(place, sizeof place, "%.100s:%d", origin, number);
        size_t at = str_find_byte(line, '=');
        if (at == line.n) {
            snprintf(why->text, sizeof why->text, "%s: expected \"name = value\"", place);
            return ERR_SYNTAX;
        }
        struct str name = str_trim(str_sub(line, 0, at));
        struct str value = unquote(str_trim(str_sub(line, at + 1, line.n)));
        try(conf_set(c, name, value, place, why));
    }
    return OK;
}

enum err conf_read_file(struct conf *c, const char *path, struct conf_err *why)
{
    FILE *f = fopen(path, "re");
    if (!f) {
        snprintf(why->text, sizeof why->text, "the configuration %.120s cannot be read: %s", path,
                 strerror(errno));
        return err_from_errno(errno);
    }
    autofree char *text = malloc(FILE_MAX + 1);
    size_t n = text ? fread(text, 1, FILE_MAX + 1, f) : 0;
    bool failed = ferror(f);
    fclose(f);
    if (!text)
        return ERR_NOMEM;
    if (failed) {
        snprintf(why->text, sizeof why->text, "the configuration %.120s cannot be read", path);
        return ERR_IO;
    }
    return conf_read_text(c, (struct str){text, n}, path, why);
}

/* The option whose generated name is `name`; with a secret also NAME + suffix, told by *ret_file. */
static const struct conf_option *find(struct str name, const char *suffix,
                                      void (*name_of)(const struct conf_option *, char *, size_t),
                                      bool *ret_file)
{
    size_t count;
    const struct conf_option *o = conf_options(&count);
    for (size_t i = 0; i < count; i++) {
        char own[NAME_MAX_BYTES];
        name_of(&o[i], own, sizeof own);
        struct str bare = name;
        *ret_file = o[i].kind == CONF_KIND_SECRET && str_ends(name, str_of(suffix));
        if (*ret_file)
            bare.n -= strlen(suffix);
        if (str_eq(bare, str_of(own)))
            return &o[i];
    }
    return nullptr;
}

static enum err set_found(struct conf *c, const struct conf_option *o, bool file, struct str value,
                          const char *origin, struct conf_err *why)
{
    char name[NAME_MAX_BYTES];
    snprintf(name, sizeof name, "%s%s", o->name, file ? "_file" : "");
    return conf_set(c, str_of(name), value, origin, why);
}

enum err conf_read_env(struct conf *c, char *const *environ_list, struct conf_err *why)
{
    static const char *const not_options[] = {"REPARTEE_CONFIG", "REPARTEE_MIRROR",
                                              "REPARTEE_ROOT"};
    for (; *environ_list; environ_list++) {
        struct str entry = str_of(*environ_list);
        if (!str_starts(entry, S("REPARTEE_")))
            continue;
        size_t at = str_find_byte(entry, '=');
        struct str name = str_sub(entry, 0, at);
        bool skip = false;
        for (size_t i = 0; i < sizeof not_options / sizeof *not_options; i++)
            skip = skip || str_eq(name, str_of(not_options[i]));
        if (skip)
            continue;
        char origin[NAME_MAX_BYTES];
        snprintf(origin, sizeof origin, "%.*s", (int)(name.n < 90 ? name.n : 90), name.p);
        bool file;
        const struct conf_option *o = find(name, "_FILE", conf_env_name, &file);
        if (!o) {
            snprintf(
                why->text, sizeof why->text,
                "the environment variable %s is not one of Repartee's; 'repartee serve --help' "
                "lists the options",
                origin);
            return ERR_UNKNOWN;
        }
        try(set_found(c, o, file, str_sub(entry, at + 1, entry.n), origin, why));
    }
    return OK;
}

/* Is it the option's flag? Tells the value that is glued on (p NULL: none) and what "--no-" says. */
static const struct conf_option *find_flag(struct str arg, struct str *ret_value, bool *ret_file,
                                           bool *ret_no)
{
    size_t at = str_find_byte(arg, '=');
    struct str name = str_sub(arg, 0, at);
    *ret_value = at < arg.n ? str_sub(arg, at + 1, arg.n) : (struct str){};
    *ret_no = false;
    const struct conf_option *o = find(name, "-file", conf_flag_name, ret_file);
    if (o || !str_starts(name, S("--no-")) || ret_value->p)
        return o;
    char positive[NAME_MAX_BYTES];
    snprintf(positive, sizeof positive, "--%.*s", (int)(name.n < 80 ? name.n - 5 : 75), name.p + 5);
    o = find(str_of(positive), "-file", conf_flag_name, ret_file);
    *ret_no = true;
    return o && o->kind == CONF_KIND_BOOL ? o : nullptr;
}

enum err conf_read_args(struct conf *c, int *argc, char **argv, struct conf_err *why)
{
    int kept = 1, i = 1;
    for (; i < *argc && strcmp(argv[i], "--") != 0; i++) {
        struct str value;
        bool file = false, no = false;
        const struct conf_option *o = find_flag(str_of(argv[i]), &value, &file, &no);
        if (!o) {
            argv[kept++] = argv[i];
            continue;
        }
        const char *origin = argv[i];
        if (no) {
            value = S("off");
        } else if (!value.p && o->kind == CONF_KIND_BOOL) {
            value = S("on");
        } else if (!value.p) {
            if (i + 1 == *argc) {
                snprintf(why->text, sizeof why->text, "%.100s needs a value", origin);
                return ERR_INVALID;
            }
            value = str_of(argv[++i]);
        }
        char name[NAME_MAX_BYTES];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(origin, "="), origin);
        try(set_found(c, o, file, value, name, why));
    }
    while (i < *argc)
        argv[kept++] = argv[i++];
    argv[kept] = nullptr;
    *argc = kept;
    return OK;
}
