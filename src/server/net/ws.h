// SPDX-License-Identifier: Apache-2.0
/*
 * The WebSocket wire format (RFC 6455) without sockets or clock: an incremental decoder, an encoder
 * and the opening handshake. No extensions. Pure; one thread at a time per object.
 *
 * The decoder is strict: reserved bits and opcodes, control frames that are fragmented or above 125
 * bytes, lengths not in shortest form, masked or unmasked contrary to the side, bad close codes and
 * malformed UTF-8 (seen at its first bad byte, also across fragments) are errors. Between messages it
 * holds no memory. A server's decoder wants masked frames, a client's unmasked ones.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum ws_op : uint8_t {
    WS_NONE = 0xff,
    WS_TEXT = 1,
    WS_BINARY = 2,
    WS_CLOSE = 8,
    WS_PING = 9,
    WS_PONG = 10
};

constexpr uint16_t WS_CODE_NONE = 1005;     /* a close frame without a code */
constexpr uint16_t WS_CODE_ABNORMAL = 1006; /* no close frame at all */

struct ws_decoder {
    size_t max_message;
    struct buf message; /* of data frames so far */
    uint64_t left;      /* of the present frame's payload */
    uint32_t frames;    /* of the present message */
    uint32_t utf8;      /* state of the text check */
    uint8_t head[14];
    uint8_t head_n, head_need;
    uint8_t mask[4], mask_at;
    uint8_t op, message_op; /* WS_NONE: between frames, messages */
    bool fin, server, ready;
    uint8_t control_n;
    char control[125];
};
struct ws_message {
    enum ws_op op;      /* WS_NONE: all bytes are used up, come back with more */
    struct str payload; /* until the next call; of WS_CLOSE: the reason */
    uint16_t code;      /* of WS_CLOSE */
};

void ws_decoder_init(struct ws_decoder *d, bool server, size_t max_message);
void ws_decoder_finish(struct ws_decoder *d);
/* Eats from the front of *bytes up to the end of the next message. ERR_SYNTAX (close with 1002),
 * ERR_UTF8 (1007), ERR_TOOBIG (1009), ERR_NOMEM (1013): stop reading. */
enum err ws_decode(struct ws_decoder *d, struct str *bytes, struct ws_message *ret_message);

/* A frame's header for a whole, unmasked message (what servers send). Returns its length. */
enum { WS_HEAD_MAX = 14 };
unsigned ws_head(enum ws_op op, uint64_t payload_bytes, uint8_t into[WS_HEAD_MAX]);
/* The same with a mask (what clients send); the payload is then masked with ws_mask. */
unsigned ws_head_masked(enum ws_op op, uint64_t payload_bytes, const uint8_t mask[4],
                        uint8_t into[WS_HEAD_MAX]);
void ws_mask(char *payload, size_t n, const uint8_t mask[4]);
/* May this code stand in a close frame? */
bool ws_code_valid(uint16_t code);

/* Sec-WebSocket-Accept for Sec-WebSocket-Key: 28 characters and a NUL. ERR_INVALID: not 16 bytes of
 * base64. */
enum { WS_ACCEPT_SIZE = 29 };
enum err ws_accept_key(struct str key, char into[WS_ACCEPT_SIZE]);
