// SPDX-License-Identifier: Apache-2.0
/*
 * What is refused before a grammar is made of it: keywords that nothing here honours, and schemas whose grammar
 * would cost libllama time without bounds. It looks for left recursion along every path of alternatives, and
 * while it writes it keeps a stack for each way in which the text so far can be read. So a schema may refer to
 * itself only inside of an object or array, alternatives that begin alike may not hold themselves, and the ways
 * are counted.
 */
#include "llm/schema_parts.h"

enum {
    NODES_MAX = 4096,
    DEPTH_MAX = 200,  /* of parts within parts, references followed */
    CHAIN_MAX = 32,   /* of references and alternatives before anything is written */
    PATHS_MAX = 2000, /* through them */
    WAYS_MAX = 256,
};

struct node {
    const struct json_val *schema;
    bool open;   /* its parts are being looked at */
    bool recurs; /* it holds itself, or something that does */
    uint32_t ways;
};

struct check {
    const struct visit *v;
    struct node node[NODES_MAX];
    size_t count;
    unsigned depth;
    uint32_t paths;
};

/* --- forms --- */

enum schema_form schema_form(const struct json_val *s)
{
    static const struct {
        const char *keyword;
        enum schema_form form;
    } forms[] = {{"$ref", FORM_REFERENCE}, {"const", FORM_CONSTANT}, {"enum", FORM_ENUM},
                 {"anyOf", FORM_CHOICE},   {"oneOf", FORM_ONE_OF},   {"allOf", FORM_ALL}};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (json_get(s, forms[i].keyword))
            return forms[i].form;
    return FORM_TYPES;
}

const struct json_val *schema_alternatives(const struct json_val *s)
{
    enum schema_form form = schema_form(s);
    return form == FORM_CHOICE   ? json_get(s, "anyOf")
           : form == FORM_ONE_OF ? json_get(s, "oneOf")
           : form == FORM_ALL    ? json_get(s, "allOf")
                                 : nullptr;
}

/* --- types --- */

static const struct {
    const char *name;
    unsigned type;
} types[] = {{"object", TYPE_OBJECT},   {"array", TYPE_ARRAY},   {"string", TYPE_STRING},
             {"integer", TYPE_INTEGER}, {"number", TYPE_NUMBER}, {"boolean", TYPE_BOOLEAN},
             {"null", TYPE_NULL}};

static unsigned type_named(struct str name)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (str_eq(name, str_of(types[i].name)))
            return types[i].type;
    return 0;
}

/* Which types a keyword says something about. */
static unsigned types_of_keyword(struct str keyword)
{
    static const struct {
        const char *keyword;
        unsigned types;
    } table[] = {
        {"properties", TYPE_OBJECT},
        {"required", TYPE_OBJECT},
        {"additionalProperties", TYPE_OBJECT},
        {"items", TYPE_ARRAY},
        {"prefixItems", TYPE_ARRAY},
        {"minItems", TYPE_ARRAY},
        {"maxItems", TYPE_ARRAY},
        {"minLength", TYPE_STRING},
        {"maxLength", TYPE_STRING},
        {"minimum", TYPE_INTEGER | TYPE_NUMBER},
        {"maximum", TYPE_INTEGER | TYPE_NUMBER},
        {"exclusiveMinimum", TYPE_INTEGER | TYPE_NUMBER},
        {"exclusiveMaximum", TYPE_INTEGER | TYPE_NUMBER},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (str_eq(keyword, str_of(table[i].keyword)))
            return table[i].types;
    return 0;
}

/* Without a type, the one that its keywords are about: fewer texts than the schema allows. */
static unsigned types_by_keywords(const struct json_val *s)
{
    struct str key;
    const struct json_val *val;
    unsigned all = 0;
    for (size_t iter = 0; json_next(s, &iter, &key, &val);)
        all |= types_of_keyword(key);
    return all == (TYPE_INTEGER | TYPE_NUMBER) ? TYPE_NUMBER : all ? all : TYPES_ALL;
}

unsigned schema_types(const struct json_val *s)
{
    const struct json_val *type = json_get(s, "type"), *one;
    unsigned all = 0;
    if (!type)
        return types_by_keywords(s);
    if (json_typeof(type) != JSON_ARR)
        return type_named(json_str(type));
    for (size_t iter = 0; json_next(type, &iter, nullptr, &one);) {
        unsigned t = type_named(json_str(one));
        if (t == 0)
            return 0;
        all |= t;
    }
    return all;
}

static unsigned type_of_value(const struct json_val *v)
{
    static const unsigned of[] = {[JSON_NULL] = TYPE_NULL,
                                  [JSON_BOOL] = TYPE_BOOLEAN,
                                  [JSON_INT] = TYPE_INTEGER | TYPE_NUMBER,
                                  [JSON_NUM] = TYPE_NUMBER,
                                  [JSON_STR] = TYPE_STRING,
                                  [JSON_ARR] = TYPE_ARRAY,
                                  [JSON_OBJ] = TYPE_OBJECT};
    return of[json_typeof(v)];
}

/* --- keywords --- */

static bool is_annotation(struct str keyword)
{
    static const char *const annotations[] = {
        "title",  "description", "default",  "examples",  "$schema", "$id",         "$comment",
        "format", "deprecated",  "readOnly", "writeOnly", "$defs",   "definitions", "nullable"};
    for (size_t i = 0; i < sizeof annotations / sizeof *annotations; i++)
        if (str_eq(keyword, str_of(annotations[i])))
            return true;
    return false;
}

static bool is_honoured(const struct json_val *s, struct str keyword)
{
    static const char *const own[] = {
        [FORM_REFERENCE] = "$ref", [FORM_CONSTANT] = "const", [FORM_ENUM] = "enum",
        [FORM_CHOICE] = "anyOf",   [FORM_ONE_OF] = "oneOf",   [FORM_ALL] = "allOf",
        [FORM_TYPES] = "type"};
    enum schema_form form = schema_form(s);
    bool has_type = form == FORM_TYPES || form == FORM_CONSTANT || form == FORM_ENUM;
    if (is_annotation(keyword) || str_eq(keyword, str_of(own[form])) ||
        (has_type && str_eq(keyword, S("type"))))
        return true;
    return form == FORM_TYPES && (types_of_keyword(keyword) & schema_types(s));
}

static enum err check_keywords(const struct visit *v, const struct json_val *s)
{
    struct str key;
    const struct json_val *val;
    for (size_t iter = 0; json_next(s, &iter, &key, &val);)
        if (!is_honoured(s, key))
            return schema_refuse_keyword(v, key);
    unsigned all = schema_types(s);
    if (all == 0)
        return schema_refuse(v, "a type that there is not");
    if (!json_get(s, "type") && all != TYPES_ALL && (all & (all - 1)) != 0)
        return schema_refuse(v, "keywords of several types where no type is named");
    return OK;
}

static enum err check_values(const struct visit *v, const struct json_val *s)
{
    unsigned allowed = json_get(s, "type") ? schema_types(s) : TYPES_ALL;
    const struct json_val *constant = json_get(s, "const"), *list = json_get(s, "enum"), *one;
    bool fits = !constant || (type_of_value(constant) & allowed);
    for (size_t iter = 0; !constant && json_next(list, &iter, nullptr, &one);)
        fits = fits && (type_of_value(one) & allowed);
    return fits ? OK : schema_refuse(v, "a value of another type than it names");
}

/* --- how it may begin --- */

/* The types of what it may be, through references and alternatives. */
static enum err begin_types(struct check *c, const struct json_val *s, unsigned chain,
                            unsigned *ret_types)
{
    const struct json_val *list, *one;
    *ret_types = TYPES_ALL;
    if (chain > CHAIN_MAX)
        return schema_refuse(c->v, "a $ref that leads to itself");
    if (++c->paths > PATHS_MAX)
        return schema_refuse(c->v, "too many alternatives");
    if (!s || json_typeof(s) != JSON_OBJ)
        return OK;
    if (schema_form(s) == FORM_REFERENCE)
        return begin_types(c, schema_target(c->v, s), chain + 1, ret_types);
    if (schema_form(s) == FORM_TYPES)
        *ret_types = schema_types(s);
    list = schema_alternatives(s);
    if (!list)
        return OK;
    *ret_types = 0;
    for (size_t iter = 0; json_next(list, &iter, nullptr, &one);) {
        unsigned its;
        try(begin_types(c, one, chain + 1, &its));
        *ret_types |= its;
    }
    return OK;
}

/* --- ways --- */

static enum err look(struct check *c, const struct json_val *s, struct node *ret);

static enum err look_into(struct check *c, const struct json_val *s, struct node *into)
{
    struct node part;
    try(look(c, s, &part));
    into->recurs = into->recurs || part.recurs;
    if (part.ways > into->ways)
        into->ways = part.ways;
    return OK;
}

static enum err look_into_all(struct check *c, const struct json_val *list, struct node *into)
{
    const struct json_val *one;
    for (size_t iter = 0; list && json_next(list, &iter, nullptr, &one);)
        try(look_into(c, one, into));
    return OK;
}

static enum err look_into_parts(struct check *c, const struct json_val *s, struct node *into)
{
    unsigned its = schema_types(s);
    if (its & TYPE_OBJECT) {
        try(look_into_all(c, json_get(s, "properties"), into));
        try(look_into(c, json_get(s, "additionalProperties"), into));
    }
    if (its & TYPE_ARRAY) {
        try(look_into_all(c, json_get(s, "prefixItems"), into));
        try(look_into(c, json_get(s, "items"), into));
    }
    return OK;
}

static enum err look_at_choice(struct check *c, const struct json_val *list, struct node *into)
{
    static const unsigned containers[] = {TYPE_OBJECT, TYPE_ARRAY};
    const struct json_val *one;
    unsigned alike[2] = {};
    bool recurs[2] = {};
    uint32_t ways = 0;
    for (size_t iter = 0; json_next(list, &iter, nullptr, &one);) {
        struct node alternative;
        unsigned its;
        c->paths = 0;
        try(begin_types(c, one, 0, &its));
        try(look(c, one, &alternative));
        ways += alternative.ways;
        into->recurs = into->recurs || alternative.recurs;
        for (size_t i = 0; i < 2; i++) {
            alike[i] += (its & containers[i]) != 0;
            recurs[i] = recurs[i] || ((its & containers[i]) && alternative.recurs);
        }
        if (ways > WAYS_MAX)
            return schema_refuse(c->v, "too many alternatives");
    }
    for (size_t i = 0; i < 2; i++)
        if (alike[i] > 1 && recurs[i])
            return schema_refuse(c->v, "alternatives that begin alike and hold themselves");
    into->ways = ways > 0 ? ways : 1;
    return OK;
}

static enum err look_anew(struct check *c, const struct json_val *s, struct node *into)
{
    unsigned its;
    try(check_keywords(c->v, s));
    c->paths = 0;
    try(begin_types(c, s, 0, &its)); /* it may not lead to itself */
    switch (schema_form(s)) {
    case FORM_REFERENCE:
        return look_into(c, schema_target(c->v, s), into);
    case FORM_CONSTANT:
    case FORM_ENUM:
        return check_values(c->v, s);
    case FORM_CHOICE:
    case FORM_ONE_OF:
    case FORM_ALL:
        return look_at_choice(c, schema_alternatives(s), into);
    case FORM_TYPES:
        break;
    }
    return look_into_parts(c, s, into);
}

static enum err look(struct check *c, const struct json_val *s, struct node *ret)
{
    *ret = (struct node){.schema = s, .ways = 1};
    if (!s || json_typeof(s) != JSON_OBJ)
        return OK; /* anything, or what is refused later */
    size_t i = 0;
    while (i < c->count && c->node[i].schema != s)
        i++;
    if (i < c->count) {
        *ret = c->node[i];
        ret->recurs = ret->recurs || ret->open;
        return OK;
    }
    if (i == NODES_MAX || c->depth == DEPTH_MAX)
        return schema_refuse(c->v, "too many parts");
    c->node[c->count++] = (struct node){.schema = s, .open = true, .ways = 1};
    c->depth++;
    try(look_anew(c, s, ret));
    c->depth--;
    ret->open = false;
    c->node[i] = *ret;
    return OK;
}

enum err schema_check(const struct visit *v, const struct json_val *schema)
{
    autofree struct check *c = mem_zero(1, sizeof *c);
    struct node whole;
    if (!c)
        return ERR_NOMEM;
    c->v = v;
    return look(c, schema, &whole);
}
