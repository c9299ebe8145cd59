// SPDX-License-Identifier: Apache-2.0
/*
 * From a JSON schema to a grammar (GBNF, llama.cpp's) of the texts that it allows. The grammar may allow
 * fewer texts than the schema, never more: what cannot be honoured is refused by its name. Schemas come
 * from strangers: depth is what base/json allows, repetition and size are bounded here.
 *
 *     struct grammar g = GRAMMAR;
 *     try(grammar_add_schema(&g, "root", json_root(schema), why));
 *     try(grammar_finish(&g));
 *     … buf_z(&g.text) …
 *     grammar_free(&g);
 *
 * Understood: type (also a list), properties, required, additionalProperties, items, prefixItems, minItems,
 * maxItems, minLength, maxLength, enum, const, anyOf, oneOf (as anyOf: what several of them allow is not refused),
 * allOf of one, $ref below $defs or definitions, minimum, maximum, exclusiveMinimum and exclusiveMaximum (for numbers
 * with a fraction where the bounds are whole; such numbers then come without an exponent).
 * Annotations, format among them, say nothing.
 */
#pragma once

#include "base/json.h"
#include "llm/driver.h"

enum {
    GRAMMAR_BYTES_MAX = 512 * 1024,
    GRAMMAR_REPEATS_MAX = 4096, /* of all repetitions together: libllama writes each out */
    GRAMMAR_NAMES_MAX = 1024,   /* of parts that have a rule of their own */
    GRAMMAR_LITERALS_MAX = 1000,
};

struct grammar {
    struct buf text;
    uint32_t repeats;
    bool has_digits;                                /* the rules that count digits are used */
    const struct json_val *part[GRAMMAR_NAMES_MAX]; /* number i has the rule "part-i" */
    size_t parts, own;                              /* own: the first of the present schema */
    const struct json_val *document;                /* that references are looked up in */
};
#define GRAMMAR ((struct grammar){.text = {.cap = GRAMMAR_BYTES_MAX}})

/* A rule `name` for what the schema allows; NULL: any object. The schema lives until the call returns.
 * ERR_INVALID with a sentence in `why`, ERR_TOOBIG, ERR_NOMEM. */
enum err grammar_add_schema(struct grammar *g, const char *name, const struct json_val *schema,
                            char why[LLM_WHY_BYTES]);
/* The rules that all the others use. */
enum err grammar_finish(struct grammar *g);
void grammar_free(struct grammar *g);
/* A text as it is, quoted. */
enum err grammar_add_literal(struct grammar *g, struct str text);
