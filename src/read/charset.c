// SPDX-License-Identifier: Apache-2.0
#include "read/charset.h"

/* Windows-1252, 0x80 to 0x9F; 0 where it has nothing. */
static const uint16_t windows_1252[32] = {
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178,
};

static enum err put(struct buf *into, uint32_t cp)
{
    char c[4];
    size_t n = 0;
    if (cp < 0x80) {
        c[n++] = (char)cp;
    } else if (cp < 0x800) {
        c[n++] = (char)(0xC0 | cp >> 6);
        c[n++] = (char)(0x80 | (cp & 0x3F));
    } else if (cp < 0x10000) {
        c[n++] = (char)(0xE0 | cp >> 12);
        c[n++] = (char)(0x80 | (cp >> 6 & 0x3F));
        c[n++] = (char)(0x80 | (cp & 0x3F));
    } else {
        c[n++] = (char)(0xF0 | cp >> 18);
        c[n++] = (char)(0x80 | (cp >> 12 & 0x3F));
        c[n++] = (char)(0x80 | (cp >> 6 & 0x3F));
        c[n++] = (char)(0x80 | (cp & 0x3F));
    }
    return buf_add(into, (struct str){c, n});
}

static enum err put_malformed(struct buf *into, struct charset_report *report)
{
    report->malformed++;
    return put(into, 0xFFFD);
}

static enum err from_utf16(struct str bytes, bool big, struct buf *into,
                           struct charset_report *report)
{
    report->name = "UTF-16";
    const unsigned char *p = (const unsigned char *)bytes.p;
    uint32_t high = 0; /* the first half of a pair, when one waits */
    for (size_t i = 0; i + 1 < bytes.n; i += 2) {
        uint32_t unit = big ? (uint32_t)p[i] << 8 | p[i + 1] : (uint32_t)p[i + 1] << 8 | p[i];
        bool is_high = unit >= 0xD800 && unit < 0xDC00, is_low = unit >= 0xDC00 && unit < 0xE000;
        if (high != 0 && is_low) {
            try(put(into, 0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00)));
            high = 0;
            continue;
        }
        if (high != 0 || is_low)
            try(put_malformed(into, report));
        high = is_high ? unit : 0;
        if (!is_high && !is_low)
            try(put(into, unit));
    }
    return high != 0 || bytes.n % 2 != 0 ? put_malformed(into, report) : OK;
}

static enum err from_windows_1252(struct str bytes, struct buf *into, struct charset_report *report)
{
    report->name = "Windows-1252";
    for (size_t i = 0; i < bytes.n; i++) {
        unsigned char c = (unsigned char)bytes.p[i];
        uint32_t cp = c >= 0x80 && c < 0xA0 ? windows_1252[c - 0x80] : c;
        if (cp == 0 && c != 0)
            try(put_malformed(into, report));
        else
            try(put(into, cp));
    }
    return OK;
}

/* Well-formed stretches are copied whole; each byte that fits nowhere becomes U+FFFD. */
static enum err from_utf8(struct str bytes, struct buf *into, struct charset_report *report)
{
    struct str rest = bytes;
    size_t good = 0;
    while (good < rest.n) {
        uint32_t cp;
        size_t n =
            (unsigned char)rest.p[good] < 0x80 ? 1 : utf8_next(str_sub(rest, good, rest.n), &cp);
        if (n > 0) {
            good += n;
            continue;
        }
        try(buf_add(into, str_sub(rest, 0, good)));
        try(put_malformed(into, report));
        rest = str_sub(rest, good + 1, rest.n);
        good = 0;
    }
    return buf_add(into, rest);
}

/* UTF-8 with a few damaged places, rather than another coding: then nearly every byte above ASCII
 * belongs to a well-formed sequence, which does not happen by chance. */
static bool looks_like_utf8(struct str bytes)
{
    size_t good = 0, bad = 0;
    for (size_t i = 0; i < bytes.n;) {
        uint32_t cp;
        if ((unsigned char)bytes.p[i] < 0x80) {
            i++;
            continue;
        }
        size_t n = utf8_next(str_sub(bytes, i, bytes.n), &cp);
        *(n > 0 ? &good : &bad) += 1;
        i += n > 0 ? n : 1;
    }
    return good >= bad * 4;
}

static bool is_binary(struct str bytes)
{
    size_t n = bytes.n < 64 * 1024 ? bytes.n : 64 * 1024, odd = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)bytes.p[i];
        odd += c < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != '\f';
    }
    return odd > 16 && odd > n / 10;
}

enum err charset_decode(struct str bytes, struct buf *into, struct charset_report *ret_report)
{
    struct charset_report report = {};
    enum err err;
    if (str_starts(bytes, S("\xFF\xFE\0\0")) || str_starts(bytes, S("\0\0\xFE\xFF")))
        err = ERR_MEDIA;
    else if (str_starts(bytes, S("\xFF\xFE")))
        err = from_utf16(str_sub(bytes, 2, bytes.n), false, into, &report);
    else if (str_starts(bytes, S("\xFE\xFF")))
        err = from_utf16(str_sub(bytes, 2, bytes.n), true, into, &report);
    else if (is_binary(bytes))
        err = ERR_MEDIA;
    else if (str_starts(bytes, S("\xEF\xBB\xBF")))
        err = from_utf8(str_sub(bytes, 3, bytes.n), into, &report);
    else if (looks_like_utf8(bytes))
        err = from_utf8(bytes, into, &report);
    else
        err = from_windows_1252(bytes, into, &report);
    try(err);
    *ret_report = report;
    return OK;
}
