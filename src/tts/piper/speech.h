// SPDX-License-Identifier: Apache-2.0
/*
 * One voice that speaks: from an utterance's phonemes to sound. Where its graph can be cut (cut.h) the beginning is handed
 * over as soon as it is there (schedule.h), however long the utterance; else all of it at once. Any thread may speak;
 * making and ending it alone.
 */
#pragma once

#include "tts/onnx/session.h"
#include "tts/piper/phonemes.h"

/* Takes samples, -1 … 1; false: nobody wants more. None: it only asks. */
typedef bool (*speech_sound_fn)(void *to, const float *samples, size_t count);

/* `stop`: by which another thread ends it; NULL: nobody does. */
struct speech_hearer {
    speech_sound_fn sound;
    void *to;
    struct session_stop *stop;
};

struct speech_scales {
    float noise, length, noise_w;
};

struct speech;
/* `model` as onnx_check has let it pass. `trial`: what is said, cut and whole, to see whether both sound the same; else
 * it will be said whole. `at_once`: utterances that are computed at the same moment. `rate_hz`: of the sound. */
enum err speech_create(struct str model, uint32_t rate_hz, const struct phoneme_ids *trial,
                       int64_t speaker, uint32_t at_once, struct speech **ret_s,
                       char why[SESSION_WHY_BYTES]);
void speech_destroy(struct speech *s); /* takes NULL */
bool speech_is_cut(const struct speech *s);
/* By what its samples are to be multiplied so that it is about as loud as other voices; the trial told. */
float speech_gain(const struct speech *s);

/* `speaker`: below 0 where the voice has one. ERR_CANCELED: the sound was refused, or `stop` was set. */
enum err speech_say(struct speech *s, const struct phoneme_ids *ids, int64_t speaker,
                    struct speech_scales scales, const struct speech_hearer *hearer,
                    char why[SESSION_WHY_BYTES]);
/* After a `stop` was set: whoever waits for others with it waits no more. Any thread, also while it is said. */
void speech_wake(struct speech *s);
