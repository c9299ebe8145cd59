// SPDX-License-Identifier: Apache-2.0
/* A FLAC file, bare or in Ogg: bounded steps, samples that are the same each time, or a sentence. */
#include "audio/flac_in.h"
#include "audio/resample.h"
#include "base/check.h"
#include "fuzz.h"

enum { ENOUGH = 16 * 1024 * 1024 }; /* bytes of a bomb */

static enum err run(struct str file, bool in_ogg, struct buf *samples)
{
    struct flac_in *f;
    check(flac_in_create(file, in_ogg, &f) == OK);
    enum err err = OK;
    while (err == OK && !flac_in_ended(f) && samples->n < ENOUGH) {
        size_t before = samples->n;
        err = flac_in_read(f, samples);
        check((samples->n - before) / 2 <= FLAC_IN_STEP_SAMPLES && samples->n % 2 == 0);
        check(samples->n == before || flac_in_rate(f) != 0);
    }
    check(err == OK || err == ERR_MEDIA);
    check((err == ERR_MEDIA) == (flac_in_errmsg(f)[0] != 0));
    check(samples->n == 0 ||
          (flac_in_rate(f) >= PCM_RATE_MIN && flac_in_rate(f) <= RESAMPLE_FROM_MAX));
    size_t made = samples->n;
    if (err != OK || flac_in_ended(f)) /* errors stick, and so does the end */
        check(flac_in_read(f, samples) == err && samples->n == made);
    flac_in_destroy(f);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str file = {(const char *)data, size};
    bool in_ogg = str_starts(file, S("OggS"));
    autobuf once = BUF(SIZE_MAX), again = BUF(SIZE_MAX);
    check(run(file, in_ogg, &once) == run(file, in_ogg, &again));
    check(str_eq(buf_str(&once), buf_str(&again)));
    return 0;
}
