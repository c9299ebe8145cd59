// SPDX-License-Identifier: Apache-2.0
/* From documents to a language model and pronunciations, with the real dictionary; the running mean. */
#include "stt/adapt.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "stt/dictionary.h"
#include "stt/pronounce.h"
#include "stt/sphinx_decoder.h"
#include "stt/sphinx_mean.h"
#include "unit.h"

static char dictionary_path[512];
static struct dictionary *dictionary;

static int set_up(void **state)
{
    (void)state;
    sphinx_dictionary_path(dictionary_path, sizeof dictionary_path);
    return dictionary_open(dictionary_path, &dictionary) == OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    dictionary_close(dictionary);
    dictionary_close(nullptr);
    return 0;
}

static void test_dictionary(void **state)
{
    (void)state;
    assert_true(dictionary_has(dictionary, S("documents")));
    assert_str(dictionary_phones(dictionary, S("hello")), "HH AH L OW");
    assert_false(dictionary_has(dictionary, S("hello(2)")));
    assert_false(dictionary_has(dictionary, S("")));
    assert_false(dictionary_has(dictionary, S("pocketsphinx")));
    assert_str(dictionary_phones(dictionary, S("pocketsphinx")), "");
    struct dictionary *none;
    assert_err(dictionary_open("/nonexistent", &none), ERR_NOTFOUND);
}

static void test_pronounce(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        bool spelt;
        const char *phones;
    } rows[] = {
        {"hello", false, "HH AH L OW"},
        {"llm", true, "EH L EH L EH M"},
        {"tls", false, "T IY EH L EH S"}, /* no vowel */
        {"aws", true, "EY D AH B AH L Y UW EH S"},
        {"repartee", false, "R EH P ER T IY"},
        {"document's", false, "D AA K Y AH M EH N T S"},
        {"llms", false, nullptr},
        {"flite", false, "F L AY T"},
    };
    autobuf out = BUF(PRONOUNCE_MAX);
    for (size_t i = 0; i < countof(rows); i++) {
        assert_ok(pronounce(dictionary, str_of(rows[i].word), rows[i].spelt, &out));
        if (rows[i].phones != nullptr)
            assert_str(buf_str(&out), rows[i].phones);
    }
    assert_err(pronounce(dictionary, S("'"), false, &out), ERR_NOTFOUND);
}

/* Every phone is one that the dictionary knows. */
static void test_phone_set(void **state)
{
    (void)state;
    static const char phones[] =
        " AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V "
        "W Y Z ZH ";
    autobuf out = BUF(PRONOUNCE_MAX);
    uint32_t x = 7;
    for (int i = 0; i < 2000; i++) {
        char word[12];
        size_t n = 1 + x % sizeof word;
        for (size_t at = 0; at < n; at++) {
            x = x * 1664525u + 1013904223u;
            word[at] = (char)('a' + (x >> 24) % 26);
        }
        if (pronounce(dictionary, (struct str){word, n}, false, &out) != OK)
            continue;
        struct str rest = buf_str(&out), phone;
        while (str_cut(&rest, ' ', &phone)) {
            char padded[8];
            snprintf(padded, sizeof padded, " %.*s ", STR_FMT(phone));
            if (strstr(phones, padded) == nullptr)
                fail_msg("%.*s: %.*s", (int)n, word, STR_FMT(buf_str(&out)));
        }
    }
}

static void test_adaptation(void **state)
{
    (void)state;
    struct adaptation *a;
    struct memfile file, tiny;
    assert_ok(memfile_create(1 << 20, &file));
    assert_ok(adaptation_create(S("PocketSphinx hears. The recogniser of repartee, an LLM."),
                                dictionary_path, &file, &a));
    /* pocket sphinx hears the recogniser of repartee an llm; and how do i can hear, of its questions */
    assert_int_equal(a->words, 14);
    assert_int_equal(a->pronounced, 2); /* recogniser llm */
    assert_int_equal(a->left_out, 0);
    struct str rest = buf_str(&a->extra);
    const char *word, *phones;
    size_t n = 0;
    while (adaptation_next(&rest, &word, &phones)) {
        assert_false(dictionary_has(dictionary, str_of(word)));
        assert_true(phones[0] != '\0');
        n++;
    }
    assert_int_equal(n, 2);
    assert_memory_equal(file.bytes, "\\data\\\nngram 1=16\n", 18);
    adaptation_destroy(a);
    adaptation_destroy(nullptr);
    assert_err(adaptation_create(S(" ... "), dictionary_path, &file, &a), ERR_INVALID);
    assert_err(adaptation_create(S("hello"), "/nonexistent", &file, &a), ERR_NOTFOUND);
    assert_ok(memfile_create(16, &tiny));
    assert_err(adaptation_create(S("hello"), dictionary_path, &tiny, &a), ERR_TOOBIG);
    memfile_finish(&tiny);
    memfile_finish(&file);
    memfile_finish(&file);
}

/* PocketSphinx's side of the bargain: the mean of what it was told, MEAN_TOLD times, and frames. */
static void report(const struct mean *m, const double *frame, double frames, char *text,
                   size_t size)
{
    size_t n = 0;
    for (int i = 0; i < MEAN_DIMS; i++)
        n += (size_t)snprintf(text + n, size - n, "%.9g,",
                              (MEAN_TOLD * m->told[i] + frames * frame[i]) / (MEAN_TOLD + frames));
}

static void test_mean(void **state)
{
    (void)state;
    struct mean m;
    mean_begin(&m);
    double general = m.told[0], frame[MEAN_DIMS];
    for (int i = 0; i < MEAN_DIMS; i++)
        frame[i] = 10 * i;
    char text[MEAN_TEXT_BYTES];
    for (int step = 1; step <= 50; step++) {
        report(&m, frame, 10, text, sizeof text);
        mean_heard(&m, text, 10);
        double want = (MEAN_PRIOR * general + 10 * step * frame[0]) / (MEAN_PRIOR + 10 * step);
        assert_float_equal(m.told[0], want, 1e-3);
    }
    mean_text(&m, text);
    assert_float_equal(strtod(text, nullptr), m.told[0], 1e-3);
    unsigned commas = 0;
    for (const char *c = text; *c != '\0'; c++)
        commas += *c == ',';
    assert_int_equal(commas, MEAN_DIMS - 1);
    mean_heard(&m, "nan,inf", 10); /* whatever it says, the mean stays a number */
    for (int i = 0; i < MEAN_DIMS; i++)
        assert_true(isfinite(m.told[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dictionary), cmocka_unit_test(test_pronounce),
        cmocka_unit_test(test_phone_set),  cmocka_unit_test(test_adaptation),
        cmocka_unit_test(test_mean),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
