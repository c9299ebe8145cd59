// SPDX-License-Identifier: Apache-2.0
/*
 * The engine protocol's messages: structs, encoder and decoder, all generated from msg_table.h.
 *
 *     struct msg_llm_token t = {.text = S("hel")};
 *     try(msg_encode(&out, MSG_llm_token, stream, &t));
 *
 * A frame is a 12-byte header (u32 length of the payload, u16 type, u16 flags, u32 stream;
 * little-endian) and a payload of at most 64 KiB. No flag has a meaning yet. The number of a stream is
 * used once, so that what is said of one that has ended is known for what it is. Slices of a decoded message point into the
 * frame and live as long as it does. Both ends are hostile to each other: a length, a type or a
 * string that does not fit is ERR_SYNTAX, and the receiver ends the connection. Any thread.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

constexpr uint32_t WIRE_VERSION = 10;
constexpr uint32_t WIRE_HEADER_BYTES = 12;
constexpr uint32_t WIRE_PAYLOAD_MAX = 64 * 1024;
/* What either side may have under way per stream (payload bytes of audio, *_text, *_segment; of
 * llm_logprob more)
 * before the other grants more with `credit`. */
constexpr uint32_t WIRE_CREDIT = 256 * 1024;
/* Connection-wide messages (hello, load, ready, ping, stt_words, stt_learnt…) use stream 0. */
constexpr uint32_t WIRE_STREAM_NONE = 0;

enum msg_type : uint16_t {
#define MSG(name, type, direction, fields) MSG_##name = type,
#include "wire/msg_table.h"
#undef MSG
};

#define U32(msg, field) uint32_t field;
#define U64(msg, field) uint64_t field;
#define F32(msg, field) float field;
#define STR(msg, field) struct str field;
#define BYTES(msg, field) struct str field;
#define MSG(name, type, direction, fields)                                                         \
    struct msg_##name {                                                                            \
        fields                                                                                     \
    };
#include "wire/msg_table.h"
#undef MSG

union msg {
#define MSG(name, type, direction, fields) struct msg_##name name;
#include "wire/msg_table.h"
#undef MSG
};
#undef U32
#undef U64
#undef F32
#undef STR
#undef BYTES

struct frame {
    uint16_t type, flags;
    uint32_t stream;
    struct str payload;
};

/* "llm_token", or "?" for a number that is not in the table. */
const char *msg_name(uint16_t type);
bool msg_from_engine(uint16_t type); /* may an engine send it? */
bool msg_from_server(uint16_t type);
/* Payload bytes that count against the stream's credit; 0 for messages that are free. */
uint32_t msg_cost(uint16_t type, uint32_t payload_bytes);

/* Appends one frame to `out`. ERR_TOOBIG: the payload exceeds 64 KiB (split it). */
enum err msg_encode(struct buf *out, enum msg_type type, uint32_t stream, const void *msg);
/* ERR_SYNTAX for a payload that is not exactly one message of frame's type. */
enum err msg_decode(const struct frame *frame, union msg *ret_msg);

/* Cuts the first whole frame off `bytes`: OK, ERR_AGAIN (more bytes needed), ERR_SYNTAX (length or
 * type out of range). *ret_used is how many bytes it took. */
enum err frame_next(struct str bytes, struct frame *ret_frame, size_t *ret_used);
