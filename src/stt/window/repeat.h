// SPDX-License-Identifier: Apache-2.0
/*
 * Text in which the same comes again and again, as a model writes it that has lost its way: loops are looked for, and how
 * far the text can be compressed (Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", 2022,
 * section 4.5), since a short one compresses badly. Pure.
 */
#pragma once

#include "stt/window/heard.h"
#include "wire/guard.h"

/* GUARD_loop, GUARD_compression or GUARD_NONE. */
enum guard repeat_found(const struct heard *h);
/* Takes all but the first round out of each loop. True: there was one. */
bool repeat_unloop(struct heard *h);
/* Bytes of the text for each byte of it that zlib needs; 0: it could not be told. */
float repeat_compression(struct str text);
