// SPDX-License-Identifier: Apache-2.0
/*
 * JSON, both ways. Reading wraps yyjson and adds what it leaves to its users: a depth cap (32),
 * refusal of duplicate keys, of trailing bytes and of invalid UTF-8. Writing goes straight into a
 * `struct buf`.
 *
 *     static const struct json_field fields[] = {
 *         {"message", JSON_STR, offsetof(struct ask, message), .required = true, .max = 16384},
 *         {"use_rag", JSON_BOOL, offsetof(struct ask, use_rag)},
 *     };
 *     try(json_parse(body, &doc, &why));
 *     try(json_read(json_root(doc), fields, countof(fields), JSON_STRICT, &ask, &why));
 *
 * Slices point into the document and live as long as it does. Any thread, one at a time per object.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct json_doc;
struct json_val; /* borrowed from its document */

/* What a refusal says to the client: a sentence, and the field it is about ("" for the whole). */
struct json_why {
    char text[160];
    char param[64];
};

enum { JSON_MAX_DEPTH = 32 };

/* ERR_SYNTAX, ERR_UTF8, ERR_TOOBIG (depth), ERR_NOMEM. */
enum err json_parse(struct str text, struct json_doc **ret_doc, struct json_why *why);
/* For a file that has objects of more than 256 fields, as many as keys_max. */
enum err json_parse_wide(struct str text, size_t keys_max, struct json_doc **ret_doc,
                         struct json_why *why);
void json_doc_destroy(struct json_doc *doc); /* takes NULL */
const struct json_val *json_root(const struct json_doc *doc);

enum json_type : uint8_t { JSON_NULL, JSON_BOOL, JSON_INT, JSON_NUM, JSON_STR, JSON_ARR, JSON_OBJ };
/* JSON_INT for integers that fit int64_t, JSON_NUM for every other number. */
enum json_type json_typeof(const struct json_val *v);
/* NULL when obj is not an object or has no such key. */
const struct json_val *json_get(const struct json_val *obj, const char *key);
size_t json_count(const struct json_val *v);                          /* of an array or object */
const struct json_val *json_at(const struct json_val *arr, size_t i); /* NULL past the end */
/* Walks an object, or an array, whose keys are empty: *iter starts at 0. ret_key may be NULL. Unlike
 * json_at(), which counts from the front, it is the way through an array of unknown length. */
bool json_next(const struct json_val *v, size_t *iter, struct str *ret_key,
               const struct json_val **ret_val);
struct str json_str(const struct json_val *v); /* empty slice unless a string */
int64_t json_int(const struct json_val *v, int64_t otherwise);
double json_num(const struct json_val *v, double otherwise);
bool json_bool(const struct json_val *v, bool otherwise);

/* A typed field of a request: where its value goes and what is allowed. Absent optional fields
 * leave the target as the caller initialised it; null counts as absent. */
struct json_field {
    const char *name;
    enum json_type type; /* JSON_STR → struct str, JSON_BOOL → bool, JSON_INT → int64_t,
                            JSON_NUM → double, JSON_ARR/OBJ → const struct json_val * */
    size_t offset;
    bool required;
    double min, max;    /* of the number, or of the string's length in bytes; both 0: unchecked */
    const char *one_of; /* strings only: "pcm|opus|wav" */
};
enum json_mode : uint8_t { JSON_STRICT, JSON_IGNORE_UNKNOWN };
enum err json_read(const struct json_val *obj, const struct json_field *fields, size_t count,
                   enum json_mode mode, void *into, struct json_why *why);

/* Writing: commas and quoting are the writer's business. Errors stick; ask once, at the end.
 *     struct json_out j = {.to = &buf};
 *     json_obj(&j); json_kstr(&j, "type", S("token")); json_end(&j);
 *     try(json_finish(&j));
 */
struct json_out {
    struct buf *to;
    enum err err;
    uint8_t depth;
    bool first, after_key;
    uint32_t is_arr; /* bit d: level d is an array */
};
void json_obj(struct json_out *j);
void json_arr(struct json_out *j);
void json_end(struct json_out *j);
void json_key(struct json_out *j, const char *key);
void json_put_str(struct json_out *j, struct str s); /* malformed UTF-8 becomes U+FFFD */
void json_put_int(struct json_out *j, int64_t n);
void json_put_num(struct json_out *j, double x); /* at most 6 decimals; NaN and infinities: null */
void json_put_bool(struct json_out *j, bool b);
void json_put_null(struct json_out *j);
void json_put_raw(struct json_out *j, struct str json);          /* already JSON */
void json_put_val(struct json_out *j, const struct json_val *v); /* as it was read */
void json_kstr(struct json_out *j, const char *key, struct str s);
void json_kint(struct json_out *j, const char *key, int64_t n);
void json_knum(struct json_out *j, const char *key, double x);
void json_kbool(struct json_out *j, const char *key, bool b);
enum err json_finish(struct json_out *j); /* check: every level was ended */
