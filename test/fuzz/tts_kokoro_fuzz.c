// SPDX-License-Identifier: Apache-2.0
/*
 * The files of a Kokoro, and its phonemes: the first byte says what the rest is. An archive of voices, a list of symbols with a text
 * for them, or phonemes of espeak-ng.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "fuzz.h"
#include "tts/kokoro/misaki.h"
#include "tts/kokoro/styles.h"
#include "tts/kokoro/tokens.h"

static void say(const struct vocab *v, struct str rest)
{
    static struct tokens t;
    while (tokens_next(v, &rest, &t)) {
        check(t.n > 2 && t.n <= TOKENS_MAX + 2);
        for (size_t i = 0; i < t.n; i++)
            check(t.id[i] >= 0 && t.id[i] < VOCAB_IDS_MAX &&
                  (t.id[i] == VOCAB_PAD) == (i == 0 || i + 1 == t.n));
    }
}

static void read_archive(struct str file)
{
    struct styles s = {};
    char why[STYLES_WHY_BYTES] = "";
    enum err err = styles_read_archive(file, &s, why);
    check(err == OK ? !why[0] : err == ERR_INVALID && why[0]);
    for (size_t i = 0; i < s.n; i++)
        check(s.voice[i].rows_n > 0 && s.voice[i].name[0] &&
              (i == 0 || strcmp(s.voice[i - 1].name, s.voice[i].name) < 0));
    styles_finish(&s);
}

static void read_symbols(struct str text)
{
    struct vocab v = {};
    char why[VOCAB_WHY_BYTES] = "";
    enum err err = vocab_read(text, &v, why);
    check(err == ERR_INVALID ? why[0] : (err == OK || err == ERR_NOTFOUND) && !why[0]);
    if (err == OK)
        say(&v, text);
    vocab_finish(&v);
}

static void read_phonemes(struct str text)
{
    struct vocab v = {};
    vocab_usual(&v);
    for (int rules = MISAKI_AMERICAN; rules <= MISAKI_OTHER; rules++) {
        autobuf symbols = BUF(3 * text.n + 1);
        check(misaki_from_espeak(text, (enum misaki_rules)rules, &symbols) == OK);
        say(&v, buf_str(&symbols));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[])(struct str) = {read_archive, read_symbols, read_phonemes};
    if (size == 0)
        return 0;
    char *copy = malloc(size); /* of its own, so that reading beyond the end shows */
    if (!copy)
        return 0;
    memcpy(copy, data + 1, size - 1);
    readers[data[0] % 3]((struct str){copy, size - 1});
    free(copy);
    return 0;
}
