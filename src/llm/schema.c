// SPDX-License-Identifier: Apache-2.0
#include "llm/schema_parts.h"

#include <stdio.h>

static enum err put_schema(const struct visit *v, const struct json_val *s);

void grammar_free(struct grammar *g)
{
    buf_finish(&g->text);
}

enum err schema_put(const struct visit *v, const char *z)
{
    return buf_add(&v->g->text, str_of(z));
}

enum err schema_refuse(const struct visit *v, const char *text)
{
    snprintf(v->why, LLM_WHY_BYTES, "the JSON schema cannot be honoured: %s", text);
    return ERR_INVALID;
}

enum err schema_refuse_keyword(const struct visit *v, struct str keyword)
{
    char text[128];
    snprintf(text, sizeof text, "the keyword %.*s", (int)utf8_prefix(keyword, 60), keyword.p);
    return schema_refuse(v, text);
}

static bool is_leaf(const struct json_val *s)
{
    unsigned types = json_typeof(s) == JSON_OBJ ? schema_types(s) : 0;
    return json_typeof(s) == JSON_BOOL ||
           (types && schema_form(s) == FORM_TYPES && !(types & (TYPE_OBJECT | TYPE_ARRAY)));
}

/* A rule of its own, for what is needed in several places and is long. NULL: anything. */
static enum err put_part(const struct visit *v, const struct json_val *s)
{
    struct grammar *g = v->g;
    size_t i = g->own;
    if (!s)
        return schema_put(v, "value ");
    if (is_leaf(s))
        return put_schema(v, s);
    while (i < g->parts && g->part[i] != s)
        i++;
    if (i == GRAMMAR_NAMES_MAX)
        return schema_refuse(v, "too many parts");
    if (i == g->parts)
        g->part[g->parts++] = s;
    return buf_addf(&g->text, "part-%zu ", i);
}

/* --- literals --- */

enum err grammar_add_literal(struct grammar *g, struct str text)
{
    try(buf_add_byte(&g->text, '"'));
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '"' || c == '\\')
            try(buf_addf(&g->text, "\\%c", c));
        else if ((unsigned char)c < ' ' || c == 0x7f)
            try(buf_addf(&g->text, "\\x%02X", (unsigned char)c));
        else
            try(buf_add_byte(&g->text, c));
    }
    return buf_add(&g->text, S("\" "));
}

static enum err write_constant(const struct json_val *val, struct buf *into)
{
    struct json_out j = {.to = into};
    json_put_val(&j, val);
    return json_finish(&j);
}

static enum err put_constant(const struct visit *v, const struct json_val *val)
{
    autobuf text = BUF(GRAMMAR_BYTES_MAX);
    try(write_constant(val, &text));
    return grammar_add_literal(v->g, buf_str(&text));
}

static enum err put_enum(const struct visit *v, const struct json_val *list)
{
    size_t count = json_typeof(list) == JSON_ARR ? json_count(list) : 0, n = 0;
    if (count == 0 || count > GRAMMAR_LITERALS_MAX)
        return schema_refuse(v, "an enum of none or of more than a thousand values");
    autofree struct buf *text = mem_zero(count, sizeof *text);
    autofree struct str *literal = mem_zero(count, sizeof *literal);
    const struct json_val *one;
    enum err err = text && literal ? OK : ERR_NOMEM;
    for (size_t iter = 0; err == OK && json_next(list, &iter, nullptr, &one); n++) {
        text[n] = BUF(GRAMMAR_BYTES_MAX);
        err = write_constant(one, &text[n]);
        literal[n] = buf_str(&text[n]);
    }
    if (err == OK)
        err = schema_put_literals(v, literal, count);
    while (n-- > 0)
        buf_finish(&text[n]);
    return err;
}

static enum err put_quoted_key(const struct visit *v, struct str key)
{
    autobuf text = BUF(GRAMMAR_BYTES_MAX);
    struct json_out j = {.to = &text};
    json_put_str(&j, key);
    try(json_finish(&j));
    try(grammar_add_literal(v->g, buf_str(&text)));
    return schema_put(v, "colon ");
}

/* (a | b | c) */
static enum err put_choice(const struct visit *v, const struct json_val *list)
{
    if (json_typeof(list) != JSON_ARR || json_count(list) == 0)
        return schema_refuse(v, "a list of alternatives is empty, or none");
    const struct json_val *one;
    const char *before = "( ";
    for (size_t iter = 0; json_next(list, &iter, nullptr, &one); before = "| ") {
        try(schema_put(v, before));
        try(put_schema(v, one));
    }
    return schema_put(v, ") ");
}

/* --- strings --- */

static enum err read_count(const struct visit *v, const struct json_val *s, const char *keyword,
                           int64_t otherwise, int64_t *ret_n)
{
    const struct json_val *val = json_get(s, keyword);
    *ret_n = val ? json_int(val, -1) : otherwise;
    return *ret_n >= 0 || !val ? OK : schema_refuse_keyword(v, str_of(keyword));
}

/* Fewer are allowed than the schema allows, where it allows very many. */
static enum err put_repeats(const struct visit *v, int64_t least, int64_t most)
{
    enum { MOST = 1000 };
    if (most >= 0 && least > most)
        return schema_refuse(v, "a minimum is above its maximum");
    if (least > MOST)
        return schema_refuse(v, "repetitions of more than a thousand");
    if (most < 0) {
        v->g->repeats += (uint32_t)least;
        return buf_addf(&v->g->text, "{%lld,} ", (long long)least);
    }
    most = most > MOST ? MOST : most;
    v->g->repeats += (uint32_t)most;
    return buf_addf(&v->g->text, "{%lld,%lld} ", (long long)least, (long long)most);
}

static enum err put_string(const struct visit *v, const struct json_val *s)
{
    int64_t least, most;
    try(read_count(v, s, "minLength", 0, &least));
    try(read_count(v, s, "maxLength", -1, &most));
    if (least == 0 && most < 0)
        return schema_put(v, "string ");
    try(schema_put(v, "\"\\\"\" char"));
    try(put_repeats(v, least, most));
    return schema_put(v, "\"\\\"\" ");
}

/* --- arrays --- */

/* `first` is what the array has before any of `items`. */
static enum err put_items(const struct visit *v, const struct json_val *s, bool has_first)
{
    const struct json_val *items = json_get(s, "items");
    int64_t least, most;
    try(read_count(v, s, "minItems", 0, &least));
    try(read_count(v, s, "maxItems", -1, &most));
    if (items && json_typeof(items) == JSON_BOOL && !json_bool(items, true))
        most = 0;
    if (has_first) { /* the rest is left out, which is allowed */
        int64_t count = (int64_t)json_count(json_get(s, "prefixItems"));
        return least > count || (json_get(s, "maxItems") && most < count)
                   ? schema_refuse(v, "another number of items than prefixItems has")
                   : OK;
    }
    if (most == 0)
        return least == 0 ? OK : schema_refuse(v, "a minimum is above its maximum");
    if (most > 0 && least > most)
        return schema_refuse(v, "a minimum is above its maximum");
    try(schema_put(v, least == 0 ? "( " : ""));
    try(put_part(v, items));
    if (most != 1) {
        try(schema_put(v, "( comma "));
        try(put_part(v, items));
        try(schema_put(v, ")"));
        try(put_repeats(v, least > 0 ? least - 1 : 0, most > 0 ? most - 1 : -1));
    }
    return schema_put(v, least == 0 ? ")? " : "");
}

static enum err put_array(const struct visit *v, const struct json_val *s)
{
    const struct json_val *first = json_get(s, "prefixItems"), *one;
    bool has_first = first && json_count(first) > 0;
    const char *before = "";
    try(schema_put(v, "\"[\" ws "));
    for (size_t iter = 0; has_first && json_next(first, &iter, nullptr, &one); before = "comma ") {
        try(schema_put(v, before));
        try(put_part(v, one));
    }
    try(put_items(v, s, has_first));
    return schema_put(v, "ws \"]\" ");
}

/* --- objects --- */

static bool is_required(const struct json_val *s, struct str key)
{
    const struct json_val *name, *list = json_get(s, "required");
    for (size_t iter = 0; list && json_next(list, &iter, nullptr, &name);)
        if (str_eq(json_str(name), key))
            return true;
    return false;
}

static enum err check_required(const struct visit *v, const struct json_val *s)
{
    const struct json_val *name, *list = json_get(s, "required");
    struct str key;
    const struct json_val *member;
    for (size_t iter = 0; list && json_next(list, &iter, nullptr, &name);) {
        bool is_there = false;
        for (size_t at = 0; json_next(json_get(s, "properties"), &at, &key, &member);)
            is_there = is_there || str_eq(key, json_str(name));
        if (!is_there)
            return schema_refuse(v, "a property is required that it does not describe");
    }
    return OK;
}

static enum err put_member(const struct visit *v, struct str key, const struct json_val *s)
{
    try(put_quoted_key(v, key));
    return put_part(v, s);
}

/* The optional members from number `from` on, each in its turn or not. */
static enum err put_more(const struct visit *v, const struct json_val *s, size_t from)
{
    const struct json_val *member;
    struct str key;
    size_t number = 0;
    for (size_t iter = 0; json_next(json_get(s, "properties"), &iter, &key, &member);) {
        if (is_required(s, key) || number++ < from)
            continue;
        try(schema_put(v, "( comma "));
        try(put_member(v, key, member));
        try(schema_put(v, ")? "));
    }
    return OK;
}

/* Where none is required, any of them may be the first, before which no comma stands. Grows with the square of
 * their number, which GRAMMAR_BYTES_MAX bounds. */
static enum err put_any_first(const struct visit *v, const struct json_val *s)
{
    const struct json_val *member;
    struct str key;
    size_t number = 0;
    const char *before = "( ";
    for (size_t iter = 0; json_next(json_get(s, "properties"), &iter, &key, &member);
         before = "| ") {
        try(schema_put(v, before));
        try(put_member(v, key, member));
        try(put_more(v, s, ++number));
    }
    return schema_put(v, ")? ");
}

static enum err put_members(const struct visit *v, const struct json_val *s)
{
    const struct json_val *member;
    struct str key;
    bool after_one = false;
    for (size_t iter = 0; json_next(json_get(s, "properties"), &iter, &key, &member);) {
        if (!is_required(s, key))
            continue;
        try(schema_put(v, after_one ? "comma " : ""));
        try(put_member(v, key, member));
        after_one = true;
    }
    return after_one ? put_more(v, s, 0) : put_any_first(v, s);
}

static enum err put_map(const struct visit *v, const struct json_val *values)
{
    try(schema_put(v, "( string colon "));
    try(put_part(v, values));
    try(schema_put(v, "( comma string colon "));
    try(put_part(v, values));
    return schema_put(v, ")* )? ");
}

static enum err put_object(const struct visit *v, const struct json_val *s)
{
    const struct json_val *properties = json_get(s, "properties"),
                          *more = json_get(s, "additionalProperties");
    bool has_properties = properties && json_count(properties) > 0;
    bool is_closed = more && json_typeof(more) == JSON_BOOL && !json_bool(more, true);
    try(check_required(v, s));
    try(schema_put(v, "\"{\" ws "));
    if (has_properties)
        try(put_members(v, s));
    else if (!is_closed)
        try(put_map(v, more));
    return schema_put(v, "ws \"}\" ");
}

/* --- references --- */

static const struct json_val *look_up(const struct json_val *document, struct str path)
{
    static const struct {
        struct str prefix;
        const char *key;
    } places[] = {{S("#/$defs/"), "$defs"}, {S("#/definitions/"), "definitions"}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (!str_starts(path, places[i].prefix))
            continue;
        struct str wanted = str_sub(path, places[i].prefix.n, path.n), key;
        const struct json_val *val;
        for (size_t iter = 0; json_next(json_get(document, places[i].key), &iter, &key, &val);)
            if (str_eq(key, wanted))
                return val;
    }
    return str_eq(path, S("#")) ? document : nullptr;
}

const struct json_val *schema_target(const struct visit *v, const struct json_val *s)
{
    return look_up(v->g->document, json_str(json_get(s, "$ref")));
}

static enum err put_reference(const struct visit *v, const struct json_val *s)
{
    const struct json_val *target = schema_target(v, s);
    return target
               ? put_part(v, target)
               : schema_refuse(v, "a $ref leads nowhere (it must lead below $defs or definitions)");
}

/* --- any schema --- */

static enum err put_boolean(const struct visit *v, const struct json_val *)
{
    return schema_put(v, "boolean ");
}

static enum err put_null(const struct visit *v, const struct json_val *)
{
    return schema_put(v, "null ");
}

static enum err put_types(const struct visit *v, const struct json_val *s)
{
    static const struct {
        unsigned type;
        enum err (*put)(const struct visit *v, const struct json_val *s);
    } all[] = {{TYPE_OBJECT, put_object},
               {TYPE_ARRAY, put_array},
               {TYPE_STRING, put_string},
               {TYPE_INTEGER, schema_put_integer},
               {TYPE_NUMBER, schema_put_number},
               {TYPE_BOOLEAN, put_boolean},
               {TYPE_NULL, put_null}};
    unsigned types = schema_types(s);
    const char *before = "( ";
    if (types == TYPES_ALL)
        return schema_put(v, "value ");
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (!(types & all[i].type))
            continue;
        try(schema_put(v, before));
        try(all[i].put(v, s));
        before = "| ";
    }
    return schema_put(v, ") ");
}

static enum err put_described(const struct visit *v, const struct json_val *s)
{
    switch (schema_form(s)) {
    case FORM_REFERENCE:
        return put_reference(v, s);
    case FORM_CONSTANT:
        return put_constant(v, json_get(s, "const"));
    case FORM_ENUM:
        return put_enum(v, json_get(s, "enum"));
    case FORM_CHOICE:
    case FORM_ONE_OF:
        return put_choice(v, schema_alternatives(s));
    case FORM_ALL:
        return json_count(schema_alternatives(s)) == 1
                   ? put_schema(v, json_at(schema_alternatives(s), 0))
                   : schema_refuse_keyword(v, S("allOf"));
    case FORM_TYPES:
        break;
    }
    return put_types(v, s);
}

/* NULL, true: anything. */
static enum err put_schema(const struct visit *v, const struct json_val *s)
{
    if (v->g->repeats > GRAMMAR_REPEATS_MAX)
        return schema_refuse(v, "too many repetitions");
    if (!s || (json_typeof(s) == JSON_BOOL && json_bool(s, false)))
        return schema_put(v, "value ");
    if (json_typeof(s) != JSON_OBJ)
        return schema_refuse(v, "a schema is an object");
    if (json_bool(json_get(s, "nullable"), false)) {
        try(schema_put(v, "( null | "));
        try(put_described(v, s));
        return schema_put(v, ") ");
    }
    return put_described(v, s);
}

/* --- --- */

enum err grammar_add_schema(struct grammar *g, const char *name, const struct json_val *schema,
                            char why[LLM_WHY_BYTES])
{
    const struct visit v = {g, why};
    g->document = schema;
    g->own = g->parts;
    try(buf_addf(&g->text, "%s ::= ", name));
    if (schema)
        try(schema_check(&v, schema));
    try(schema ? put_schema(&v, schema) : schema_put(&v, "object "));
    for (size_t i = g->own; i < g->parts; i++) {
        try(buf_addf(&g->text, "\npart-%zu ::= ", i));
        try(put_schema(&v, g->part[i]));
    }
    return buf_add(&g->text, S("\n"));
}

/* White space is bounded: a small model else writes nothing but that. Of \u the halves of pairs are left out. */
enum err grammar_finish(struct grammar *g)
{
    try(schema_put_digit_rules(g));
    return buf_add(
        &g->text,
        S("ws ::= ( \" \" | \"\\n\" [ ]{0,16} )?\n"
          "comma ::= ws \",\" ws\n"
          "colon ::= ws \":\" ws\n"
          "value ::= object | array | string | number | boolean | null\n"
          "object ::= \"{\" ws ( string colon value ( comma string colon value )* )? ws \"}\"\n"
          "array ::= \"[\" ws ( value ( comma value )* )? ws \"]\"\n"
          "string ::= \"\\\"\" char* \"\\\"\"\n"
          "char ::= [^\"\\\\\\x00-\\x1F\\x7F] | \"\\\\\" ( [\"\\\\/bfnrt] | \"u\" ( [0-9a-cA-CeEfF] "
          "[0-9a-fA-F]{3} | [dD] [0-7] [0-9a-fA-F]{2} ) )\n"
          "digits ::= \"0\" | [1-9] [0-9]{0,14}\n"
          "integer ::= \"-\"? digits\n"
          "positive ::= digits ( \".\" [0-9]{1,16} )? ( [eE] [-+]? [0-9]{1,2} )?\n"
          "number ::= \"-\"? positive\n"
          "boolean ::= \"true\" | \"false\"\n"
          "null ::= \"null\"\n"));
}
