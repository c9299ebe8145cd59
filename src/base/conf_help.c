// SPDX-License-Identifier: Apache-2.0
/* Options as people read them. */
#include "base/conf_parts.h"

enum { INDENT = 8, WIDTH = 80 };

enum err conf_show(const struct conf *c, const struct conf_option *o, struct buf *into)
{
    const void *field = conf_field(c, o);
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

/* The words of `text`, indented and in lines of at most WIDTH bytes. */
static enum err put_wrapped(struct buf *into, struct str text)
{
    size_t column = 0;
    struct str word;
    while (str_cut(&text, ' ', &word)) {
        if (column && column + 1 + word.n > WIDTH) {
            try(buf_add_byte(into, '\n'));
            column = 0;
        }
        try(buf_addf(into, "%*s", column ? 1 : INDENT, ""));
        try(buf_add(into, word));
        column += (column ? 1 : INDENT) + word.n;
    }
    return buf_add_byte(into, '\n');
}

/* "  --http-body=N                  http.body" */
static enum err put_flags(struct buf *into, const struct conf_option *o)
{
    char flag[CONF_NAME_BYTES];
    conf_flag_name(o, flag, sizeof flag);
    size_t begin = into->n;
    switch (o->kind) {
    case CONF_KIND_BOOL:
        try(buf_addf(into, "  %s, --no-%s", flag, flag + 2));
        break;
    case CONF_KIND_SECRET:
        try(buf_addf(into, "  %s=TEXT, %s-file=FILE", flag, flag));
        break;
    default:
        try(buf_addf(into, "  %s=%s", flag,
                     o->kind == CONF_KIND_INT    ? "N"
                     : o->kind == CONF_KIND_WORD ? o->words
                                                 : "TEXT"));
    }
    size_t taken = into->n - begin;
    return buf_addf(into, "%*s%s\n", taken < 46 ? (int)(48 - taken) : 2, "", o->name);
}

static enum err put_option(struct buf *into, const struct conf_option *o)
{
    autobuf text = BUF(2048);
    try(put_flags(into, o));
    try(buf_addf(&text, "%s", o->help));
    if (o->kind == CONF_KIND_INT)
        try(buf_addf(&text, " (%lld to %lld%s%s; default %s)", (long long)o->min, (long long)o->max,
                     o->unit[0] ? " " : "", o->unit, o->def));
    else if (o->def[0])
        try(buf_addf(&text, " (default: %s)", o->def));
    return put_wrapped(into, buf_str(&text));
}

/* What stands before the first dot: "http" of "http.body", "" of "listen". */
static struct str group_of(const struct conf_option *o)
{
    struct str name = str_of(o->name);
    size_t dot = str_find_byte(name, '.');
    return str_sub(name, 0, dot < name.n ? dot : 0);
}

enum err conf_help(struct buf *into)
{
    size_t count;
    const struct conf_option *o = conf_options(&count);
    for (size_t i = 0; i < count; i++) {
        struct str group = group_of(&o[i]);
        size_t first = 0;
        while (!str_eq(group, group_of(&o[first])))
            first++;
        if (first < i)
            continue; /* shown with the first of its group */
        if (i > 0)
            try(buf_addf(into, "\n%.*s:\n", STR_FMT(group)));
        for (size_t k = i; k < count; k++)
            if (str_eq(group, group_of(&o[k])))
                try(put_option(into, &o[k]));
    }
    return OK;
}
