// SPDX-License-Identifier: Apache-2.0
/*
 * An utterance in pieces: what the text becomes is computed once, then of the flow and the decoder what the next piece of
 * sound needs (cut.h). One thread per utterance.
 */
#pragma once

#include "tts/onnx/gate.h"
#include "tts/piper/cut.h"
#include "tts/piper/schedule.h"
#include "tts/piper/speech.h"

enum { PIECES_PARTS = 3 };

struct pieces {
    struct session *part[PIECES_PARTS]; /* by enum cut_part; NULL: it could not be cut */
    struct cut cut;
    struct schedule schedule;
    struct gate *gate;
};

/* `rate_hz`: of the sound. */
enum err pieces_open(struct str model, uint32_t rate_hz, struct pieces *p,
                     char why[SESSION_WHY_BYTES]);
void pieces_close(struct pieces *p); /* also of a zeroed one */

/* As speech_say. */
enum err pieces_say(struct pieces *p, const struct phoneme_ids *ids, int64_t speaker,
                    struct speech_scales scales, const struct speech_hearer *hearer,
                    char why[SESSION_WHY_BYTES]);
