// SPDX-License-Identifier: Apache-2.0
/*
 * Protocol Buffers' wire format, as far as an ONNX file needs it: fields of a message one after another, and the writing
 * of some. Nothing is copied; a field's bytes lie in the message. Pure, any thread.
 *
 *     struct protobuf_field f;
 *     while (protobuf_next(&rest, &f)) …f.number, f.wire…
 *     if (rest.n > 0) …what follows is no field: the message is cut or broken…
 */
#pragma once

#include <stdint.h>

#include "base/str.h"

enum protobuf_wire : uint8_t { WIRE_VARINT = 0, WIRE_I64 = 1, WIRE_BYTES = 2, WIRE_I32 = 5 };

struct protobuf_field {
    uint32_t number;
    enum protobuf_wire wire;
    uint64_t value;   /* of VARINT, I32 and I64 */
    struct str bytes; /* of BYTES */
    struct str whole; /* the field as it stands in the message */
};

/* False at the end, and where no whole field follows; *rest is empty in the first case only. */
bool protobuf_next(struct str *rest, struct protobuf_field *ret_field);
/* One number out of a packed run of them; false as above. */
bool protobuf_varint(struct str *rest, uint64_t *ret_value);

enum err protobuf_put_varint(struct buf *into, uint32_t number, uint64_t value);
enum err protobuf_put_bytes(struct buf *into, uint32_t number, struct str bytes);
/* Only the head of a field of `n` bytes, which the caller appends. */
enum err protobuf_put_head(struct buf *into, uint32_t number, size_t n);
