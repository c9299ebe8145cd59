// SPDX-License-Identifier: Apache-2.0
#include "tts/onnx/protobuf.h"

enum { VARINT_BYTES = 10, FIELD_MAX = (1 << 29) - 1 };

bool protobuf_varint(struct str *rest, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (size_t i = 0; i < rest->n && i < VARINT_BYTES; i++) {
        uint8_t b = (uint8_t)rest->p[i];
        if (i == VARINT_BYTES - 1 && b > 1)
            return false;
        value |= (uint64_t)(b & 0x7f) << (7 * i);
        if (!(b & 0x80)) {
            *rest = str_sub(*rest, i + 1, rest->n);
            *ret_value = value;
            return true;
        }
    }
    return false;
}

static bool take(struct str *rest, size_t n, struct str *ret_bytes)
{
    if (n > rest->n)
        return false;
    *ret_bytes = str_sub(*rest, 0, n);
    *rest = str_sub(*rest, n, rest->n);
    return true;
}

static bool take_fixed(struct str *rest, size_t n, uint64_t *ret_value)
{
    struct str bytes;
    if (!take(rest, n, &bytes))
        return false;
    *ret_value = 0;
    for (size_t i = 0; i < n; i++)
        *ret_value |= (uint64_t)(uint8_t)bytes.p[i] << (8 * i);
    return true;
}

static bool take_value(struct str *rest, struct protobuf_field *f)
{
    switch (f->wire) {
    case WIRE_VARINT:
        return protobuf_varint(rest, &f->value);
    case WIRE_I64:
        return take_fixed(rest, 8, &f->value);
    case WIRE_I32:
        return take_fixed(rest, 4, &f->value);
    case WIRE_BYTES:
        return protobuf_varint(rest, &f->value) && take(rest, f->value, &f->bytes);
    }
    return false; /* groups, which ONNX has none of */
}

bool protobuf_next(struct str *rest, struct protobuf_field *ret_field)
{
    struct str after = *rest;
    uint64_t key;
    struct protobuf_field f = {};
    if (!protobuf_varint(&after, &key) || key >> 3 == 0 || key >> 3 > FIELD_MAX)
        return false;
    f.number = (uint32_t)(key >> 3);
    f.wire = (enum protobuf_wire)(key & 7);
    if (!take_value(&after, &f))
        return false;
    f.whole = str_sub(*rest, 0, rest->n - after.n);
    *rest = after;
    *ret_field = f;
    return true;
}

static enum err put_number(struct buf *into, uint64_t value)
{
    while (value > 0x7f) {
        try(buf_add_byte(into, (char)(value | 0x80)));
        value >>= 7;
    }
    return buf_add_byte(into, (char)value);
}

enum err protobuf_put_varint(struct buf *into, uint32_t number, uint64_t value)
{
    try(put_number(into, (uint64_t)number << 3 | WIRE_VARINT));
    return put_number(into, value);
}

enum err protobuf_put_head(struct buf *into, uint32_t number, size_t n)
{
    try(put_number(into, (uint64_t)number << 3 | WIRE_BYTES));
    return put_number(into, n);
}

enum err protobuf_put_bytes(struct buf *into, uint32_t number, struct str bytes)
{
    try(protobuf_put_head(into, number, bytes.n));
    return buf_add(into, bytes);
}
