// SPDX-License-Identifier: Apache-2.0
/* What the parts of schema.c share. */
#pragma once

#include "base/mem.h"
#include "llm/schema.h"

struct visit {
    struct grammar *g;
    char *why; /* LLM_WHY_BYTES */
};

enum err schema_put(const struct visit *v, const char *z); /* a piece of grammar */
/* ERR_INVALID, with a sentence. */
enum err schema_refuse(const struct visit *v, const char *text);
enum err schema_refuse_keyword(const struct visit *v, struct str keyword);

/* What a schema is by its first keyword of these. */
enum schema_form : uint8_t {
    FORM_REFERENCE,
    FORM_CONSTANT,
    FORM_ENUM,
    FORM_CHOICE,
    FORM_ONE_OF,
    FORM_ALL,
    FORM_TYPES,
};
enum schema_form schema_form(const struct json_val *s);
const struct json_val *schema_alternatives(const struct json_val *s); /* NULL: it has none */
/* Where a $ref leads; NULL: nowhere. */
const struct json_val *schema_target(const struct visit *v, const struct json_val *s);

enum {
    TYPE_OBJECT = 1,
    TYPE_ARRAY = 2,
    TYPE_STRING = 4,
    TYPE_INTEGER = 8,
    TYPE_NUMBER = 16,
    TYPE_BOOLEAN = 32,
    TYPE_NULL = 64,
    TYPES_ALL = 127,
};
/* Which types it names or, where it names none, its keywords are about. 0: one that there is not. */
unsigned schema_types(const struct json_val *s);

/* ERR_INVALID with a sentence, ERR_NOMEM. */
enum err schema_check(const struct visit *v, const struct json_val *schema);

/* One of these texts. They are sorted, and what begins alike is written once: libllama keeps a stack for each way in
 * which a text can go on. */
enum err schema_put_literals(const struct visit *v, struct str *literal, size_t count);

enum err schema_put_integer(const struct visit *v, const struct json_val *s);
enum err schema_put_number(const struct visit *v, const struct json_val *s);
/* The rules that the two of them use. */
enum err schema_put_digit_rules(struct grammar *g);
