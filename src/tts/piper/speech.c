// SPDX-License-Identifier: Apache-2.0
#include "tts/piper/speech.h"

#include "base/mem.h"

struct speech {
    struct session *whole;
};

enum err speech_create(struct str model, struct speech **ret_s, char why[SESSION_WHY_BYTES])
{
    struct speech *s = mem_zero(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    enum err err = session_create(model, &s->whole, why);
    if (err == OK)
        *ret_s = s;
    else
        speech_destroy(s);
    return err;
}

void speech_destroy(struct speech *s)
{
    if (!s)
        return;
    session_destroy(s->whole);
    free(s);
}

enum err speech_say(struct speech *s, const struct phoneme_ids *ids, int64_t speaker,
                    struct speech_scales scales, speech_sound_fn sound, void *to,
                    char why[SESSION_WHY_BYTES])
{
    static const char *const names[] = {"output"};
    const int64_t count = (int64_t)ids->n;
    const float factors[] = {scales.noise, scales.length, scales.noise_w};
    const struct session_input inputs[] = {
        {"input", SESSION_INTS, ids->id, 2, {1, count}},
        {"input_lengths", SESSION_INTS, &count, 1, {1}},
        {"scales", SESSION_FLOATS, factors, 1, {3}},
        {"sid", SESSION_INTS, &speaker, 1, {1}},
    };
    struct session_output out;
    try(session_run(s->whole, inputs, speaker < 0 ? 3 : 4, names, 1, &out, why));
    bool is_wanted = sound(to, out.data, out.count);
    session_free(&out, 1);
    return is_wanted ? OK : ERR_CANCELED;
}
