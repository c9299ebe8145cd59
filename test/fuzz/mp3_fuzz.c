// SPDX-License-Identifier: Apache-2.0
/* An MP3 file: bounded steps, samples that are the same each time, or a sentence; tags that end behind their beginning. */
#include "audio/mp3_in.h"
#include "base/check.h"
#include "fuzz.h"

enum { ENOUGH = 16 * 1024 * 1024 }; /* bytes of a bomb */

static enum err run(struct str file, struct buf *samples)
{
    struct mp3_in *m;
    check(mp3_in_create(file, &m) == OK);
    enum err err = OK;
    while (err == OK && !mp3_in_ended(m) && samples->n < ENOUGH) {
        size_t before = samples->n;
        err = mp3_in_read(m, samples);
        check((samples->n - before) / 2 <= MP3_IN_STEP_SAMPLES && samples->n % 2 == 0);
    }
    check(err == OK || err == ERR_MEDIA);
    check((err == ERR_MEDIA) == (mp3_in_errmsg(m)[0] != 0));
    check(samples->n == 0 || (mp3_in_rate(m) >= PCM_RATE_MIN && mp3_in_rate(m) <= PCM_RATE_MAX));
    size_t made = samples->n;
    if (err != OK || mp3_in_ended(m)) /* errors stick, and so does the end */
        check(mp3_in_read(m, samples) == err && samples->n == made);
    mp3_in_destroy(m);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str file = {(const char *)data, size};
    autobuf once = BUF(SIZE_MAX), again = BUF(SIZE_MAX);
    size_t tag = mp3_in_tag(file);
    check(tag == 0 || (tag >= 10 && str_starts(file, S("ID3"))));
    check(!mp3_in_seems(file) || size >= 4);
    check(run(file, &once) == run(file, &again));
    check(str_eq(buf_str(&once), buf_str(&again)));
    return 0;
}
