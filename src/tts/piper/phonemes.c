// SPDX-License-Identifier: Apache-2.0
#include "tts/piper/phonemes.h"

enum { PAD = '_', BEGIN = '^', END = '$' };

/* espeak-ng's rules write what voices of these languages were trained to hear as something else. */
static const struct {
    const char *espeak;
    uint32_t from, to;
} renamed[] = {{"pt-br", 'c', 'k'}};

static const struct voice_phoneme *find(const struct voice_json *v, uint32_t cp)
{
    for (size_t i = 0; v->kind == PHONEMES_ESPEAK && i < sizeof renamed / sizeof *renamed; i++)
        if (cp == renamed[i].from && str_eq(str_of(v->espeak), str_of(renamed[i].espeak)))
            cp = renamed[i].to;
    return voice_json_phoneme(v, cp);
}

static void put(struct phoneme_ids *ids, const struct voice_phoneme *p)
{
    for (uint16_t i = 0; p && i < p->count; i++)
        ids->id[ids->n++] = p->id[i];
}

/* Up to PHONEMES_MAX code points, to the end of a word if there is one. */
static struct str cut(struct str *rest)
{
    size_t at = 0, blank = 0;
    uint32_t cp;
    for (int count = 0; at < rest->n && count < PHONEMES_MAX; count++) {
        size_t n = utf8_next(str_sub(*rest, at, rest->n), &cp);
        blank = cp == ' ' ? at + 1 : blank;
        at += n ? n : 1;
    }
    size_t end = at < rest->n && blank > 0 ? blank : at;
    struct str part = str_sub(*rest, 0, end);
    *rest = str_sub(*rest, end, rest->n);
    return part;
}

/* False: nothing in it that the voice knows but blanks. */
static bool convert(const struct voice_json *v, struct str part, struct phoneme_ids *ids)
{
    const struct voice_phoneme *pad = voice_json_phoneme(v, PAD);
    bool says_something = false;
    ids->n = 0;
    put(ids, voice_json_phoneme(v, BEGIN));
    put(ids, pad);
    while (part.n > 0) {
        uint32_t cp = 0;
        size_t n = utf8_next(part, &cp);
        /* What frames an utterance is no letter of a text. */
        bool is_frame = cp == PAD || cp == BEGIN || cp == END;
        const struct voice_phoneme *p = n > 0 && !is_frame ? find(v, cp) : nullptr;
        part = str_sub(part, n ? n : 1, part.n);
        if (!p)
            continue;
        says_something = says_something || cp != ' ';
        put(ids, p);
        put(ids, pad);
    }
    put(ids, voice_json_phoneme(v, END));
    return says_something;
}

bool phonemes_next(const struct voice_json *v, struct str *rest, struct phoneme_ids *ret_ids)
{
    static_assert(PHONEME_IDS_MAX >= (PHONEMES_MAX + 2) * 2 * VOICE_IDS_MAX);
    while (rest->n > 0)
        if (convert(v, cut(rest), ret_ids))
            return true;
    return false;
}
