// SPDX-License-Identifier: Apache-2.0
/* First line: the stop strings. The rest: what a model says, in pieces of changing length. */
#include "base/check.h"
#include "fuzz.h"
#include "llm/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size}, stops, ready;
    char why[LLM_WHY_BYTES] = "";
    struct answer a;
    size_t sent = 0;
    if (!str_cut(&text, '\n', &stops) || answer_init(&a, stops, why) != OK)
        return 0;
    for (size_t at = 0, step = 1; at < text.n && !answer_over(&a);
         at += step, step = step % 9 + 1) {
        check(answer_add(&a, str_sub(text, at, at + step), &ready) == OK);
        check(utf8_valid(ready));
        sent += ready.n;
    }
    check(answer_end(&a, &ready) == OK && utf8_valid(ready));
    check(sent + ready.n <= 3 * text.n);
    answer_finish(&a);
    return 0;
}
