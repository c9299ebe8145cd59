// SPDX-License-Identifier: Apache-2.0
/* A text as a picture that a phone's camera reads, for a terminal. Wraps libqrencode. */
#pragma once

#include "base/err.h"
#include "base/str.h"

/* Lines of half blocks, two modules a character: black on white whatever the terminal's colours, with
 * a white margin. *ret_columns: how wide. ERR_TOOBIG: the text is too long for a code. */
enum err qr_draw(const char *text, struct buf *into, unsigned *ret_columns);
