// SPDX-License-Identifier: Apache-2.0
/* The table, and setting one option. */
#include <errno.h>
#include <stdio.h>

#include "base/check.h"
#include "base/conf_parts.h"
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

void *conf_field(const struct conf *c, const struct conf_option *o)
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
        enum err err = conf_set_found(c, o, false, str_of(o->def), "the default", nullptr);
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
            free(*(char **)conf_field(c, &table[i]));
    *c = (struct conf){};
}

enum err conf_refuse(struct conf_err *why, enum err err, const char *fmt, ...)
{
    if (why) {
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(why->text, sizeof why->text, fmt, ap);
        va_end(ap);
    }
    return err;
}

static enum err no_memory(struct conf_err *why)
{
    return conf_refuse(why, ERR_NOMEM,
                       "there is not enough memory; end some programs and try again");
}

static enum err set_text(char **field, struct str value, struct conf_err *why)
{
    char *copy = mem_strdup(value);
    if (!copy)
        return no_memory(why);
    free(*field);
    *field = copy;
    return OK;
}

static enum err set_int(const struct conf_option *o, int64_t *field, struct str value,
                        const char *origin, struct conf_err *why)
{
    int64_t n;
    if (str_to_i64(value, &n) != OK || n < o->min || n > o->max)
        return conf_refuse(why, ERR_INVALID, "%s: %s must be a whole number from %lld to %lld%s%s",
                           origin, o->name, (long long)o->min, (long long)o->max,
                           o->unit[0] ? " " : "", o->unit);
    *field = n;
    return OK;
}

static enum err set_bool(const struct conf_option *o, bool *field, struct str value,
                         const char *origin, struct conf_err *why)
{
    static const char *const words[][2] = {
        {"on", "off"}, {"true", "false"}, {"yes", "no"}, {"1", "0"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        for (int no = 0; no < 2; no++)
            if (str_eq_nocase(value, str_of(words[i][no]))) {
                *field = !no;
                return OK;
            }
    return conf_refuse(why, ERR_INVALID, "%s: %s must be on or off", origin, o->name);
}

static enum err set_word(const struct conf_option *o, char **field, struct str value,
                         const char *origin, struct conf_err *why)
{
    struct str rest = str_of(o->words), word;
    while (str_cut(&rest, '|', &word))
        if (str_eq(word, value))
            return set_text(field, value, why);
    return conf_refuse(why, ERR_INVALID, "%s: %s must be one of %s", origin, o->name, o->words);
}

static bool is_text(struct str value)
{
    return value.n < VALUE_MAX && str_find_byte(value, 0) == value.n && utf8_valid(value);
}

/* Takes the secret out of the file. One that is empty, a folder or too long must not pass for "no
 * key is set": the server would stand open. */
static enum err set_secret_file(const struct conf_option *o, char **field, struct str path,
                                const char *origin, struct conf_err *why)
{
    autofree char *z = mem_strdup(path);
    if (!z)
        return no_memory(why);
    FILE *f = fopen(z, "re");
    if (!f)
        return conf_refuse(why, ERR_INVALID,
                           "%s: the file %.90s of %s cannot be read (%s); name another", origin, z,
                           o->name, strerror(errno));
    char bytes[VALUE_MAX];
    size_t n = fread(bytes, 1, sizeof bytes, f);
    bool failed = ferror(f);
    fclose(f);
    if (failed)
        return conf_refuse(why, ERR_INVALID,
                           "%s: the file %.90s of %s cannot be read; name another", origin, z,
                           o->name);
    struct str secret = str_trim((struct str){bytes, n});
    enum err err = OK;
    if (n == sizeof bytes || secret.n == 0 || !is_text(secret))
        err =
            conf_refuse(why, ERR_INVALID,
                        "%s: the file %.90s of %s is %s; it must hold the secret and nothing else",
                        origin, z, o->name,
                        n == sizeof bytes ? "too long"
                        : secret.n == 0   ? "empty"
                                          : "not text");
    else
        err = set_text(field, secret, why);
    explicit_bzero(bytes, sizeof bytes);
    return err;
}

enum err conf_set_found(struct conf *c, const struct conf_option *o, bool file, struct str value,
                        const char *origin, struct conf_err *why)
{
    if (!is_text(value))
        return conf_refuse(
            why, ERR_INVALID,
            "%s: the value of %s is too long, or not text; write a shorter one, on one line",
            origin, o->name);
    void *field = conf_field(c, o);
    switch (o->kind) {
    case CONF_KIND_INT:
        return set_int(o, field, value, origin, why);
    case CONF_KIND_BOOL:
        return set_bool(o, field, value, origin, why);
    case CONF_KIND_WORD:
        return set_word(o, field, value, origin, why);
    case CONF_KIND_SECRET:
        if (file)
            return set_secret_file(o, field, value, origin, why);
        [[fallthrough]];
    case CONF_KIND_STR:
        return set_text(field, value, why);
    }
    unreachable_state();
}

enum err conf_set(struct conf *c, struct str name, struct str value, const char *origin,
                  struct conf_err *why)
{
    bool file;
    const struct conf_option *o = conf_find(name, conf_dotted_name, "_file", &file);
    if (o)
        return conf_set_found(c, o, file, value, origin, why);
    const struct conf_option *nearest = conf_nearest(name, conf_dotted_name);
    name.n = utf8_prefix(name, 60);
    if (nearest)
        return conf_refuse(why, ERR_UNKNOWN,
                           "%s: there is no option \"%.*s\"; did you mean \"%s\"?", origin,
                           STR_FMT(name), nearest->name);
    return conf_refuse(why, ERR_UNKNOWN,
                       "%s: there is no option \"%.*s\"; 'repartee serve --help' lists them all",
                       origin, STR_FMT(name));
}
