// SPDX-License-Identifier: Apache-2.0
/*
 * What a synthesiser elsewhere answers with: a byte that chooses its type, one for the size of the pieces that it comes in, the
 * answer. Whatever is taken for sound is whole samples at a rate that the engine takes, and no more of it than was allowed.
 */
#include "base/check.h"
#include "fuzz.h"
#include "server/engine/mouth/sound.h"

enum { MS_MAX = 500 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct str types[] = {S("audio/pcm"),  S("audio/pcm; rate=8000"), S("audio/wav"),
                                       S("audio/mpeg"), S("application/json"),     S("")};
    struct mouth_sound s;
    autobuf heard = BUF(1 << 22);
    if (size < 2)
        return 0;
    struct str bytes = {(const char *)data + 2, size - 2};
    size_t piece = (size_t)data[1] + 1;
    enum err err = OK;
    mouth_sound_init(&s, types[data[0] % 6], MS_MAX);
    for (size_t at = 0; err == OK && at < bytes.n; at += piece)
        err = mouth_sound_feed(&s, str_sub(bytes, at, at + piece), &heard);
    if (err == OK)
        err = mouth_sound_end(&s, &heard);
    check(err == OK || err == ERR_MEDIA || err == ERR_CLOSED || err == ERR_TOOBIG ||
          err == ERR_NOMEM);
    check(heard.n == s.samples * sizeof(int16_t));
    if (err == OK || s.samples) {
        check(s.rate_hz >= PCM_RATE_MIN && s.rate_hz <= PCM_RATE_MAX);
        check(mouth_sound_ms(&s) <= MS_MAX);
    }
    check(err != OK || s.is_loud);
    check((err != ERR_MEDIA && err != ERR_CLOSED) || s.why[0]);
    mouth_sound_finish(&s);
    return 0;
}
