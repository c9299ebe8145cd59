// SPDX-License-Identifier: Apache-2.0
/* Whose a voice is and which language it speaks, as far as its name and the names of its engine and model tell. */
#pragma once

#include "server/engine/engine.h"

enum { VOICE_LANGUAGE_BYTES = 32 };
struct voice_about {
    const char *engine;                  /* flite, espeak, piper, or as the driver is called */
    char language[VOICE_LANGUAGE_BYTES]; /* a tag of BCP 47: "en-US"; "en" where nothing tells */
};
void voice_about(const struct engine_info *tts, struct str name, struct voice_about *ret_about);
