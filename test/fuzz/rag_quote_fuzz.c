// SPDX-License-Identifier: Apache-2.0
/* A question (the first line) and a passage (the rest), both foreign: every word that is looked for is
 * found in its own question, and the answer is short, one line, and made of the passage. */
#include "fuzz.h"

#include "base/check.h"
#include "server/rag/quote.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str passage = {(const char *)data, size}, question;
    if (!str_cut(&passage, '\n', &question))
        return 0;
    struct rag_hit hit = {.doc_id = S("0123"), .title = question, .source = S("a.md"), .score = 1};
    struct rag_hits hits = {.hit = &hit, .count = 1, .fits = true};
    hit.text = passage;
    terms_of(question, &hits.terms);
    check(hits.terms.count <= TERMS_MAX);
    for (size_t i = 0; i < hits.terms.count; i++) {
        struct str stem = str_of(hits.terms.term[i].stem[0]);
        check(stem.n > 0 && stem.n < WORD_MAX && utf8_valid(stem));
        check(str_find_byte(stem, '"') == stem.n && str_find_byte(stem, ' ') == stem.n);
    }
    uint32_t all = terms_in(&hits.terms, question);
    check(all == (hits.terms.count == 32 ? UINT32_MAX : (UINT32_C(1) << hits.terms.count) - 1));

    struct quote quote;
    quote_init(&quote);
    check(quote_answer(&quote, &hits) == OK);
    struct str answer = buf_str(&quote.text);
    check(answer.n > 0 && answer.n <= QUOTE_MAX + 100 && str_find_byte(answer, '\n') == answer.n);
    check(quote.cited_count <= QUOTE_SENTENCES);
    for (size_t i = 0; i < quote.cited_count; i++)
        check(quote.cited[i] < hits.count);
    check(utf8_valid(answer) || !utf8_valid(passage));
    quote_finish(&quote);
    return 0;
}
