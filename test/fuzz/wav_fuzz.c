// SPDX-License-Identifier: Apache-2.0
/* The first byte chooses the size of the pieces; one piece must come to the same as many. */
#include "audio/wav.h"
#include "base/check.h"
#include "fuzz.h"

static enum err run(struct str bytes, size_t step, struct buf *samples, uint32_t *ret_rate)
{
    struct wav_reader *r;
    check(wav_reader_create(&r) == OK);
    enum err err = OK;
    for (size_t at = 0; at < bytes.n && err == OK; at += step)
        err = wav_feed(r, str_sub(bytes, at, bytes.n - at < step ? bytes.n : at + step), samples);
    enum err end = wav_end(r);
    check(err == OK || end == err); /* errors stick */
    check((end == ERR_MEDIA) == (wav_errmsg(r)[0] != 0));
    check(end != OK || (wav_rate(r) >= PCM_RATE_MIN && samples->n % 2 == 0));
    *ret_rate = wav_rate(r);
    wav_reader_destroy(r);
    return end;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct str bytes = {(const char *)data + 1, size - 1};
    autobuf whole = BUF(SIZE_MAX), pieces = BUF(SIZE_MAX);
    uint32_t rate, rate_again;
    enum err err = run(bytes, SIZE_MAX, &whole, &rate);
    check(run(bytes, 1 + data[0] % 64, &pieces, &rate_again) == err && rate == rate_again);
    check(str_eq(buf_str(&whole), buf_str(&pieces)));
    return 0;
}
