// SPDX-License-Identifier: Apache-2.0
/* What a failure of a server elsewhere means to a client, and whether it is tried again. */
#include "server/engine/remote/address.h"
#include "unit.h"

struct row {
    enum remote_kind kind;
    enum err err, verdict;
    const char *says; /* words of the sentence */
    bool passes;
    int status;
    bool has_begun;
};

/* ERR_ENGINE: remote_refusal_read has found nothing else in its body. */
static const struct row of_statuses[] = {
    {REMOTE_LLM, ERR_ENGINE, ERR_REFUSED, "refuses the question", false, 400},
    {REMOTE_STT, ERR_ENGINE, ERR_REFUSED, "refuses the recording", false, 400},
    {REMOTE_LLM, ERR_TOOBIG, ERR_TOOBIG, "too long for the language model", false, 400},
    {REMOTE_STT, ERR_TOOBIG, ERR_TOOBIG, "cut it into shorter ones", false, 400},
    {REMOTE_LLM, ERR_TOOBIG, ERR_TOOBIG, "too long for the language model", false, 500},
    {REMOTE_STT, ERR_ENGINE, ERR_TOOBIG, "cut it into shorter ones", false, 413},
    {REMOTE_LLM, ERR_ENGINE, ERR_REFUSED, "does not accept this server's key", false, 401},
    {REMOTE_STT, ERR_ENGINE, ERR_REFUSED, "does not accept this server's key", false, 403},
    {REMOTE_LLM, ERR_ENGINE, ERR_REFUSED, "does not know the model", false, 404},
    {REMOTE_STT, ERR_ENGINE, ERR_REFUSED, "takes no recordings at this address", false, 404},
    {REMOTE_LLM, ERR_ENGINE, ERR_REFUSED, "refuses the question", false, 405},
    {REMOTE_STT, ERR_ENGINE, ERR_REFUSED, "refuses the recording", false, 307},
    {REMOTE_LLM, ERR_ENGINE, ERR_BUSY, "too much to do", true, 429},
    {REMOTE_STT, ERR_ENGINE, ERR_BUSY, "too much to do", true, 429},
    {REMOTE_LLM, ERR_ENGINE, ERR_BUSY, "still loading", true, 408},
    {REMOTE_STT, ERR_ENGINE, ERR_ENGINE, "has failed", false, 501},
    {REMOTE_LLM, ERR_ENGINE, ERR_ENGINE, "has failed", false, 500},
    {REMOTE_STT, ERR_ENGINE, ERR_BUSY, "still loading", true, 502},
    {REMOTE_LLM, ERR_ENGINE, ERR_BUSY, "still loading", true, 503},
    {REMOTE_STT, ERR_ENGINE, ERR_BUSY, "still loading", true, 504},
    {REMOTE_LLM, ERR_ENGINE, ERR_ENGINE, "has failed", false, 505},
};

static const struct row of_errs[] = {
    {REMOTE_LLM, ERR_LATE, ERR_LATE, "has not begun to answer", false, 0, false},
    {REMOTE_STT, ERR_LATE, ERR_LATE, "has fallen silent", false, 0, true},
    {REMOTE_LLM, ERR_NOTFOUND, ERR_ENGINE, "cannot be reached", true},
    {REMOTE_STT, ERR_NOTFOUND, ERR_ENGINE, "cannot be reached", true},
    {REMOTE_LLM, ERR_TIMEOUT, ERR_ENGINE, "cannot be reached", false},
    {REMOTE_STT, ERR_CLOSED, ERR_ENGINE, "before its answer", true, 0, false},
    {REMOTE_LLM, ERR_CLOSED, ERR_ENGINE, "in the middle of its answer", true, 0, true},
    {REMOTE_LLM, ERR_CONFLICT, ERR_ENGINE, "before it had heard everything", true},
    {REMOTE_STT, ERR_CONFLICT, ERR_ENGINE, "before it had heard everything", true},
    {REMOTE_LLM, ERR_UNSUPPORTED, ERR_UNSUPPORTED, "tells no logprobs", false},
    {REMOTE_STT, ERR_INVALID, ERR_INVALID, "does not measure when each word was said", false},
    {REMOTE_LLM, ERR_TOOBIG, ERR_ENGINE, "language model's answer is too long", false},
    {REMOTE_STT, ERR_TOOBIG, ERR_ENGINE, "what the recogniser's server sent is too long", false},
    {REMOTE_LLM, ERR_ENGINE, ERR_ENGINE, "has failed", false},
    {REMOTE_LLM, ERR_SYNTAX, ERR_ENGINE, "is no answer", false},
    {REMOTE_STT, ERR_SYNTAX, ERR_ENGINE, "is no transcript", false},
    {REMOTE_STT, ERR_IO, ERR_ENGINE, "is no transcript", false},
    {REMOTE_STT, ERR_NOMEM, ERR_NOMEM, "memory", false},
};

static void expect(const struct row *row, struct verdict v)
{
    if (v.err != row->verdict || v.passes != row->passes || !strstr(v.sentence, row->says))
        fail_msg("kind %d, HTTP %d, %s: %s, %s", row->kind, row->status, err_code(row->err),
                 err_code(v.err), v.sentence);
    const char *other = row->kind == REMOTE_LLM ? "recogniser" : "language model";
    assert_null(strstr(v.sentence, other));
}

static void statuses(void **)
{
    for (size_t i = 0; i < countof(of_statuses); i++)
        expect(&of_statuses[i],
               verdict_of_status(of_statuses[i].kind, of_statuses[i].status, of_statuses[i].err));
}

static void errors(void **)
{
    for (size_t i = 0; i < countof(of_errs); i++)
        expect(&of_errs[i], verdict_of_err(of_errs[i].kind, of_errs[i].err, of_errs[i].has_begun));
}

static void pauses(void **)
{
    static const struct {
        bool passes;
        unsigned tries;
        uint32_t retry_after_s, left_ms, pause_ms;
    } rows[] = {
        {true, 1, 0, 10000, 250}, {true, 2, 0, 10000, 1000}, {true, 3, 0, 10000, 0},
        {false, 1, 0, 10000, 0},  {true, 1, 5, 10000, 5000}, {true, 1, 6, 10000, 0},
        {true, 1, 0, 250, 0},     {true, 1, 0, 251, 250},    {true, 1, UINT32_MAX, 10000, 0},
    };
    for (size_t i = 0; i < countof(rows); i++)
        assert_int_equal(verdict_pause_ms((struct verdict){.passes = rows[i].passes}, rows[i].tries,
                                          rows[i].retry_after_s, rows[i].left_ms),
                         rows[i].pause_ms);
}

static void an_address_that_cannot_be_is_told(void **)
{
    char endless[2000] = "http://";
    memset(endless + 7, 'a', sizeof endless - 8);
    const struct {
        const char *url, *key, *sentence; /* how it begins, after the option; nullptr: it is good */
    } rows[] = {
        {"", "", ".url must name the server"},
        {"here", "", ".url must be http"},
        {"ftp://h/v1", "", ".url must be http"},
        {endless, "", ".url must be http"},
        {"http://h:8000/v1", "k\n", ".key may hold"},
        {"http://h:8000/v1", "", nullptr},
        {"https://h/v1", "sk-1", nullptr},
    };
    for (enum remote_kind kind = 0; kind < REMOTE_KINDS; kind++)
        for (size_t i = 0; i < countof(rows); i++) {
            const char *wrong = remote_address_wrong(kind, rows[i].url, rows[i].key);
            assert_int_equal(wrong != nullptr, rows[i].sentence != nullptr);
            if (!wrong)
                continue;
            assert_memory_equal(wrong, kind == REMOTE_LLM ? "llm" : "stt", 3);
            assert_memory_equal(wrong + 3, rows[i].sentence, strlen(rows[i].sentence));
        }
}

static void wyoming_is_told_by_its_scheme(void **)
{
    static const struct {
        const char *url, *key, *address, *sentence;
    } rows[] = {
        {"tcp://h:10300", "", "h:10300", nullptr},
        {"wyoming://[::1]:1/", "", "[::1]:1/", nullptr},
        {"tcp://h", "", "h", "stt.url must be tcp://HOST:PORT"},
        {"tcp://", "", "", "stt.url must be tcp://HOST:PORT"},
        {"tcp://h:1/v1", "", "h:1/v1", "stt.url must be tcp://HOST:PORT"},
        {"tcp://h:1//", "", "h:1//", "stt.url must be tcp://HOST:PORT"},
        {"tcp://h:1", "k", "h:1", "stt.key is for a server"},
        {"http://h:1/v1", "k", nullptr, nullptr},
        {"TCP://h:1", "", nullptr, "stt.url must be http"},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        const char *address = remote_address_of_wyoming(rows[i].url),
                   *wrong = remote_address_wrong(REMOTE_STT, rows[i].url, rows[i].key);
        assert_string_equal(address ? address : "", rows[i].address ? rows[i].address : "");
        assert_int_equal(wrong != nullptr, rows[i].sentence != nullptr);
        if (wrong)
            assert_memory_equal(wrong, rows[i].sentence, strlen(rows[i].sentence));
    }
    assert_non_null(remote_address_wrong(REMOTE_LLM, "tcp://h:1", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_that_cannot_be_is_told),
        cmocka_unit_test(wyoming_is_told_by_its_scheme),
        cmocka_unit_test(statuses),
        cmocka_unit_test(errors),
        cmocka_unit_test(pauses),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
