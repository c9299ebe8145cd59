// SPDX-License-Identifier: Apache-2.0
#include "server/net/ws.h"

#include <openssl/evp.h>

#include "base/check.h"

/* A message of more frames than this is not streaming, it is an attack on our patience. */
constexpr uint32_t FRAMES_MAX = 4096;
constexpr size_t RESERVE_MAX = 64 * 1024; /* what a frame's announced length may make us allocate */

enum : uint8_t { FIN = 0x80, RSV = 0x70, OP = 0x0f, MASKED = 0x80, LENGTH = 0x7f };
enum : uint8_t { OP_CONTINUE = 0 };

static bool is_control(uint8_t op)
{
    return (op & 8) != 0;
}

/* --- text across fragments ----------------------------------------------------------------------- */

/* The state is what the next byte must be: how many continuation bytes are due, and the range of the
 * first of them (RFC 3629, table of well-formed sequences). 0: a new character. */
static uint32_t utf8_state(uint32_t due, uint32_t low, uint32_t high)
{
    return due | low << 8 | high << 16;
}

static bool utf8_begin(uint8_t c, uint32_t *state)
{
    if (c < 0x80)
        *state = 0;
    else if (c >= 0xc2 && c <= 0xdf)
        *state = utf8_state(1, 0x80, 0xbf);
    else if (c >= 0xe0 && c <= 0xef)
        *state = utf8_state(2, c == 0xe0 ? 0xa0 : 0x80, c == 0xed ? 0x9f : 0xbf);
    else if (c >= 0xf0 && c <= 0xf4)
        *state = utf8_state(3, c == 0xf0 ? 0x90 : 0x80, c == 0xf4 ? 0x8f : 0xbf);
    else
        return false;
    return true;
}

static bool utf8_continue(uint8_t c, uint32_t *state)
{
    uint32_t due = *state & 0xff, low = *state >> 8 & 0xff, high = *state >> 16;
    if (c < low || c > high)
        return false;
    *state = due > 1 ? utf8_state(due - 1, 0x80, 0xbf) : 0;
    return true;
}

static bool utf8_feed(uint32_t *state, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        uint64_t eight;
        while (*state == 0 && s.n - i >= sizeof eight) {
            memcpy(&eight, s.p + i, sizeof eight);
            if ((eight & 0x8080808080808080u) != 0)
                break;
            i += sizeof eight;
        }
        if (i == s.n)
            return true;
        uint8_t c = (uint8_t)s.p[i];
        if (!(*state == 0 ? utf8_begin(c, state) : utf8_continue(c, state)))
            return false;
    }
    return true;
}

/* --- masks --------------------------------------------------------------------------------------- */

static void mask_from(char *p, size_t n, const uint8_t mask[4], unsigned at)
{
    uint8_t turned[8];
    for (unsigned i = 0; i < 8; i++)
        turned[i] = mask[(at + i) & 3];
    uint64_t eight, eight_mask;
    memcpy(&eight_mask, turned, sizeof eight_mask);
    size_t i = 0;
    for (; n - i >= sizeof eight; i += sizeof eight) {
        memcpy(&eight, p + i, sizeof eight);
        eight ^= eight_mask;
        memcpy(p + i, &eight, sizeof eight);
    }
    for (; i < n; i++)
        p[i] ^= (char)turned[i & 7];
}

void ws_mask(char *payload, size_t n, const uint8_t mask[4])
{
    mask_from(payload, n, mask, 0);
}

/* --- decoding ------------------------------------------------------------------------------------ */

void ws_decoder_init(struct ws_decoder *d, bool server, size_t max_message)
{
    *d = (struct ws_decoder){
        .server = server,
        .max_message = max_message,
        .message = BUF(max_message),
        .op = WS_NONE,
        .message_op = WS_NONE,
        .head_need = 2,
    };
}

void ws_decoder_finish(struct ws_decoder *d)
{
    buf_finish(&d->message);
}

/* What the first two bytes already tell. */
static enum err check_start(struct ws_decoder *d)
{
    uint8_t op = d->head[0] & OP, length = d->head[1] & LENGTH;
    bool fin = (d->head[0] & FIN) != 0, masked = (d->head[1] & MASKED) != 0;
    if ((d->head[0] & RSV) != 0 || masked != d->server)
        return ERR_SYNTAX;
    if (is_control(op)) {
        if (op > WS_PONG || !fin || length > 125)
            return ERR_SYNTAX;
    } else {
        if (op > WS_BINARY || (op == OP_CONTINUE) != (d->message_op != WS_NONE))
            return ERR_SYNTAX;
    }
    d->head_need = (uint8_t)(2 + (length == 126 ? 2 : length == 127 ? 8 : 0) + (masked ? 4 : 0));
    return OK;
}

static enum err read_length(struct ws_decoder *d, uint64_t *ret_length)
{
    uint8_t length = d->head[1] & LENGTH;
    if (length < 126) {
        *ret_length = length;
        return OK;
    }
    unsigned bytes = length == 126 ? 2 : 8;
    uint64_t n = 0;
    for (unsigned i = 0; i < bytes; i++)
        n = n << 8 | d->head[2 + i];
    if (n < (bytes == 2 ? 126u : 65536u) || n >> 63 != 0)
        return ERR_SYNTAX;
    *ret_length = n;
    return OK;
}

static enum err begin_frame(struct ws_decoder *d)
{
    uint64_t length;
    try(read_length(d, &length));
    uint8_t op = d->head[0] & OP;
    if (is_control(op)) {
        d->control_n = 0;
    } else {
        if (op != OP_CONTINUE) {
            d->message_op = op;
            d->frames = 0;
            d->utf8 = 0;
        }
        if (length > d->max_message - d->message.n || ++d->frames > FRAMES_MAX)
            return ERR_TOOBIG;
        try(buf_reserve(&d->message, length < RESERVE_MAX ? length : RESERVE_MAX));
    }
    d->op = op;
    d->fin = (d->head[0] & FIN) != 0;
    d->left = length;
    if (d->server)
        memcpy(d->mask, d->head + d->head_n - 4, sizeof d->mask);
    else
        memset(d->mask, 0, sizeof d->mask);
    d->mask_at = 0;
    d->head_n = 0;
    d->head_need = 2;
    return OK;
}

static enum err eat_head(struct ws_decoder *d, struct str *bytes)
{
    while (bytes->n > 0 && d->head_n < d->head_need) {
        d->head[d->head_n++] = (uint8_t)bytes->p[0];
        *bytes = str_sub(*bytes, 1, bytes->n);
        if (d->head_n == 2)
            try(check_start(d));
    }
    return d->head_n == d->head_need ? begin_frame(d) : OK;
}

static enum err eat_payload(struct ws_decoder *d, struct str *bytes)
{
    size_t n = bytes->n < d->left ? bytes->n : (size_t)d->left;
    char *into = d->control + d->control_n;
    if (is_control(d->op)) {
        memcpy(into, bytes->p, n);
        d->control_n += (uint8_t)n;
    } else {
        size_t at = d->message.n;
        try(buf_add(&d->message, (struct str){bytes->p, n}));
        into = d->message.p + at;
    }
    mask_from(into, n, d->mask, d->mask_at);
    d->mask_at = (uint8_t)((d->mask_at + n) & 3);
    d->left -= n;
    *bytes = str_sub(*bytes, n, bytes->n);
    if (!is_control(d->op) && d->message_op == WS_TEXT &&
        !utf8_feed(&d->utf8, (struct str){into, n}))
        return ERR_UTF8;
    return OK;
}

static enum err end_close(struct ws_decoder *d, struct ws_message *ret_message)
{
    if (d->control_n == 0) {
        ret_message->code = WS_CODE_NONE;
        return OK;
    }
    if (d->control_n == 1)
        return ERR_SYNTAX;
    ret_message->code = (uint16_t)((uint8_t)d->control[0] << 8 | (uint8_t)d->control[1]);
    ret_message->payload = str_sub(ret_message->payload, 2, d->control_n);
    if (!ws_code_valid(ret_message->code))
        return ERR_SYNTAX;
    return utf8_valid(ret_message->payload) ? OK : ERR_UTF8;
}

/* Sets ret_message->op when the frame completes a message. */
static enum err end_frame(struct ws_decoder *d, struct ws_message *ret_message)
{
    uint8_t op = d->op;
    d->op = WS_NONE;
    if (is_control(op)) {
        ret_message->payload = (struct str){d->control, d->control_n};
        if (op == WS_CLOSE)
            try(end_close(d, ret_message));
        ret_message->op = (enum ws_op)op;
        return OK;
    }
    if (!d->fin)
        return OK;
    if (d->message_op == WS_TEXT && d->utf8 != 0)
        return ERR_UTF8;
    ret_message->op = (enum ws_op)d->message_op;
    ret_message->payload = buf_str(&d->message);
    d->message_op = WS_NONE;
    d->ready = true;
    return OK;
}

enum err ws_decode(struct ws_decoder *d, struct str *bytes, struct ws_message *ret_message)
{
    if (d->ready) {
        d->ready = false;
        buf_finish(&d->message);
    }
    *ret_message = (struct ws_message){.op = WS_NONE};
    while (ret_message->op == WS_NONE) {
        if (d->op == WS_NONE)
            try(eat_head(d, bytes));
        if (d->op == WS_NONE || (bytes->n == 0 && d->left > 0))
            break;
        if (d->left > 0)
            try(eat_payload(d, bytes));
        if (d->left == 0)
            try(end_frame(d, ret_message));
    }
    return OK;
}

/* --- encoding ------------------------------------------------------------------------------------ */

unsigned ws_head(enum ws_op op, uint64_t payload_bytes, uint8_t into[WS_HEAD_MAX])
{
    unsigned more = payload_bytes < 126 ? 0 : payload_bytes <= UINT16_MAX ? 2 : 8;
    into[0] = (uint8_t)(FIN | op);
    into[1] = more == 0 ? (uint8_t)payload_bytes : more == 2 ? 126 : 127;
    for (unsigned i = 0; i < more; i++)
        into[2 + i] = (uint8_t)(payload_bytes >> 8 * (more - 1 - i));
    return 2 + more;
}

unsigned ws_head_masked(enum ws_op op, uint64_t payload_bytes, const uint8_t mask[4],
                        uint8_t into[WS_HEAD_MAX])
{
    unsigned n = ws_head(op, payload_bytes, into);
    into[1] |= MASKED;
    memcpy(into + n, mask, 4);
    return n + 4;
}

bool ws_code_valid(uint16_t code)
{
    return (code >= 1000 && code <= 1014 && code != 1004 && code != WS_CODE_NONE &&
            code != WS_CODE_ABNORMAL) ||
           (code >= 3000 && code <= 4999);
}

/* --- the handshake ------------------------------------------------------------------------------- */

enum err ws_accept_key(struct str key, char into[WS_ACCEPT_SIZE])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char text[24 + sizeof guid - 1], nonce[18], sha[20];
    if (key.n != 24 || key.p[22] != '=' || key.p[23] != '=' || str_find_byte(key, '=') != 22)
        return ERR_INVALID; /* to the decoder = is a digit */
    if (EVP_DecodeBlock(nonce, (const unsigned char *)key.p, 24) != 18)
        return ERR_INVALID;
    memcpy(text, key.p, 24);
    memcpy(text + 24, guid, sizeof guid - 1);
    if (EVP_Digest(text, sizeof text, sha, nullptr, EVP_sha1(), nullptr) != 1)
        return ERR_INTERNAL;
    check(EVP_EncodeBlock((unsigned char *)into, sha, sizeof sha) == WS_ACCEPT_SIZE - 1);
    return OK;
}
