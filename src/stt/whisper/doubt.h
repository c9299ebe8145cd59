// SPDX-License-Identifier: Apache-2.0
/*
 * Is what a Whisper has heard to be believed? In silence and noise it invents sentences that it has often read, and it may
 * fall into a loop. The tests are those of its makers (Radford et al., "Robust Speech Recognition via Large-Scale Weak
 * Supervision", 2022, section 4.5): how sure it was of its words, whether it thinks that nobody spoke, and whether they
 * repeat themselves (window/repeat.h). Pure.
 */
#pragma once

#include "stt/window/heard.h"
#include "wire/guard.h"

/* The first reason not to take the words as they are; GUARD_NONE: there is none. */
enum guard doubt_of(const struct heard *h);
/* The same once nothing better can be had: doubts with which the words stand are none. */
enum guard doubt_for_good(const struct heard *h);
