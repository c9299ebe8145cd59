// SPDX-License-Identifier: Apache-2.0
/* Which tokens a text is made of, however late it leaves; and how likely a token was. */
#include "llm/pairing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alloc_fault.h"
#include "llm/answer.h"
#include "llm/call.h"
#include "llm/logprobs.h"
#include "unit.h"

/* --- tokens and text --- */

/* "(token)" for each token, then the text that it begins. */
static struct buf heard = BUF(1 << 20);

static enum err on_token(void *, struct str list)
{
    struct logprob one;
    try(logprob_next(&list, &one));
    return buf_addf(&heard, "(%.*s)", STR_FMT(one.token));
}

static enum err on_text(void *, struct str text)
{
    return buf_addf(&heard, "%.*s", STR_FMT(text));
}

static const struct pairing_events events = {on_token, on_text};

/* As llm/stream.c has them, one after the other. */
struct line {
    struct pairing pairing;
    struct answer answer;
    struct call_reader calls;
    bool has_tools;
    size_t said;
};

static enum err send_text(void *arg, struct str text)
{
    struct line *l = arg;
    size_t at = l->said - (l->has_tools ? l->calls.held.n : text.n);
    return text.n ? pairing_send(&l->pairing, at, text, &events, l) : OK;
}

static enum err send_call(void *, struct str name, struct str)
{
    return buf_addf(&heard, "<%.*s>", STR_FMT(name));
}

static enum err say(struct line *l, struct str text)
{
    l->said += text.n;
    return l->has_tools && text.n ? call_reader_add(&l->calls, text) : send_text(l, text);
}

static enum err add(struct line *l, struct str piece)
{
    autobuf list = BUF(LOGPROBS_BYTES_MAX);
    struct str ready;
    try(logprob_put(&list, (struct logprob){-1, piece}));
    try(pairing_add(&l->pairing, piece, buf_str(&list)));
    try(answer_add(&l->answer, piece, &ready));
    return say(l, ready);
}

/* Tokens are what stands between the bars. */
static enum err tell(struct line *l, struct str tokens)
{
    struct str piece, rest;
    while (!answer_over(&l->answer) && str_cut(&tokens, '|', &piece))
        try(add(l, piece));
    try(answer_end(&l->answer, &rest));
    try(say(l, rest));
    return l->has_tools ? call_reader_end(&l->calls) : OK;
}

static enum err tell_all(const char *stops, const struct tools *tools, struct str tokens)
{
    struct line l = {.has_tools = tools,
                     .calls = {.tools = tools, .on_text = send_text, .on_call = send_call}};
    char why[LLM_WHY_BYTES];
    l.calls.arg = &l;
    buf_clear(&heard);
    enum err err = answer_init(&l.answer, str_of(stops), why);
    if (err == OK) {
        err = tell(&l, tokens);
        answer_finish(&l.answer);
    }
    call_reader_finish(&l.calls);
    pairing_finish(&l.pairing);
    return err;
}

static struct tools make_tools(void)
{
    struct tools t = TOOLS;
    char why[LLM_WHY_BYTES];
    assert_ok(tools_add(&t, &(struct msg_llm_tool){.name = S("time")}, why));
    return t;
}

#define CALL "{\"name\":|\"time\"}|</tool_call>"
#define NO_CALL "{\"name\":|\"bomb\"}|</tool_call>"

static void a_token_leaves_with_the_first_of_its_text(void **)
{
    static const struct {
        const char *stops;
        bool has_tools;
        const char *tokens, *heard;
    } rows[] = {
        {"", false, "One| two| three", "(One)One( two) two( three) three"},
        /* held back, and let go */
        {"[\" two! \"]", false, "One| t|wo| three", "(One)One( t) t(wo)wo( three) three"},
        {"[\"xyz\"]", false, "ax|y|w|x|y",
         "(ax)a"
         "x(y)y(w)w(x)x(y)y"},
        /* what is in the stop string is no token of the answer, what is partly before it is */
        {"[\" two\"]", false, "One| t|wo| three", "(One)One"},
        {"[\"ne t\"]", false, "One| two", "(One)O"},
        {"[\"One\"]", false, "One| two", ""},
        /* cut code points leave together */
        {"", false, "a\xe2|\x82|\xac|b", "(a\xe2)a(\x82)(\xac)€(b)b"},
        {"", false, "\xf0\x9f|\x98\x80!|\xc3", "(\xf0\x9f)(\x98\x80!)😀!(\xc3)\uFFFD"},
        {"", false, "\xe2\x82|X|Y", "(\xe2\x82)(X)\uFFFD\uFFFDX(Y)Y"},
        {"", false, "\xff|A",
         "(\xff)(A)\uFFFD"
         "A"},
        {"[\"€\"]", false, "a|\xe2\x82|\xac|b", "(a)a"},
        /* calls have none, words around them have theirs */
        {"", true, "I| look|.|<tool|_call>|" CALL "|!", "(I)I( look) look(.).<time>(!)!"},
        {"", true, "\n|<tool_call>|" CALL " So|.", "<time>(</tool_call> So) So(.)."},
        {"", true, "1 <| 2|<tool", "(1 <)1 <( 2) 2(<tool)<tool"},
        {"", true, "\n| |A", "(A)A"},
        {"", true, "A|<tool_call>|" NO_CALL "|B",
         "(A)A(<tool_call>)<tool_call>({\"name\":){\"name\":(\"bomb\"})\"bomb\"}(</tool_call>)</tool_call>(B)B"},
        {"[\"STOP\"]", true, "A|<tool_call>|" CALL "|B S|TOP", "(A)A<time>(B S)B "},
        {"", true, "\xe2\x82|\xac<tool_call>|" CALL, "(\xe2\x82)(\xac<tool_call>)€<time>"},
    };
    struct tools t = make_tools();
    for (size_t i = 0; i < countof(rows); i++) {
        assert_ok(
            tell_all(rows[i].stops, rows[i].has_tools ? &t : nullptr, str_of(rows[i].tokens)));
        if (!str_eq(buf_str(&heard), str_of(rows[i].heard)))
            fail_msg("%s\nbecame\n%.*s\nand not\n%s", rows[i].tokens, STR_FMT(buf_str(&heard)),
                     rows[i].heard);
    }
    tools_finish(&t);
}

static enum err tell_much(void *tools)
{
    return tell_all("[\"xyz\"]", tools,
                    S("a|\xe2\x82|\xac|x|y|<tool_call>|" NO_CALL "|b|<tool_call>|" CALL "|c"));
}

static void memory_may_fail(void **)
{
    struct tools t = make_tools();
    assert_ok(buf_reserve(&heard, 1000));
    assert_true(torture(tell_much, &t) > 10);
    tools_finish(&t);
}

/* A call that has no end is given up before what waits for it is too much. */
static void what_waits_is_bounded(void **)
{
    static char bytes[LOGPROBS_BYTES_MAX];
    struct pairing p = {};
    enum err err = OK;
    size_t n = 0;
    for (; err == OK && n < LLM_TOKENS_MAX; n++)
        err = pairing_add(&p, S("x"), (struct str){bytes, sizeof bytes});
    assert_err(err, ERR_TOOBIG);
    assert_true(p.logprobs.n <= PAIRING_BYTES_MAX);
    pairing_finish(&p);
}

/* --- numbers --- */

static int compare_logits(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x < y) - (x > y);
}

static void logprobs_are_the_logarithm_of_the_softmax(void **)
{
    enum { COUNT = 5000 };
    static float logit[COUNT], sorted[COUNT];
    struct likely likely[1 + LOGPROBS_TOP_MAX];
    double sum = 0;
    srand(7);
    for (size_t i = 0; i < COUNT; i++) {
        logit[i] = (float)(rand() % 100000) / 5000.0f - 10;
        sum += exp((double)logit[i]);
    }
    memcpy(sorted, logit, sizeof sorted);
    qsort(sorted, COUNT, sizeof *sorted, compare_logits);
    for (uint32_t top = 0; top <= LOGPROBS_TOP_MAX; top++) {
        assert_int_equal(logprobs_measure(logit, COUNT, 17, top, likely), 1 + top);
        assert_int_equal(likely[0].token, 17);
        assert_true(fabs((double)likely[0].logprob - ((double)logit[17] - log(sum))) < 1e-4);
        for (uint32_t i = 0; i < top; i++) {
            assert_true(logit[likely[1 + i].token] == sorted[i]);
            assert_true(fabs((double)likely[1 + i].logprob - ((double)sorted[i] - log(sum))) <
                        1e-4);
        }
    }
}

static void numbers_that_are_none_have_no_chance(void **)
{
    static const float some[] = {1, -INFINITY, 1, NAN, 1};
    static const float one[] = {-INFINITY, 3e38f, -3e38f};
    struct likely likely[1 + LOGPROBS_TOP_MAX];
    assert_int_equal(logprobs_measure(some, countof(some), 1, 20, likely), 5);
    assert_true(likely[0].logprob == LOGPROB_NEVER);
    static const int32_t order[] = {0, 2, 4, 1};
    for (size_t i = 0; i < countof(order); i++) {
        double want = i < 3 ? -log(3) : (double)LOGPROB_NEVER;
        assert_int_equal(likely[1 + i].token, order[i]);
        assert_true(fabs((double)likely[1 + i].logprob - want) < 1e-5);
    }
    assert_int_equal(logprobs_measure(one, countof(one), 1, 2, likely), 3);
    assert_true(likely[0].logprob == 0 && likely[1].logprob == 0);
    assert_true(likely[2].logprob == LOGPROB_NEVER);
}

static void lists_are_read_as_they_were_written(void **)
{
    static char much[LOGPROB_TOKEN_MAX + 1];
    autobuf list = BUF(LOGPROBS_BYTES_MAX);
    struct logprob one;
    assert_ok(logprob_put(&list, (struct logprob){-0.5f, S("a\xe2")}));
    assert_ok(logprob_put(&list, (struct logprob){LOGPROB_NEVER, S("")}));
    assert_ok(logprob_put(&list, (struct logprob){0, {much, LOGPROB_TOKEN_MAX}}));
    assert_err(logprob_put(&list, (struct logprob){0, {much, sizeof much}}), ERR_TOOBIG);
    struct str rest = buf_str(&list);
    assert_ok(logprob_next(&rest, &one));
    assert_true(one.logprob == -0.5f);
    assert_str(one.token, "a\xe2");
    assert_ok(logprob_next(&rest, &one));
    assert_true(one.logprob == LOGPROB_NEVER && one.token.n == 0);
    assert_ok(logprob_next(&rest, &one));
    assert_true(one.token.n == LOGPROB_TOKEN_MAX && rest.n == 0);
    static const float bad[] = {0.5f, NAN, -INFINITY, -10000};
    for (size_t i = 0; i < countof(bad); i++) {
        buf_clear(&list);
        assert_ok(logprob_put(&list, (struct logprob){bad[i], S("a")}));
        rest = buf_str(&list);
        assert_err(logprob_next(&rest, &one), ERR_SYNTAX);
    }
    buf_clear(&list);
    assert_ok(logprob_put(&list, (struct logprob){-1, S("abc")}));
    for (size_t n = 0; n < list.n; n++) {
        rest = str_sub(buf_str(&list), 0, n);
        assert_err(logprob_next(&rest, &one), ERR_SYNTAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_leaves_with_the_first_of_its_text),
        cmocka_unit_test(memory_may_fail),
        cmocka_unit_test(what_waits_is_bounded),
        cmocka_unit_test(logprobs_are_the_logarithm_of_the_softmax),
        cmocka_unit_test(numbers_that_are_none_have_no_chance),
        cmocka_unit_test(lists_are_read_as_they_were_written),
    };
    int failed = cmocka_run_group_tests(tests, nullptr, nullptr);
    buf_finish(&heard);
    return failed;
}
