// SPDX-License-Identifier: Apache-2.0
/* Which sentences of a passage answer, and what belongs to them. */
#include "server/rag/quote.h"

#include "unit.h"

static const char light[] =
    "Light | Meaning\nwhite | all is well\nsolid red | no connection\noff | no power";
static const char letter[] =
    "Go to the shop. It opens at 8 a.m. and closes at noon. They sell nails "
    "of all sizes. The nails are sold by weight, in bags of 2 kg.";

static const struct {
    const char *question, *title, *text, *answer;
} rows[] = {
    /* the row that is asked for, not the one that names the columns */
    {"What does red light mean?", "Router › What the light means", light,
     "solid red, no connection."},
    /* a heading that is all of the question: the section is the answer, as far as there is room */
    {"How do I water the plants?", "Home › Watering the plants",
     "## Watering the plants\n\nUse the green can. Twice a week will do. Never at noon. Thanks.",
     "Use the green can. Twice a week will do. Never at noon."},
    {"How do I water the plants?", "Home › Watering the plants",
     "## Watering the plants\n\nUse the green can.\n\n## Cats\n\nThere are two.",
     "Use the green can."},
    /* what is left of the question beyond the heading chooses one sentence */
    {"Do I water the plants at noon?", "Home › Watering the plants",
     "## Watering the plants\n\nUse the green can. Twice a week will do. Never at noon. Thanks.",
     "Never at noon. Thanks."},
    /* times of day do not end sentences; who leans on the sentence before brings it along */
    {"When is it closed?", "letter", letter,
     "Go to the shop. It opens at 8 a.m. and closes at noon. They sell nails of all sizes."},
    /* of two that say the same, the one with a figure answers "how much" */
    {"How many nails?", "letter", letter, "The nails are sold by weight, in bags of 2 kg."},
    {"Where are nails?", "letter", letter,
     "Go to the shop. It opens at 8 a.m. and closes at noon. They sell nails of all sizes."},
    /* a short sentence that points back */
    {"What is the password?", "Router › Setup",
     "Join the network named below the router. The password is printed there, too.",
     "Join the network named below the router. The password is printed there, too."},
};

static void the_right_sentences_are_quoted(void **)
{
    for (size_t i = 0; i < countof(rows); i++) {
        struct rag_hit hit = {.title = str_of(rows[i].title), .text = str_of(rows[i].text)};
        struct rag_hits hits = {.hit = &hit, .count = 1, .fits = true};
        struct quote quote;
        terms_of(str_of(rows[i].question), &hits.terms);
        quote_init(&quote);
        assert_ok(quote_answer(&quote, &hits));
        assert_str(buf_str(&quote.text), rows[i].answer);
        assert_int_equal(quote.cited_count, 1);
        quote_finish(&quote);
    }
}

static void a_worse_passage_may_have_the_better_sentence(void **)
{
    struct rag_hit hit[] = {
        {.title = S("a"), .text = S("The pump is loud. Another thing is the oil."), .score = 0.8},
        {.title = S("b"), .text = S("Fill the pump with oil once a year."), .score = 0.78},
        {.title = S("c"), .text = S("```\nnothing but code\n```"), .score = 0.9},
    };
    struct rag_hits hits = {.hit = hit, .count = countof(hit), .fits = true};
    struct quote quote;
    terms_of(S("How often does the pump need oil?"), &hits.terms);
    quote_init(&quote);
    assert_ok(quote_answer(&quote, &hits));
    assert_str(buf_str(&quote.text), "Fill the pump with oil once a year.");
    assert_int_equal(quote.cited[0], 1);
    quote_finish(&quote);
}

static void nothing_is_said_plainly(void **)
{
    struct rag_hit code = {.title = S("c"), .text = S("```\nnothing but code\n```"), .score = 0.9};
    autobuf long_code = BUF(4096); /* longer than a sentence may be */
    assert_ok(buf_add(&long_code, S("~~~ c\n")));
    for (int i = 0; i < 100; i++)
        assert_ok(buf_add(&long_code, S("nothing but code\n")));
    assert_ok(buf_add(&long_code, S("```\nIt is code.\n~~~")));
    struct rag_hit tildes = {.title = S("c"), .text = buf_str(&long_code), .score = 0.9};
    const struct rag_hits none[] = {
        {}, {.hit = &code, .count = 1, .fits = true}, {.hit = &tildes, .count = 1, .fits = true}};
    for (size_t i = 0; i < countof(none); i++) {
        struct quote quote;
        quote_init(&quote);
        assert_ok(quote_answer(&quote, &none[i]));
        assert_str(buf_str(&quote.text), "I found nothing about that in the documents.");
        assert_int_equal(quote.cited_count, 0);
        quote_finish(&quote);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_right_sentences_are_quoted),
        cmocka_unit_test(a_worse_passage_may_have_the_better_sentence),
        cmocka_unit_test(nothing_is_said_plainly),
    };
    return cmocka_run_group_tests_name("rag/quote", tests, nullptr, nullptr);
}
