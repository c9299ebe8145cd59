// SPDX-License-Identifier: Apache-2.0
/*
 * What lies between a text and a Kokoro model: phonemes of espeak-ng become those of misaki, these numbers by the model's symbols,
 * and the length of an utterance chooses its style. Of the files that say so, broken ones are told apart.
 */
#include <stdlib.h>

#include "alloc_fault.h"
#include "kokoro_write.h"
#include "tts/kokoro/misaki.h"
#include "tts/kokoro/styles_add.h"
#include "tts/kokoro/tokens.h"
#include "unit.h"

static char why[STYLES_WHY_BYTES];

/* --- phonemes --- */

static void phonemes_become_those_of_misaki(void **)
{
    static const struct {
        enum misaki_rules rules;
        const char *espeak, *misaki;
    } rows[] = {
        {MISAKI_AMERICAN, "mˈɜːt^ʃəntʃˌɪp", "mˈɜɹʧəntʃˌɪp"},
        {MISAKI_AMERICAN, "həlˈo^ʊ wˈɜːld", "həlˈO wˈɜɹld"},
        {MISAKI_BRITISH, "həlˈə^ʊ wˈɜːld", "həlˈQ wˈɜːld"},
        {MISAKI_AMERICAN, "hˈa^ɪ, hˈa^ʊ. bˈɔ^ɪ! dˈe^ɪ?", "hˈI, hˈW. bˈY! dˈA?"},
        {MISAKI_AMERICAN, "bˈʌɾɚ", "bˈʌTəɹ"},
        {MISAKI_AMERICAN, "bˈʌʔn\u0329", "bˈʌtn"},
        {MISAKI_AMERICAN, "lˈɪɾəl", "lˈɪTəl"},
        {MISAKI_AMERICAN, "lˈɪɾə^l", "lˈɪTᵊl"},
        {MISAKI_AMERICAN, "bˈɑːɾl\u0329", "bˈɑTᵊl"},
        {MISAKI_AMERICAN, "\u0329", ""},
        {MISAKI_AMERICAN, "a \u0329b", "a b"},
        {MISAKI_AMERICAN, "fˈo\u0303ːr", "fˈɔɹ"},
        {MISAKI_BRITISH, "hˈe^ə niə", "hˈɛː nɪə"},
        {MISAKI_BRITISH, "lˈɒx", "lˈɒk"},
        {MISAKI_OTHER, "ˈot^ʃo d^ʒˈa-lt^so", "ˈoʧo ʤˈalʦo"},
        {MISAKI_OTHER, "bɔ\u0303ʒˈuʁ", "bɔ\u0303ʒˈuʁ"},
        {MISAKI_OTHER, "^", ""},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        autobuf into = BUF(1000);
        assert_ok(misaki_from_espeak(str_of(rows[i].espeak), rows[i].rules, &into));
        assert_str(buf_str(&into), rows[i].misaki);
    }
}

/* --- numbers --- */

static void symbols_become_numbers(void **)
{
    static const int64_t want[] = {0, 50, 156, 24, 4, 16, 0};
    struct vocab v = {};
    struct tokens t;
    vocab_usual(&v);
    assert_int_equal(v.n, 114);
    for (size_t i = 1; i < v.n; i++)
        assert_true(v.symbols[i - 1].cp < v.symbols[i].cp);
    struct str rest = S("hˈA.~\u4e2d ");
    assert_true(tokens_next(&v, &rest, &t));
    assert_int_equal(t.n, countof(want));
    for (size_t i = 0; i < countof(want); i++)
        assert_int_equal(t.id[i], want[i]);
    assert_int_equal(rest.n, 0);
    static const char *const silent[] = {"", " ", ".", "?! — …", "$", "\u4e2d\u6587"};
    for (size_t i = 0; i < countof(silent); i++) {
        rest = str_of(silent[i]);
        assert_false(tokens_next(&v, &rest, &t));
    }
}

/* At a word's end where there is one, and nothing is lost. */
static void long_ones_are_cut(void **)
{
    static char words[4000], letters[1200];
    struct vocab v = {};
    struct tokens t;
    size_t all = 0;
    vocab_usual(&v);
    for (size_t i = 0; i < sizeof words; i++)
        words[i] = i % 7 == 6 ? ' ' : 'a';
    for (struct str rest = {words, sizeof words}; tokens_next(&v, &rest, &t);) {
        assert_uint_in_range(t.n, 3, TOKENS_MAX + 2);
        assert_int_equal(t.id[0], 0);
        assert_int_equal(t.id[t.n - 1], 0);
        if (rest.n > 0)
            assert_int_equal(t.id[t.n - 2], 16); /* a blank */
        all += t.n - 2;
    }
    assert_int_equal(all, sizeof words);
    memset(letters, 'b', sizeof letters);
    struct str rest = {letters, sizeof letters};
    assert_true(tokens_next(&v, &rest, &t));
    assert_int_equal(t.n, TOKENS_MAX + 2);
    assert_true(tokens_next(&v, &rest, &t) && tokens_next(&v, &rest, &t));
    assert_int_equal(t.n, sizeof letters - 2 * TOKENS_MAX + 2);
    assert_false(tokens_next(&v, &rest, &t));
}

static void a_file_says_the_symbols(void **)
{
    static const struct {
        const char *text;
        enum err err;
        const char *says;
        size_t n;
    } rows[] = {
        {"{\"vocab\": {\"a\": 1, \"ˈ\": 177}}", OK, "", 2},
        {"{\"model\": {\"vocab\": {\"$\": 0, \"b\": 4095, \"ab\": 7, \"\": 3}}}", OK, "", 1},
        {"{\"model_type\": \"style_text_to_speech_2\"}", ERR_NOTFOUND, "", 0},
        {"{\"vocab\": [1, 2]}", ERR_NOTFOUND, "", 0},
        {"{\"model\": 3}", ERR_NOTFOUND, "", 0},
        {"[]", ERR_NOTFOUND, "", 0},
        {"{\"vocab\": {}}", ERR_INVALID, "needs 1 to 4096 symbols", 0},
        {"{\"vocab\": {\"a\": -1}}", ERR_INVALID, "\"a\" has a number that is none of 4096", 0},
        {"{\"vocab\": {\"a\": 4096}}", ERR_INVALID, "\"a\" has a number", 0},
        {"{\"vocab\": {\"a\": \"1\"}}", ERR_INVALID, "\"a\" has a number", 0},
        {"{\"vocab\": {\"a\": 1", ERR_INVALID, "cannot be read", 0},
        {"", ERR_INVALID, "cannot be read", 0},
        {"\xff", ERR_INVALID, "cannot be read", 0},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct vocab v = {};
        why[0] = '\0';
        assert_err(vocab_read(str_of(rows[i].text), &v, why), rows[i].err);
        if (!strstr(why, rows[i].says))
            fail_msg("\"%s\" instead of \"%s\"", why, rows[i].says);
        assert_int_equal(v.n, rows[i].n);
        vocab_finish(&v);
    }
}

/* --- styles --- */

static void the_length_chooses_the_style(void **)
{
    struct styles s = {};
    autobuf numbers = {};
    kokoro_write_style(1, &numbers);
    assert_ok(styles_add(&s, S("b_"), buf_str(&numbers), why));
    assert_ok(styles_add(&s, S("a"), str_sub(buf_str(&numbers), 0, 4 * STYLE_SIZE), why));
    assert_ok(styles_add(&s, S("b"), buf_str(&numbers), why));
    assert_int_equal(s.n, 3);
    assert_string_equal(s.voice[0].name, "a");
    assert_string_equal(s.voice[1].name, "b");
    assert_string_equal(s.voice[2].name, "b_");
    const struct style *b = &s.voice[1];
    assert_int_equal(b->rows_n, 510);
    assert_ptr_equal(style_for(b, 1), b->rows);
    assert_ptr_equal(style_for(b, 510), b->rows + 509 * STYLE_SIZE);
    assert_ptr_equal(style_for(b, 511), b->rows + 509 * STYLE_SIZE);
    assert_ptr_equal(style_for(b, 0), b->rows);
    assert_ptr_equal(style_for(&s.voice[0], 99), s.voice[0].rows);
    assert_memory_equal(b->rows, numbers.p, numbers.n);
    styles_finish(&s);
}

static void expect_bad(struct str numbers, const char *says)
{
    struct styles s = {};
    assert_err(styles_add(&s, S("af_x"), numbers, why), ERR_INVALID);
    if (!strstr(why, says))
        fail_msg("\"%s\" instead of \"%s\"", why, says);
    styles_finish(&s);
}

static void broken_styles_are_refused(void **)
{
    struct styles s = {};
    autobuf numbers = {};
    kokoro_write_style(1, &numbers);
    struct str all = buf_str(&numbers);
    expect_bad(S(""), "no table of styles");
    expect_bad(S("af"), "no table of styles");
    expect_bad(str_sub(all, 0, all.n - 1), "no table of styles");
    expect_bad(str_sub(all, 4, all.n), "no table of styles");
    memset(numbers.p + 4000, 0xff, 4); /* no number */
    expect_bad(all, "numbers that are none");
    memcpy(numbers.p + 4000, "\0\0\x80\x7f", 4); /* infinite */
    expect_bad(all, "numbers that are none");
    memset(numbers.p + 4000, 0, 4);
    assert_ok(styles_add(&s, S("af_x"), all, why));
    assert_err(styles_add(&s, S("af_x"), all, why), ERR_INVALID);
    assert_non_null(strstr(why, "is there twice"));
    styles_finish(&s);
}

/* --- archives --- */

static void an_archive_is_read(void **)
{
    static const char *const names[] = {"bm_george", "af_heart", "jf_alpha"};
    struct styles s = {};
    autobuf file = {}, numbers = {};
    kokoro_write_archive(names, countof(names), &file);
    assert_ok(styles_read_archive(buf_str(&file), &s, why));
    assert_int_equal(s.n, 3);
    assert_string_equal(s.voice[0].name, "af_heart");
    kokoro_write_style(1, &numbers);
    assert_int_equal(s.voice[0].rows_n, 510);
    assert_memory_equal(s.voice[0].rows, numbers.p, numbers.n);
    styles_finish(&s);
}

/* In memory of its own, so that reading beyond its end shows. */
static enum err read_copy(struct str bytes, struct styles *s)
{
    char *copy = malloc(bytes.n + (bytes.n == 0));
    assert_non_null(copy);
    if (bytes.n > 0)
        memcpy(copy, bytes.p, bytes.n);
    why[0] = '\0';
    enum err err = styles_read_archive((struct str){copy, bytes.n}, s, why);
    free(copy);
    return err;
}

static void a_cut_archive_is_refused(void **)
{
    static const char *const names[] = {"af_heart"};
    autobuf file = {};
    kokoro_write_archive(names, 1, &file);
    for (size_t n = 0; n < file.n; n += n < 500 || n > file.n - 500 ? 1 : 9973) {
        struct styles s = {};
        if (read_copy(str_sub(buf_str(&file), 0, n), &s) != ERR_INVALID || !why[0])
            fail_msg("%zu of %zu bytes pass", n, file.n);
        styles_finish(&s);
    }
}

/* The heads, byte by byte: refused, or read as something else, and never beyond the end. */
static void a_changed_archive_does_no_harm(void **)
{
    static const char *const names[] = {"af_heart"};
    autobuf file = {};
    kokoro_write_archive(names, 1, &file);
    for (size_t i = 0; i < 400; i++) {
        size_t at = i < 200 ? i : file.n - 400 + i;
        for (int value = 0; value < 3; value++) {
            struct styles s = {};
            char was = file.p[at];
            file.p[at] = value == 0 ? (char)(was ^ 1) : value == 1 ? '\xff' : '\0';
            enum err err = read_copy(buf_str(&file), &s);
            assert_true(err == OK || (err == ERR_INVALID && why[0]));
            styles_finish(&s);
            file.p[at] = was;
        }
    }
}

static enum err read_all(void *arg)
{
    struct styles s = {};
    struct vocab v = {};
    enum err err = styles_read_archive(buf_str(arg), &s, why);
    styles_finish(&s);
    if (err == OK)
        err = vocab_read(S("{\"vocab\": {\"a\": 1, \"b\": 2}}"), &v, why);
    vocab_finish(&v);
    return err;
}

static void memory_may_be_short(void **)
{
    static const char *const names[] = {"af_heart", "bm_george"};
    autobuf file = {};
    kokoro_write_archive(names, countof(names), &file);
    assert_true(torture(read_all, &file) >= 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phonemes_become_those_of_misaki),
        cmocka_unit_test(symbols_become_numbers),
        cmocka_unit_test(long_ones_are_cut),
        cmocka_unit_test(a_file_says_the_symbols),
        cmocka_unit_test(the_length_chooses_the_style),
        cmocka_unit_test(broken_styles_are_refused),
        cmocka_unit_test(an_archive_is_read),
        cmocka_unit_test(a_cut_archive_is_refused),
        cmocka_unit_test(a_changed_archive_does_no_harm),
        cmocka_unit_test(memory_may_be_short),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
