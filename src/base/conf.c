// SPDX-License-Identifier: Apache-2.0
/* The table, and setting one option. Files, environment and flags: conf_sources.c. */
#include "base/conf.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include "base/check.h"
#include "base/mem.h"

static const struct conf_option table[] = {
#define CONF_INT(field, name, def, min, max, unit, help)                                           \
    {CONF_KIND_INT, name, #def, nullptr, unit, help, min, max, offsetof(struct conf, field)},
#define CONF_BOOL(field, name, def, help)                                                          \
    {CONF_KIND_BOOL, name, def ? "on" : "off", nullptr, "", help, 0, 0,                            \
     offsetof(struct conf, field)},
#define CONF_STR(field, name, def, help)                                                           \
    {CONF_KIND_STR, name, def, nullptr, "", help, 0, 0, offsetof(struct conf, field)},
#define CONF_WORD(field, name, def, words, help)                                                   \
    {CONF_KIND_WORD, name, def, words, "", help, 0, 0, offsetof(struct conf, field)},
#define CONF_SECRET(field, name, help)                                                             \
    {CONF_KIND_SECRET, name, "", nullptr, "", help, 0, 0, offsetof(struct conf, field)},
#include "base/conf_table.h"
#undef CONF_INT
#undef CONF_BOOL
#undef CONF_STR
#undef CONF_WORD
#undef CONF_SECRET
};
enum { OPTIONS = sizeof table / sizeof *table, VALUE_MAX = 4096 };

const struct conf_option *conf_options(size_t *ret_count)
{
    *ret_count = OPTIONS;
    return table;
}

static void *field_of(const struct conf *c, const struct conf_option *o)
{
    return (char *)c + o->offset;
}

static bool holds_text(const struct conf_option *o)
{
    return o->kind >= CONF_KIND_STR;
}

enum err conf_init(struct conf *c)
{
    *c = (struct conf){};
    for (size_t i = 0; i < OPTIONS; i++) {
        const struct conf_option *o = &table[i];
        enum err err = conf_set(c, str_of(o->name), str_of(o->def), "the default", nullptr);
        if (err != OK) {
            check(err == ERR_NOMEM); /* else the table contradicts itself */
            conf_finish(c);
            return err;
        }
    }
    return OK;
}

void conf_finish(struct conf *c)
{
    for (size_t i = 0; i < OPTIONS; i++)
        if (holds_text(&table[i]))
            free(*(char **)field_of(c, &table[i]));
    *c = (struct conf){};
}

static enum err refuse(struct conf_err *why, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static enum err refuse(struct conf_err *why, const char *fmt, ...)
{
    if (why) {
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(why->text, sizeof why->text, fmt, ap);
        va_end(ap);
    }
    return ERR_INVALID;
}

/* Levenshtein's distance of two short names; anything long is just far away. */
static int distance(struct str a, struct str b)
{
    enum { MAX = 48 };
    if (a.n > MAX || b.n > MAX)
        return MAX;
    int row[MAX + 1];
    for (size_t j = 0; j <= b.n; j++)
        row[j] = (int)j;
    for (size_t i = 1; i <= a.n; i++) {
        int diagonal = row[0];
        row[0] = (int)i;
        for (size_t j = 1; j <= b.n; j++) {
            int best = diagonal + (a.p[i - 1] != b.p[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[b.n];
}

static enum err refuse_name(struct str name, const char *origin, struct conf_err *why)
{
    const char *nearest = "";
    int least = 5;
    for (size_t i = 0; i < OPTIONS; i++) {
        int d = distance(name, str_of(table[i].name));
        if (d < least) {
            least = d;
            nearest = table[i].name;
        }
    }
    name.n = utf8_prefix(name, 60);
    (void)refuse(why, "%s: there is no option \"%.*s\"%s%s%s", origin, STR_FMT(name),
                 nearest[0] ? "; did you mean \"" : "; --help lists them all", nearest,
                 nearest[0] ? "\"?" : "");
    return ERR_UNKNOWN;
}

/* A secret may live in a file of its own: NAME_file = PATH. */
static enum err read_secret(struct str path, struct buf *into, const char *origin,
                            struct conf_err *why)
{
    autobuf name = BUF(VALUE_MAX);
    try(buf_add(&name, path));
    const char *z = buf_z(&name);
    if (!z)
        return ERR_NOMEM;
    FILE *f = fopen(z, "re");
    if (!f)
        return refuse(why, "%s: the file %.100s cannot be read (%s)", origin, z, strerror(errno));
    char text[VALUE_MAX];
    size_t n = fread(text, 1, sizeof text, f);
    fclose(f);
    return buf_add(into, str_trim((struct str){text, n}));
}

static enum err set_text(char **field, struct str value)
{
    char *copy = mem_strdup(value);
    if (!copy)
        return ERR_NOMEM;
    free(*field);
    *field = copy;
    return OK;
}

static enum err set_int(const struct conf_option *o, int64_t *field, struct str value,
                        const char *origin, struct conf_err *why)
{
    int64_t n;
    if (str_to_i64(value, &n) != OK || n < o->min || n > o->max)
        return refuse(why, "%s: %s must be a whole number from %lld to %lld%s%s", origin, o->name,
                      (long long)o->min, (long long)o->max, o->unit[0] ? " " : "", o->unit);
    *field = n;
    return OK;
}

static enum err set_bool(const struct conf_option *o, bool *field, struct str value,
                         const char *origin, struct conf_err *why)
{
    static const char *const yes[] = {"on", "true", "yes", "1"}, *const no[] = {"off", "false",
                                                                                "no", "0"};
    for (int i = 0; i < 4; i++) {
        if (str_eq_nocase(value, str_of(yes[i]))) {
            *field = true;
            return OK;
        }
        if (str_eq_nocase(value, str_of(no[i]))) {
            *field = false;
            return OK;
        }
    }
    return refuse(why, "%s: %s must be on or off", origin, o->name);
}

static enum err set_word(const struct conf_option *o, char **field, struct str value,
                         const char *origin, struct conf_err *why)
{
    struct str rest = str_of(o->words), word;
    while (str_cut(&rest, '|', &word))
        if (str_eq(word, value))
            return set_text(field, value);
    return refuse(why, "%s: %s must be one of %s", origin, o->name, o->words);
}

enum err conf_set(struct conf *c, struct str name, struct str value, const char *origin,
                  struct conf_err *why)
{
    struct str bare = name;
    bool from_file = str_ends(name, S("_file"));
    if (from_file)
        bare.n -= 5;
    const struct conf_option *o = nullptr;
    for (size_t i = 0; i < OPTIONS && !o; i++)
        if (str_eq(bare, str_of(table[i].name)))
            o = &table[i];
    if (!o || (from_file && o->kind != CONF_KIND_SECRET))
        return refuse_name(name, origin, why);
    if (value.n >= VALUE_MAX || memchr(value.p ? value.p : "", 0, value.n) || !utf8_valid(value))
        return refuse(why, "%s: the value of %s is too long, or not text", origin, o->name);

    void *field = field_of(c, o);
    switch (o->kind) {
    case CONF_KIND_INT:
        return set_int(o, field, value, origin, why);
    case CONF_KIND_BOOL:
        return set_bool(o, field, value, origin, why);
    case CONF_KIND_WORD:
        return set_word(o, field, value, origin, why);
    case CONF_KIND_SECRET: {
        autobuf secret = BUF(VALUE_MAX);
        if (!from_file)
            return set_text(field, value);
        try(read_secret(value, &secret, origin, why));
        return set_text(field, buf_str(&secret));
    }
    case CONF_KIND_STR:
        return set_text(field, value);
    }
    unreachable_state();
}

static void rename_option(const struct conf_option *o, const char *prefix, char separator,
                          bool upper, char *into, size_t size)
{
    size_t n = (size_t)snprintf(into, size, "%s%s", prefix, o->name);
    for (size_t i = strlen(prefix); i < n && i < size; i++) {
        if (into[i] == '.' || into[i] == '_')
            into[i] = separator;
        if (upper)
            into[i] = (char)toupper((unsigned char)into[i]);
    }
}

void conf_flag_name(const struct conf_option *o, char *into, size_t size)
{
    rename_option(o, "--", '-', false, into, size);
}

void conf_env_name(const struct conf_option *o, char *into, size_t size)
{
    rename_option(o, "REPARTEE_", '_', true, into, size);
}

enum err conf_show(const struct conf *c, const struct conf_option *o, struct buf *into)
{
    const void *field = field_of(c, o);
    switch (o->kind) {
    case CONF_KIND_INT:
        return buf_addf(into, "%lld", (long long)*(const int64_t *)field);
    case CONF_KIND_BOOL:
        return buf_add(into, *(const bool *)field ? S("on") : S("off"));
    case CONF_KIND_SECRET:
        return buf_add(into, (*(char *const *)field)[0] ? S("(set)") : S("(not set)"));
    default:
        return buf_add(into, str_of(*(char *const *)field));
    }
}

enum err conf_help(struct buf *into)
{
    for (size_t i = 0; i < OPTIONS; i++) {
        const struct conf_option *o = &table[i];
        char flag[64];
        conf_flag_name(o, flag, sizeof flag);
        const char *kind = o->kind == CONF_KIND_INT    ? "N"
                           : o->kind == CONF_KIND_WORD ? o->words
                                                       : "TEXT";
        if (o->kind == CONF_KIND_BOOL)
            try(buf_addf(into, "  %s, --no-%s\n", flag, flag + 2));
        else
            try(buf_addf(into, "  %s=%s\n", flag, kind));
        try(buf_addf(into, "        %s", o->help));
        if (o->def[0])
            try(buf_addf(into, " (%s%s%s)", o->def, o->unit[0] ? " " : "", o->unit));
        try(buf_add_byte(into, '\n'));
    }
    return OK;
}
