// SPDX-License-Identifier: Apache-2.0
/* Any bytes as the text of a document: passages cover all of it in order, sentences and words are slices
 * that go on, stems are short and valid, and a quote of it stays within its bounds. */
#include "fuzz.h"

#include "base/check.h"
#include "server/rag/chunk.h"
#include "server/rag/quote.h"

static bool is_blank(struct str s)
{
    return str_trim(s).n == 0;
}

static void check_passages(struct str text)
{
    struct chunker c;
    struct chunk chunk;
    size_t covered = 0, begin = 0;
    bool valid = utf8_valid(text), first = true;
    chunker_init(&c, text);
    while (chunker_next(&c, &chunk)) {
        size_t from = (size_t)(chunk.text.p - text.p), to = from + chunk.text.n;
        check((first || from > begin) && to > covered && to <= text.n);
        check(from <= covered || is_blank(str_sub(text, covered, from)));
        check(strlen(chunk.heading) < HEADING_MAX);
        check(!valid || (utf8_valid(chunk.text) && utf8_valid(str_of(chunk.heading))));
        check(chunk.text.n <= CHUNK_MAX * 4);
        begin = from;
        covered = to;
        first = false;
    }
    check(is_blank(str_sub(text, covered, text.n)));
}

static void check_sentences(struct str text)
{
    struct sentences all = {.text = text};
    struct sentence s;
    size_t before = 0;
    while (sentence_next(&all, &s)) {
        check(s.text.n > 0 && s.text.n <= SENTENCE_MAX + 64);
        check(s.from >= before && all.at >= s.from + s.text.n);
        before = all.at;
    }
}

static void check_words(struct str text)
{
    struct word w;
    while (word_next(&text, &w)) {
        check(w.stem[0] && strlen(w.stem) < WORD_MAX && utf8_valid(str_of(w.stem)));
        check(str_find_byte(str_of(w.stem), '"') == strlen(w.stem));
        check(w.text.n > 0);
    }
}

/* The text is both the question and the passage. */
static void check_quote(struct str text)
{
    struct rag_hit hit = {.text = text, .title = str_sub(text, 0, 40), .score = 1};
    struct rag_hits hits = {.hit = &hit, .count = 1, .fits = true};
    struct quote q;
    terms_of(text, &hits.terms);
    quote_init(&q);
    check(quote_answer(&q, &hits) == OK);
    check(q.text.n > 0 && q.text.n < 3 * QUOTE_MAX && q.cited_count <= 1);
    check(!utf8_valid(text) || utf8_valid(buf_str(&q.text)));
    check(str_find_byte(buf_str(&q.text), '\n') == q.text.n);
    quote_finish(&q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    check_passages(text);
    check_sentences(text);
    check_words(text);
    check_quote(text);
    return 0;
}
