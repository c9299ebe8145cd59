// SPDX-License-Identifier: Apache-2.0
/* What a server elsewhere says. The first byte: 'm' a list of models, 'r' a refusal, 'w' a whole answer, any
 * other a stream, in pieces of so many bytes. */
#include "base/check.h"
#include "fuzz.h"
#include "server/engine/remote/answer.h"

static enum err on_text(void *arg, struct str text)
{
    check(text.n > 0 && utf8_valid(text));
    *(size_t *)arg += text.n;
    return OK;
}

static enum err on_logprob(void *, struct str list)
{
    struct logprob one;
    size_t n = 0;
    for (; list.n; n++)
        check(logprob_next(&list, &one) == OK);
    check(n >= 1 && n <= 3);
    return OK;
}

static void read_answer(struct str s, size_t step)
{
    struct remote_answer a;
    size_t n = 0;
    enum err err = OK;
    remote_answer_init(&a, S("key"), on_text, &n);
    a.on_logprob = step % 2 ? nullptr : on_logprob;
    a.top_logprobs = 2;
    for (size_t at = 0; err == OK && step && at < s.n; at += step)
        err = remote_answer_feed(&a, str_sub(s, at, at + step));
    if (err == OK)
        err = step ? remote_answer_end(&a) : remote_answer_whole(&a, s);
    check(n == a.bytes && n <= s.n && a.pieces <= n);
    check(err != OK || a.is_finished || a.is_done);
    if (err == OK && remote_answer_check_calls(&a) == OK)
        for (size_t i = 0; i < a.calls; i++)
            check(a.call[i].name.n > 0);
    check(a.calls <= REMOTE_CALLS_MAX);
    check(utf8_valid(str_of(a.said)) && (err != OK || !a.said[0]));
    remote_answer_finish(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct str s = {(const char *)data + 1, size - 1};
    struct remote_models m = {};
    char said[REMOTE_SAID_BYTES];
    switch (data[0]) {
    case 'm':
        if (remote_models_read(s, S(""), "t", S("key"), &m) == OK)
            check(utf8_valid(str_of(m.name)) && utf8_valid(str_of(m.names)));
        if (remote_models_read(s, S("a"), nullptr, S("key"), &m) == OK)
            check(!m.name[0] || str_eq(str_of(m.name), S("a")));
        break;
    case 'r':
        check(remote_refusal_read(s, S("Q7"), said) != OK && utf8_valid(str_of(said)));
        check(!strstr(said, "Q7"));
        break;
    case 'w':
        read_answer(s, 0);
        break;
    default:
        read_answer(s, data[0] ? data[0] : 1);
    }
    return 0;
}
