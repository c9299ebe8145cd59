// SPDX-License-Identifier: Apache-2.0
/*
 * Two forms of text, by lexbor's Unicode tables: NFC, so that "e" and a combining accent reach a
 * synthesiser as the one letter that its rules know; and plain ASCII for a synthesiser that knows
 * nothing else. Any thread.
 */
#pragma once

#include "base/str.h"

/* Appends `text` (valid UTF-8) in Normalization Form C. ERR_NOMEM, ERR_TOOBIG. */
enum err unicode_compose(struct str text, struct buf *into);
/* Appends what ASCII can say of `text`: accents off, ligatures and fractions taken apart, other
 * scripts left out. */
enum err unicode_ascii(struct str text, struct buf *into);
