// SPDX-License-Identifier: Apache-2.0
/* What the parts of schema.c share. */
#pragma once

#include "llm/schema.h"

struct visit {
    struct grammar *g;
    char *why; /* LLM_WHY_BYTES */
};

enum err schema_put(const struct visit *v, const char *z); /* a piece of grammar */
/* ERR_INVALID, with a sentence. */
enum err schema_refuse(const struct visit *v, const char *text);
enum err schema_refuse_keyword(const struct visit *v, struct str keyword);

enum err schema_put_integer(const struct visit *v, const struct json_val *s);
enum err schema_put_number(const struct visit *v, const struct json_val *s);
