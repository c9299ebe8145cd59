// SPDX-License-Identifier: Apache-2.0
#include "stt/pronounce.h"

#include <flite/flite.h>

#include "stt/words.h"

cst_lexicon *cmu_lex_init(void); /* libflite_cmulex; its header is not installed */

static bool is_vowel(char c)
{
    return strchr("aeiouy", c) != nullptr;
}

/* No vowel among the letters: nobody can say it but letter by letter. */
static bool unsayable(struct str word)
{
    for (size_t i = 0; i < word.n; i++)
        if (is_vowel(word.p[i]))
            return false;
    return true;
}

static enum err add_phones(struct buf *into, struct str phones)
{
    if (phones.n == 0)
        return ERR_NOTFOUND;
    if (into->n > 0)
        try(buf_add_byte(into, ' '));
    return buf_add(into, phones);
}

/* "a" alone is the article in the dictionary; with a full stop it is the letter. */
static enum err spell(const struct dictionary *d, struct str word, struct buf *into)
{
    for (size_t i = 0; i < word.n; i++) {
        const char letter[] = {word.p[i], '.'};
        if (word.p[i] != '\'')
            try(add_phones(into, dictionary_phones(d, (struct str){letter, sizeof letter})));
    }
    return into->n > 0 ? OK : ERR_NOTFOUND;
}

/* What 's sounds like after the last phone of a word. */
static struct str possessive_after(struct str phones)
{
    static const char *const hissing[] = {"S", "Z", "SH", "ZH", "CH", "JH"};
    static const char *const voiceless[] = {"P", "T", "K", "F", "TH"};
    size_t from = phones.n;
    while (from > 0 && phones.p[from - 1] != ' ')
        from--;
    struct str last = str_sub(phones, from, phones.n);
    for (size_t i = 0; i < sizeof hissing / sizeof *hissing; i++)
        if (str_eq(last, str_of(hissing[i])))
            return S("IH Z");
    for (size_t i = 0; i < sizeof voiceless / sizeof *voiceless; i++)
        if (str_eq(last, str_of(voiceless[i])))
            return S("S");
    return S("Z");
}

/* One phone of flite's ("ah1", "ax") as CMUdict writes it. */
static enum err add_flite_phone(const char *phone, struct buf *into)
{
    char name[8];
    size_t n = 0;
    for (; phone[n] != '\0' && n < sizeof name; n++)
        name[n] = (char)(phone[n] >= 'a' && phone[n] <= 'z' ? phone[n] - 'a' + 'A' : phone[n]);
    while (n > 0 && name[n - 1] >= '0' && name[n - 1] <= '9')
        n--;
    struct str s = {name, n};
    if (str_eq(s, S("PAU")))
        return OK;
    return add_phones(into, str_eq(s, S("AX")) ? S("AH") : s);
}

static enum err by_rule(struct str word, struct buf *into)
{
    char z[WORDS_LETTERS_MAX + 1];
    size_t n = 0;
    for (size_t i = 0; i < word.n && n < WORDS_LETTERS_MAX; i++)
        if (word.p[i] != '\'')
            z[n++] = word.p[i];
    z[n] = '\0';
    cst_val *phones = lex_lookup(cmu_lex_init(), z, nullptr, nullptr);
    enum err err = OK;
    for (const cst_val *p = phones; p != nullptr && err == OK; p = val_cdr(p))
        err = add_flite_phone(val_string(val_car(p)), into);
    delete_val(phones);
    return err == OK && into->n == 0 ? ERR_NOTFOUND : err;
}

static enum err plain(const struct dictionary *d, struct str word, bool spelt, struct buf *into)
{
    struct str known = dictionary_phones(d, word);
    if (known.n > 0)
        return add_phones(into, known);
    return spelt || unsayable(word) ? spell(d, word, into) : by_rule(word, into);
}

enum err pronounce(const struct dictionary *d, struct str word, bool spelt, struct buf *into)
{
    buf_clear(into);
    if (!str_ends(word, S("'s")))
        return plain(d, word, spelt, into);
    try(plain(d, str_sub(word, 0, word.n - 2), spelt, into));
    return add_phones(into, possessive_after(buf_str(into)));
}
