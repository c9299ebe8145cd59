// SPDX-License-Identifier: Apache-2.0
/*
 * Bytes from the other end of an engine's socket. What is understood is what its sender wrote, and a stream
 * keeps no more of it than was granted; every third message is handled, and every sixth paid for.
 */
#include <stdlib.h>

#include "base/check.h"
#include "fuzz.h"
#include "wire/inbox.h"

static void handle(struct inbox *in, bool pay)
{
    struct letter *l = inbox_take(in);
    if (l && pay)
        inbox_pay(in, l->cost);
    free(l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct inbox in;
    unsigned handled = 0;
    inbox_init(&in);
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
            check(inbox_post(&in, &f) != ERR_NOMEM);
            check(in.unpaid_bytes <= WIRE_CREDIT);
        }
        rest = str_sub(rest, used, rest.n);
        if (++handled % 3 == 0)
            handle(&in, handled % 2 == 0);
    }
    inbox_finish(&in);
    return 0;
}
