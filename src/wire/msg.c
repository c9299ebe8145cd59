// SPDX-License-Identifier: Apache-2.0
#include "wire/msg.h"

#include "base/check.h"
#include "wire/logprob.h"

enum field_kind : uint8_t { FIELD_U32, FIELD_U64, FIELD_F32, FIELD_STR, FIELD_BYTES };
enum direction : uint8_t { DIRECTION_S = 1, DIRECTION_E = 2, DIRECTION_B = 3 };

struct field {
    enum field_kind kind;
    uint16_t offset;
};
struct msg_spec {
    uint16_t type;
    enum direction direction;
    const char *name;
    const struct field *fields;
    uint8_t count;
};

#define U32(msg, field) {FIELD_U32, offsetof(struct msg_##msg, field)},
#define U64(msg, field) {FIELD_U64, offsetof(struct msg_##msg, field)},
#define F32(msg, field) {FIELD_F32, offsetof(struct msg_##msg, field)},
#define STR(msg, field) {FIELD_STR, offsetof(struct msg_##msg, field)},
#define BYTES(msg, field) {FIELD_BYTES, offsetof(struct msg_##msg, field)},
#define MSG(name, type, direction, fields) static const struct field name##_fields[] = {fields};
#include "wire/msg_table.h"
#undef MSG

static const struct msg_spec specs[] = {
#define MSG(name, type, direction, fields)                                                         \
    {type, DIRECTION_##direction, #name, name##_fields, sizeof name##_fields / sizeof(struct field)},
#include "wire/msg_table.h"
#undef MSG
};
enum { SPECS = sizeof specs / sizeof *specs };

static const struct msg_spec *find(uint16_t type)
{
    for (int i = 0; i < SPECS; i++)
        if (specs[i].type == type)
            return &specs[i];
    return nullptr;
}

const char *msg_name(uint16_t type)
{
    const struct msg_spec *spec = find(type);
    return spec ? spec->name : "?";
}

bool msg_from_engine(uint16_t type)
{
    const struct msg_spec *spec = find(type);
    return spec && spec->direction & DIRECTION_E;
}

bool msg_from_server(uint16_t type)
{
    const struct msg_spec *spec = find(type);
    return spec && spec->direction & DIRECTION_S;
}

uint32_t msg_cost(uint16_t type, uint32_t payload_bytes)
{
    switch (type) {
    case MSG_audio:
    case MSG_llm_segment:
    case MSG_tts_text:
    case MSG_tts_sound:
    case MSG_read_text:
    case MSG_embed_text:
    case MSG_embed_tokens:
    case MSG_embed_vector:
        return payload_bytes;
    case MSG_llm_logprob: /* its list, after a length */
        return payload_bytes < 4 ? payload_bytes : 4 + logprobs_cost(payload_bytes - 4);
    default:
        return 0;
    }
}

/* Both ends run on one machine, and Repartee's machines are little-endian: the bytes are the number. */
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

static enum err put(struct buf *out, const void *bytes, size_t n)
{
    return buf_add(out, (struct str){bytes, n});
}

static enum err put_field(struct buf *out, const struct field *f, const void *msg)
{
    const char *at = (const char *)msg + f->offset;
    if (f->kind == FIELD_U32 || f->kind == FIELD_F32)
        return put(out, at, 4);
    if (f->kind == FIELD_U64)
        return put(out, at, 8);
    const struct str *s = (const void *)at;
    if (s->n > WIRE_PAYLOAD_MAX)
        return ERR_TOOBIG;
    uint32_t n = (uint32_t)s->n;
    try(put(out, &n, 4));
    return buf_add(out, *s);
}

static enum err put_frame(struct buf *out, const struct msg_spec *spec, uint32_t stream,
                          const void *msg)
{
    size_t start = out->n;
    const uint32_t length = 0; /* filled in below */
    const uint16_t flags = 0;
    try(put(out, &length, 4));
    try(put(out, &spec->type, 2));
    try(put(out, &flags, 2));
    try(put(out, &stream, 4));
    for (int i = 0; i < spec->count; i++)
        try(put_field(out, &spec->fields[i], msg));
    size_t payload = out->n - start - WIRE_HEADER_BYTES;
    if (payload > WIRE_PAYLOAD_MAX)
        return ERR_TOOBIG;
    const uint32_t real = (uint32_t)payload;
    memcpy(out->p + start, &real, 4);
    return OK;
}

enum err msg_encode(struct buf *out, enum msg_type type, uint32_t stream, const void *msg)
{
    const struct msg_spec *spec = find(type);
    check(spec);
    size_t before = out->n;
    enum err err = put_frame(out, spec, stream, msg);
    if (err != OK)
        out->n = before;
    return err;
}

static enum err take(struct str *rest, void *into, size_t n)
{
    if (rest->n < n)
        return ERR_SYNTAX;
    memcpy(into, rest->p, n);
    *rest = str_sub(*rest, n, rest->n);
    return OK;
}

static enum err take_field(struct str *rest, const struct field *f, void *msg)
{
    char *at = (char *)msg + f->offset;
    if (f->kind == FIELD_U32 || f->kind == FIELD_F32)
        return take(rest, at, 4);
    if (f->kind == FIELD_U64)
        return take(rest, at, 8);
    uint32_t n;
    try(take(rest, &n, 4));
    if (n > rest->n)
        return ERR_SYNTAX;
    struct str s = str_sub(*rest, 0, n);
    if (f->kind == FIELD_STR && !utf8_valid(s))
        return ERR_SYNTAX;
    *rest = str_sub(*rest, n, rest->n);
    *(struct str *)(void *)at = s;
    return OK;
}

enum err msg_decode(const struct frame *frame, union msg *ret_msg)
{
    const struct msg_spec *spec = find(frame->type);
    if (!spec)
        return ERR_SYNTAX;
    union msg msg = {};
    struct str rest = frame->payload;
    for (int i = 0; i < spec->count; i++)
        try(take_field(&rest, &spec->fields[i], &msg));
    if (rest.n)
        return ERR_SYNTAX;
    *ret_msg = msg;
    return OK;
}

enum err frame_next(struct str bytes, struct frame *ret_frame, size_t *ret_used)
{
    if (bytes.n < WIRE_HEADER_BYTES)
        return ERR_AGAIN;
    uint32_t length;
    struct frame f;
    memcpy(&length, bytes.p, 4);
    memcpy(&f.type, bytes.p + 4, 2);
    memcpy(&f.flags, bytes.p + 6, 2);
    memcpy(&f.stream, bytes.p + 8, 4);
    if (length > WIRE_PAYLOAD_MAX || f.flags != 0 || !find(f.type))
        return ERR_SYNTAX;
    if (bytes.n - WIRE_HEADER_BYTES < length)
        return ERR_AGAIN;
    f.payload = str_sub(bytes, WIRE_HEADER_BYTES, WIRE_HEADER_BYTES + length);
    *ret_frame = f;
    *ret_used = WIRE_HEADER_BYTES + length;
    return OK;
}
