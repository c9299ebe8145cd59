// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <yyjson.h>

#include "base/json.h"
#include "base/mem.h"

/* A json_doc is a yyjson_doc and a json_val a yyjson_val under another name, so that yyjson's header
 * stays in this file. */

enum { KEYS_MAX = 256 /* of one object; nobody of good will sends more */ };

static void set_why(struct json_why *why, const char *param, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void set_why(struct json_why *why, const char *param, const char *fmt, ...)
{
    if (!why)
        return;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why->text, sizeof why->text, fmt, ap);
    va_end(ap);
    snprintf(why->param, sizeof why->param, "%.60s", param);
}

/* yyjson's accessors ask for mutable values and change nothing. */
static yyjson_val *yy(const struct json_val *v)
{
    return (yyjson_val *)v;
}

static const struct json_val *ours(const yyjson_val *v)
{
    return (const struct json_val *)v;
}

static struct str text_of(yyjson_val *v)
{
    return (struct str){yyjson_get_str(v), yyjson_get_len(v)};
}

static int compare_keys(const void *a, const void *b)
{
    struct str x = text_of(*(yyjson_val *const *)a), y = text_of(*(yyjson_val *const *)b);
    if (x.n != y.n)
        return x.n < y.n ? -1 : 1;
    return x.n ? memcmp(x.p, y.p, x.n) : 0;
}

/* Sorted, since each with each would cost a hostile body of wide objects milliseconds. */
static enum err check_keys(yyjson_val *obj, size_t keys_max, struct json_why *why)
{
    yyjson_val *few[KEYS_MAX], **keys = few;
    autofree yyjson_val **many = nullptr;
    size_t count = 0;
    if (yyjson_obj_size(obj) > keys_max) {
        set_why(why, "", "an object has more than %zu fields", keys_max);
        return ERR_TOOBIG;
    }
    if (yyjson_obj_size(obj) > KEYS_MAX) {
        keys = many = mem_zero(yyjson_obj_size(obj), sizeof *many);
        if (!many) {
            set_why(why, "", "%s", err_text(ERR_NOMEM));
            return ERR_NOMEM;
        }
    }
    yyjson_obj_iter it = yyjson_obj_iter_with(obj);
    for (yyjson_val *key; (key = yyjson_obj_iter_next(&it));)
        keys[count++] = key;
    qsort(keys, count, sizeof keys[0], compare_keys);
    for (size_t i = 1; i < count; i++)
        if (compare_keys(&keys[i - 1], &keys[i]) == 0) {
            struct str name = text_of(keys[i]);
            name.n = utf8_prefix(name, 60);
            set_why(why, "", "the field \"%.*s\" is given twice", STR_FMT(name));
            return ERR_SYNTAX;
        }
    return OK;
}

/* Depth is at most JSON_MAX_DEPTH, so the recursion is bounded. */
static enum err check_value(yyjson_val *v, int depth, size_t keys_max, struct json_why *why)
{
    if (!yyjson_is_ctn(v))
        return OK;
    if (depth >= JSON_MAX_DEPTH) {
        set_why(why, "", "the JSON is nested more than %d deep", JSON_MAX_DEPTH);
        return ERR_TOOBIG;
    }
    if (yyjson_is_arr(v)) {
        yyjson_arr_iter it = yyjson_arr_iter_with(v);
        for (yyjson_val *item; (item = yyjson_arr_iter_next(&it));)
            try(check_value(item, depth + 1, keys_max, why));
        return OK;
    }
    try(check_keys(v, keys_max, why));
    yyjson_obj_iter it = yyjson_obj_iter_with(v);
    for (yyjson_val *key; (key = yyjson_obj_iter_next(&it));)
        try(check_value(yyjson_obj_iter_get_val(key), depth + 1, keys_max, why));
    return OK;
}

enum err json_parse(struct str text, struct json_doc **ret_doc, struct json_why *why)
{
    return json_parse_wide(text, KEYS_MAX, ret_doc, why);
}

enum err json_parse_wide(struct str text, size_t keys_max, struct json_doc **ret_doc,
                         struct json_why *why)
{
    yyjson_read_err failure;
    yyjson_doc *doc =
        yyjson_read_opts((char *)text.p, text.n, YYJSON_READ_NOFLAG, nullptr, &failure);
    if (!doc) {
        if (failure.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION) {
            set_why(why, "", "%s", err_text(ERR_NOMEM));
            return ERR_NOMEM;
        }
        if (failure.code == YYJSON_READ_ERROR_INVALID_STRING && !utf8_valid(text)) {
            set_why(why, "", "the JSON is not valid UTF-8");
            return ERR_UTF8;
        }
        set_why(why, "", "this is not JSON (at byte %zu)", failure.pos);
        return ERR_SYNTAX;
    }
    enum err err = check_value(yyjson_doc_get_root(doc), 0, keys_max, why);
    if (err != OK) {
        yyjson_doc_free(doc);
        return err;
    }
    *ret_doc = (struct json_doc *)doc;
    return OK;
}

void json_doc_destroy(struct json_doc *doc)
{
    yyjson_doc_free((yyjson_doc *)doc);
}

const struct json_val *json_root(const struct json_doc *doc)
{
    return ours(yyjson_doc_get_root((yyjson_doc *)doc));
}

enum json_type json_typeof(const struct json_val *v)
{
    switch (yyjson_get_type(yy(v))) {
    case YYJSON_TYPE_BOOL:
        return JSON_BOOL;
    case YYJSON_TYPE_NUM:
        if (yyjson_is_sint(yy(v)))
            return JSON_INT;
        return yyjson_is_uint(yy(v)) && yyjson_get_uint(yy(v)) <= INT64_MAX ? JSON_INT : JSON_NUM;
    case YYJSON_TYPE_STR:
        return JSON_STR;
    case YYJSON_TYPE_ARR:
        return JSON_ARR;
    case YYJSON_TYPE_OBJ:
        return JSON_OBJ;
    default:
        return JSON_NULL;
    }
}

const struct json_val *json_get(const struct json_val *obj, const char *key)
{
    return ours(yyjson_obj_get(yy(obj), key));
}

size_t json_count(const struct json_val *v)
{
    return yyjson_is_ctn(yy(v)) ? yyjson_get_len(yy(v)) : 0;
}

const struct json_val *json_at(const struct json_val *arr, size_t i)
{
    return ours(yyjson_arr_get(yy(arr), i));
}

bool json_next(const struct json_val *v, size_t *iter, struct str *ret_key,
               const struct json_val **ret_val)
{
    /* yyjson keeps what a container holds right behind it; *iter is the distance in bytes. */
    yyjson_val *container = yy(v);
    if (!yyjson_is_ctn(container))
        return false;
    yyjson_val *at =
        *iter ? (yyjson_val *)((char *)container + *iter) : unsafe_yyjson_get_first(container);
    if (at == unsafe_yyjson_get_next(container))
        return false;
    struct str key = {};
    if (yyjson_is_obj(container)) {
        key = text_of(at);
        at = yyjson_obj_iter_get_val(at);
    }
    if (ret_key)
        *ret_key = key;
    *ret_val = ours(at);
    *iter = (size_t)((char *)unsafe_yyjson_get_next(at) - (char *)container);
    return true;
}

struct str json_str(const struct json_val *v)
{
    return yyjson_is_str(yy(v)) ? text_of(yy(v)) : (struct str){};
}

int64_t json_int(const struct json_val *v, int64_t otherwise)
{
    return v && json_typeof(v) == JSON_INT ? (int64_t)yyjson_get_sint(yy(v)) : otherwise;
}

double json_num(const struct json_val *v, double otherwise)
{
    return yyjson_is_num(yy(v)) ? yyjson_get_num(yy(v)) : otherwise;
}

bool json_bool(const struct json_val *v, bool otherwise)
{
    return yyjson_is_bool(yy(v)) ? yyjson_get_bool(yy(v)) : otherwise;
}

static const char *type_name(enum json_type t)
{
    static const char *const name[] = {"null",     "true or false", "a whole number", "a number",
                                       "a string", "an array",      "an object"};
    return name[t];
}

static bool is_one_of(struct str word, const char *list)
{
    struct str rest = str_of(list), one;
    while (str_cut(&rest, '|', &one))
        if (str_eq(one, word))
            return true;
    return false;
}

static enum err check_range(const struct json_field *f, double x, const char *what,
                            struct json_why *why)
{
    if ((f->min == 0 && f->max == 0) || (x >= f->min && x <= f->max))
        return OK;
    set_why(why, f->name, "%s must be between %.15g and %.15g%s", f->name, f->min, f->max, what);
    return ERR_INVALID;
}

static enum err read_field(const struct json_field *f, const struct json_val *v, void *into,
                           struct json_why *why)
{
    enum json_type type = json_typeof(v);
    if (type != f->type && !(f->type == JSON_NUM && type == JSON_INT)) {
        set_why(why, f->name, "%s must be %s", f->name, type_name(f->type));
        return ERR_INVALID;
    }
    void *at = (char *)into + f->offset;
    switch (f->type) {
    case JSON_STR: {
        struct str s = json_str(v);
        if (f->one_of && !is_one_of(s, f->one_of)) {
            set_why(why, f->name, "%s must be one of %s", f->name, f->one_of);
            return ERR_INVALID;
        }
        try(check_range(f, (double)s.n, " bytes long", why));
        *(struct str *)at = s;
        return OK;
    }
    case JSON_INT:
        try(check_range(f, (double)json_int(v, 0), "", why));
        *(int64_t *)at = json_int(v, 0);
        return OK;
    case JSON_NUM:
        try(check_range(f, json_num(v, 0), "", why));
        *(double *)at = json_num(v, 0);
        return OK;
    case JSON_BOOL:
        *(bool *)at = json_bool(v, false);
        return OK;
    default:
        *(const struct json_val **)at = v;
        return OK;
    }
}

static enum err refuse_unknown(yyjson_val *obj, const struct json_field *fields, size_t count,
                               struct json_why *why)
{
    yyjson_obj_iter it = yyjson_obj_iter_with(obj);
    for (yyjson_val *key; (key = yyjson_obj_iter_next(&it));) {
        size_t i = 0;
        while (i < count && !str_eq(text_of(key), str_of(fields[i].name)))
            i++;
        if (i == count) {
            struct str name = text_of(key);
            name.n = utf8_prefix(name, 60);
            char param[64];
            snprintf(param, sizeof param, "%.*s", STR_FMT(name));
            set_why(why, param, "there is no field \"%s\" here", param);
            return ERR_UNKNOWN;
        }
    }
    return OK;
}

enum err json_read(const struct json_val *obj, const struct json_field *fields, size_t count,
                   enum json_mode mode, void *into, struct json_why *why)
{
    if (!yyjson_is_obj(yy(obj))) {
        set_why(why, "", "the body must be a JSON object");
        return ERR_INVALID;
    }
    if (mode == JSON_STRICT)
        try(refuse_unknown(yy(obj), fields, count, why));
    for (size_t i = 0; i < count; i++) {
        const struct json_val *v = json_get(obj, fields[i].name);
        if (v && json_typeof(v) != JSON_NULL) {
            try(read_field(&fields[i], v, into, why));
        } else if (fields[i].required) {
            set_why(why, fields[i].name, "%s is missing", fields[i].name);
            return ERR_INVALID;
        }
    }
    return OK;
}

void json_put_val(struct json_out *j, const struct json_val *v)
{
    size_t n;
    char *text = yyjson_val_write(yy(v), YYJSON_WRITE_NOFLAG, &n);
    if (text)
        json_put_raw(j, (struct str){text, n});
    else if (j->err == OK)
        j->err = ERR_NOMEM;
    free(text);
}
