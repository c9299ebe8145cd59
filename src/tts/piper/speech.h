// SPDX-License-Identifier: Apache-2.0
/*
 * One voice that speaks: its sessions, and the way from an utterance's phonemes to sound. Any thread may speak; making and
 * ending it alone.
 */
#pragma once

#include "tts/piper/phonemes.h"
#include "tts/piper/session.h"

/* Takes samples, -1 … 1; false: nobody wants more. None: it only asks. */
typedef bool (*speech_sound_fn)(void *to, const float *samples, size_t count);

struct speech;
/* `model` as onnx_check has let it pass. */
enum err speech_create(struct str model, struct speech **ret_s, char why[SESSION_WHY_BYTES]);
void speech_destroy(struct speech *s); /* takes NULL */

struct speech_scales {
    float noise, length, noise_w;
};

/* `speaker`: below 0 where the voice has one. ERR_CANCELED: the sound was refused. */
enum err speech_say(struct speech *s, const struct phoneme_ids *ids, int64_t speaker,
                    struct speech_scales scales, speech_sound_fn sound, void *to,
                    char why[SESSION_WHY_BYTES]);
