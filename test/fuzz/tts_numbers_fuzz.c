// SPDX-License-Identifier: Apache-2.0
/* Any text on its way to espeak-ng: no number has more digits than a language can bear, none is lost. */
#include "fuzz.h"

#include "base/check.h"
#include "tts/espeak_numbers.h"
#include "tts/normalise.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t count_digits(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += is_digit(s.p[i]);
    return n;
}

/* The most digits that stand in a row, with single separators of groups between them. */
static size_t longest_number(struct str s)
{
    size_t most = 0, now = 0;
    for (size_t i = 0; i < s.n; i++) {
        bool separates = now > 0 && i + 1 < s.n && is_digit(s.p[i + 1]) && is_digit(s.p[i - 1]) &&
                         s.p[i] != '\0' && strchr(".,:'/_-", s.p[i]) != nullptr;
        now = is_digit(s.p[i]) ? now + 1 : separates ? now : 0;
        most = now > most ? now : most;
    }
    return most;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    unsigned digits_max = 1 + data[0] % 12;
    struct str text = {(const char *)data + 1, size - 1};
    autobuf clean = BUF(size * NORMALISE_GROWTH), tame = BUF(3 * size * NORMALISE_GROWTH);
    check(normalise(text, &clean) == OK);
    check(espeak_tame_numbers(buf_str(&clean), digits_max, &tame) == OK);
    check(tame.n <= 3 * clean.n && utf8_valid(buf_str(&tame)));
    check(longest_number(buf_str(&tame)) <= digits_max);
    check(count_digits(buf_str(&tame)) == count_digits(buf_str(&clean)));
    return 0;
}
