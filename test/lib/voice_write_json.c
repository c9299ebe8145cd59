// SPDX-License-Identifier: Apache-2.0
#include "base/check.h"
#include "voice_write.h"

enum { TEXT_MAX = 1 << 20 };

/* The phonemes of Piper's English voices, and the marks of letters that are taken apart. */
static const char *const phonemes[] = {
    "_",      "^",      "$",      " ", "!", "'", "(",  ")", ",",      "-",      ".",      ":",
    ";",      "?",      "a",      "b", "c", "d", "e",  "f", "h",      "i",      "j",      "k",
    "l",      "m",      "n",      "o", "p", "q", "r",  "s", "t",      "u",      "v",      "w",
    "x",      "y",      "z",      "æ", "ç", "ð", "ø",  "ħ", "ŋ",      "œ",      "ǀ",      "ǁ",
    "ǂ",      "ǃ",      "ɐ",      "ɑ", "ɒ", "ɓ", "ɔ",  "ɕ", "ɖ",      "ɗ",      "ɘ",      "ə",
    "ɚ",      "ɛ",      "ɜ",      "ɞ", "ɟ", "ɠ", "ɡ",  "ɢ", "ɣ",      "ɤ",      "ɥ",      "ɦ",
    "ɧ",      "ɨ",      "ɪ",      "ɫ", "ɬ", "ɭ", "ɮ",  "ɯ", "ɰ",      "ɱ",      "ɲ",      "ɳ",
    "ɴ",      "ɵ",      "ɶ",      "ɸ", "ɹ", "ɺ", "ɻ",  "ɽ", "ɾ",      "ʀ",      "ʁ",      "ʂ",
    "ʃ",      "ʄ",      "ʈ",      "ʉ", "ʊ", "ʋ", "ʌ",  "ʍ", "ʎ",      "ʏ",      "ʐ",      "ʑ",
    "ʒ",      "ʔ",      "ʕ",      "ʘ", "ʙ", "ʛ", "ʜ",  "ʝ", "ʟ",      "ʡ",      "ʢ",      "ʲ",
    "ˈ",      "ˌ",      "ː",      "ˑ", "˞", "β", "θ",  "χ", "ᵻ",      "ⱱ",      "0",      "1",
    "2",      "3",      "4",      "5", "6", "7", "8",  "9", "\u0327", "\u0303", "\u032a", "\u032f",
    "\u0329", "ʰ",      "ˤ",      "ε", "↓", "#", "\"", "↑", "\u033a", "\u033b", "g",      "ʦ",
    "X",      "\u031d", "\u030a",
};

static void put(struct buf *into, const char *text)
{
    check(buf_add(into, str_of(text)) == OK);
}

void voice_write_json(const struct voice_shape *shape, struct buf *into)
{
    into->cap = TEXT_MAX;
    check(
        buf_addf(
            into,
            "{\"audio\": {\"sample_rate\": %u, \"quality\": \"made\"}, \"espeak\": {\"voice\": \"%s\"}, "
            "\"inference\": {\"noise_scale\": %g, \"length_scale\": 1, \"noise_w\": %g}, "
            "\"phoneme_type\": \"%s\", \"phoneme_map\": {}, \"phoneme_id_map\": {",
            shape->rate_hz, shape->espeak ? shape->espeak : "en-us", shape->is_steady ? 0 : 0.667,
            shape->is_steady ? 0 : 0.8, shape->takes_letters ? "text" : "espeak") == OK);
    for (size_t i = 0; i < sizeof phonemes / sizeof *phonemes; i++)
        check(buf_addf(into, "%s\"%s%s\": [%zu]", i ? ", " : "", phonemes[i][0] == '"' ? "\\" : "",
                       phonemes[i], i) == OK);
    check(buf_addf(into, "}, \"num_symbols\": %d, \"num_speakers\": %d, \"speaker_id_map\": {",
                   VOICE_WRITE_SYMBOLS, shape->speakers) == OK);
    for (int i = 0; shape->speakers > 1 && i < shape->speakers; i++)
        check(buf_addf(into, "%s\"p%d\": %d", i ? ", " : "", 100 + i, i) == OK);
    put(into,
        "}, \"piper_version\": \"1.0.0\", \"language\": {\"code\": \"en_US\", \"family\": \"en\"}, "
        "\"dataset\": \"made\"}\n");
}
