// SPDX-License-Identifier: Apache-2.0
/* What servers elsewhere answer, right and wrong, however it is cut. */
#include "base/json.h"
#include "server/engine/remote/answer.h"
#include "unit.h"

#define EVENT(json) "data: " json "\n\n"
#define DELTA(text) EVENT("{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" text "\"}}]}")
#define FINISH(reason)                                                                             \
    EVENT("{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"" reason "\"}]}")
#define USAGE                                                                                      \
    EVENT("{\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2,"                  \
          "\"prompt_tokens_details\":{\"cached_tokens\":5}}}")
#define DONE EVENT("[DONE]")

static enum err keep(void *arg, struct str text)
{
    return buf_add(arg, text);
}

static enum err feed(struct remote_answer *a, struct str stream, size_t step)
{
    for (size_t at = 0; at < stream.n; at += step)
        try(remote_answer_feed(a, str_sub(stream, at, at + step)));
    return remote_answer_end(a);
}

static void streams(void **)
{
    static const struct {
        const char *stream, *text;
        enum err err;
        bool is_cut;
        const char *said;
    } rows[] = {
        {DELTA("a") DELTA("b") FINISH("stop") USAGE DONE, "ab", OK, false, ""},
        {DELTA("a") FINISH("length") DONE, "a", OK, true, ""},
        {DELTA("a") DONE, "a", OK, false, ""},
        {DELTA("a") FINISH("stop"), "a", OK, false, ""},
        {DELTA("a") FINISH("stop") "data: [DO", "a", OK, false, ""},
        {DELTA("a") FINISH("stop") DONE "data: {", "a", OK, false, ""},
        {DELTA("a") FINISH("stop") DONE DELTA("b"), "a", OK, false, ""},
        {DELTA("a") "data: [DONE]", "a", OK, false, ""},
        {": ping\r\n\r\nevent: x\r\nid: 1\r\n" DELTA("a") "data:[DONE]\r\n\r\n", "a", OK, false,
         ""},
        /* harmless deltas */
        {EVENT("{\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":null}}]}")
             EVENT("{\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}")
                 EVENT("{\"choices\":[{\"delta\":null}]}") EVENT("{\"choices\":[]}")
                     EVENT("{\"choices\":null}") EVENT("{}")
                         EVENT("{\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}") EVENT(
                             "{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"no\"}}]}")
                             EVENT("{\"error\":null,\"choices\":[{\"delta\":{\"content\":[]}}]}")
                                 DELTA("a") FINISH("stop") DONE,
         "a", OK, false, ""},
        {EVENT("{\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}],"
               "\"usage\":\"many\"}"),
         "a", OK, false, ""},
        {EVENT("{\"choices\":[{\"delta\":{\"content\":null,\"refusal\":\"No.\"}}]}") FINISH("stop"),
         "No.", OK, false, ""},
        /* cut */
        {"", "", ERR_CLOSED, false, ""},
        {": ping\n\n", "", ERR_CLOSED, false, ""},
        {DELTA("a"), "a", ERR_CLOSED, false, ""},
        {DELTA("a") "data: {\"choices\":[{\"del", "a", ERR_CLOSED, false, ""},
        {DELTA("a") "da", "a", ERR_CLOSED, false, ""},
        /* no answer */
        {DONE, "", ERR_SYNTAX, false, ""},
        {DELTA("a") EVENT("{\"choices\":[{]}"), "a", ERR_SYNTAX, false, ""},
        {DELTA("a") EVENT("nonsense"), "a", ERR_SYNTAX, false, ""},
        {DELTA("a") EVENT("[1]"), "a", ERR_SYNTAX, false, ""},
        {DELTA("a") EVENT("\"x\""), "a", ERR_SYNTAX, false, ""},
        {EVENT("{\"choices\":[null]}") DONE, "", ERR_SYNTAX, false, ""},
        {DELTA("a") EVENT("{\"choices\":[{\"delta\":{\"content\":\"\xff\"}}]}"), "a", ERR_SYNTAX,
         false, ""},
        /* failures that are told */
        {DELTA("a") EVENT("{\"error\":{\"message\":\"out of\\nmemory\",\"code\":500}}"), "a",
         ERR_ENGINE, false, "out of memory"},
        {EVENT("{\"error\":\"bad\"}"), "", ERR_ENGINE, false, "bad"},
        {EVENT("{\"error\":{}}"), "", ERR_ENGINE, false, ""},
        {EVENT("{\"error\":\"not sk-12345!\"}"), "", ERR_ENGINE, false,
         "(words that hold the key)"},
        {EVENT("{\"object\":\"error\",\"message\":\"This model's maximum context length is 5\"}"),
         "", ERR_TOOBIG, false, "This model's maximum context length is 5"},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        for (size_t step = 1; step < 400; step += 1 + step / 2) {
            autobuf text = BUF(1000);
            struct remote_answer a;
            remote_answer_init(&a, S("sk-12345"), keep, &text);
            enum err err = feed(&a, str_of(rows[i].stream), step);
            if (err != rows[i].err)
                fail_msg("row %zu by %zu: %s", i, step, err_code(err));
            assert_str(buf_str(&text), rows[i].text);
            assert_int_equal(a.is_cut, rows[i].is_cut);
            assert_str(str_of(a.said), rows[i].said);
            remote_answer_finish(&a);
        }
    }
}

#define CALL(index, more)                                                                          \
    EVENT("{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":" index ",\"function\":{" more "}}]}}]}")

static void calls_are_put_together(void **)
{
    static const struct {
        const char *stream;
        enum err err, check;
        const char *name[2], *arguments[2];
    } rows[] = {
        {CALL("0", "\"name\":\"f\",\"arguments\":\"\"") CALL("0", "\"arguments\":\"{\\\"a\\\":\"")
             CALL("0", "\"arguments\":\"1}\"") CALL("1", "\"name\":\"g\"") FINISH("tool_calls")
                 DONE,
         OK,
         OK,
         {"f", "g"},
         {"{\"a\":1}", ""}},
        {CALL("0", "\"name\":\"f\",\"arguments\":\"{\"") FINISH("tool_calls"),
         OK,
         ERR_SYNTAX,
         {"f"},
         {"{"}},
        {CALL("0", "\"name\":\"f\",\"arguments\":\"[1]\"") FINISH("tool_calls"),
         OK,
         ERR_SYNTAX,
         {"f"},
         {"[1]"}},
        {CALL("1", "\"name\":\"f\"") FINISH("tool_calls"), OK, ERR_SYNTAX, {"", "f"}, {"", ""}},
        {CALL("-1", "\"name\":\"f\""), ERR_SYNTAX, OK, {}, {}},
        /* some servers send the object itself */
        {CALL("0", "\"name\":\"f\",\"arguments\":{\"a\":[1,\"x\"]}") FINISH("tool_calls"),
         OK,
         OK,
         {"f"},
         {"{\"a\":[1,\"x\"]}"}},
        {CALL("0", "\"name\":\"f\",\"arguments\":null") FINISH("tool_calls"), OK, OK, {"f"}, {""}},
        {CALL("0", "\"name\":\"f\",\"arguments\":[1]"), ERR_SYNTAX, OK, {}, {}},
        {CALL("128", "\"name\":\"f\""), ERR_TOOBIG, OK, {}, {}},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        autobuf text = BUF(1000);
        struct remote_answer a;
        remote_answer_init(&a, S("sk-12345"), keep, &text);
        assert_err(feed(&a, str_of(rows[i].stream), 5), rows[i].err);
        assert_err(remote_answer_check_calls(&a), rows[i].check);
        for (size_t k = 0; k < 2 && rows[i].name[k]; k++) {
            assert_str(buf_str(&a.call[k].name), rows[i].name[k]);
            assert_str(buf_str(&a.call[k].arguments), rows[i].arguments[k]);
        }
        remote_answer_finish(&a);
    }
}

/* Every place where a connection may end: the answer's end is told by the model or the server, or it is none. */
static void cut_anywhere(void **)
{
    static const struct str whole = S(DELTA("a") DELTA("b") FINISH("stop") USAGE DONE);
    static const size_t finished =
        sizeof DELTA("a") DELTA("b") FINISH("stop") - 3; /* without its \n\n */
    for (size_t n = 0; n < whole.n; n++) {
        autobuf text = BUF(1000);
        struct remote_answer a;
        remote_answer_init(&a, S("sk-12345"), keep, &text);
        assert_err(feed(&a, str_sub(whole, 0, n), 7), n < finished ? ERR_CLOSED : OK);
        remote_answer_finish(&a);
    }
}

static void usage_is_taken_over(void **)
{
    autobuf text = BUF(1000);
    struct remote_answer a;
    remote_answer_init(&a, S("sk-12345"), keep, &text);
    assert_ok(feed(&a, S(DELTA("a") FINISH("stop") USAGE DONE), 50));
    assert_true(a.has_usage);
    assert_int_equal(a.prompt_tokens, 7);
    assert_int_equal(a.cached_tokens, 5);
    assert_int_equal(a.completion_tokens, 2);
    remote_answer_finish(&a);
    remote_answer_init(&a, S("sk-12345"), keep, &text);
    assert_ok(feed(&a,
                   S(EVENT("{\"choices\":[{\"delta\":{}}],\"usage\":{\"prompt_tokens\":-1,"
                           "\"completion_tokens\":99999999999}}") DONE),
                   50));
    assert_int_equal(a.prompt_tokens, 0);
    assert_int_equal(a.completion_tokens, UINT32_MAX);
    remote_answer_finish(&a);
}

static void what_has_no_end_is_ended(void **)
{
    static char much[64 * 1024];
    memset(much, 'x', sizeof much);
    const struct {
        const char *begin, *end;
    } rows[] = {
        {"data: ", ""}, /* a line */
        {": ", ""},
        {"data: ", "\n"},                                                 /* an event */
        {"data: {\"choices\":[{\"delta\":{\"content\":\"", "\"}}]}\n\n"}, /* an answer */
        {"data: {\"choices\":[{\"delta\":{\"reasoning\":\"", "\"}}]}\n\n"},
        {": ", "\n"}, /* a stream */
    };
    for (size_t i = 0; i < countof(rows); i++) {
        autobuf text = BUF(2 * REMOTE_TEXT_MAX);
        struct remote_answer a;
        remote_answer_init(&a, S("sk-12345"), keep, &text);
        enum err err = OK;
        size_t fed = 0;
        for (; err == OK && fed < REMOTE_STREAM_MAX; fed += sizeof much) {
            err = fed == 0 || i >= 2 ? remote_answer_feed(&a, str_of(rows[i].begin)) : OK;
            if (err == OK)
                err = remote_answer_feed(&a, (struct str){much, sizeof much});
            if (err == OK)
                err = remote_answer_feed(&a, str_of(rows[i].end));
        }
        assert_err(err, ERR_TOOBIG);
        assert_true(text.n <= REMOTE_TEXT_MAX && (i == 5 || fed <= 2 * REMOTE_TEXT_MAX));
        remote_answer_finish(&a);
    }
}

/* Of thoughts and of calls only what brings something is a sign of life. */
static void nothing_is_silence(void **)
{
    static const struct {
        const char *stream;
        uint32_t thoughts;
    } rows[] = {
        {EVENT("{\"choices\":[{\"delta\":{\"reasoning\":\"\"}}]}"), 0},
        {EVENT("{\"choices\":[{\"delta\":{\"reasoning\":\"a\"}}]}"), 1},
        {CALL("0", "\"arguments\":\"\""), 0},
        {CALL("0", "\"name\":\"f\"") CALL("0", "\"name\":\"f\",\"arguments\":null"), 1},
        {CALL("0", "\"name\":\"f\"") CALL("0", "\"arguments\":\"{\""), 2},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct remote_answer a;
        remote_answer_init(&a, S(""), keep, nullptr);
        assert_ok(remote_answer_feed(&a, str_of(rows[i].stream)));
        assert_int_equal(a.thoughts, rows[i].thoughts);
        remote_answer_finish(&a);
    }
}

static void whole_answers(void **)
{
    static const struct {
        const char *body, *text;
        enum err err;
    } rows[] = {
        {"{\"choices\":[{\"message\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}", "Hi", OK},
        {"{\"choices\":[{\"message\":{\"content\":null}}]}", "", OK},
        {"{\"choices\":[]}", "", ERR_SYNTAX},
        {"{\"choices\":[null]}", "", ERR_SYNTAX},
        {"{\"choices\":[{\"message\":{\"content\":null,\"refusal\":\"No.\"}}]}", "No.", OK},
        {"{\"error\":{\"message\":\"no\"}}", "", ERR_ENGINE},
        {"<html>", "", ERR_SYNTAX},
        {"", "", ERR_SYNTAX},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        autobuf text = BUF(1000);
        struct remote_answer a;
        remote_answer_init(&a, S("sk-12345"), keep, &text);
        assert_err(remote_answer_whole(&a, str_of(rows[i].body)), rows[i].err);
        assert_str(buf_str(&text), rows[i].text);
        remote_answer_finish(&a);
    }
}

/* --- logprobs --- */

static enum err keep_list(void *arg, struct str list)
{
    struct logprob one;
    const char *before = "(";
    for (; list.n; before = "|") {
        try(logprob_next(&list, &one));
        try(buf_addf(arg, "%s%.*s %g", before, STR_FMT(one.token), (double)one.logprob));
    }
    return buf_add_byte(arg, ')');
}

#define LIKELY(text, list)                                                                         \
    "{\"choices\":[{\"delta\":{\"content\":\"" text "\"},\"logprobs\":{\"content\":" list           \
    "},\"finish_reason\":\"stop\"}]}"

static void logprobs_come_before_their_text(void **)
{
    static const struct {
        const char *body, *told;
        enum err err;
    } rows[] = {
        {LIKELY("Hi", "[{\"token\":\"Hi\",\"logprob\":-0.5,\"bytes\":[72,105],\"top_logprobs\":"
                      "[{\"token\":\"Ho\",\"logprob\":-0.25},{\"token\":\"Hi\",\"logprob\":-0.5,"
                      "\"bytes\":null},{\"token\":\"Ha\",\"logprob\":-7}]}]"),
         "(Hi -0.5|Ho -0.25|Hi -0.5)Hi", OK},
        {LIKELY("ab", "[{\"token\":\"a\",\"logprob\":0},{\"token\":\"b\",\"logprob\":null}]"),
         "(a 0)(b -9999)ab", OK},
        {LIKELY("a", "[{\"token\":\"x\",\"logprob\":-1,\"bytes\":[255]}]"), "(\xff -1)a", OK},
        {LIKELY("a", "[{\"token\":\"a\",\"logprob\":1e-7,\"top_logprobs\":7}]"), "(a 0)a", OK},
        {LIKELY("", "[]"), "", OK},
        {LIKELY("a", "[{\"token\":\"a\",\"logprob\":-1,\"bytes\":[256]}]"), "", ERR_SYNTAX},
        {LIKELY("a", "[{\"token\":\"a\",\"logprob\":-1,\"bytes\":[-1]}]"), "", ERR_SYNTAX},
        {LIKELY("a", "[7]"), "", ERR_SYNTAX},
        {LIKELY("a", "null"), "", ERR_UNSUPPORTED},
        {LIKELY("a", "[]"), "", ERR_UNSUPPORTED},
        {"{\"choices\":[{\"delta\":{\"content\":\"a\"}}]}", "", ERR_UNSUPPORTED},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        autobuf heard = BUF(1000);
        struct remote_answer a;
        remote_answer_init(&a, S(""), keep, &heard);
        a.on_logprob = keep_list;
        a.top_logprobs = 2;
        enum err err = remote_answer_whole(&a, str_of(rows[i].body));
        if (err != rows[i].err)
            fail_msg("%s: %s", rows[i].body, err_code(err));
        assert_str(buf_str(&heard), rows[i].told);
        remote_answer_finish(&a);
    }
}

/* Wherever the words are cut, no part of the key is among them. */
static void no_part_of_the_key_is_said(void **)
{
    for (int n = 0; n < REMOTE_SAID_BYTES + 10; n++) {
        autobuf body = BUF(1000);
        char said[REMOTE_SAID_BYTES];
        assert_ok(buf_addf(&body, "{\"error\":{\"message\":\"%*s sk-12345 \"}}", n, ""));
        assert_err(remote_refusal_read(buf_str(&body), S("sk-12345"), said), ERR_ENGINE);
        assert_null(strstr(said, "sk"));
        assert_err(remote_refusal_read(buf_str(&body), S(""), said), ERR_ENGINE);
        assert_true(n > 100 || strstr(said, "sk-12345"));
    }
}

static void refusals(void **)
{
    static const struct {
        const char *body, *said;
        enum err err;
    } rows[] = {
        {"{\"error\":{\"message\":\"bad key\",\"type\":\"x\"}}", "bad key", ERR_ENGINE},
        {"{\"detail\":\"Not Found\"}", "Not Found", ERR_ENGINE},
        {"{\"detail\":[{\"msg\":\"x\"}]}", "", ERR_ENGINE},
        {"{\"error\":{\"message\":\"too long\",\"code\":\"context_length_exceeded\"}}", "too long",
         ERR_TOOBIG},
        {"{\"error\":{\"message\":\"x\",\"type\":\"exceed_context_size_error\",\"code\":400}}", "x",
         ERR_TOOBIG},
        {"{\"error\":{\"message\":\"Unsupported parameter: 'max_tokens' is not supported with this "
         "model. Use 'max_completion_tokens' instead.\",\"code\":\"unsupported_parameter\"}}",
         "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
         "'max_completion_tokens' instead.",
         ERR_UNKNOWN},
        {"{\"error\":{\"message\":\"max_completion_tokens is not supported\"}}",
         "max_completion_tokens is not supported", ERR_ENGINE},
        {"{\"error\":{\"message\":\"max_tokens is too large; see max_completion_tokens\"}}",
         "max_tokens is too large; see max_completion_tokens", ERR_ENGINE},
        {"<html>502</html>", "", ERR_ENGINE},
        {"", "", ERR_ENGINE},
        {"7", "", ERR_ENGINE},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        char said[REMOTE_SAID_BYTES] = "?";
        assert_err(remote_refusal_read(str_of(rows[i].body), S("sk-12345"), said), rows[i].err);
        assert_str(str_of(said), rows[i].said);
    }
}

static void lists_of_models(void **)
{
    static const struct {
        const char *body, *wanted;
        enum err err;
        const char *name, *names;
        uint32_t context;
    } rows[] = {
        {"{\"data\":[{\"id\":\"a\",\"max_model_len\":4096}]}", "", OK, "a", "a", 4096},
        {"{\"data\":[{\"id\":\"a\",\"meta\":{\"n_ctx\":2048}},{\"id\":\"b\"}]}", "a", OK, "a",
         "a, b", 2048},
        {"{\"data\":[{\"id\":\"a\"},{\"id\":\"b\"}]}", "b", OK, "b", "a, b", 0},
        {"{\"data\":[{\"id\":\"a\"},{\"id\":\"b\"}]}", "", OK, "", "a, b", 0},
        {"{\"data\":[{\"id\":\"a\"},{\"id\":\"b\"}]}", "c", OK, "", "a, b", 0},
        {"{\"data\":[{\"id\":\"/m/a.gguf\",\"aliases\":[\"x\",\"a\"]}]}", "a", OK, "a", "/m/a.gguf",
         0},
        {"{\"data\":[{\"id\":\"sk-12345\"},{\"id\":\"b\"}]}", "", OK, "b", "b", 0},
        {"{\"data\":[{\"id\":\"a\",\"task\":\"speak\"},{\"id\":\"b\",\"task\":\"hear\"}]}", "", OK,
         "b", "b", 0},
        {"{\"data\":[]}", "", OK, "", "", 0},
        {"{\"data\":[{\"id\":7},{},null,{\"id\":\"\"}]}", "", OK, "", "", 0},
        {"{\"data\":{\"id\":\"a\"}}", "", ERR_SYNTAX, "", "", 0},
        {"[]", "", ERR_SYNTAX, "", "", 0},
        {"<html>", "", ERR_SYNTAX, "", "", 0},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct remote_models m = {};
        assert_err(remote_models_read(str_of(rows[i].body), str_of(rows[i].wanted), "hear",
                                      S("sk-12345"), &m),
                   rows[i].err);
        assert_str(str_of(m.name), rows[i].name);
        assert_str(str_of(m.names), rows[i].names);
        assert_int_equal(m.context, rows[i].context);
    }
}

static void many_names_are_cut(void **)
{
    autobuf body = BUF(100000);
    assert_ok(buf_add(&body, S("{\"data\":[")));
    for (int i = 0; i < 500; i++)
        assert_ok(buf_addf(&body, "%s{\"id\":\"model-%d\"}", i ? "," : "", i));
    assert_ok(buf_add(&body, S("]}")));
    struct remote_models m;
    assert_ok(remote_models_read(buf_str(&body), S("model-499"), nullptr, S(""), &m));
    assert_str(str_of(m.name), "model-499");
    assert_true(str_starts(str_of(m.names), S("model-0, model-1, ")));
    assert_true(str_ends(str_of(m.names), S(", …")));
    assert_true(utf8_valid(str_of(m.names)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams),
        cmocka_unit_test(calls_are_put_together),
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(usage_is_taken_over),
        cmocka_unit_test(what_has_no_end_is_ended),
        cmocka_unit_test(nothing_is_silence),
        cmocka_unit_test(whole_answers),
        cmocka_unit_test(no_part_of_the_key_is_said),
        cmocka_unit_test(refusals),
        cmocka_unit_test(logprobs_come_before_their_text),
        cmocka_unit_test(lists_of_models),
        cmocka_unit_test(many_names_are_cut),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
