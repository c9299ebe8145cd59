// SPDX-License-Identifier: Apache-2.0
/*
 * Is this speech? The answer for each frame of 20 ms at 16 kHz. WebRTC's voice-activity detector, which
 * comes with PocketSphinx, knows speech by its spectrum, but takes steady noise and hum for speech too;
 * stt/level.h knows what is steady. Both must agree. One object a stream, one thread at a time.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"

enum { VAD_RATE_HZ = 16000, VAD_FRAME_MS = 20, VAD_FRAME = VAD_RATE_HZ / 1000 * VAD_FRAME_MS };

struct vad;
enum err vad_create(struct vad **ret_v);
void vad_destroy(struct vad *v); /* takes NULL */
/* How likely the frame is speech: 0 … 255. */
uint8_t vad_frame(struct vad *v, const int16_t frame[VAD_FRAME]);
/* Of the last frame: its spectrum is that of a voice, whether it stands out or not. */
bool vad_sounds_like_voice(const struct vad *v);
