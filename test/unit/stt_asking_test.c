// SPDX-License-Identifier: Apache-2.0
/* Sentences of a document and the questions that they answer. */
#include "stt/asking.h"
#include "stt/verb.h"

#include "unit.h"

/* Words in a row, capitals for spelt; "/" at the end of a sentence. */
static enum err put_word(void *arg, struct str word, bool spelt)
{
    struct buf *out = arg;
    if (out->n > 0)
        try(buf_add_byte(out, ' '));
    for (size_t i = 0; i < word.n; i++)
        try(buf_add_byte(out,
                         (char)(spelt && word.p[i] >= 'a' ? word.p[i] - 'a' + 'A' : word.p[i])));
    return OK;
}

static enum err put_end(void *arg)
{
    return buf_add(arg, S(" /"));
}

static enum err refuse(void *, struct str, bool)
{
    return ERR_NOMEM;
}

/* Capitals in a row are words that are spelt. */
static void say(struct asking *a, struct str sentence)
{
    struct str word;
    while (str_cut(&sentence, ' ', &word)) {
        char low[100];
        bool spelt = word.p[0] >= 'A' && word.p[0] <= 'Z';
        for (size_t i = 0; i < word.n; i++)
            low[i] = (char)(spelt ? word.p[i] - 'A' + 'a' : word.p[i]);
        asking_word(a, (struct str){low, word.n}, spelt);
    }
}

static void assert_asked(struct asking *a, const char *questions)
{
    autobuf out = BUF(1 << 22);
    const struct words_events events = {.word = put_word, .sentence = put_end, .arg = &out};
    assert_ok(asking_sentence(a, &events));
    assert_str(buf_str(&out), questions);
}

static void test_questions(void **state)
{
    (void)state;
    struct asking a;
    asking_begin(&a);
    say(&a, S("to reach your server from others set an address"));
    assert_asked(&a, "how do i reach my server from others set an address /");
    say(&a, S("you may upload PDF files"));
    assert_asked(&a, "how can i may upload PDF files / how should i upload PDF files /");
    say(&a, S("it can be heard by you")); /* no verb that can be asked for */
    assert_asked(&a, "");
    say(&a, S("press the key to"));
    assert_asked(&a, "");
    say(&a, S("one two three to go one two three four five six seven eight nine"));
    assert_asked(&a, "can i go one two three four five six seven /");
    assert_asked(&a, "");
}

/* What stood before a gap is not asked about, what follows is. */
static void test_gap(void **state)
{
    (void)state;
    struct asking a;
    asking_begin(&a);
    say(&a, S("to delete to"));
    asking_gap(&a);
    say(&a, S("files to keep"));
    assert_asked(&a, "how do i keep /");
}

static void test_limits(void **state)
{
    (void)state;
    struct asking a;
    asking_begin(&a);
    for (size_t i = 0; i < 3 * ASKING_SENTENCE_MAX; i++)
        asking_word(&a, i % 2 ? S("go") : S("to"), false);
    autobuf out = BUF(1 << 22);
    const struct words_events events = {.word = put_word, .sentence = put_end, .arg = &out};
    assert_ok(asking_sentence(&a, &events));
    assert_int_equal(a.asked, ASKING_SENTENCE_MAX / 2); /* what follows each "to" */
    size_t all = 0;
    for (; all < ASKING_WORDS_MAX; all++) {
        size_t before = a.words;
        say(&a, S("to reach it"));
        buf_clear(&out);
        assert_ok(asking_sentence(&a, &events));
        if (a.words == before)
            break;
    }
    assert_true(all > 1000 && all < ASKING_WORDS_MAX);
    assert_uint_in_range(a.words, ASKING_WORDS_MAX, ASKING_WORDS_MAX + 20);
}

static void test_failing(void **state)
{
    (void)state;
    struct asking a;
    const struct words_events events = {.word = refuse, .sentence = put_end};
    asking_begin(&a);
    say(&a, S("to reach it"));
    assert_int_equal(asking_sentence(&a, &events), ERR_NOMEM);
    assert_asked(&a, ""); /* the sentence is over all the same */
}

static bool is_known(void *, struct str word)
{
    static const char *const words[] = {"press",  "presses", "pressing", "use",      "uses",
                                        "using",  "stop",    "stops",    "stopping", "copy",
                                        "copies", "copying", "key",      "keys"};
    for (size_t i = 0; i < countof(words); i++)
        if (str_eq(word, str_of(words[i])))
            return true;
    return false;
}

static void test_verbs(void **)
{
    static const struct {
        const char *word, *plain;
    } rows[] = {
        {"press", "press"}, {"pressed", "press"}, {"presses", "press"}, {"pressing", "press"},
        {"used", "use"},    {"uses", "use"},      {"stopped", "stop"},  {"copy", "copy"},
        {"keys", nullptr},  {"key", nullptr},     {"s", nullptr},       {"ed", nullptr},
        {"", nullptr},      {"ing", nullptr},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        char plain[VERB_BYTES];
        bool is_verb = verb_plain(str_of(rows[i].word), is_known, nullptr, plain);
        assert_int_equal(is_verb, rows[i].plain != nullptr);
        if (is_verb)
            assert_string_equal(plain, rows[i].plain);
    }
    struct asking a;
    asking_begin(&a);
    say(&a, S("it is pressed or USED"));
    autobuf out = BUF(1 << 10);
    const struct words_events events = {
        .known = is_known, .word = put_word, .sentence = put_end, .arg = &out};
    assert_ok(asking_sentence(&a, &events));
    assert_str(buf_str(&out), "how do i press /");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_questions), cmocka_unit_test(test_verbs),
        cmocka_unit_test(test_gap),       cmocka_unit_test(test_limits),
        cmocka_unit_test(test_failing),
    };
    return cmocka_run_group_tests_name("stt/asking", tests, nullptr, nullptr);
}
