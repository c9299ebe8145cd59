// SPDX-License-Identifier: Apache-2.0
/* When what a Whisper has heard is not believed, and what is left of a loop. */
#include "stt/whisper/doubt.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stt/window/repeat.h"
#include "unit.h"

static struct heard heard_as(const char *text)
{
    struct heard h = {.text = BUF(10000), .logprob = -0.1f};
    struct str rest = str_of(text), word;
    while (str_cut(&rest, ' ', &word)) {
        assert_ok(mem_grow((void **)&h.words, &h.words_room, h.words_n + 1, sizeof *h.words));
        if (h.text.n > 0)
            assert_ok(buf_add_byte(&h.text, ' '));
        h.words[h.words_n++] = (struct heard_word){.at = (uint32_t)h.text.n,
                                                   .length = (uint32_t)word.n,
                                                   .confidence = (float)h.words_n / 100};
        assert_ok(buf_add(&h.text, word));
    }
    return h;
}

static void loops_are_taken_out(void **)
{
    static const struct {
        const char *heard, *kept;
    } rows[] = {
        {"", ""},
        {"how do i add documents", "how do i add documents"},
        {"no no no no no", "no no no no no"}, /* people do */
        {"no no no no no no", "no"},
        {"and then no, no. NO no! no? no he said", "and then no, he said"},
        {"very good very good very good", "very good very good very good"},
        {"very good very good very good very good", "very good"},
        {"well thank you for watching. thank you for watching. Thank you for watching!",
         "well thank you for watching."},
        {"thank you for watching. thank you for watching.",
         "thank you for watching. thank you for watching."},
        {"one two three one two three one two three one two", "one two three"},
        {"a b c a b c a b c d e f g h d e f g h d e f g h end", "a b c d e f g h end"},
        /* the longest round that is looked for */
        {"1 2 3 4 5 6 7 8 9 10 11 12 1 2 3 4 5 6 7 8 9 10 11 12 1 2 3 4 5 6 7 8 9 10 11 12",
         "1 2 3 4 5 6 7 8 9 10 11 12"},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct heard h = heard_as(rows[i].heard);
        bool is_loop = strcmp(rows[i].heard, rows[i].kept) != 0;
        assert_int_equal(doubt_of(&h), is_loop ? GUARD_loop : GUARD_NONE);
        assert_int_equal(repeat_unloop(&h), is_loop);
        assert_str(buf_str(&h.text), rows[i].kept);
        for (size_t k = 0; k < h.words_n; k++) {
            struct str word =
                str_sub(buf_str(&h.text), h.words[k].at, h.words[k].at + h.words[k].length);
            assert_true(word.n == h.words[k].length && str_find_byte(word, ' ') == word.n);
        }
        heard_finish(&h);
    }
}

static void it_is_doubted_for_a_reason(void **)
{
    static const struct {
        float logprob, no_speech;
        enum guard doubt, for_good;
    } rows[] = {
        {-0.1f, 0, GUARD_NONE, GUARD_NONE},
        {-0.79f, 0.9f, GUARD_NONE, GUARD_NONE}, /* sure of words: somebody spoke */
        {-0.81f, 0, GUARD_unsure, GUARD_NONE},
        {-1.49f, 0.5f, GUARD_unsure, GUARD_NONE},
        {-1.51f, 0.5f, GUARD_unsure, GUARD_guess},
        {-1.1f, 0.61f, GUARD_no_speech, GUARD_no_speech},
        {-0.9f, 0.99f, GUARD_unsure, GUARD_NONE},
        {-INFINITY, 0, GUARD_unsure, GUARD_guess},
        {NAN, 0, GUARD_unsure, GUARD_guess},
        {NAN, 1, GUARD_no_speech, GUARD_no_speech},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct heard h = heard_as("how do i add documents");
        h.logprob = rows[i].logprob;
        h.no_speech = rows[i].no_speech;
        if (doubt_of(&h) != rows[i].doubt || doubt_for_good(&h) != rows[i].for_good)
            fail_msg("row %zu: %d, %d", i, doubt_of(&h), doubt_for_good(&h));
        heard_finish(&h);
    }
    struct heard none = heard_as("");
    none.logprob = NAN;
    assert_int_equal(doubt_of(&none), GUARD_NONE); /* nothing is claimed */
    heard_finish(&none);
}

static void what_says_little_in_many_words_is_doubted(void **)
{
    assert_true(repeat_compression(S("")) == 0);
    assert_true(repeat_compression(S("short")) > 0 && repeat_compression(S("short")) < 1);
    struct heard loud = heard_as("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"); /* 38 bytes */
    assert_true(repeat_compression(buf_str(&loud.text)) > 2.4f);
    assert_int_equal(doubt_of(&loud), GUARD_NONE); /* too short to tell */
    heard_finish(&loud);
    float usual = repeat_compression(
        S("You can add documents by dropping them on the page, or by naming a folder."));
    assert_true(usual > 0.8f && usual < 1.5f);
    /* No loop: each round differs in a word. */
    autobuf text = BUF(4000);
    for (int i = 0; i < 30; i++)
        assert_ok(buf_addf(&text, "%sthe number of this line is %d", i ? " " : "", i));
    struct heard h = heard_as(buf_z(&text));
    assert_int_equal(doubt_of(&h), GUARD_compression);
    assert_int_equal(doubt_for_good(&h), GUARD_compression);
    heard_finish(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loops_are_taken_out),
        cmocka_unit_test(it_is_doubted_for_a_reason),
        cmocka_unit_test(what_says_little_in_many_words_is_doubted),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
