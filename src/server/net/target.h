// SPDX-License-Identifier: Apache-2.0
/*
 * Request targets: percent-decoding of paths (which refuses everything that could mean two things:
 * NUL, control bytes, "." and ".." parts, backslashes, malformed UTF-8; an encoded slash is told, for who has no
 * use for one) and of query parameters. Pure. RFC 3986.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

/* Splits "/a%20b?x=1" and decodes the path into `into` (at least target.n bytes). ERR_SYNTAX. */
enum err target_split(struct str target, char *into, struct str *ret_path, struct str *ret_query,
                      bool *ret_slash_coded);

/* Walks "a=1&b=two+words": *rest starts as the query; false at the end. Raw, not decoded. */
bool query_next(struct str *rest, struct str *ret_name, struct str *ret_value);
/* The decoded value of the first parameter called `name`. ERR_NOTFOUND, ERR_SYNTAX, ERR_TOOBIG when
 * it does not fit `size`, ERR_UTF8. Not NUL-terminated. */
enum err query_get(struct str query, const char *name, char *into, size_t size,
                   struct str *ret_value);
