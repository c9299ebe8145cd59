// SPDX-License-Identifier: Apache-2.0
/* Any bytes as an uploaded recording: whole samples in pieces of the promised size, no more than an hour of
 * them, or a sentence that says why not; the same bytes give the same samples. */
#include "fuzz.h"

#include "base/check.h"
#include "read/sound.h"

struct heard {
    uint64_t bytes, sum;
    bool ended; /* a piece shorter than the others is the last */
};

static enum err take(void *to, struct str samples)
{
    struct heard *h = to;
    check(samples.n > 0 && samples.n <= SOUND_PIECE_BYTES && samples.n % 2 == 0 && !h->ended);
    h->ended = samples.n < SOUND_PIECE_BYTES;
    h->bytes += samples.n;
    for (size_t i = 0; i < samples.n; i++)
        h->sum = h->sum * 31 + (unsigned char)samples.p[i];
    return h->bytes > 4 * 1024 * 1024 ? ERR_CLOSED : OK; /* enough of a bomb */
}

static enum err hear(struct str bytes, struct heard *h)
{
    char why[SOUND_WHY_BYTES] = "";
    enum err err = sound_read(bytes, SOUND_CPU_MS, take, h, why);
    check(h->bytes <= SOUND_PCM_MAX);
    check(err == OK || err == ERR_MEDIA || err == ERR_TOOBIG || err == ERR_CLOSED);
    check((err != ERR_MEDIA && err != ERR_TOOBIG) || why[0] != '\0');
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = {(const char *)data, size};
    struct heard once = {}, again = {};
    check(hear(bytes, &once) == hear(bytes, &again));
    check(once.bytes == again.bytes && once.sum == again.sum);
    return 0;
}
