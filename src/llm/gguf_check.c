// SPDX-License-Identifier: Apache-2.0
#include "llm/gguf_check.h"

#include <ggml.h>
#include <stdarg.h>
#include <stdckdint.h>
#include <stdio.h>

enum {
    KEYS_MAX = 65536,
    TENSORS_MAX = 65536,
    KEY_BYTES_MAX = 65535,
    NAME_BYTES_MAX = GGML_MAX_NAME - 1,
    ALIGNMENT_MAX = 65536,
};

/* As the file numbers the types of a value. */
enum value_type : uint32_t {
    VALUE_U32 = 4,
    VALUE_BOOL = 7,
    VALUE_STRING = 8,
    VALUE_ARRAY = 9,
    VALUE_TYPES = 13,
};
static const uint8_t value_bytes[VALUE_TYPES] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

struct reader {
    struct str rest;
    char *why;
    uint64_t alignment;
    struct gguf_facts facts;
};

__attribute__((format(printf, 2, 3))) static enum err refuse(struct reader *r, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(r->why, GGUF_WHY_BYTES, fmt, ap);
    va_end(ap);
    return ERR_INVALID;
}

static enum err cut_short(struct reader *r)
{
    return refuse(r, "the model file ends in the middle of its header; it was not copied whole");
}

static enum err take(struct reader *r, size_t n, struct str *ret_bytes)
{
    if (n > r->rest.n)
        return cut_short(r);
    *ret_bytes = str_sub(r->rest, 0, n);
    r->rest = str_sub(r->rest, n, r->rest.n);
    return OK;
}

static uint64_t little_endian(struct str bytes)
{
    uint64_t n = 0;
    for (size_t i = bytes.n; i-- > 0;)
        n = n << 8 | (unsigned char)bytes.p[i];
    return n;
}

static enum err take_number(struct reader *r, size_t bytes, uint64_t *ret_n)
{
    struct str s;
    try(take(r, bytes, &s));
    *ret_n = little_endian(s);
    return OK;
}

static enum err take_string(struct reader *r, struct str *ret_s)
{
    uint64_t n;
    try(take_number(r, 8, &n));
    return take(r, n, ret_s);
}

/* --- keys and values --- */

static enum err skip_array(struct reader *r)
{
    uint64_t type, count;
    struct str skipped;
    try(take_number(r, 4, &type));
    try(take_number(r, 8, &count));
    if (type >= VALUE_TYPES || type == VALUE_ARRAY)
        return refuse(r, "the model file has a list of an unknown type");
    if (type == VALUE_STRING) {
        for (uint64_t i = 0; i < count; i++) /* each takes 8 bytes at least, so it ends */
            try(take_string(r, &skipped));
        return OK;
    }
    size_t bytes;
    if (ckd_mul(&bytes, count, value_bytes[type]))
        return cut_short(r);
    return take(r, bytes, &skipped);
}

static enum err take_alignment(struct reader *r, uint64_t type, struct str value)
{
    uint64_t n = type == VALUE_U32 ? little_endian(value) : 0;
    if (n == 0 || n > ALIGNMENT_MAX || (n & (n - 1)) != 0)
        return refuse(r, "the model file's alignment is no power of two");
    r->alignment = n;
    return OK;
}

/* Their names begin with the architecture's. */
static void note_fact(struct reader *r, struct str key, uint64_t type, struct str value)
{
    if (type == VALUE_BOOL && str_ends(key, S(".attention.causal")))
        r->facts.looks_ahead = little_endian(value) == 0;
    if (type == VALUE_U32 && str_ends(key, S(".pooling_type")))
        r->facts.pools = little_endian(value) != 0;
}

static enum err check_value(struct reader *r)
{
    struct str key, value;
    uint64_t type;
    try(take_string(r, &key));
    if (key.n == 0 || key.n > KEY_BYTES_MAX || !utf8_valid(key) || memchr(key.p, 0, key.n))
        return refuse(r, "the model file has a value without a proper name");
    try(take_number(r, 4, &type));
    if (type >= VALUE_TYPES)
        return refuse(r, "the model file has a value of an unknown type");
    if (type == VALUE_ARRAY)
        return skip_array(r);
    if (type == VALUE_STRING)
        return take_string(r, &value);
    try(take(r, value_bytes[type], &value));
    note_fact(r, key, type, value);
    if (str_eq(key, S("split.count")) && little_endian(value) > 1)
        return refuse(
            r, "the model is cut into several files; join them with llama-gguf-split --merge");
    return str_eq(key, S("general.alignment")) ? take_alignment(r, type, value) : OK;
}

/* --- tensors --- */

struct tensor {
    uint64_t bytes, offset;
};

static enum err take_dimensions(struct reader *r, uint64_t *ret_first, uint64_t *ret_rows)
{
    uint64_t count, n, elements;
    try(take_number(r, 4, &count));
    if (count == 0 || count > GGML_MAX_DIMS)
        return refuse(r, "the model file has a tensor of no or too many dimensions");
    try(take_number(r, 8, ret_first));
    *ret_rows = 1;
    for (uint64_t i = 1; i < count; i++) {
        try(take_number(r, 8, &n));
        if (n == 0 || ckd_mul(ret_rows, *ret_rows, n))
            return refuse(r, "the model file has a tensor of an impossible size");
    }
    if (*ret_first == 0 || ckd_mul(&elements, *ret_first, *ret_rows) || elements > INT64_MAX)
        return refuse(r, "the model file has a tensor of an impossible size");
    return OK;
}

static enum err take_tensor(struct reader *r, struct tensor *ret_tensor)
{
    struct str name;
    uint64_t first = 0, rows = 0, type = 0;
    try(take_string(r, &name));
    if (name.n == 0 || name.n > NAME_BYTES_MAX || !utf8_valid(name) || memchr(name.p, 0, name.n))
        return refuse(r, "the model file has a tensor without a proper name");
    try(take_dimensions(r, &first, &rows));
    try(take_number(r, 4, &type));
    int64_t block = type < GGML_TYPE_COUNT ? ggml_blck_size((enum ggml_type)type) : 0;
    if (block <= 0)
        return refuse(r, "the model file has a tensor of a kind that is not known here; "
                         "a newer Repartee may read it");
    if (first % (uint64_t)block != 0)
        return refuse(r, "the model file has a tensor whose rows are no whole blocks");
    uint64_t blocks, bytes;
    if (ckd_mul(&blocks, first / (uint64_t)block, rows) ||
        ckd_mul(&bytes, blocks, ggml_type_size((enum ggml_type)type)))
        return refuse(r, "the model file has a tensor of an impossible size");
    ret_tensor->bytes = bytes;
    return take_number(r, 8, &ret_tensor->offset);
}

static bool align(uint64_t *n, uint64_t alignment)
{
    uint64_t up;
    if (ckd_add(&up, *n, alignment - 1))
        return false;
    *n = up & ~(alignment - 1);
    return true;
}

/* One after another, without gaps; *ret_bytes is where the last one ends. */
static enum err check_tensors(struct reader *r, uint64_t count, uint64_t *ret_bytes)
{
    uint64_t at = 0;
    for (uint64_t i = 0; i < count; i++) {
        struct tensor t;
        try(take_tensor(r, &t));
        if (!align(&at, r->alignment) || t.offset != at)
            return refuse(r, "the model file's tensors do not follow one another");
        if (ckd_add(&at, t.offset, t.bytes))
            return refuse(r, "the model file has a tensor of an impossible size");
    }
    *ret_bytes = at;
    return OK;
}

enum err gguf_check(struct str file, struct gguf_facts *ret_facts, char why[GGUF_WHY_BYTES])
{
    enum { DEFAULT_ALIGNMENT = 32 };
    struct reader r = {.rest = file, .why = why, .alignment = DEFAULT_ALIGNMENT};
    struct str magic;
    uint64_t version = 0, tensors = 0, keys = 0, bytes = 0;
    if (take(&r, 4, &magic) != OK || !str_eq(magic, S("GGUF")))
        return refuse(&r, "this is no model file: it does not begin with GGUF");
    try(take_number(&r, 4, &version));
    if (version != 2 && version != 3)
        return refuse(&r, "the model file is of GGUF version %u; 2 and 3 can be read",
                      (unsigned)version);
    try(take_number(&r, 8, &tensors));
    try(take_number(&r, 8, &keys));
    if (tensors == 0 || tensors > TENSORS_MAX || keys == 0 || keys > KEYS_MAX)
        return refuse(&r, "the model file's counts of tensors and values are impossible");
    for (uint64_t i = 0; i < keys; i++)
        try(check_value(&r));
    try(check_tensors(&r, tensors, &bytes));
    uint64_t data = file.n - r.rest.n;
    if (!align(&data, r.alignment) || data > file.n || bytes > file.n - data)
        return refuse(&r,
                      "the model file is shorter than its header says; it was not copied whole");
    if (file.n - data - bytes >= r.alignment)
        return refuse(&r, "the model file is longer than its header says; it is damaged");
    *ret_facts = r.facts;
    return OK;
}
