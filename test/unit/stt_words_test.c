// SPDX-License-Identifier: Apache-2.0
/* From the text of documents to words as people say them. */
#include "stt/words.h"

#include "stt/number.h"
#include "unit.h"

/* Writes what it is told: words, "/" at the end of a sentence, "_" for a gap, capitals for spelt. */
struct writer {
    struct buf out;
};

static bool on_known(void *arg, struct str word)
{
    (void)arg;
    static const char *const known[] = {"push", "to", "talk", "github", "ok", "nasa"};
    for (size_t i = 0; i < countof(known); i++)
        if (str_eq(word, str_of(known[i])))
            return true;
    return false;
}

static enum err put(struct writer *w, struct str s)
{
    if (w->out.n > 0)
        try(buf_add_byte(&w->out, ' '));
    return buf_add(&w->out, s);
}

static enum err on_word(void *arg, struct str word, bool spelt)
{
    char upper[WORDS_LETTERS_MAX];
    assert_uint_in_range(word.n, 1, WORDS_LETTERS_MAX);
    for (size_t i = 0; i < word.n; i++)
        upper[i] = (char)(word.p[i] >= 'a' && word.p[i] <= 'z' ? word.p[i] - 'a' + 'A' : word.p[i]);
    return put(arg, spelt ? (struct str){upper, word.n} : word);
}

static enum err on_sentence(void *arg)
{
    struct writer *w = arg;
    return w->out.n > 0 && w->out.p[w->out.n - 1] == '/' ? OK : put(w, S("/"));
}

static enum err on_gap(void *arg)
{
    return put(arg, S("_"));
}

static const struct {
    const char *in, *out;
} rows[] = {
    {"", "/"},
    {"Hello World.", "hello world /"},
    {"Push-to-talk needs `http.origins`.", "push to talk needs http origins /"},
    {"rag/max_document", "rag max document /"},
    {"One. Two! Three? four: five; six", "one / two / three / four / five / six /"},
    {"see e5.c, now", "see e five c now /"},
    {"a line\nthat goes on", "a line that goes on /"},
    {"a paragraph\n\nanother", "a paragraph / another /"},
    {"list\n- one\n* two\n# head", "list / one / two / head /"},
    {"it's the server\u2019s 'own' dogs'", "it's the server's own dogs /"},
    {"WebSocket GitHub OK", "web socket github ok /"},
    {"LLM NASA HTTPServer", "LLM nasa HTTP server /"},
    {"A RETRIEVAL", "a retrieval /"},
    {"HTTP'Yes don't'T", "HTTP yes don't't /"},
    {"caf\u00e9 Stra\u00dfe \u00c6gir \u00d7 3", "cafe strasse aegir three /"},
    {"dogs & cats, 5 %", "dogs and cats five percent /"},
    {"1,000 and 1,234,567", "one thousand and one million two hundred thirty four thousand five "
                            "hundred sixty seven /"},
    {"8600 1999 2026 2005 2000 1234",
     "eighty six hundred nineteen ninety nine twenty twenty six two thousand five two thousand one "
     "thousand two hundred thirty four /"},
    {"1.5 MB in 007", "one point five MB in zero zero seven /"},
    {"127.0.0.1:80", "one hundred twenty seven dot zero dot zero dot one eighty /"},
    {"the 1st, 22nd, 113th", "the first twenty second one hundred thirteenth /"},
    {"16kHz x86_64", "sixteen k hz x eighty six sixty four /"},
    {"a3f9c2d17e is a hash", "_ is a hash /"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa b", "_ b /"},
    {"1234567890123456 b", "_ b /"},
    {"one \u65e5\u672c two", "one _ _ two /"},
    {"bad \xff\xfe bytes", "bad _ _ bytes /"},
    {"| a | b |", "/ a / b /"},
    {"\u201cquoted\u201d \u2014 dash\u2026", "quoted dash /"},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < countof(rows); i++) {
        struct writer w = {BUF(4096)};
        const struct words_events events = {on_known, on_word, on_sentence, on_gap, &w};
        assert_ok(words_read(str_of(rows[i].in), &events));
        assert_str(buf_str(&w.out), rows[i].out);
        buf_finish(&w.out);
    }
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } good[] = {
        {"0", "zero"},
        {"10", "ten"},
        {"100", "one hundred"},
        {"115", "one hundred fifteen"},
        {"1000", "one thousand"},
        {"1100", "eleven hundred"},
        {"2000", "two thousand"},
        {"2,048", "two thousand forty eight"},
        {"12,34", "twelve thirty four"},
        {"3.14", "three point one four"},
        {"1000000000", "one billion"},
        {"999999999999", "nine hundred ninety nine billion nine hundred ninety nine million nine "
                         "hundred ninety nine thousand nine hundred ninety nine"},
    };
    static const char *const bad[] = {"", "1234567890123", "x", "1.1234567890123"};
    for (size_t i = 0; i < countof(good); i++) {
        autobuf out = BUF(1024);
        assert_ok(number_words(str_of(good[i].in), &out));
        assert_str(buf_str(&out), good[i].out);
    }
    for (size_t i = 0; i < countof(bad); i++) {
        autobuf out = BUF(1024);
        assert_err(number_words(str_of(bad[i]), &out), ERR_INVALID);
    }
}

static enum err refuse(void *arg, struct str word, bool spelt)
{
    (void)word, (void)spelt;
    return ++*(int *)arg == 2 ? ERR_TOOBIG : OK;
}

static enum err ignore(void *arg)
{
    (void)arg;
    return OK;
}

/* The first error of an event ends the reading. */
static void test_refusal(void **state)
{
    (void)state;
    int words = 0;
    const struct words_events events = {on_known, refuse, ignore, ignore, &words};
    assert_err(words_read(S("one two three"), &events), ERR_TOOBIG);
    assert_int_equal(words, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_refusal),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
