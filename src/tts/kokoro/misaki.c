// SPDX-License-Identifier: Apache-2.0
#include "tts/kokoro/misaki.h"

enum who : unsigned {
    AMERICAN = 1 << MISAKI_AMERICAN,
    BRITISH = 1 << MISAKI_BRITISH,
    OTHER = 1 << MISAKI_OTHER,
    ENGLISH = AMERICAN | BRITISH,
    ALL = ENGLISH | OTHER,
};

/* The longest that fits counts, so of those that begin alike it stands first. */
static const struct {
    const char *from, *to;
    unsigned who;
} table[] = {
    {"ʔˌn\u0329", "tn", ENGLISH},
    {"ʔn\u0329", "tn", ENGLISH},
    {"a^ɪ", "I", ALL},
    {"a^ʊ", "W", ALL},
    {"d^ʒ", "ʤ", ALL},
    {"d^z", "ʣ", OTHER},
    {"e^ɪ", "A", ALL},
    {"e^ə", "ɛː", BRITISH},
    {"o^ʊ", "O", AMERICAN | OTHER},
    {"s^s", "S", OTHER},
    {"t^ʃ", "ʧ", ALL},
    {"t^s", "ʦ", OTHER},
    {"ɔ^ɪ", "Y", ALL},
    {"ə^l", "ᵊl", ENGLISH},
    {"ə^ʊ", "Q", BRITISH | OTHER},
    {"ʲo", "jɔ", ENGLISH},
    {"ʲə", "jə", ENGLISH},
    {"ɜːɹ", "ɜɹ", AMERICAN},
    {"ɜː", "ɜɹ", AMERICAN},
    {"ɪə", "iə", AMERICAN},
    {"iə", "ɪə", BRITISH},
    {"e", "A", ENGLISH},
    {"o", "ɔ", ENGLISH},
    {"r", "ɹ", ENGLISH},
    {"x", "k", ENGLISH},
    {"ç", "k", ENGLISH},
    {"ɐ", "ə", ENGLISH},
    {"ɚ", "əɹ", ENGLISH},
    {"ɬ", "l", ENGLISH},
    {"ɾ", "T", ENGLISH},
    {"ʔ", "t", ENGLISH},
    {"ʲ", "", ENGLISH},
    {"ː", "", AMERICAN},
    {"\u0303", "", ENGLISH},
    {"-", "", OTHER},
    {"^", "", ALL},
};

/* A consonant that is a syllable, "l" and a mark below, gets a weak vowel before it. */
static const char syllabic[] = "\u0329";

static const char *replacement(struct str at, enum misaki_rules rules, size_t *ret_n)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if ((table[i].who & 1u << rules) && str_starts(at, str_of(table[i].from))) {
            *ret_n = strlen(table[i].from);
            return table[i].to;
        }
    return nullptr;
}

/* Where the last symbol begins. */
static size_t last_of(struct str s)
{
    size_t at = s.n > 0 ? s.n - 1 : 0;
    while (at > 0 && ((unsigned char)s.p[at] & 0xc0) == 0x80)
        at--;
    return at;
}

static enum err put_weak_vowel(struct buf *into)
{
    char last[4];
    size_t at = last_of(buf_str(into)), n = into->n - at;
    if (n == 0 || n > sizeof last || into->p[at] == ' ')
        return OK;
    memcpy(last, into->p + at, n);
    into->n = at;
    try(buf_add(into, S("ᵊ")));
    return buf_add(into, (struct str){last, n});
}

enum err misaki_from_espeak(struct str ipa, enum misaki_rules rules, struct buf *into)
{
    while (ipa.n > 0) {
        uint32_t cp;
        size_t n = utf8_next(ipa, &cp);
        n = n ? n : 1;
        const char *to = replacement(ipa, rules, &n);
        if (to)
            try(buf_add(into, str_of(to)));
        else if (rules != MISAKI_OTHER && str_starts(ipa, str_of(syllabic)))
            try(put_weak_vowel(into));
        else
            try(buf_add(into, str_sub(ipa, 0, n)));
        ipa = str_sub(ipa, n, ipa.n);
    }
    return OK;
}
