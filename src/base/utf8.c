// SPDX-License-Identifier: Apache-2.0
/* UTF-8 as RFC 3629 defines it. */
#include "base/str.h"

size_t utf8_next(struct str s, uint32_t *ret_cp)
{
    if (s.n == 0)
        return 0;
    const uint8_t *b = (const uint8_t *)s.p;
    if (b[0] < 0x80) {
        *ret_cp = b[0];
        return 1;
    }
    size_t len = b[0] >= 0xc2 && b[0] <= 0xdf   ? 2
                 : (b[0] & 0xf0) == 0xe0        ? 3
                 : b[0] >= 0xf0 && b[0] <= 0xf4 ? 4
                                                : 0;
    if (len == 0 || s.n < len)
        return 0;
    uint32_t cp = b[0] & (0xff >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((b[i] & 0xc0) != 0x80)
            return 0;
        cp = cp << 6 | (b[i] & 0x3f);
    }
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (cp < least[len] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
        return 0;
    *ret_cp = cp;
    return len;
}

bool utf8_valid(struct str s)
{
    while (s.n) {
        /* Most text is ASCII: eight bytes at a time. */
        uint64_t eight;
        while (s.n >= sizeof eight) {
            memcpy(&eight, s.p, sizeof eight);
            if (eight & 0x8080808080808080u)
                break;
            s = str_sub(s, sizeof eight, s.n);
        }
        uint32_t cp;
        size_t len = utf8_next(s, &cp);
        if (len == 0)
            return s.n == 0;
        s = str_sub(s, len, s.n);
    }
    return true;
}

size_t utf8_prefix(struct str s, size_t max)
{
    if (s.n <= max)
        return s.n;
    size_t n = max;
    while (n > 0 && max - n < 4 && ((uint8_t)s.p[n] & 0xc0) == 0x80)
        n--;
    return ((uint8_t)s.p[n] & 0xc0) == 0x80 ? max : n;
}

/* General punctuation, symbols, and the punctuation of Chinese and Japanese are no letters, nor are their presentation forms
 * and wide forms; nearly all else from À on is. */
static bool is_of_word(uint32_t cp)
{
    static const struct {
        uint32_t first, last;
    } signs[] = {{0x2000, 0x2bff}, {0x3000, 0x303f}, {0xfe00, 0xfe6f}, {0xff01, 0xff0f},
                 {0xff1a, 0xff20}, {0xff3b, 0xff40}, {0xff5b, 0xff65}};
    if (cp < 0xc0)
        return (cp >= '0' && cp <= '9') || ((cp | 0x20) >= 'a' && (cp | 0x20) <= 'z');
    size_t i = 0;
    while (i < sizeof signs / sizeof *signs && (cp < signs[i].first || cp > signs[i].last))
        i++;
    return i == sizeof signs / sizeof *signs;
}

bool utf8_has_words(struct str s)
{
    uint32_t cp;
    for (size_t n; (n = utf8_next(s, &cp)) != 0; s = str_sub(s, n, s.n))
        if (is_of_word(cp))
            return true;
    return false;
}
