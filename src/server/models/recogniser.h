// SPDX-License-Identifier: Apache-2.0
/* For which recogniser a file of whisper.cpp is: those of Whisper and of Parakeet begin with the same four bytes, and
 * then say how many tokens there are, of which a Whisper has more than 50,000 and a Parakeet no more than 8,192. Whether
 * the rest is one is the engine's business. */
#pragma once

#include "base/str.h"

enum { RECOGNISER_HEAD = 8 };

/* The first bytes of a file. Pure. */
bool recogniser_head_is_parakeet(struct str head);
/* False, too: it cannot be read. */
bool recogniser_is_parakeet(const char *path);
