// SPDX-License-Identifier: Apache-2.0
#include "wire/logprob.h"

enum { HEAD = 6 };

enum err logprob_put(struct buf *list, struct logprob one)
{
    char head[HEAD];
    uint16_t n = (uint16_t)one.token.n;
    if (one.token.n > LOGPROB_TOKEN_MAX)
        return ERR_TOOBIG;
    memcpy(head, &one.logprob, 4);
    memcpy(head + 4, &n, 2);
    try(buf_reserve(list, HEAD + one.token.n));
    try(buf_add(list, (struct str){head, HEAD}));
    return buf_add(list, one.token);
}

enum err logprob_next(struct str *list, struct logprob *ret_one)
{
    struct logprob one;
    uint16_t n;
    if (list->n < HEAD)
        return ERR_SYNTAX;
    memcpy(&one.logprob, list->p, 4);
    memcpy(&n, list->p + 4, 2);
    bool is_one = one.logprob <= 0 && one.logprob >= LOGPROB_NEVER; /* no number is not */
    if (!is_one || n > LOGPROB_TOKEN_MAX || n > list->n - HEAD)
        return ERR_SYNTAX;
    one.token = str_sub(*list, HEAD, HEAD + (size_t)n);
    *list = str_sub(*list, HEAD + (size_t)n, list->n);
    *ret_one = one;
    return OK;
}
