// SPDX-License-Identifier: Apache-2.0
/* Sentences, passages and words: pure functions of a text. */
#include <stdio.h>
#include <stdlib.h>

#include "server/rag/chunk.h"
#include "server/rag/words.h"
#include "unit.h"

/* --- sentences --- */

static void sentences_end_where_people_end_them(void **)
{
    static const struct {
        const char *text;
        const char *want[6]; /* NULL ends them */
    } cases[] = {
        {"", {}},
        {" \n\t\f ", {}},
        {"One. Two! Three? Four", {"One.", "Two!", "Three?", "Four"}},
        {"He said \"Stop.\" Then (it ended.) Yes",
         {"He said \"Stop.\"", "Then (it ended.)", "Yes"}},
        {"It said “no.” Good.", {"It said “no.”", "Good."}},
        {"Use e.g. tar. Dr. Who came.", {"Use e.g. tar.", "Dr. Who came."}},
        {"See No. 5. No. That is not it.", {"See No. 5.", "No.", "That is not it."}},
        {"Open from 8 a.m. to 7 p.m. Come in.", {"Open from 8 a.m. to 7 p.m.", "Come in."}},
        {"Nails, screws etc. are in the box. Take 5 min. Then stir.",
         {"Nails, screws etc. are in the box.", "Take 5 min.", "Then stir."}},
        {"On Jan. 5 it closed. It was in Jan. Then he left.",
         {"On Jan. 5 it closed.", "It was in Jan.", "Then he left."}},
        {"J. Smith wrote it. So did I. Yes.", {"J. Smith wrote it.", "So did I.", "Yes."}},
        {"Version 2.5 costs 3.10. It runs on 1.5 cores.",
         {"Version 2.5 costs 3.10.", "It runs on 1.5 cores."}},
        {"a line\nflows on. And\nso does this", {"a line\nflows on.", "And\nso does this"}},
        {"First part\n\nSecond part", {"First part", "Second part"}},
        {"# Title\nText. ## no heading", {"# Title", "Text.", "## no heading"}},
        {"#include is no heading", {"#include is no heading"}},
        {"- one\n- two. More\n3. three", {"- one", "- two.", "More", "3. three"}},
        {"a | b\nc | d", {"a | b", "c | d"}},
        {"Type:\n```sh\nmake. Now\n# no heading\n```\nDone.",
         {"Type:", "```sh\nmake. Now\n# no heading\n```", "Done."}},
        {"```\nnever closed. Still text", {"```\nnever closed.", "Still text"}},
        {"你好。再见！", {"你好。", "再见！"}},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct sentences all = {.text = str_of(cases[i].text)};
        struct sentence s;
        size_t n = 0;
        while (sentence_next(&all, &s)) {
            assert_true(n < 6 && cases[i].want[n]);
            assert_str(s.text, cases[i].want[n]);
            n++;
        }
        assert_null(cases[i].want[n]);
    }
}

static void kinds_are_told(void **)
{
    struct sentences all = {.text = S("# A\nPlain.\n- item\nx | y\n```\ncode\n```\n  ## B")};
    static const enum sentence_kind want[] = {SENTENCE_HEADING, SENTENCE_PLAIN, SENTENCE_ITEM,
                                              SENTENCE_ITEM,    SENTENCE_CODE,  SENTENCE_HEADING};
    struct sentence s;
    for (size_t i = 0; i < countof(want); i++) {
        assert_true(sentence_next(&all, &s));
        assert_int_equal(s.kind, want[i]);
    }
    assert_false(sentence_next(&all, &s));
}

/* --- passages --- */

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static size_t characters(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

struct cut {
    size_t passages, overlapping;
};

/* Cuts a text and holds every passage to what chunk.h promises. */
static struct cut cut_checked(struct str text)
{
    struct chunker c;
    struct chunk chunk;
    struct cut cut = {};
    size_t begin_before = 0, covered = 0;
    bool valid = utf8_valid(text);
    chunker_init(&c, text);
    while (chunker_next(&c, &chunk)) {
        size_t from = (size_t)(chunk.text.p - text.p), to = from + chunk.text.n;
        assert_true(chunk.text.n > 0 && to <= text.n);
        assert_true(cut.passages == 0 || from > begin_before);
        assert_true(to > covered);
        for (size_t i = covered; i < from; i++)
            assert_true(is_blank(text.p[i]));
        if (valid) {
            assert_true(utf8_valid(chunk.text) && utf8_valid(str_of(chunk.heading)));
            assert_true(characters(chunk.text) <= CHUNK_MAX);
        }
        cut.overlapping += cut.passages > 0 && from < covered;
        assert_true(from >= covered || covered - from <= 4 * 2 * CHUNK_OVERLAP);
        begin_before = from;
        covered = to;
        cut.passages++;
    }
    for (size_t i = covered; i < text.n; i++)
        assert_true(is_blank(text.p[i]));
    return cut;
}

static void prose_is_cut_at_sentence_ends_with_overlap(void **)
{
    autobuf text = BUF(1024 * 1024);
    for (int i = 0; i < 500; i++)
        assert_ok(buf_addf(&text, "Sentence number %d is about as long as sentences are%s. ", i,
                           i % 3 ? "" : ", sometimes with a further clause"));
    struct chunker c;
    struct chunk chunk;
    size_t n = 0, overlap = 0;
    struct str before = {};
    chunker_init(&c, buf_str(&text));
    while (chunker_next(&c, &chunk)) {
        assert_true(str_starts(chunk.text, S("Sentence number ")) && str_ends(chunk.text, S(".")));
        if (before.p)
            overlap += (size_t)(before.p + before.n - chunk.text.p);
        before = chunk.text;
        assert_true(chunk.text.n <= CHUNK_MAX);
        n++;
        if (c.next.at < text.n)
            assert_true(chunk.text.n >= CHUNK_MIN);
    }
    assert_true(overlap / (n - 1) >= 50 && overlap / (n - 1) <= 150);
    assert_int_equal(cut_checked(buf_str(&text)).overlapping, n - 1);
}

static void headings_begin_passages_and_are_known(void **)
{
    static const char text[] =
        "# Manual\n\nIntro.\n\n## Adding\n\nThis section is long enough to be a passage of its own, "
        "since it has well over one hundred and twenty characters in it, more or less.\n\n"
        "### Deep\n\nAnother section that is long enough to stand for itself, with words and words "
        "and words until one hundred and twenty characters are there.\n\n## Last\n\nEnd.";
    static const char *const want[] = {"Manual › Adding", "Manual › Adding › Deep",
                                       "Manual › Last"};
    struct chunker c;
    struct chunk chunk;
    chunker_init(&c, str_of(text));
    for (size_t i = 0; i < countof(want); i++) {
        assert_true(chunker_next(&c, &chunk));
        assert_string_equal(chunk.heading, want[i]);
    }
    assert_false(chunker_next(&c, &chunk));
    cut_checked(str_of(text));
}

/* The same piece again and again, up to `size` bytes. */
static void repeat(struct buf *into, const char *piece, size_t size)
{
    *into = BUF(size + 64);
    while (into->n < size)
        assert_ok(buf_add(into, str_of(piece)));
}

static void hostile_texts_are_cut_too(void **)
{
    static const char *const pieces[] = {"x",
                                         " ",
                                         "a. ",
                                         "# h\n",
                                         "- ",
                                         "```\n",
                                         "```\nx\n",
                                         "é",
                                         "漢",
                                         "\xff",
                                         "\x80",
                                         ".",
                                         "...... ",
                                         "| ",
                                         "#",
                                         "\n",
                                         "\r\n",
                                         "a | b\n",
                                         "\xf0\x9f\x98\x80",
                                         "。",
                                         "\"",
                                         ".\"",
                                         "# \n",
                                         "\f\v",
                                         "1. ",
                                         "``` ",
                                         "###### x\n\ny. "};
    for (size_t i = 0; i < countof(pieces); i++) {
        struct buf text;
        repeat(&text, pieces[i], 64 * 1024);
        cut_checked(buf_str(&text));
        buf_finish(&text);
    }
    cut_checked((struct str){"a\0b. c\0\0", 8});
    srand(1);
    for (int round = 0; round < 300; round++) {
        autobuf text = BUF(64 * 1024);
        for (int n = rand() % 400; n > 0; n--)
            assert_ok(buf_add(&text, str_of(pieces[(size_t)rand() % countof(pieces)])));
        cut_checked(buf_str(&text));
    }
}

static void a_megabyte_without_blanks_is_cut_to_size(void **)
{
    struct buf text;
    repeat(&text, "0123456789abcdef", 1024 * 1024);
    struct cut cut = cut_checked(buf_str(&text));
    assert_true(cut.passages >= text.n / CHUNK_MAX && cut.passages <= text.n / 400);
    buf_finish(&text);
}

/* --- words --- */

static void stems_meet(void **)
{
    static const struct {
        const char *words[6];
    } cases[] = {
        {{"add", "adds", "Adding", "ADDED"}},
        {{"document", "documents", "Document's"}},
        {{"delete", "deletes", "deleting", "deleted", "deletion"}},
        {{"run", "running", "runs", "ran"}},
        {{"stop", "stopped", "stopping"}},
        {{"answer", "answered", "answering"}},
        {{"remember", "remembered", "remembers"}},
        {{"carry", "carrier", "carried"}},
        {{"use", "uses", "used", "using"}},
        {{"note", "notes", "noted", "noting"}},
        {{"copy", "copies", "copied", "copying"}},
        {{"install", "installing", "installation"}},
        {{"search", "searches", "searching"}},
        {{"keep", "kept", "keeping"}},
        {{"woman", "women"}},
        {{"cafe", "Café", "CAFÉ", "cafe\xcc\x81"}},
        {{"Łódź", "lodz"}},
        {{"МОСКВА", "москва"}},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct word first = {};
        for (size_t k = 0; k < 6 && cases[i].words[k]; k++) {
            struct str rest = str_of(cases[i].words[k]);
            struct word w;
            assert_true(word_next(&rest, &w));
            if (k)
                assert_string_equal(w.stem, first.stem);
            else
                first = w;
        }
    }
}

static void other_words_stay_apart(void **)
{
    static const char *const pairs[][2] = {{"notes", "not"}, {"this", "thi"}, {"bus", "bu"},
                                           {"less", "le"},   {"pass", "pa"},  {"us", "u"}};
    for (size_t i = 0; i < countof(pairs); i++) {
        struct str a = str_of(pairs[i][0]), b = str_of(pairs[i][1]);
        struct word x, y;
        assert_true(word_next(&a, &x) && word_next(&b, &y));
        assert_string_not_equal(x.stem, y.stem);
    }
}

static void words_are_cut_out(void **)
{
    static const char text[] = "Hold-the “space” bar, 8600! It’s \xff ok\xe6\xbc\xa2\xe5\xad\x97.";
    static const char *const want[] = {"Hold", "the", "space", "bar", "8600",
                                       "It",   "s",   "ok",    "漢",  "字"};
    struct str rest = str_of(text);
    struct word w;
    for (size_t i = 0; i < countof(want); i++) {
        assert_true(word_next(&rest, &w));
        assert_str(w.text, want[i]);
    }
    assert_false(word_next(&rest, &w));
    assert_int_equal(rest.n, 0);
}

static void an_endless_word_is_cut(void **)
{
    struct buf text;
    repeat(&text, "é漢z", 1000);
    struct str rest = str_sub(buf_str(&text), 0, text.n);
    struct word w;
    while (word_next(&rest, &w))
        assert_true(strlen(w.stem) < WORD_MAX && utf8_valid(str_of(w.stem)) && w.stem[0]);
    buf_finish(&text);
    repeat(&text, "漢a", 1000);
    buf_finish(&text);
    repeat(&text, "ab", 1000);
    rest = buf_str(&text);
    assert_true(word_next(&rest, &w));
    assert_int_equal(strlen(w.stem), WORD_MAX - 1);
    assert_int_equal(w.text.n, text.n);
    buf_finish(&text);
}

static void terms_are_what_a_question_is_about(void **)
{
    struct terms t;
    terms_of(S("How do I add documents, and add a Document?"), &t);
    assert_int_equal(t.count, 2);
    assert_string_equal(t.term[0].stem[0], "add");
    assert_string_equal(t.term[1].stem[0], "document");
    assert_int_equal(terms_in(&t, S("adding is easy")), 1);
    assert_int_equal(terms_in(&t, S("two documents were added")), 3);
    t.term[0].weight = 3;
    assert_true(terms_share(&t, 1) > 0.74 && terms_share(&t, 1) < 0.76);
    terms_of(S("What is it?"), &t); /* nothing but function words: they are all there is */
    assert_int_equal(t.count, 3);
    terms_of(S(" ?! "), &t);
    assert_int_equal(t.count, 0);
    assert_true(terms_share(&t, 0) == 0);
    struct buf many = BUF(1000);
    for (int i = 0; i < 100; i++)
        assert_ok(buf_addf(&many, "w%d ", i));
    terms_of(buf_str(&many), &t);
    assert_int_equal(t.count, TERMS_MAX);
    buf_finish(&many);
}

/* The index keeps stems; they must not be stemmed once more when a passage is judged. */
static void stems_are_compared_as_they_are(void **)
{
    static const char text[] = "conversations processing the notes Überraschungen 漢字";
    autobuf stems = BUF(1000);
    struct terms t;
    assert_ok(words_stems(str_of(text), &stems));
    terms_of(str_of(text), &t);
    assert_int_equal(t.count, 6);
    assert_int_equal(terms_in_stems(&t, buf_str(&stems)), 63);
    assert_int_equal(terms_in(&t, str_of(text)), 63);
}

static void words_that_are_one_meet(void **)
{
    static const struct {
        const char *question, *text;
        bool meets; /* all of its terms */
    } cases[] = {
        {"wifi", "The Wi-Fi is slow", true},
        {"wi fi", "The wifi is slow", true},
        {"wi-fi", "The Wi-Fi is slow", true},
        {"set up", "First setup", true},
        {"back up", "Make a backup", true},
        {"email", "by e-mail", true},
        {"wifi", "wi, fi", false},
        {"wifi", "wi - fi", false},
        {"who won", "She wins", true},
        {"won't", "She wins", false},
        {"turn left", "do not leave", false},
        {"letter", "let it be", false},
        {"letters", "a letter", true},
        {"make up a story", "It invents stories", true},
        {"a made up story", "It invents stories", true},
        {"shut up", "how to stop it", true},
        {"settings", "every option", true},
        {"setting", "a set of plates", false},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct terms t;
        terms_of(str_of(cases[i].question), &t);
        uint32_t all = (UINT32_C(1) << t.count) - 1;
        if ((terms_in(&t, str_of(cases[i].text)) == all) != cases[i].meets)
            fail_msg("\"%s\" in \"%s\"", cases[i].question, cases[i].text);
        autobuf stems = BUF(1000);
        assert_ok(words_stems(str_of(cases[i].text), &stems));
        assert_int_equal(terms_in_stems(&t, buf_str(&stems)), terms_in(&t, str_of(cases[i].text)));
    }
}

static void what_a_question_wants_is_told(void **)
{
    struct terms t;
    terms_of(S("How long are the screws?"), &t);
    assert_true(t.wants_number && t.count == 2 && t.term[0].asking && !t.term[1].asking);
    terms_of(S("When does it end?"), &t);
    assert_true(t.wants_number);
    terms_of(S("Is it long?"), &t);
    assert_true(!t.wants_number && !t.term[0].asking);
    terms_of(S("How much is a ticket?"), &t);
    assert_true(t.wants_number && terms_in(&t, S("prices")));
    terms_of(S("What is this?"), &t);
    assert_true(t.glue_only && t.count == 3);
}

static void an_askers_own_affairs_are_told_apart(void **)
{
    struct terms t;
    terms_of(S("Why is the reply about my pension letter wrong for them?"), &t);
    assert_int_equal(t.count, 4);
    assert_true(!t.term[0].aside && t.term[1].aside && t.term[2].aside && t.term[3].aside);
    terms_of(S("Does it speak Spanish to my grandmother in Peru?"), &t);
    assert_true(!t.term[1].aside && t.term[2].aside && !t.term[3].aside);
}

static void a_words_own_place_is_told(void **)
{
    struct terms t;
    terms_of(S("delete pages"), &t);
    assert_int_equal(terms_in_stems(&t, S("remov pag")), 3);
    assert_int_equal(terms_own_in_stems(&t, S("remov pag")), 2);
    assert_int_equal(terms_own_in_stems(&t, S("remov delet pag")), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sentences_end_where_people_end_them),
        cmocka_unit_test(kinds_are_told),
        cmocka_unit_test(prose_is_cut_at_sentence_ends_with_overlap),
        cmocka_unit_test(headings_begin_passages_and_are_known),
        cmocka_unit_test(hostile_texts_are_cut_too),
        cmocka_unit_test(a_megabyte_without_blanks_is_cut_to_size),
        cmocka_unit_test(stems_meet),
        cmocka_unit_test(other_words_stay_apart),
        cmocka_unit_test(words_are_cut_out),
        cmocka_unit_test(an_endless_word_is_cut),
        cmocka_unit_test(terms_are_what_a_question_is_about),
        cmocka_unit_test(stems_are_compared_as_they_are),
        cmocka_unit_test(words_that_are_one_meet),
        cmocka_unit_test(what_a_question_wants_is_told),
        cmocka_unit_test(an_askers_own_affairs_are_told_apart),
        cmocka_unit_test(a_words_own_place_is_told),
    };
    return cmocka_run_group_tests_name("rag/text", tests, nullptr, nullptr);
}
