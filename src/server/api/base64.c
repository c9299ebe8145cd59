// SPDX-License-Identifier: Apache-2.0
#include "server/api/base64.h"

#include <openssl/evp.h>

enum { PIECE = 3 << 16 }; /* OpenSSL counts with int; whole groups need no padding */

enum err base64_add(struct buf *into, struct str bytes)
{
    try(buf_reserve(into, base64_bytes(bytes.n) + 1)); /* OpenSSL puts a NUL after it */
    for (size_t at = 0; at < bytes.n; at += PIECE) {
        struct str piece = str_sub(bytes, at, at + PIECE);
        into->n += (size_t)EVP_EncodeBlock((unsigned char *)into->p + into->n,
                                           (const unsigned char *)piece.p, (int)piece.n);
    }
    return OK;
}
