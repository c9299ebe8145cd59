// SPDX-License-Identifier: Apache-2.0
#include "server/cli/plain.h"

static bool commands(uint32_t cp)
{
    return (cp < 0x20 && cp != '\n' && cp != '\t') || (cp >= 0x7F && cp < 0xA0);
}

void plain_print(FILE *to, struct str text)
{
    size_t from = 0, at = 0;
    while (at < text.n) {
        uint32_t cp;
        size_t n = utf8_next(str_sub(text, at, text.n), &cp);
        if (n > 0 && !commands(cp)) {
            at += n;
            continue;
        }
        (void)fwrite(text.p + from, 1, at - from, to); /* main looks at the stream in the end */
        if (n == 0)
            fputs("\uFFFD", to);
        at += n > 0 ? n : 1;
        from = at;
    }
    (void)fwrite(text.p + from, 1, at - from, to);
}
