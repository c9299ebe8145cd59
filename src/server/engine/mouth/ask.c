// SPDX-License-Identifier: Apache-2.0
#include "server/engine/mouth/ask.h"

#include "base/json.h"

enum { WORD_MAX = 64, CITATION_MAX = 5 };

enum mouth_api mouth_api_of(const char *named, const char *url)
{
    struct str address = str_of(url);
    while (str_ends(address, S("/")))
        address.n--;
    if (strcmp(named, "auto") == 0)
        return str_ends(address, S("/api/tts")) ? MOUTH_COQUI : MOUTH_OPENAI;
    return strcmp(named, "coqui") == 0 ? MOUTH_COQUI : MOUTH_OPENAI;
}

bool mouth_api_has_speed(enum mouth_api api, float speed)
{
    return api == MOUTH_OPENAI || speed == 1.0f;
}

/* --- the request --- */

static enum err put_percent(struct buf *into, struct str value)
{
    static const char plain[] = "-._~", digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || (c && strchr(plain, c));
        const char coded[3] = {'%', digits[c >> 4], digits[c & 15]};
        try(buf_add(into, is_plain ? str_sub(value, i, i + 1) : (struct str){coded, sizeof coded}));
    }
    return OK;
}

static enum err write_coqui(const struct mouth_ask *ask, struct buf *url)
{
    const struct {
        const char *name;
        struct str value;
    } fields[] = {{"?text=", ask->text},
                  {"&speaker_id=", str_of(ask->voice)},
                  {"&language_id=", str_of(ask->language)}};
    try(buf_add(url, str_of(ask->url)));
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (i && !fields[i].value.n)
            continue;
        try(buf_add(url, str_of(fields[i].name)));
        try(put_percent(url, fields[i].value));
    }
    return OK;
}

static enum err write_openai(const struct mouth_ask *ask, struct buf *url, struct buf *body)
{
    struct json_out j = {.to = body};
    try(buf_add(url, str_of(ask->url)));
    try(buf_add(url, S("/audio/speech")));
    json_obj(&j);
    if (ask->model[0])
        json_kstr(&j, "model", str_of(ask->model));
    json_kstr(&j, "input", ask->text);
    json_kstr(&j, "voice", str_of(ask->voice[0] ? ask->voice : "alloy"));
    if (ask->language[0])
        json_kstr(&j, "language", str_of(ask->language));
    json_kstr(&j, "response_format", S("pcm"));
    if (ask->speed != 1.0f)
        json_knum(&j, "speed", (double)ask->speed);
    json_end(&j);
    return json_finish(&j);
}

enum err mouth_ask_write(const struct mouth_ask *ask, struct buf *url, struct buf *body)
{
    return ask->api == MOUTH_COQUI ? write_coqui(ask, url) : write_openai(ask, url, body);
}

/* --- the words --- */

/* Emoji, dingbats, and what only joins or colours them. */
static bool is_picture(uint32_t cp)
{
    return (cp >= 0x1f000 && cp <= 0x1faff) || (cp >= 0x2600 && cp <= 0x27bf) ||
           (cp >= 0xfe00 && cp <= 0xfe0f) || cp == 0x200d || (cp >= 0xe0000 && cp <= 0xe007f);
}

/* "[1]": its length at the front of s, or 0. */
static size_t citation(struct str s)
{
    size_t n = 1;
    if (s.n < 3 || s.p[0] != '[')
        return 0;
    while (n < s.n && n < CITATION_MAX && s.p[n] >= '0' && s.p[n] <= '9')
        n++;
    return n > 1 && n < s.n && s.p[n] == ']' ? n + 1 : 0;
}

/* "](address)" behind a link's words. */
static size_t target(struct str s)
{
    if (!str_starts(s, S("](")))
        return 0;
    size_t end = str_find_byte(s, ')');
    return end < s.n ? end + 1 : 0;
}

/* Rather one too many: this only tells 2*3 from a mark. */
static bool is_of_word(struct str s, size_t at)
{
    unsigned char c = at < s.n ? (unsigned char)s.p[at] : 0;
    return c >= 0x80 || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static size_t not_spoken(struct str text, size_t at, bool begins_line)
{
    static const char marks[] = "*`~|[]";
    struct str s = str_sub(text, at, text.n);
    size_t n = citation(s);
    if (at > 0 && is_of_word(text, at - 1) && is_of_word(s, 1) && s.p[0] == '*')
        return 0; /* 2*3 */
    if (n == 0)
        n = target(s);
    if (n == 0 && begins_line && (s.p[0] == '#' || s.p[0] == '>'))
        n = 1;
    if (n == 0 && s.p[0] && strchr(marks, s.p[0]))
        n = 1;
    return n;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static enum err put_character(struct buf *into, struct str character)
{
    unsigned char c = (unsigned char)character.p[0];
    bool after_blank = into->n == 0 || into->p[into->n - 1] == ' ';
    if (is_blank(character.p[0]) || c < ' ' || c == 0x7f)
        return after_blank ? OK : buf_add_byte(into, ' ');
    return buf_add(into, character);
}

enum err mouth_ask_words(struct str text, struct buf *into)
{
    bool begins_line = true;
    for (size_t at = 0; at < text.n;) {
        struct str rest = str_sub(text, at, text.n);
        uint32_t cp;
        size_t skip = not_spoken(text, at, begins_line), n = utf8_next(rest, &cp);
        if (skip || n == 0) {
            at += skip ? skip : 1;
            continue;
        }
        begins_line = rest.p[0] == '\n' || (begins_line && is_blank(rest.p[0]));
        if (!is_picture(cp))
            try(put_character(into, str_sub(rest, 0, n)));
        at += n;
    }
    while (into->n && into->p[into->n - 1] == ' ')
        into->n--;
    return OK;
}

size_t mouth_ask_rest(struct str text, double share)
{
    if (share >= 1)
        return text.n;
    size_t at = share > 0 ? (size_t)((double)text.n * share) : 0, from = at;
    while (at > 0 && !is_blank(text.p[at - 1]) && from - at < WORD_MAX)
        at--;
    if (at == 0 || is_blank(text.p[at - 1]))
        return at;
    while (from > 0 && ((unsigned char)text.p[from] & 0xc0) == 0x80)
        from--; /* no blanks: between two characters */
    return from;
}

struct str mouth_ask_close(struct str text)
{
    static const char signs[] = ".!?,;:";
    while (text.n && strchr(" )\"'*`_]", text.p[text.n - 1]))
        text.n--;
    bool has_sign = text.n && text.p[text.n - 1] && strchr(signs, text.p[text.n - 1]);
    return has_sign ? str_sub(text, text.n - 1, text.n) : S(".");
}
