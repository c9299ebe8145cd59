// SPDX-License-Identifier: Apache-2.0
/*
 * The first byte chooses side and size of the pieces; one piece must come to the same as many. The others
 * are also taken for the key of a handshake.
 */
#include "base/check.h"
#include "fuzz.h"
#include "server/net/ws.h"

struct sum {
    unsigned messages;
    enum err err;
    uint64_t hash;
};

enum { MAX_MESSAGE = 1 << 16 };

static struct sum run(bool server, struct str bytes, size_t step)
{
    struct sum sum = {};
    struct ws_decoder d;
    ws_decoder_init(&d, server, MAX_MESSAGE);
    while (sum.err == OK) {
        struct str piece = str_sub(bytes, 0, step);
        size_t had = piece.n;
        struct ws_message m;
        sum.err = ws_decode(&d, &piece, &m);
        bytes = str_sub(bytes, had - piece.n, bytes.n);
        if (sum.err != OK)
            break;
        if (m.op == WS_NONE && bytes.n == 0)
            break;
        if (m.op == WS_NONE)
            continue;
        sum.messages++;
        check(m.payload.n <= MAX_MESSAGE);
        if (m.op == WS_TEXT || m.op == WS_CLOSE)
            check(utf8_valid(m.payload));
        if (m.op == WS_CLOSE)
            check(m.code == WS_CODE_NONE || ws_code_valid(m.code));
        for (size_t i = 0; i < m.payload.n; i++)
            sum.hash = (sum.hash ^ (unsigned char)m.payload.p[i]) * 1099511628211u;
    }
    ws_decoder_finish(&d);
    return sum;
}

static void answer_handshake(struct str key)
{
    char accept[WS_ACCEPT_SIZE];
    enum err err = ws_accept_key(key, accept);
    check(err == OK ? strlen(accept) == WS_ACCEPT_SIZE - 1 : err == ERR_INVALID);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    bool server = (data[0] & 1) == 0;
    struct str bytes = {(const char *)data + 1, size - 1};
    struct sum whole = run(server, bytes, SIZE_MAX),
               pieces = run(server, bytes, 1 + data[0] / 2 % 16);
    answer_handshake(str_sub(bytes, 0, 24));
    check(whole.messages == pieces.messages && whole.err == pieces.err &&
          whole.hash == pieces.hash);
    return 0;
}
