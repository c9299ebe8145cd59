// SPDX-License-Identifier: Apache-2.0
/* What a voice says of itself, and the phonemes of a text by it: the numbers are those that it has. */
#include "tts/piper/phonemes.h"

#include "base/check.h"
#include "fuzz.h"

static void say(const struct voice_json *v, struct str rest)
{
    static struct phoneme_ids ids;
    while (phonemes_next(v, &rest, &ids)) {
        check(ids.n > 0 && ids.n <= PHONEME_IDS_MAX);
        for (size_t i = 0; i < ids.n; i++)
            check(ids.id[i] >= 0 && ids.id[i] < VOICE_SYMBOLS_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[VOICE_WHY_BYTES] = "";
    struct voice_json v = {};
    struct str text = {(const char *)data, size};
    enum err err = voice_json_read(text, &v, why);
    check(err == OK ? !why[0] : err == ERR_INVALID && why[0]);
    if (err == OK) {
        check(v.rate_hz >= 8000 && v.rate_hz <= 48000 && v.speakers_n > 0);
        for (uint32_t i = 0; v.speakers && i < v.speakers_n; i++)
            check(v.speakers[i].name[0] && v.speakers[i].id == i);
        say(&v, text);
        voice_json_finish(&v);
    }
    return 0;
}
