// SPDX-License-Identifier: Apache-2.0
/*
 * Forms of text, by lexbor's Unicode tables: NFC, so that "e" and a combining accent reach a
 * synthesiser as the one letter that its rules know; NFD, letter and accent apart, as models were
 * trained; and plain ASCII for a synthesiser that knows nothing else. Any thread.
 */
#pragma once

#include "base/str.h"

/* Appends `text` (valid UTF-8) in Normalization Form C. ERR_NOMEM, ERR_TOOBIG. */
enum err unicode_compose(struct str text, struct buf *into);
/* Appends what ASCII can say of `text`: accents off, ligatures and fractions taken apart, other
 * scripts left out. */
enum err unicode_ascii(struct str text, struct buf *into);
/* Appends `text` (valid UTF-8) in Normalization Form D. */
enum err unicode_decompose(struct str text, struct buf *into);
/* Appends `text` (valid UTF-8) in small letters. Without unicode_prepare, which reads the C library's
 * tables before the process is locked in, only those of ASCII. */
enum err unicode_lower(struct str text, struct buf *into);
enum err unicode_prepare(void);
