// SPDX-License-Identifier: Apache-2.0
/* Bytes from the other end of an engine's socket. What is understood is what its sender wrote. */
#include "base/check.h"
#include "fuzz.h"
#include "wire/msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = {(const char *)data, size};
    struct frame f;
    size_t used;
    while (frame_next(rest, &f, &used) == OK) {
        union msg msg;
        autobuf again = BUF(WIRE_HEADER_BYTES + WIRE_PAYLOAD_MAX);
        check(used <= rest.n && used == WIRE_HEADER_BYTES + f.payload.n);
        check(msg_name(f.type)[0] != '?' && (msg_from_engine(f.type) || msg_from_server(f.type)));
        if (msg_decode(&f, &msg) == OK) {
            check(msg_encode(&again, f.type, f.stream, &msg) == OK);
            check(str_eq(buf_str(&again), str_sub(rest, 0, used)));
        }
        rest = str_sub(rest, used, rest.n);
    }
    return 0;
}
