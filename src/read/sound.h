// SPDX-License-Identifier: Apache-2.0
/*
 * An uploaded sound file to what the recognisers want: mono s16le at 16 kHz. Decoding is
 * audio/recording's, which takes nothing for granted, and it happens here because here it may crash.
 */
#pragma once

#include "base/str.h"

enum { SOUND_PCM_MAX = 128 * 1024 * 1024, SOUND_PIECE_BYTES = 32 * 1024, SOUND_WHY_BYTES = 200 };
/* The reader's process ends at 20 s of computing; before that somebody is told why. An hour of speech takes a few. */
enum { SOUND_CPU_MS = 15000 };

/* Takes the next samples, at most SOUND_PIECE_BYTES; an error ends the reading and is handed on. */
typedef enum err (*sound_piece_fn)(void *to, struct str s16le_16khz);

/* ERR_MEDIA: no sound file of a kind that is read; ERR_TOOBIG: over an hour, or too much computing: `cpu_ms` of this
 * process, since the call. `why` gets a sentence. */
enum err sound_read(struct str bytes, uint32_t cpu_ms, sound_piece_fn piece, void *to,
                    char why[SOUND_WHY_BYTES]);
