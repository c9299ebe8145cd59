// SPDX-License-Identifier: Apache-2.0
/*
 * What has been said before, for voices of models: the sound of short phrases that several streams have asked for is kept
 * (audio/kept.h), and handed over again instead of being computed. Any thread; what is too old goes whenever one asks.
 */
#pragma once

#include "tts/driver.h"

/* Another number for each stream. */
uint64_t again_stream(void);
/* OK: *into has its samples at the voice's rate. ERR_NOTFOUND: it has to be spoken; *ret_wanted: and kept. Without memory it is
 * not found. */
enum err again_find(const struct tts_voice *voice, struct str phrase, float speed, uint64_t stream,
                    struct buf *into, bool *ret_wanted);
/* All of its samples; takes them, and *samples is empty then. */
void again_keep(const struct tts_voice *voice, struct str phrase, float speed, struct buf *samples);
/* At the end; nobody asks any more. */
void again_finish(void);
