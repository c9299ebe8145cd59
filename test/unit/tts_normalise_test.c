// SPDX-License-Identifier: Apache-2.0
/* The gate in front of the synthesisers, the cutting into phrases, and the trimming of silence. */
#include "tts/normalise.h"

#include "tts/driver.h"
#include "tts/espeak_numbers.h"
#include "tts/phrase.h"
#include "tts/trim.h"
#include "tts/unicode.h"
#include "unit.h"

static void repeat(struct buf *into, const char *unit, size_t times)
{
    for (size_t i = 0; i < times; i++)
        assert_ok(buf_add(into, str_of(unit)));
}

static void test_rules(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"", ""},
        {"  a  b\n\tc ", "a b c"},
        {"aaaaaaaaaaaa", "aaaaaaaa"},
        {"no no no no no no no no no no yes", "no no no no no no no no yes"},
        {"........................", "........"},
        {"tab\tnew\nline\x7f\x01 end", "tab new line end"},
        {"cafe\u0301", "café"},
        {"A\u030a", "Å"},
        {"\u00a0x\u2028y", "x y"},
        {"bad\xff\xfe", "bad"},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        autobuf out = BUF(4096);
        assert_ok(normalise(str_of(rows[i].in), &out));
        assert_str(buf_str(&out), rows[i].out);
    }
}

/* Whatever goes in, what comes out keeps the rules. */
static void test_long(void **state)
{
    (void)state;
    static const char *const units[] = {"s'",     "x",     "ab", "\u00e9", "e\u0301",
                                        "\u0301", "word ", "'",  "a\n",    "日本"};
    for (size_t i = 0; i < countof(units); i++) {
        autobuf in = BUF(1 << 20), out = BUF(1 << 20);
        repeat(&in, units[i], 5000);
        assert_ok(normalise(buf_str(&in), &out));
        assert_true(utf8_valid(buf_str(&out)));
        struct str rest = buf_str(&out), word, prev = {nullptr, 0};
        unsigned same = 0;
        while (str_cut(&rest, ' ', &word)) {
            assert_uint_in_range(word.n, 1, NORMALISE_WORD_MAX);
            same = str_eq(word, prev) ? same + 1 : 1;
            assert_uint_in_range(same, 1, NORMALISE_RUN_MAX);
            prev = word;
        }
    }
}

static void test_has_words(void **state)
{
    (void)state;
    assert_true(utf8_has_words(S("- 1")));
    assert_true(utf8_has_words(S("日本")));
    assert_true(utf8_has_words(S("é")));
    assert_false(utf8_has_words(S("... ?!")));
    assert_false(utf8_has_words(S("…")));
    assert_false(utf8_has_words(S("»")));
    assert_false(utf8_has_words(S("」")));
    assert_false(utf8_has_words(S("— “”")));
    assert_false(utf8_has_words(S("！？")));
    assert_false(utf8_has_words(S("@[`{")));
    assert_true(utf8_has_words(S("» ７")));
    assert_false(utf8_has_words(S("")));
}

static void test_ascii(void **state)
{
    (void)state;
    autobuf out = BUF(1024);
    assert_ok(unicode_ascii(S("Große Café-Œuvre, naïve “x” ½ 日本 ﬁn"), &out));
    assert_str(buf_str(&out), "Grosse Cafe-OEuvre, naive \"x\" 1/2  fin");
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
        unsigned max;
    } rows[] = {
        {"no digits", "no digits", 3},
        {"999 and 1.50", "999 and 1.50", 3},
        {"in 4777.", "in  4 7 7 7 .", 3},
        {"3.251,00 x", " 3 2 5 1 0 0  x", 3},
        {"1 000 000", " 1 0 0 0 0 0 0 ", 3},
        {"\u0664\u0667\u0667\u0667", " \u0664 \u0667 \u0667 \u0667 ", 3},
        {"123456789012", "123456789012", 12},
        {"1234567890123x", " 1 2 3 4 5 6 7 8 9 0 1 2 3 x", 12},
        {"12.", "12.", 3},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        autobuf out = BUF(strlen(rows[i].in) * 3);
        assert_ok(espeak_tame_numbers(str_of(rows[i].in), rows[i].max, &out));
        assert_str(buf_str(&out), rows[i].out);
    }
    assert_int_equal(espeak_digits_max(S("ar")), 3);
    assert_int_equal(espeak_digits_max(S("AR-eg")), 3);
    assert_int_equal(espeak_digits_max(S("kl")), 0);
    assert_int_equal(espeak_digits_max(S("en-gb")), 12);
}

static void test_phrases(void **state)
{
    (void)state;
    struct str rest =
        S("Hello there. Dr. Smith of e.g. J. Doe Inc. said \"no.\" Then what? It is 3.5 long");
    static const char *const want[] = {"Hello there.", "Dr. Smith of e.g. J. Doe Inc. said \"no.\"",
                                       "Then what?", "It is 3.5 long"};
    struct str phrase;
    for (size_t i = 0; i < countof(want); i++) {
        assert_true(phrase_cut(&rest, i == 0, &phrase_usual, &phrase));
        assert_str(phrase, want[i]);
    }
    assert_false(phrase_cut(&rest, false, &phrase_usual, &phrase));
}

/* A first phrase ends at a comma once it is long enough, and none exceeds the cap or cuts a letter. */
static void test_long_phrases(void **state)
{
    (void)state;
    autobuf text = BUF(1 << 16);
    repeat(&text, "wörd, ", 500);
    struct str rest = buf_str(&text), phrase;
    assert_true(phrase_cut(&rest, true, &phrase_usual, &phrase));
    assert_uint_in_range(phrase.n, phrase_usual.first, phrase_usual.first + 8);
    while (phrase_cut(&rest, false, &phrase_usual, &phrase))
        assert_uint_in_range(phrase.n, 1, TTS_PHRASE_MAX);

    buf_clear(&text);
    repeat(&text, "wörd ", 500);
    size_t total = 0;
    for (rest = str_trim(buf_str(&text)); phrase_cut(&rest, true, &phrase_usual, &phrase);
         total += phrase.n + 1) {
        assert_uint_in_range(phrase.n, 1, TTS_PHRASE_MAX);
        assert_true(utf8_valid(phrase));
    }
    assert_int_equal(total, text.n);
}

/* Where nothing sounds before a phrase is computed, phrases are short: to a comma, else to a word, and no word is cut. */
static void test_short_phrases(void **state)
{
    (void)state;
    static const char *const want[] = {
        "Well, of course,", "you can add documents by dropping them on the page,",
        "or by naming one of the folders in which they lie and which you may let it read",
        "all of the time."};
    struct str rest =
                   S("Well, of course, you can add documents by dropping them on the page, or by "
                     "naming one of the folders in which they lie and which you may let it read "
                     "all of the time."),
               phrase;
    for (size_t i = 0; i < countof(want); i++) {
        assert_true(phrase_cut(&rest, i == 0, &phrase_short, &phrase));
        assert_str(phrase, want[i]);
    }
    assert_int_equal(rest.n, 0);
    rest = S("Pneumonoultramicroscopicsilicovolcanoconiosis-is-what-he-had and more");
    assert_true(phrase_cut(&rest, true, &phrase_short, &phrase));
    assert_str(phrase, "Pneumonoultramicroscopicsilicovolcanoconiosis-is-what-he-had");
}

static void test_pauses(void **state)
{
    (void)state;
    assert_true(phrase_pause_ms(S("End.")) > phrase_pause_ms(S("Part;")));
    assert_true(phrase_pause_ms(S("Part:")) > phrase_pause_ms(S("bit,")));
    assert_true(phrase_pause_ms(S("bit,")) > phrase_pause_ms(S("and")));
    assert_int_equal(phrase_pause_ms(S("he said \"no!\"")), phrase_pause_ms(S("End.")));
}

enum { RATE = 16000 };

/* `ms` of silence (level 0) or of a loud square wave. */
static void feed(struct trim *t, unsigned ms, int16_t level, struct buf *out)
{
    int16_t block[RATE / 100];
    for (size_t i = 0; i < countof(block); i++)
        block[i] = i % 2 ? level : (int16_t)-level;
    for (unsigned at = 0; at < ms; at += 10)
        assert_ok(trim_run(t, block, countof(block), out));
}

static void test_trim(void **state)
{
    (void)state;
    struct trim t = {};
    autobuf out = BUF(1 << 20);
    for (int round = 0; round < 2; round++) {
        buf_clear(&out);
        trim_begin(&t, RATE);
        feed(&t, 200, 50, &out);
        assert_int_equal(out.n, 0);
        feed(&t, 100, 5000, &out);
        assert_int_equal(out.n, (TRIM_LEAD_MS + 100) * RATE / 1000 * 2);
        feed(&t, 300, 0, &out); /* a pause inside stays */
        feed(&t, 100, 5000, &out);
        assert_int_equal(out.n, (TRIM_LEAD_MS + 500) * RATE / 1000 * 2);
        feed(&t, 400, 120, &out);
        assert_ok(trim_end(&t, &out));
        assert_int_equal(out.n, (TRIM_LEAD_MS + 500 + TRIM_TAIL_MS) * RATE / 1000 * 2);
        const int16_t *samples = (const int16_t *)out.p;
        assert_int_in_range(samples[out.n / 2 - 1], -2, 2); /* faded out */
    }
    trim_finish(&t);
}

static void test_trim_silence_only(void **state)
{
    (void)state;
    struct trim t = {};
    autobuf out = BUF(1 << 20);
    trim_begin(&t, RATE);
    feed(&t, 5000, 100, &out);
    assert_ok(trim_end(&t, &out));
    assert_int_equal(out.n, 0);
    trim_finish(&t);
}

static void test_trim_long_pause(void **state)
{
    (void)state;
    struct trim t = {};
    autobuf out = BUF(1 << 20);
    trim_begin(&t, RATE);
    feed(&t, 10, 5000, &out);
    feed(&t, 9000, 0, &out);
    feed(&t, 10, 5000, &out);
    assert_ok(trim_end(&t, &out));
    assert_int_equal(out.n, (10 + TRIM_PAUSE_MAX_S * 1000 + 10) * RATE / 1000 * 2);
    trim_finish(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_has_words),
        cmocka_unit_test(test_ascii),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_phrases),
        cmocka_unit_test(test_long_phrases),
        cmocka_unit_test(test_short_phrases),
        cmocka_unit_test(test_pauses),
        cmocka_unit_test(test_trim),
        cmocka_unit_test(test_trim_silence_only),
        cmocka_unit_test(test_trim_long_pause),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
