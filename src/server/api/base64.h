// SPDX-License-Identifier: Apache-2.0
/* Bytes as text in JSON (RFC 4648, section 4, with padding). Pure. */
#pragma once

#include "base/err.h"
#include "base/str.h"

/* How long the text of n bytes is. */
static inline size_t base64_bytes(size_t n)
{
    return (n + 2) / 3 * 4;
}
enum err base64_add(struct buf *into, struct str bytes);
