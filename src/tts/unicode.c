// SPDX-License-Identifier: Apache-2.0
#include "tts/unicode.h"

#include <lexbor/unicode/unicode.h>
#include <locale.h>
#include <wctype.h>

static bool is_ascii(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 0x80)
            return false;
    return true;
}

struct sink {
    struct buf *into;
    enum err err; /* of the first append that failed; lexbor only knows its own codes */
};

static lxb_status_t take(const lxb_char_t *data, size_t n, void *ctx)
{
    struct sink *sink = ctx;
    sink->err = buf_add(sink->into, (struct str){(const char *)data, n});
    return sink->err == OK ? LXB_STATUS_OK : LXB_STATUS_STOP;
}

static enum err normalize(struct str text, lxb_unicode_form_t form, struct buf *into)
{
    struct sink sink = {.into = into};
    lxb_unicode_normalizer_t *uc = lxb_unicode_normalizer_create();
    lxb_status_t status = lxb_unicode_normalizer_init(uc, form);
    if (status == LXB_STATUS_OK)
        status = lxb_unicode_normalize(uc, (const lxb_char_t *)text.p, text.n, take, &sink, true);
    lxb_unicode_normalizer_destroy(uc, true);
    if (sink.err != OK)
        return sink.err;
    return status == LXB_STATUS_OK ? OK : ERR_NOMEM;
}

enum err unicode_compose(struct str text, struct buf *into)
{
    return is_ascii(text) ? buf_add(into, text) : normalize(text, LXB_UNICODE_NFC, into);
}

enum err unicode_decompose(struct str text, struct buf *into)
{
    return is_ascii(text) ? buf_add(into, text) : normalize(text, LXB_UNICODE_NFD, into);
}

/* --- small letters --- */

static locale_t locale; /* const after unicode_prepare */

enum err unicode_prepare(void)
{
    if (!locale)
        locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return locale ? OK : ERR_UNSUPPORTED;
}

static uint32_t lower(uint32_t cp)
{
    if (locale)
        return (uint32_t)towlower_l((wint_t)cp, locale);
    return cp >= 'A' && cp <= 'Z' ? cp + 32 : cp;
}

static enum err put_cp(struct buf *into, uint32_t cp)
{
    char bytes[4];
    size_t n = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--) {
        bytes[i] = (char)(0x80 | (cp & 0x3f));
        cp >>= 6;
    }
    bytes[0] = (char)(n == 1 ? cp : (0xf00u >> n & 0xf0) | cp);
    return buf_add(into, (struct str){bytes, n});
}

enum err unicode_lower(struct str text, struct buf *into)
{
    while (text.n > 0) {
        uint32_t cp;
        size_t n = utf8_next(text, &cp);
        if (n == 0)
            return ERR_UTF8;
        try(put_cp(into, lower(cp)));
        text = str_sub(text, n, text.n);
    }
    return OK;
}

/* Letters that no decomposition reaches. */
static const struct {
    uint32_t cp;
    const char *ascii;
} letters[] = {
    {0xC6, "AE"},  {0xD0, "D"},   {0xD8, "O"},    {0xDE, "Th"},   {0xDF, "ss"},  {0xE6, "ae"},
    {0xF0, "th"},  {0xF8, "o"},   {0xFE, "th"},   {0x110, "D"},   {0x111, "d"},  {0x131, "i"},
    {0x141, "L"},  {0x142, "l"},  {0x152, "OE"},  {0x153, "oe"},  {0x2013, "-"}, {0x2014, "-"},
    {0x2018, "'"}, {0x2019, "'"}, {0x201C, "\""}, {0x201D, "\""}, {0x2044, "/"}, {0x2212, "-"},
};

static const char *ascii_of(uint32_t cp)
{
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
        if (letters[i].cp == cp)
            return letters[i].ascii;
    return "";
}

enum err unicode_ascii(struct str text, struct buf *into)
{
    if (is_ascii(text))
        return buf_add(into, text);
    /* Compatibility decomposition grows a code point to at most 18. */
    autobuf apart = BUF(text.n * 18 * 4);
    try(normalize(text, LXB_UNICODE_NFKD, &apart));
    struct str rest = buf_str(&apart);
    while (rest.n > 0) {
        uint32_t cp;
        size_t n = utf8_next(rest, &cp);
        if (n == 0)
            return ERR_UTF8;
        if (n == 1)
            try(buf_add_byte(into, rest.p[0]));
        else
            try(buf_add(into, str_of(ascii_of(cp))));
        rest = str_sub(rest, n, rest.n);
    }
    return OK;
}
