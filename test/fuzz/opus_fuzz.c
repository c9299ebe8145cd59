// SPDX-License-Identifier: Apache-2.0
/* Packets, each behind a length of two bytes; the first byte tells whether a head of 19 goes before. */
#include "audio/opus_in.h"
#include "base/check.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { HEAD_BYTES = 19, SAMPLES_MAX = OPUS_PACKET_MS * 16 };
    if (size == 0)
        return 0;
    struct str rest = {(const char *)data + 1, size - 1};
    autobuf samples = BUF(SIZE_MAX);
    struct opus_in *o;
    check(opus_in_create(&o) == OK);
    enum err err = OK;
    if (data[0] & 1) {
        err = opus_in_head(o, str_sub(rest, 0, HEAD_BYTES));
        check(err == OK || err == ERR_MEDIA);
        rest = str_sub(rest, HEAD_BYTES, rest.n);
    }
    while (err == OK && rest.n >= 2) {
        size_t n = (uint8_t)rest.p[0] | (size_t)(uint8_t)rest.p[1] << 8, before = samples.n;
        err = opus_in_packet(o, str_sub(rest, 2, 2 + n), &samples);
        check(err == OK || err == ERR_MEDIA);
        check(samples.n - before <= SAMPLES_MAX * sizeof(int16_t) && samples.n % 2 == 0);
        rest = str_sub(rest, 2 + n, rest.n);
    }
    opus_in_destroy(o);
    return 0;
}
