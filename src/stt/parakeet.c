// SPDX-License-Identifier: Apache-2.0
/* Parakeet as a driver, by libparakeet. It hears whole windows only: window/ear.h says how, and which options there are. It
 * measures when words were said, and takes neither hints nor chance. */
#include "stt/parakeet/tdt.h"
#include "stt/window/ear.h"

static enum err parakeet_load(const struct stt_load *load, struct stt_loaded *ret_loaded,
                              char why[STT_WHY_BYTES])
{
    return ear_load(&tdt_hearer, load, ret_loaded, why);
}

const struct stt_driver stt_parakeet = {
    .name = "parakeet",
    .step_ms = EAR_STEP_MS,
    .agreeing = EAR_AGREEING,
    .times_words = true,
    .load = parakeet_load,
    .unload = ear_unload,
    .open = ear_open,
    .feed = ear_feed,
    .partial = ear_partial,
    .settled = ear_settled,
    .finish = ear_finish,
    .close = ear_close,
};
