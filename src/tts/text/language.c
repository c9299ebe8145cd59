// SPDX-License-Identifier: Apache-2.0
#include "tts/text/language.h"

#include "tts/text/reading.h"

static const reader_fn readers[] = {read_smiley, read_address, nullptr};

const struct language language_other = {
    .code = "",
    .words = {[0 ... WORD_LINK - 1] = "", [WORD_LINK] = "link", [WORD_LINK + 1 ... WORDS - 1] = ""},
    .readers = readers,
};

const struct language *language_find(struct str tag)
{
    static const struct language *const all[] = {&language_english, &language_german};
    struct str code = str_sub(tag, 0, str_find_byte(tag, '-'));
    code = str_sub(code, 0, str_find_byte(code, '_'));
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (str_eq_nocase(code, str_of(all[i]->code)))
            return all[i];
    return &language_other;
}
