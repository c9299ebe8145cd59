// SPDX-License-Identifier: Apache-2.0
/* Whisper as a driver, by libwhisper. It hears whole windows only: window/ear.h says how, and which options there are. */
#include "stt/whisper/model.h"
#include "stt/window/ear.h"

static enum err whisper_load(const struct stt_load *load, struct stt_loaded *ret_loaded,
                             char why[STT_WHY_BYTES])
{
    return ear_load(&whisper_hearer, load, ret_loaded, why);
}

const struct stt_driver stt_whisper = {
    .name = "whisper",
    .step_ms = EAR_STEP_MS,
    .agreeing = EAR_AGREEING,
    .load = whisper_load,
    .unload = ear_unload,
    .open = ear_open,
    .feed = ear_feed,
    .partial = ear_partial,
    .settled = ear_settled,
    .finish = ear_finish,
    .close = ear_close,
};
