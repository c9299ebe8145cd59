// SPDX-License-Identifier: Apache-2.0
/* A list of logprobs from an engine: what is understood is what its sender wrote. */
#include "base/check.h"
#include "fuzz.h"
#include "wire/logprob.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = {(const char *)data, size};
    autobuf again = BUF(SIZE_MAX - 1);
    struct logprob one;
    while (rest.n && logprob_next(&rest, &one) == OK) {
        check(one.logprob <= 0 && one.token.n <= LOGPROB_TOKEN_MAX);
        check(logprob_put(&again, one) == OK);
        check(str_eq(buf_str(&again), (struct str){(const char *)data, size - rest.n}));
    }
    return 0;
}
