// SPDX-License-Identifier: Apache-2.0
/* The trigram model: after every history its probabilities add up to one, and it prefers what it saw. */
#include "stt/ngram.h"

#include <math.h>
#include <stdlib.h>

#include "unit.h"

enum { WORDS_MAX = 64, GRAMS_MAX = 8192 };

/* A model read back from its ARPA text, naively. */
struct arpa {
    struct str word[WORDS_MAX];
    size_t words;
    struct {
        int length, word[3];
        double log_p, log_back_off;
    } gram[GRAMS_MAX];
    size_t grams;
    struct buf text;
};

static int number_of(struct arpa *a, struct str word)
{
    for (size_t i = 0; i < a->words; i++)
        if (str_eq(a->word[i], word))
            return (int)i;
    assert_true(a->words < WORDS_MAX);
    a->word[a->words] = word;
    return (int)a->words++;
}

static double float_of(struct str s)
{
    double x;
    assert_ok(str_to_f64(s, &x));
    return x;
}

static void read_line(struct arpa *a, struct str line, int length)
{
    struct str field;
    assert_true(a->grams < GRAMS_MAX);
    size_t g = a->grams++;
    a->gram[g].length = length;
    assert_true(str_cut(&line, ' ', &field));
    a->gram[g].log_p = float_of(field);
    for (int i = 0; i < length; i++) {
        assert_true(str_cut(&line, ' ', &field));
        a->gram[g].word[i] = number_of(a, field);
    }
    a->gram[g].log_back_off = length < 3 ? float_of(line) : 0;
}

static struct arpa *read_arpa(struct ngram *n)
{
    struct arpa *a = calloc(1, sizeof *a);
    assert_non_null(a);
    a->text.cap = 64 << 20;
    assert_ok(ngram_arpa(n, &a->text));
    struct str rest = buf_str(&a->text), line;
    int length = 0;
    while (str_cut(&rest, '\n', &line)) {
        if (str_starts(line, S("\\")) && str_ends(line, S("-grams:")))
            length = line.p[1] - '0';
        else if (line.n > 0 && line.p[0] != '\\' && length > 0)
            read_line(a, line, length);
    }
    return a;
}

static void free_arpa(struct arpa *a)
{
    buf_finish(&a->text);
    free(a);
}

static int find(const struct arpa *a, int length, const int *word)
{
    for (size_t i = 0; i < a->grams; i++)
        if (a->gram[i].length == length &&
            memcmp(a->gram[i].word, word, (size_t)length * sizeof *word) == 0)
            return (int)i;
    return -1;
}

/* log10 of the probability of the last of `length` words, with back-off as decoders do it. */
static double log_p(const struct arpa *a, int length, const int *word)
{
    int i = find(a, length, word);
    if (i >= 0)
        return a->gram[i].log_p;
    assert_true(length > 1);
    int history = find(a, length - 1, word);
    return (history >= 0 ? a->gram[history].log_back_off : 0) + log_p(a, length - 1, word + 1);
}

static double sum_after(const struct arpa *a, int start, int length, int *word)
{
    double sum = 0;
    for (word[length - 1] = 0; word[length - 1] < (int)a->words; word[length - 1]++)
        if (word[length - 1] != start)
            sum += pow(10, log_p(a, length, word));
    return sum;
}

/* Every history of two words, seen or not. */
static void assert_adds_up(struct arpa *a)
{
    int start = number_of(a, S("<s>")), end = number_of(a, S("</s>"));
    int word[3];
    assert_float_equal(sum_after(a, start, 1, word), 1, 1e-3);
    for (word[0] = 0; word[0] < (int)a->words; word[0]++) {
        if (word[0] == end)
            continue;
        int one[2] = {word[0], 0};
        assert_float_equal(sum_after(a, start, 2, one), 1, 1e-3);
        for (word[1] = 0; word[1] < (int)a->words; word[1]++)
            if (word[1] != end && word[1] != start)
                assert_float_equal(sum_after(a, start, 3, word), 1, 1e-3);
    }
}

static struct ngram *count(const char *text)
{
    struct ngram *n;
    assert_ok(ngram_create(&n));
    struct str rest = str_of(text), word;
    while (str_cut(&rest, ' ', &word)) {
        if (str_eq(word, S("/")))
            assert_ok(ngram_sentence(n));
        else if (str_eq(word, S("_")))
            assert_ok(ngram_gap(n));
        else
            assert_ok(ngram_word(n, word, false));
    }
    assert_ok(ngram_close(n));
    return n;
}

static void test_adds_up(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "a",
        "a b c / a b d / a b c /",
        "how do i add documents / how do i delete documents / where are the documents / i _ add i",
        "_ _ a _ / / b / a a a a a a b a",
    };
    for (size_t i = 0; i < countof(texts); i++) {
        struct ngram *n = count(texts[i]);
        struct arpa *a = read_arpa(n);
        assert_adds_up(a);
        free_arpa(a);
        ngram_destroy(n);
    }
}

static double p_of(struct arpa *a, const char *one, const char *two, const char *three)
{
    int word[] = {number_of(a, str_of(one)), number_of(a, str_of(two)),
                  number_of(a, str_of(three))};
    return pow(10, log_p(a, 3, word));
}

/* Witten-Bell by hand: "a b" twice, c once and d once after it. */
static void test_values(void **state)
{
    (void)state;
    struct ngram *n = count("a b c / a b d");
    struct arpa *a = read_arpa(n);
    double unigram = (1 + 1.0) / (8 + 5);        /* c of a b c </s> a b d </s>; five kinds */
    double bigram = (1 + 2 * unigram) / (2 + 2); /* after b: twice, two kinds */
    double trigram = (1 + 2 * bigram) / (2 + 2);
    assert_float_equal(p_of(a, "a", "b", "c"), trigram, 1e-4);
    assert_float_equal(p_of(a, "d", "b", "c"), bigram, 1e-4); /* an unseen history */
    assert_true(p_of(a, "a", "b", "c") > p_of(a, "a", "b", "a"));
    free_arpa(a);
    ngram_destroy(n);
}

/* A gap keeps its neighbours apart; a word that is taken out becomes one. */
static void test_gaps(void **state)
{
    (void)state;
    struct ngram *n = count("a _ b / c x d / c d");
    for (size_t i = 0; i < ngram_words(n); i++)
        if (str_eq(ngram_word_at(n, i).text, S("x")))
            ngram_forbid(n, i);
    assert_int_equal(ngram_vocabulary(n), 4);
    struct arpa *a = read_arpa(n);
    assert_adds_up(a);
    int ab[] = {number_of(a, S("a")), number_of(a, S("b"))};
    int cd[] = {number_of(a, S("c")), number_of(a, S("d"))};
    assert_int_equal(find(a, 2, ab), -1);
    assert_true(find(a, 2, cd) >= 0);
    for (size_t i = 0; i < a->words; i++)
        assert_false(str_eq(a->word[i], S("x")));
    free_arpa(a);
    ngram_destroy(n);
}

/* A large text loses its single trigrams and still adds up; the caps hold. */
static void test_large(void **state)
{
    (void)state;
    enum { LETTERS = 10 };
    struct ngram *n;
    assert_ok(ngram_create(&n));
    uint32_t x = 1;
    for (size_t i = 0; i < NGRAM_CUT_TOKENS + 10; i++) {
        x = x * 1664525u + 1013904223u;
        const char letter[] = {(char)('a' + (x >> 24) % LETTERS)};
        assert_ok(ngram_word(n, (struct str){letter, 1}, false));
        if ((x >> 16) % 13 == 0)
            assert_ok(ngram_sentence(n));
    }
    /* One rare word in many places makes trigrams that are seen once. */
    for (int i = 0; i < LETTERS; i++) {
        const char c = (char)('a' + i);
        assert_ok(ngram_word(n, (struct str){&c, 1}, false));
        assert_ok(ngram_word(n, S("rare"), false));
        assert_ok(ngram_word(n, (struct str){&c, 1}, false));
    }
    assert_ok(ngram_close(n));
    struct arpa *a = read_arpa(n);
    int once[] = {number_of(a, S("b")), number_of(a, S("rare")), number_of(a, S("b"))};
    assert_int_equal(find(a, 3, once), -1);
    assert_true(find(a, 2, once) >= 0);
    assert_adds_up(a);
    free_arpa(a);
    ngram_destroy(n);
}

static void test_caps(void **state)
{
    (void)state;
    struct ngram *n;
    assert_ok(ngram_create(&n));
    assert_ok(ngram_word(n, S("again"), false));
    char word[16];
    for (unsigned i = 0; i < NGRAM_DISTINCT_MAX + 100; i++) {
        for (unsigned at = 0, rest = i; at < 5; at++, rest /= 26)
            word[at] = (char)('a' + rest % 26);
        assert_ok(ngram_word(n, (struct str){word, 5}, false));
    }
    for (unsigned i = 0; i < NGRAM_TOKENS_MAX; i++)
        assert_ok(ngram_word(n, S("again"), false));
    assert_ok(ngram_close(n));
    assert_int_equal(ngram_words(n), NGRAM_VOCABULARY_MAX);
    assert_str(ngram_word_at(n, 0).text, "again");
    ngram_destroy(n);
}

static void test_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "/ /", "_ _"};
    for (size_t i = 0; i < countof(texts); i++) {
        struct ngram *n = count(texts[i]);
        autobuf out = BUF(4096);
        assert_err(ngram_arpa(n, &out), ERR_INVALID);
        ngram_destroy(n);
    }
    ngram_destroy(nullptr);
}

/* Spelt only when it was spelt wherever it stood. */
static void test_spelt(void **state)
{
    (void)state;
    struct ngram *n;
    assert_ok(ngram_create(&n));
    assert_ok(ngram_word(n, S("tls"), true));
    assert_ok(ngram_word(n, S("tls"), true));
    assert_ok(ngram_word(n, S("readme"), true));
    assert_ok(ngram_word(n, S("readme"), false));
    assert_ok(ngram_close(n));
    assert_true(ngram_word_at(n, 0).spelt);
    assert_false(ngram_word_at(n, 1).spelt);
    ngram_destroy(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adds_up), cmocka_unit_test(test_values),
        cmocka_unit_test(test_gaps),    cmocka_unit_test(test_large),
        cmocka_unit_test(test_caps),    cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_spelt),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
