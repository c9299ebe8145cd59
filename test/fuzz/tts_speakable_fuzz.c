// SPDX-License-Identifier: Apache-2.0
/* Any bytes on the way to a synthesiser: what arrives keeps the rules of tts/normalise.h. */
#include "fuzz.h"

#include "base/check.h"
#include "tts/driver.h"
#include "tts/normalise.h"
#include "tts/phrase.h"
#include "tts/text/speakable.h"
#include "tts/unicode.h"

static void check_phrase(struct str phrase)
{
    check(phrase.n > 0 && phrase.n <= TTS_PHRASE_MAX && utf8_valid(phrase));
    autobuf ascii = BUF(TTS_PHRASE_MAX * 8);
    check(unicode_ascii(phrase, &ascii) == OK);
    struct str rest = phrase, word;
    while (str_cut(&rest, ' ', &word))
        check(word.n > 0 && word.n <= NORMALISE_WORD_MAX);
    for (size_t i = 0; i < phrase.n; i++)
        check((unsigned char)phrase.p[i] >= 0x20);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    static const struct language *const languages[] = {&language_english, &language_german,
                                                       &language_other};
    struct fence in_code = {};
    autobuf words = BUF(size * SPEAKABLE_GROWTH + SPEAKABLE_MORE);
    check(speakable(text, languages[size % 3], &in_code, &words) == OK);
    check(utf8_valid(buf_str(&words)));
    autobuf clean = BUF(words.n * NORMALISE_GROWTH + 16);
    check(normalise(buf_str(&words), &clean) == OK);
    struct str rest = buf_str(&clean), phrase;
    for (bool first = true; phrase_cut(&rest, first, &phrase_usual, &phrase); first = false)
        check_phrase(phrase);
    return 0;
}
