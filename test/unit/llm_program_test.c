// SPDX-License-Identifier: Apache-2.0
/*
 * repartee-llm as a program, over the engine protocol, with its scripted driver. $PROGRAM is its path.
 */
#include <signal.h>
#include <stdlib.h>

#include "engine_peer.h"
#include "unit.h"
#include "wire/logprob.h"

static struct peer *start(const char *options)
{
    struct peer *p = peer_start(getenv("PROGRAM"));
    assert_str(p->msg.hello.role, "llm");
    peer_load(p, "scripted", options);
    return p;
}

static void segment(struct peer *p, uint32_t stream, const char *role, const char *text, bool more)
{
    const struct msg_llm_segment m = {.role = str_of(role), .more = more, .text = str_of(text)};
    peer_send(p, MSG_llm_segment, stream, &m);
}

static void begin(struct peer *p, uint32_t stream)
{
    peer_send(p, MSG_llm_open, stream, &(struct msg_llm_open){S("session")});
}

static const struct msg_llm_generate usual = {
    .max_tokens = 100, .temperature = 0.7f, .top_p = 0.9f, .top_k = 40, .stop_json = S("[]")};

static void generate(struct peer *p, uint32_t stream)
{
    peer_send(p, MSG_llm_generate, stream, &usual);
}

static void ask(struct peer *p, uint32_t stream, const char *question)
{
    begin(p, stream);
    segment(p, stream, "user", question, false);
    generate(p, stream);
}

/* Collects the tokens of an answer until its llm_done, which is then the present message. */
static uint32_t collect(struct peer *p, uint32_t stream, struct buf *into)
{
    uint32_t count = 0;
    while (peer_next(p)) {
        assert_int_equal(p->frame.stream, stream);
        if (p->frame.type == MSG_credit)
            continue;
        if (p->frame.type != MSG_llm_token)
            break;
        assert_ok(buf_add(into, p->msg.llm_token.text));
        count++;
    }
    assert_int_equal(p->frame.type, MSG_llm_done);
    return count;
}

static void what_was_asked_comes_back(void **)
{
    struct peer *p = start("");
    assert_int_equal(p->msg.ready.slots, 16);
    begin(p, 1);
    segment(p, 1, "system", "Be brief.", false);
    segment(p, 1, "user", "Old question", false);
    segment(p, 1, "assistant", "Old answer", false);
    segment(p, 1, "context", "[1] Manual\nTurn the ", true);
    segment(p, 1, "context", "knob, Müller.", false);
    segment(p, 1, "user", "How do I extraordinarily begin?", false);
    generate(p, 1);
    autobuf got = BUF(1000);
    uint32_t count = collect(p, 1, &got);
    assert_str(buf_str(&got), "You said: How do I extraordinarily begin?"
                              " [1] Manual Turn the knob, Müller.");
    assert_int_equal(p->msg.llm_done.completion_tokens, count);
    assert_true(count > 15 && count < 30);
    assert_true(p->msg.llm_done.prompt_tokens > 20);
    assert_str(p->msg.llm_done.reason, "stop");
    assert_int_equal(peer_stop(p), 0);
}

static void tokens_are_counted(void **)
{
    static const struct {
        const char *options, *want, *reason;
        uint32_t max_tokens, count;
    } rows[] = {
        {"text=One two three", "One two three", "stop", 100, 3},
        {"text=One two three", "One two", "length", 2, 2},
        {"text=One two three", "One two three", "stop", 3, 3},
        {"tokens=11", "w1 w2 w3 w4 w5 w6 w7 w8 w9 w10 w11", "stop", 100, 11},
        {"tokens=4", "w1 w2", "length", 2, 2},
        {"tokens=9,text=One two", "One two", "stop", 100, 2},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct peer *p = start(rows[i].options);
        struct msg_llm_generate m = usual;
        m.max_tokens = rows[i].max_tokens;
        begin(p, 7);
        segment(p, 7, "user", "x", false);
        peer_send(p, MSG_llm_generate, 7, &m);
        autobuf got = BUF(1000);
        assert_int_equal(collect(p, 7, &got), rows[i].count);
        assert_str(buf_str(&got), rows[i].want);
        assert_str(p->msg.llm_done.reason, rows[i].reason);
        assert_int_equal(peer_stop(p), 0);
    }
}

static void a_stop_string_ends_it(void **)
{
    struct peer *p = start("text=It works. User: and now?");
    struct msg_llm_generate m = usual;
    m.stop_json = S("[\" User:\"]");
    begin(p, 1);
    segment(p, 1, "user", "x", false);
    peer_send(p, MSG_llm_generate, 1, &m);
    autobuf got = BUF(1000);
    collect(p, 1, &got);
    assert_str(buf_str(&got), "It works.");
    assert_str(p->msg.llm_done.reason, "stop");
    assert_int_equal(peer_stop(p), 0);
}

/* What an answer tells of its tokens: "(token|others)" and then the text that they begin. */
static void collect_told(struct peer *p, struct buf *into)
{
    while (peer_next(p) && p->frame.type != MSG_llm_done) {
        if (p->frame.type == MSG_llm_token) {
            assert_ok(buf_add(into, p->msg.llm_token.text));
        } else if (p->frame.type == MSG_llm_call) {
            assert_ok(buf_addf(into, "<%.*s>", STR_FMT(p->msg.llm_call.name)));
        } else if (p->frame.type == MSG_llm_logprob) {
            struct str list = p->msg.llm_logprob.list;
            const char *before = "(";
            for (struct logprob one; list.n; before = "|") {
                assert_ok(logprob_next(&list, &one));
                assert_ok(buf_addf(into, "%s%.*s", before, STR_FMT(one.token)));
            }
            assert_ok(buf_add_byte(into, ')'));
        }
    }
    assert_int_equal(p->frame.type, MSG_llm_done);
}

static void tokens_are_told_with_their_text(void **)
{
    static const struct {
        const char *script, *stops, *told;
        uint32_t top, tokens;
        bool has_tools, one;
    } rows[] = {
        {"text=One two", "[]", "(One|One|other1)One( two| two|other1) two", 2, 2, false, false},
        {"text=One two", "[]", "(One)One( two) two", 0, 2, false, false},
        {"text=One two three four", "[\" three f\"]", "(One)One( two) two", 0, 4, false, false},
        {"text=A <tool_call>{\"name\": \"f\"}</tool_call> so", "[]", "(A)A( <) <f>( so) so", 0, 22,
         true, false},
        {"text=A <tool_call>{\"name\": \"f\"}</tool_call> <tool_call>{\"name\": \"f\"}</tool_call>",
         "[]", "(A)A( <) <f>", 0, 21, true, true},
        {"text=<tool_call>{\"name\": \"f\"}</tool_call>", "[]", "<f>", 0, 20, true, true},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct peer *p = start(rows[i].script);
        struct msg_llm_generate m = usual;
        autobuf told = BUF(1000);
        m.stop_json = str_of(rows[i].stops);
        begin(p, 1);
        segment(p, 1, "user", "x", false);
        peer_send(p, MSG_llm_logprobs, 1, &(struct msg_llm_logprobs){rows[i].top});
        if (rows[i].has_tools)
            peer_send(p, MSG_llm_tool, 1,
                      &(struct msg_llm_tool){.name = S("f"), .one = rows[i].one});
        peer_send(p, MSG_llm_generate, 1, &m);
        collect_told(p, &told);
        assert_str(buf_str(&told), rows[i].told);
        assert_str(p->msg.llm_done.reason, rows[i].has_tools ? "tool_calls" : "stop");
        if (p->msg.llm_done.completion_tokens != rows[i].tokens)
            fail_msg("%s: %u tokens", rows[i].script, p->msg.llm_done.completion_tokens);
        assert_int_equal(peer_stop(p), 0);
    }
    struct peer *p = start("");
    begin(p, 1);
    peer_send(p, MSG_llm_logprobs, 1, &(struct msg_llm_logprobs){LOGPROBS_TOP_MAX + 1});
    assert_true(peer_wait(p, MSG_fail));
    assert_int_equal(p->msg.fail.err, ERR_INVALID);
    assert_int_equal(peer_stop(p), 0);
}

static void what_is_not_whole_is_refused(void **)
{
    static const struct {
        struct msg_llm_generate m;
        const char *role;
        bool more;
        enum err err;
    } rows[] = {
        {{.max_tokens = 0, .top_p = 1}, "user", false, ERR_INVALID},
        {{.max_tokens = 1u << 20, .top_p = 1}, "user", false, ERR_INVALID},
        {{.max_tokens = 1, .top_p = 1.5f}, "user", false, ERR_INVALID},
        {{.max_tokens = 1, .temperature = -1}, "user", false, ERR_INVALID},
        {{.max_tokens = 1, .temperature = __builtin_nanf("")}, "user", false, ERR_INVALID},
        {{.max_tokens = 1, .stop_json = S("[1]")}, "user", false, ERR_INVALID},
        {{.max_tokens = 1}, "user", true, ERR_INVALID},
        {{.max_tokens = 1}, "function", false, ERR_INVALID},
        {{.max_tokens = 1}, nullptr, false, ERR_INVALID},
    };
    struct peer *p = start("");
    for (uint32_t i = 0; i < countof(rows); i++) {
        begin(p, i + 1);
        if (rows[i].role)
            segment(p, i + 1, rows[i].role, "x", rows[i].more);
        peer_send(p, MSG_llm_generate, i + 1, &rows[i].m);
        assert_true(peer_next(p));
        assert_int_equal(p->frame.stream, i + 1);
        assert_int_equal(p->frame.type, MSG_fail);
        assert_int_equal(p->msg.fail.err, rows[i].err);
    }
    begin(p, 100);
    begin(p, 100);
    assert_true(peer_wait(p, MSG_fail));
    assert_int_equal(p->msg.fail.err, ERR_SYNTAX);
    ask(p, 101, "still there?");
    assert_true(peer_wait(p, MSG_llm_done));
    assert_int_equal(peer_stop(p), 0);
}

/* A prompt larger than the credit of a stream: it is granted anew while it is read. */
static void a_long_prompt_passes(void **)
{
    struct peer *p = start("text=ok");
    char text[60001];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    begin(p, 1);
    uint64_t credit = WIRE_CREDIT;
    for (int i = 0; i < 20; i++) {
        uint64_t cost = 4 + 4 + 4 + 4 + 7 + 4 + sizeof text - 1;
        while (credit < cost) {
            assert_true(peer_wait(p, MSG_credit));
            credit += p->msg.credit.bytes;
        }
        segment(p, 1, "context", text, false);
        credit -= cost;
    }
    generate(p, 1);
    assert_true(peer_wait(p, MSG_llm_done));
    assert_true(p->msg.llm_done.prompt_tokens > 20 * 60000 / 7);
    assert_int_equal(peer_stop(p), 0);
}

static void faults_are_played(void **)
{
    struct peer *p = start("fail=1,hang=2,after=2,text=One two three four");
    ask(p, 1, "x");
    assert_true(peer_next(p) && p->frame.type == MSG_llm_token);
    assert_true(peer_next(p) && p->frame.type == MSG_llm_token);
    assert_true(peer_next(p) && p->frame.type == MSG_fail);
    assert_str(p->msg.fail.text, "the script lets call 1 fail");
    ask(p, 2, "x");
    assert_true(peer_next(p) && p->frame.type == MSG_llm_token);
    assert_true(peer_next(p) && p->frame.type == MSG_llm_token);
    peer_send(p, MSG_cancel, 2, &(struct msg_cancel){});
    assert_true(peer_next(p) && p->frame.type == MSG_canceled);
    ask(p, 3, "x");
    autobuf got = BUF(100);
    collect(p, 3, &got);
    assert_str(buf_str(&got), "One two three four");
    assert_int_equal(peer_stop(p), 0);
}

static void a_crash_is_one(void **)
{
    struct peer *p = start("crash=1");
    ask(p, 1, "x");
    assert_false(peer_next(p));
    assert_int_equal(peer_stop(p), 256 + SIGKILL);
}

static void unknown_words_are_refused(void **)
{
    static const struct {
        const char *driver, *options;
    } rows[] = {
        {"scripted", "token=3"}, {"scripted", "slots=0"}, {"scripted", "slots=65"}, {"llama", ""}};
    for (size_t i = 0; i < countof(rows); i++) {
        struct peer *p = peer_start(getenv("PROGRAM"));
        const struct msg_load load = {.driver = str_of(rows[i].driver),
                                      .options = str_of(rows[i].options)};
        peer_send(p, MSG_load, WIRE_STREAM_NONE, &load);
        assert_true(peer_next(p));
        assert_int_equal(p->frame.type, MSG_fail);
        assert_false(peer_next(p));
        assert_int_equal(peer_stop(p), 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_asked_comes_back),
        cmocka_unit_test(tokens_are_counted),
        cmocka_unit_test(a_stop_string_ends_it),
        cmocka_unit_test(tokens_are_told_with_their_text),
        cmocka_unit_test(what_is_not_whole_is_refused),
        cmocka_unit_test(a_long_prompt_passes),
        cmocka_unit_test(faults_are_played),
        cmocka_unit_test(a_crash_is_one),
        cmocka_unit_test(unknown_words_are_refused),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
