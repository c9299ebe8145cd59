// SPDX-License-Identifier: Apache-2.0
/*
 * A driver (driver.h) made of a model that hears whole windows only (hearer.h). An utterance is a window of sound
 * (window.h) that is heard anew as it grows, and for good where the speaker pauses or ends; what was heard for good is not
 * heard again. Since the range that is heard ends with the last voice, the hearing in a pause is also that of the end:
 * then `finish` has nothing to compute. Options (a comma between them):
 *
 *     streams=2  utterances at once: a megabyte each
 *     lanes=0    windows heard at the same moment, of a Whisper 25 to 500 megabytes each; 0: one for every four threads
 *
 * Words that are waited for go before partials: these are left out while no lane is free. A driver names these functions
 * in its `const struct stt_driver`, with a load of its own that says which hearer it is of.
 */
#pragma once

#include "stt/driver.h"
#include "stt/window/hearer.h"

enum { EAR_STEP_MS = 20, EAR_AGREEING = 2 }; /* a window's frame; two hypotheses in a row */

enum err ear_load(const struct hearer *hearer, const struct stt_load *load,
                  struct stt_loaded *ret_loaded, char why[STT_WHY_BYTES]);
void ear_unload(void);
enum err ear_open(const struct stt_request *request, struct stt_utterance **ret_u);
enum err ear_feed(struct stt_utterance *u, const int16_t *samples, size_t count);
enum err ear_partial(struct stt_utterance *u, struct buf *into, bool *ret_sure);
struct str ear_settled(const struct stt_utterance *u);
enum err ear_finish(struct stt_utterance *u, struct stt_result *result);
void ear_close(struct stt_utterance *u);
