// SPDX-License-Identifier: Apache-2.0
/* What servers elsewhere are asked. */
#include "server/engine/remote/prompt.h"

#include <string.h>

#include "base/json.h"
#include "unit.h"

static const struct msg_llm_generate settings = {
    .max_tokens = 100, .temperature = 0.5f, .top_p = 0.9f, .seed = 7, .stop_json = S("[\"x\"]")};

static void ask(const struct msg_llm_segment *segment, size_t count, uint32_t context,
                struct buf *json, uint32_t *left_out)
{
    struct remote_prompt p = {};
    for (size_t i = 0; i < count; i++)
        assert_ok(remote_prompt_add(&p, &segment[i]));
    const struct remote_ask what = {.model = S("m"), .context = context, .generate = &settings};
    assert_ok(remote_prompt_write(&p, &what, json, left_out));
    remote_prompt_finish(&p);
}

static void messages_alternate(void **)
{
    static const struct msg_llm_segment segments[] = {
        {S("system"), 1, 0, 0, S("Be brief.")}, {S("user"), 0, 4, 0, S("One\n")},
        {S("assistant"), 0, 3, 0, S("Two")},    {S("user"), 0, 2, 0, S("Thr")},
        {S("user"), 0, 2, 0, S("ee")},          {S("context"), 0, 1, 1, S("[1] pas")},
        {S("context"), 0, 1, 0, S("sage")},     {S("context"), 0, 2, 0, S("[2] b")},
        {S("user"), 0, 0, 0, S("Four \"4\"?")},
    };
    autobuf json = BUF(10000);
    uint32_t left_out;
    ask(segments, countof(segments), 4096, &json, &left_out);
    assert_int_equal(left_out, 0);
    assert_str(
        buf_str(&json),
        "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true},"
        "\"max_tokens\":100,\"temperature\":0.5,\"top_p\":0.9,\"seed\":7,\"stop\":[\"x\"],"
        "\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},"
        "{\"role\":\"user\",\"content\":\"One\\n\"},{\"role\":\"assistant\",\"content\":\"Two\"},"
        "{\"role\":\"user\",\"content\":\"Thr\\n\\nee\\n\\nPassages from the documents:\\n\\n[1] passage"
        "\\n\\n[2] b\\n\\nQuestion: Four \\\"4\\\"?\"}]}");
}

static void what_does_not_fit_is_left_out(void **)
{
    static char words[300];
    memset(words, 'w', sizeof words);
    const struct str many = {words, sizeof words};
    const struct msg_llm_segment segments[] = {
        {S("system"), 1, 0, 0, S("s")},    {S("user"), 0, 4, 0, many},
        {S("assistant"), 0, 3, 0, S("a")}, {S("user"), 0, 2, 0, S("b")},
        {S("user"), 0, 0, 0, S("q")},
    };
    const char *messages;
    autobuf json = BUF(10000);
    uint32_t left_out;
    ask(segments, countof(segments), 200, &json, &left_out);
    assert_int_equal(left_out, 1);
    messages = strstr(buf_z(&json), "\"messages\"");
    /* An answer without its question goes too. */
    assert_string_equal(messages, "\"messages\":[{\"role\":\"system\",\"content\":\"s\"},"
                                  "{\"role\":\"user\",\"content\":\"b\\n\\nq\"}]}");
    buf_clear(&json);
    ask(segments, countof(segments), 1, &json, &left_out);
    assert_int_equal(left_out, 3);
}

/* Whoever names a setting of sampling means top_k; the server's own guess is for its own models. */
static void top_k_is_sent_if_it_is_meant(void **)
{
    static const struct msg_llm_segment question = {S("user"), 0, 0, 0, S("q")};
    static const union msg sampling = {.llm_sampling = {.repeat_penalty = 1}};
    struct msg_llm_generate generate = settings;
    generate.top_k = 40;
    const struct remote_ask what = {.model = S("m"), .context = 4096, .generate = &generate};
    struct remote_prompt p = {};
    autobuf json = BUF(1000);
    uint32_t left_out;
    assert_ok(remote_prompt_add(&p, &question));
    assert_ok(remote_prompt_write(&p, &what, &json, &left_out));
    assert_null(strstr(buf_z(&json), "top_k"));
    buf_clear(&json);
    assert_ok(remote_prompt_wish(&p, MSG_llm_sampling, &sampling));
    assert_ok(remote_prompt_write(&p, &what, &json, &left_out));
    assert_non_null(strstr(buf_z(&json), "\"top_k\":40,"));
    remote_prompt_finish(&p);
}

static void only_what_was_offered_is_offered(void **)
{
    struct remote_prompt p = {};
    assert_false(remote_prompt_offers(&p, S("")));
    const char *const names[] = {"weather", "time"};
    for (size_t i = 0; i < countof(names); i++)
        assert_ok(remote_prompt_wish(&p, MSG_llm_tool,
                                     &(union msg){.llm_tool = {.name = str_of(names[i])}}));
    static const char *const strangers[] = {"", "weathe", "weather2", "eather", "tim", "Time"};
    for (size_t i = 0; i < countof(names); i++)
        assert_true(remote_prompt_offers(&p, str_of(names[i])));
    for (size_t i = 0; i < countof(strangers); i++)
        assert_false(remote_prompt_offers(&p, str_of(strangers[i])));
    remote_prompt_finish(&p);
}

static void what_is_no_question_is_refused(void **)
{
    static const struct msg_llm_segment stranger = {S("function"), 0, 0, 0, S("x")};
    static const struct msg_llm_segment half = {S("user"), 0, 0, 1, S("x")};
    struct remote_prompt p = {};
    autobuf json = BUF(1000);
    uint32_t left_out;
    const struct remote_ask what = {.model = S("m"), .context = 100, .generate = &settings};
    assert_err(remote_prompt_add(&p, &stranger), ERR_INVALID);
    assert_err(remote_prompt_write(&p, &what, &json, &left_out), ERR_INVALID);
    assert_ok(remote_prompt_add(&p, &half));
    assert_err(remote_prompt_write(&p, &what, &json, &left_out), ERR_INVALID);
    static char much[REMOTE_PROMPT_MAX];
    memset(much, 'x', sizeof much);
    assert_err(
        remote_prompt_add(&p, &(struct msg_llm_segment){S("user"), 0, 0, 0, {much, sizeof much}}),
        ERR_TOOBIG);
    remote_prompt_finish(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_alternate),
        cmocka_unit_test(what_does_not_fit_is_left_out),
        cmocka_unit_test(top_k_is_sent_if_it_is_meant),
        cmocka_unit_test(only_what_was_offered_is_offered),
        cmocka_unit_test(what_is_no_question_is_refused),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
