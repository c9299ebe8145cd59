// SPDX-License-Identifier: Apache-2.0
/* Functions in the conversation, and calls among a model's words however they are cut. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "llm/call.h"
#include "unit.h"

static struct tools make(void)
{
    struct tools t = TOOLS;
    char why[LLM_WHY_BYTES];
    assert_ok(tools_add(&t,
                        &(struct msg_llm_tool){.name = S("weather"),
                                               .description = S("How it is \"there\""),
                                               .parameters_json = S("{\"type\":\"object\"}")},
                        why));
    assert_ok(tools_add(&t, &(struct msg_llm_tool){.name = S("time")}, why));
    return t;
}

/* --- what is heard of a model's words --- */

static struct buf heard = BUF(1 << 20);

static enum err on_text(void *, struct str text)
{
    return buf_add(&heard, text);
}

static enum err on_call(void *, struct str name, struct str arguments_json)
{
    return buf_addf(&heard, "<%.*s %.*s>", STR_FMT(name), STR_FMT(arguments_json));
}

static const struct {
    enum tool_syntax syntax;
    const char *said, *heard;
    uint32_t calls;
} rows[] = {
    {TOOLS_HERMES, "Just words.", "Just words.", 0},
    {TOOLS_HERMES,
     "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Bern\"}}\n</tool_call>",
     "<weather {\"city\":\"Bern\"}>", 1},
    {TOOLS_HERMES,
     "Let me look.\n<tool_call>{\"name\":\"weather\",\"arguments\":{}}</tool_call>\n<tool_call>{\"name\":\"time\"}</tool_call>",
     "Let me look.\n<weather {}>\n<time {}>", 2},
    {TOOLS_HERMES,
     "\n<tool_call>{\"name\":\"time\",\"arguments\":{\"a\":[1,\"</tool\"]}}</tool_call>\n",
     "<time {\"a\":[1,\"</tool\"]}>", 1},
    {TOOLS_HERMES, "<tool_call>{\"name\":\"time\",\"arguments\":{}}", "<time {}>", 1},
    {TOOLS_HERMES, "<tool_call>{\"name\":\"bomb\",\"arguments\":{}}</tool_call>",
     "<tool_call>{\"name\":\"bomb\",\"arguments\":{}}</tool_call>", 0},
    {TOOLS_HERMES, "<tool_call>{\"name\":\"time\",\"arguments\":\"now\"}</tool_call>!",
     "<tool_call>{\"name\":\"time\",\"arguments\":\"now\"}</tool_call>!", 0},
    {TOOLS_HERMES, "<tool_call>{\"name\": broken</tool_call> so",
     "<tool_call>{\"name\": broken</tool_call> so", 0},
    {TOOLS_HERMES, "1 < 2, <tool> and <tool_c", "1 < 2, <tool> and <tool_c", 0},
    {TOOLS_HERMES, "{\"name\":\"time\",\"arguments\":{}}", "{\"name\":\"time\",\"arguments\":{}}",
     0},
    {TOOLS_LLAMA3, "Just words.", "Just words.", 0},
    {TOOLS_LLAMA3, " {\"name\": \"weather\", \"parameters\": {\"city\": \"Gen\\u00e8ve\"}}",
     "<weather {\"city\":\"Genève\"}>", 1},
    {TOOLS_LLAMA3, "{\"name\": \"time\", \"parameters\": null}",
     "{\"name\": \"time\", \"parameters\": null}", 0},
    {TOOLS_LLAMA3, "{\"name\": \"bomb\", \"parameters\": {}}",
     "{\"name\": \"bomb\", \"parameters\": {}}", 0},
    {TOOLS_LLAMA3, "{\"it\": \"is JSON that was asked for\"}",
     "{\"it\": \"is JSON that was asked for\"}", 0},
    {TOOLS_LLAMA3, "So: {\"name\": \"time\", \"parameters\": {}}",
     "So: {\"name\": \"time\", \"parameters\": {}}", 0},
    {TOOLS_LLAMA3, "", "", 0},
    {TOOLS_MISTRAL_V3, "Just [TOOL", "Just [TOOL", 0},
    {TOOLS_MISTRAL_V3,
     "[TOOL_CALLS][{\"name\": \"time\", \"arguments\": {}, \"id\": \"abcdefghi\"}]", "<time {}>",
     1},
    {TOOLS_MISTRAL_V7,
     "I look. [TOOL_CALLS] [{\"name\": \"time\", \"arguments\": {\"a\": \"[TOOL_CALLS]}]\\\"\"}}, {\"name\": "
     "\"weather\"}]\n",
     "I look. <time {\"a\":\"[TOOL_CALLS]}]\\\"\"}><weather {}>\n", 2},
    {TOOLS_MISTRAL_V7, "[TOOL_CALLS][{\"name\": \"time\"}, {\"name\": \"bomb\"}]",
     "[TOOL_CALLS][{\"name\": \"time\"}, {\"name\": \"bomb\"}]", 0},
    {TOOLS_MISTRAL_V7, "[TOOL_CALLS][]", "[TOOL_CALLS][]", 0},
    {TOOLS_MISTRAL_V7, "[TOOL_CALLS][{\"name\": \"time\"}", "[TOOL_CALLS][{\"name\": \"time\"}", 0},
    {TOOLS_MISTRAL_V7, "[TOOL_CALLS]{\"name\": \"time\"}", "<time {}>", 1},
    {TOOLS_MISTRAL_V11, "[TOOL_CALLS]time[CALL_ID]abcdefghi[ARGS]{\"a\": 1}", "<time {\"a\":1}>",
     1},
    {TOOLS_MISTRAL_V13,
     "So: [TOOL_CALLS]time[ARGS]{\"a\": \"}[TOOL_CALLS]\"}[TOOL_CALLS]weather[ARGS]{\"city\": \"Bern\"}",
     "So: <time {\"a\":\"}[TOOL_CALLS]\"}><weather {\"city\":\"Bern\"}>", 2},
    {TOOLS_MISTRAL_V13, "[TOOL_CALLS]weather{}", "<weather {}>", 1},
    {TOOLS_MISTRAL_V13, "[TOOL_CALLS]bomb[ARGS]{}[TOOL_CALLS]time[ARGS]{} then",
     "[TOOL_CALLS]bomb[ARGS]{}<time {}> then", 1},
    {TOOLS_MISTRAL_V13, "[TOOL_CALLS]time[ARGS][1]", "[TOOL_CALLS]time[ARGS][1]", 0},
    {TOOLS_MISTRAL_V13, "[TOOL_CALLS]", "[TOOL_CALLS]", 0},
};

static void calls_are_told_from_words_however_they_are_cut(void **)
{
    struct tools t = make();
    for (size_t i = 0; i < countof(rows); i++)
        for (size_t step = 1; step < 40; step += step < 12 ? 1 : 9) {
            struct str said = str_of(rows[i].said);
            struct call_reader r = {
                .tools = &t, .syntax = rows[i].syntax, .on_text = on_text, .on_call = on_call};
            buf_clear(&heard);
            for (size_t at = 0; at < said.n; at += step)
                assert_ok(call_reader_add(&r, str_sub(said, at, at + step)));
            assert_ok(call_reader_end(&r));
            if (!str_eq(buf_str(&heard), str_of(rows[i].heard)))
                fail_msg("%s\nby %zu bytes became\n%.*s\nand not\n%s", rows[i].said, step,
                         STR_FMT(buf_str(&heard)), rows[i].heard);
            assert_int_equal(r.calls, rows[i].calls);
            call_reader_finish(&r);
        }
    tools_finish(&t);
}

/* Words go on at once: only what may still be the beginning of a call waits. */
static void words_do_not_wait(void **)
{
    struct tools t = make();
    struct call_reader r = {.tools = &t, .on_text = on_text, .on_call = on_call};
    buf_clear(&heard);
    assert_ok(call_reader_add(&r, S("So it is <to")));
    assert_str(buf_str(&heard), "So it is ");
    assert_ok(call_reader_add(&r, S("day.")));
    assert_str(buf_str(&heard), "So it is <today.");
    call_reader_finish(&r);
    tools_finish(&t);
}

static void a_call_without_an_end_is_words(void **)
{
    struct tools t = make();
    struct call_reader r = {.tools = &t, .on_text = on_text, .on_call = on_call};
    buf_clear(&heard);
    size_t said = 11;
    assert_ok(call_reader_add(&r, S("<tool_call>")));
    for (; said < 3 * TOOL_CALL_MAX; said += 10)
        assert_ok(call_reader_add(&r, S("0123456789")));
    assert_true(r.held.n <= TOOL_CALL_MAX + 10);
    assert_ok(call_reader_end(&r));
    assert_int_equal(heard.n, said);
    call_reader_finish(&r);
    tools_finish(&t);
}

/* --- what the model sees --- */

static void render(const struct tools *t, enum tool_syntax syntax,
                   const struct llm_segment *segment, size_t count, struct buf *into)
{
    autobuf made = {};
    struct llm_segment *told;
    size_t n;
    assert_ok(tools_tell(t, syntax, segment, count, &made, &told, &n));
    for (size_t i = 0; i < n; i++) {
        if (!told[i].joined)
            assert_ok(buf_addf(into, "[%.*s]", STR_FMT(told[i].role)));
        assert_ok(buf_addf(into, "%s%.*s%s", told[i].before ? told[i].before : "",
                           STR_FMT(told[i].text), told[i].after ? told[i].after : ""));
    }
    free(told);
}

static const struct llm_segment conversation[] = {
    {.role = S("system"), .text = S("Be brief.")},
    {.role = S("user"), .text = S("How is Bern?")},
    {.role = S("assistant"), .text = S("I look.")},
    {.role = S("call"), .text = S("{\"name\":\"weather\",\"arguments\":{\"city\":\"Bern\"}}")},
    {.role = S("call"), .text = S("{\"name\":\"time\",\"arguments\":{}}")},
    {.role = S("tool"), .text = S("Rain")},
    {.role = S("tool"), .text = S("12:00")},
    {.role = S("user"), .text = S("And now?")},
};

static void expect_in_order(struct str text, const char *const *parts)
{
    for (; *parts; parts++) {
        size_t at = str_find(text, str_of(*parts));
        if (at == text.n)
            fail_msg("no \"%s\" in \"%.*s\"", *parts, STR_FMT(text));
        text = str_sub(text, at + strlen(*parts), text.n);
    }
}

static void tools_calls_and_results_are_in_the_syntax_of_the_model(void **)
{
    static const char list[] =
        "{\"type\": \"function\", \"function\": {\"name\": \"weather\", \"description\": \"How it is "
        "\\\"there\\\"\", \"parameters\": {\"type\": \"object\"}}}\n"
        "{\"type\": \"function\", \"function\": {\"name\": \"time\", \"parameters\": {}}}";
    static const char hermes_calls[] =
        "[assistant]I look.\n<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Bern\"}}\n</tool_call>"
        "\n<tool_call>\n{\"name\": \"time\", \"arguments\": {}}\n</tool_call>"
        "[user]<tool_response>\nRain\n</tool_response>\n<tool_response>\n12:00\n</tool_response>[user]And now?";
    static const char llama3_calls[] =
        "[assistant]I look.\n{\"name\": \"weather\", \"parameters\": {\"city\": \"Bern\"}}\n{\"name\": \"time\", "
        "\"parameters\": {}}"
        "[ipython]Rain[ipython]12:00[user]And now?";
    static const char *const hermes[] = {
        "[system]Be brief.\n\n# Tools", "<tools>\n",  list,   "\n</tools>",
        "[user]How is Bern?",           hermes_calls, nullptr};
    static const char *const llama3[] = {"[system]Be brief.\n\nEnvironment: ipython", list,
                                         "[user]How is Bern?", llama3_calls, nullptr};
    struct tools t = make(), none = TOOLS;
    autobuf text = BUF(1 << 20);
    render(&t, TOOLS_HERMES, conversation, countof(conversation), &text);
    expect_in_order(buf_str(&text), hermes);
    buf_clear(&text);
    render(&t, TOOLS_LLAMA3, conversation, countof(conversation), &text);
    expect_in_order(buf_str(&text), llama3);
    buf_clear(&text);
    render(&t, TOOLS_HERMES, conversation + 1, 1, &text);
    expect_in_order(buf_str(&text),
                    (const char *const[]){"[system]# Tools", "[user]How is Bern?", nullptr});
    buf_clear(&text);
    render(&none, TOOLS_HERMES, conversation, 2, &text);
    assert_str(buf_str(&text), "[system]Be brief.[user]How is Bern?");
    tools_finish(&t);
}

static void ids_and_json_are_as_models_know_them(void **)
{
    static const char *const ids[][2] = {{"", "000000000"},
                                         {"call_1", "0000call1"},
                                         {"call_0123456789abcdef", "789abcdef"},
                                         {"a-[/INST]-\"é\\", "0000aINST"},
                                         {"abcdefghi", "abcdefghi"}};
    char id[TOOL_ID_BYTES + 1];
    for (size_t i = 0; i < countof(ids); i++) {
        tools_shorten_id(str_of(ids[i][0]), id);
        assert_string_equal(id, ids[i][1]);
    }
    autobuf json = BUF(1000);
    assert_ok(tools_put_json(&json, S("{\"a\":[1,\n 2 ],\t\"b:,\\\" \\\\\":\"c:\"}")));
    assert_str(buf_str(&json), "{\"a\": [1, 2], \"b:,\\\" \\\\\": \"c:\"}");
}

static void what_is_no_call_or_no_function_is_refused(void **)
{
    struct tools t = make();
    char why[LLM_WHY_BYTES];
    static const struct str bad[] = {
        S(""),    S("weather"),
        S("a b"), S("ä"),
        S("\""),  S("a123456789a123456789a123456789a123456789a123456789a1234567890abcd")};
    for (size_t i = 0; i < countof(bad); i++) {
        why[0] = 0;
        assert_int_equal(tools_add(&t, &(struct msg_llm_tool){.name = bad[i]}, why), ERR_INVALID);
        assert_true(why[0]);
    }
    assert_int_equal(
        tools_add(&t, &(struct msg_llm_tool){.name = S("x"), .parameters_json = S("{")}, why),
        ERR_SYNTAX);
    assert_int_equal(t.count, 2);
    for (int i = 2; i < TOOLS_MAX; i++) {
        char name[16];
        snprintf(name, sizeof name, "f%d", i);
        assert_ok(tools_add(&t, &(struct msg_llm_tool){.name = str_of(name)}, why));
    }
    assert_int_equal(tools_add(&t, &(struct msg_llm_tool){.name = S("more")}, why), ERR_TOOBIG);
    static const struct str no_call[] = {S("{\"name\":"), S("{\"arguments\":{}}"),
                                         S("\",\"arguments\":1}"),
                                         S("{\"name\":\"a\",\"arguments\":")};
    for (size_t i = 0; i < countof(no_call); i++) {
        const struct llm_segment call = {.role = S("call"), .text = no_call[i]};
        autobuf made = {};
        struct llm_segment *told;
        size_t n;
        assert_int_equal(tools_tell(&t, TOOLS_HERMES, &call, 1, &made, &told, &n), ERR_SYNTAX);
    }
    tools_finish(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_are_told_from_words_however_they_are_cut),
        cmocka_unit_test(words_do_not_wait),
        cmocka_unit_test(a_call_without_an_end_is_words),
        cmocka_unit_test(tools_calls_and_results_are_in_the_syntax_of_the_model),
        cmocka_unit_test(ids_and_json_are_as_models_know_them),
        cmocka_unit_test(what_is_no_call_or_no_function_is_refused),
    };
    int failed = cmocka_run_group_tests(tests, nullptr, nullptr);
    buf_finish(&heard);
    return failed;
}
