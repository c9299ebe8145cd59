// SPDX-License-Identifier: Apache-2.0
/* Where options come from: a file, the environment, the flags. */
#include <errno.h>
#include <stdio.h>

#include "base/conf_parts.h"
#include "base/mem.h"

enum { FILE_MAX = 256 * 1024 };

static enum err read_line(struct conf *c, struct str line, const char *place, struct conf_err *why)
{
    size_t at = str_find_byte(line, '=');
    if (at == line.n)
        return conf_refuse(why, ERR_SYNTAX,
                           "%s: this is no option; write name = value, or # before a comment",
                           place);
    struct str name = str_trim(str_sub(line, 0, at));
    struct str value = str_trim(str_sub(line, at + 1, line.n));
    if (str_starts(value, S("\""))) {
        if (value.n < 2 || value.p[value.n - 1] != '"')
            return conf_refuse(why, ERR_SYNTAX,
                               "%s: the value does not end with its quotes; close them, and put "
                               "comments on lines of their own",
                               place);
        value = str_sub(value, 1, value.n - 1);
    }
    return conf_set(c, name, value, place, why);
}

enum err conf_read_text(struct conf *c, struct str text, const char *origin, struct conf_err *why)
{
    if (text.n > FILE_MAX)
        return conf_refuse(why, ERR_TOOBIG,
                           "%.100s is larger than 256 KiB; is it a configuration file?", origin);
    if (str_starts(text, S("\xef\xbb\xbf"))) /* what some editors begin every text with */
        text = str_sub(text, 3, text.n);
    struct str line;
    for (int number = 1; str_cut(&text, '\n', &line); number++) {
        line = str_trim(line);
        if (line.n == 0 || line.p[0] == '#')
            continue;
        char place[128];
        snprintf(place, sizeof place, "%.100s:%d", origin, number);
        try(read_line(c, line, place, why));
    }
    return OK;
}

enum err conf_read_file(struct conf *c, const char *path, struct conf_err *why)
{
    FILE *f = fopen(path, "re");
    if (!f) {
        int failure = errno;
        return conf_refuse(
            why, err_from_errno(failure),
            "the configuration %.120s cannot be read: %s; name another with --config", path,
            strerror(failure));
    }
    autofree char *text = malloc(FILE_MAX + 1);
    size_t n = text ? fread(text, 1, FILE_MAX + 1, f) : 0;
    bool failed = ferror(f);
    fclose(f);
    if (!text)
        return conf_refuse(why, ERR_NOMEM,
                           "there is not enough memory; end some programs and try again");
    if (failed)
        return conf_refuse(why, ERR_IO,
                           "the configuration %.120s cannot be read; name another with --config",
                           path);
    return conf_read_text(c, (struct str){text, n}, path, why);
}

/* Variables of ours that are no options. */
static bool is_no_option(struct str name)
{
    static const char *const names[] = {"REPARTEE_CONFIG", "REPARTEE_MIRROR", "REPARTEE_ROOT"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq(name, str_of(names[i])))
            return true;
    return false;
}

static enum err refuse_variable(struct str name, struct conf_err *why)
{
    const struct conf_option *o = conf_nearest(name, conf_env_name);
    char nearest[CONF_NAME_BYTES] = "";
    if (o)
        conf_env_name(o, nearest, sizeof nearest);
    name.n = utf8_prefix(name, 60);
    return conf_refuse(
        why, ERR_UNKNOWN, "the environment variable %.*s is not one of Repartee's; %s%s%s",
        STR_FMT(name), o ? "did you mean " : "'repartee serve --help' lists the options", nearest,
        o ? "?" : "");
}

static enum err read_old_variables(struct conf *c, char *const *environ_list, struct conf_err *why)
{
    size_t count;
    const struct conf_option *o = conf_options(&count);
    for (; *environ_list; environ_list++) {
        struct str entry = str_of(*environ_list);
        size_t at = str_find_byte(entry, '=');
        for (size_t i = 0; i < count; i++) {
            const char *name = conf_old_variable(&o[i]);
            if (name && at + 1 < entry.n && str_eq(str_sub(entry, 0, at), str_of(name)))
                try(conf_set_found(c, &o[i], false, str_sub(entry, at + 1, entry.n), name, why));
        }
    }
    return OK;
}

enum err conf_read_env(struct conf *c, char *const *environ_list, struct conf_err *why)
{
    try(read_old_variables(c, environ_list, why));
    for (; *environ_list; environ_list++) {
        struct str entry = str_of(*environ_list);
        if (!str_starts(entry, S("REPARTEE_")))
            continue;
        size_t at = str_find_byte(entry, '=');
        struct str name = str_sub(entry, 0, at);
        if (is_no_option(name))
            continue;
        bool file;
        const struct conf_option *o = conf_find(name, conf_env_name, "_FILE", &file);
        if (!o)
            return refuse_variable(name, why);
        char origin[CONF_NAME_BYTES];
        snprintf(origin, sizeof origin, "%.*s", STR_FMT(name));
        try(conf_set_found(c, o, file, str_sub(entry, at + 1, entry.n), origin, why));
    }
    return OK;
}

/* A flag as it stands in argv, taken apart. */
struct flag {
    const struct conf_option *o; /* NULL: none of the table */
    struct str name, value;      /* value.p NULL: none is glued on */
    bool file, no;               /* --name-file, --no-name */
};

static struct flag take_apart(struct str arg)
{
    size_t at = str_find_byte(arg, '=');
    struct flag f = {.name = str_sub(arg, 0, at)};
    if (at < arg.n)
        f.value = str_sub(arg, at + 1, arg.n);
    f.o = conf_find(f.name, conf_flag_name, "-file", &f.file);
    char positive[CONF_NAME_BYTES];
    if (f.o || f.value.p || !str_starts(f.name, S("--no-")) || f.name.n >= sizeof positive)
        return f;
    snprintf(positive, sizeof positive, "--%.*s", (int)(f.name.n - 5), f.name.p + 5);
    f.o = conf_find(str_of(positive), conf_flag_name, "-file", &f.file);
    if (f.o && f.o->kind != CONF_KIND_BOOL)
        f.o = nullptr;
    f.no = true;
    return f;
}

int conf_flag_words(const char *arg)
{
    struct flag f = take_apart(str_of(arg));
    if (!f.o)
        return 0;
    return f.value.p || f.o->kind == CONF_KIND_BOOL ? 1 : 2;
}

enum err conf_read_args(struct conf *c, int *argc, char **argv, struct conf_err *why)
{
    if (*argc == 0)
        return OK;
    int kept = 1, i = 1;
    for (; i < *argc && strcmp(argv[i], "--") != 0; i++) {
        struct flag f = take_apart(str_of(argv[i]));
        if (!f.o) {
            argv[kept++] = argv[i];
            continue;
        }
        char origin[CONF_NAME_BYTES];
        snprintf(origin, sizeof origin, "%.*s", STR_FMT(f.name));
        if (!f.value.p && f.o->kind == CONF_KIND_BOOL) {
            f.value = f.no ? S("off") : S("on");
        } else if (!f.value.p) {
            if (i + 1 == *argc)
                return conf_refuse(why, ERR_INVALID, "%s needs a value; write it after the flag",
                                   origin);
            f.value = str_of(argv[++i]);
        }
        try(conf_set_found(c, f.o, f.file, f.value, origin, why));
    }
    while (i < *argc)
        argv[kept++] = argv[i++];
    argv[kept] = nullptr;
    *argc = kept;
    return OK;
}
