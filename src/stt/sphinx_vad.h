// SPDX-License-Identifier: Apache-2.0
/*
 * The voice detector that is always there. WebRTC's, which comes with PocketSphinx, knows speech by its spectrum, but
 * takes steady noise and hum for speech too; stt/level.h knows what is steady. Both must agree. What it says of a frame
 * it says at once. One object a stream, one thread at a time.
 */
#pragma once

#include "stt/vad.h"

struct sphinx_vad;
enum err sphinx_vad_create(struct sphinx_vad **ret_v);
void sphinx_vad_destroy(struct sphinx_vad *v); /* takes NULL */
struct vad_verdict sphinx_vad_frame(struct sphinx_vad *v, const int16_t frame[VAD_FRAME]);
