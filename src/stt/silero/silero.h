// SPDX-License-Identifier: Apache-2.0
/*
 * Silero's voice detector, by libwhisper: a small recurrent network that says of each window of 32 ms how likely it is
 * speech, knowing what came before. libwhisper keeps that memory where its weights are, so each stream has weights of its
 * own; what is idle is kept for the next one, a few of them, and there is an upper limit. The file is read once, and
 * later ones are made from the bytes that were looked at. Opening and closing alone; all else any thread, an object one
 * at a time.
 */
#pragma once

#include "stt/silero/silero_check.h"

enum {
    SILERO_RATE_HZ = 16000,
    SILERO_WINDOW = 512, /* samples */
    SILERO_MAX = 256,    /* at once: 3 MB each */
};

/* The file is checked, by its SHA-256 where that is known too, before libwhisper sees it, and tried. */
enum err silero_open(struct str path, struct str sha256, char why[SILERO_WHY_BYTES]);
void silero_close(void);
/* Such as "Silero 6.2.0"; NULL: none is open. */
const char *silero_name(void);

struct silero;
/* At the beginning of a sound. ERR_BUSY: there are SILERO_MAX; ERR_NOMEM. */
enum err silero_create(struct silero **ret_s);
void silero_destroy(struct silero *s); /* takes NULL */
/* 0 … 1, that it is speech. ERR_NOMEM, ERR_INTERNAL: it is of no more use. */
enum err silero_window(struct silero *s, const int16_t samples[SILERO_WINDOW], float *ret_speech);
