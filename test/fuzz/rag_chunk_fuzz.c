// SPDX-License-Identifier: Apache-2.0
/* Any text cut into passages: nothing is lost between two of them, none is too long or cut inside a code
 * point, each begins and ends behind the one before, and its heading can be shown. */
#include "fuzz.h"

#include "base/check.h"
#include "server/rag/chunk.h"

static bool is_blank(struct str s)
{
    return str_trim(s).n == 0;
}

static size_t characters(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    bool valid = utf8_valid(text);
    struct chunker chunker;
    struct chunk piece;
    size_t from = 0, end = 0;
    bool first = true;
    chunker_init(&chunker, text);
    while (chunker_next(&chunker, &piece)) {
        check(piece.text.p >= text.p && piece.text.p + piece.text.n <= text.p + text.n);
        size_t at = (size_t)(piece.text.p - text.p);
        check(piece.text.n > 0 && characters(piece.text) <= CHUNK_MAX);
        check(first || at > from);
        check(at + piece.text.n > end);
        check(at <= end || is_blank(str_sub(text, end, at)));
        check(strnlen(piece.heading, HEADING_MAX) < HEADING_MAX);
        check(!valid || (utf8_valid(piece.text) && utf8_valid(str_of(piece.heading))));
        from = at;
        end = at + piece.text.n;
        first = false;
    }
    check(is_blank(str_sub(text, end, text.n)));
    return 0;
}
