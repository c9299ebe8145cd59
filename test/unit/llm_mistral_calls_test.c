// SPDX-License-Identifier: Apache-2.0
/* repartee-llm with a model that has Mistral's special tokens: how it is made to call. $PROGRAM is its path. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine_peer.h"
#include "gguf_write.h"
#include "unit.h"

static struct peer *start(const char *template)
{
    char path[] = "/tmp/llm-mistral-XXXXXX";
    int fd = mkstemp(path);
    struct gguf_shape shape = gguf_tiny_mistral();
    shape.template = template;
    assert_true(fd >= 0 && gguf_write(path, &shape) && fchmod(fd, 0644) == 0);
    close(fd);
    struct peer *p = peer_start(getenv("PROGRAM"));
    peer_load_model(p, "llama", path, "parallel=1,context=512");
    unlink(path);
    return p;
}

/* The bytes are the first of the vocabulary, Mistral's special tokens the last. */
enum { TOOL_CALLS = 310 - 14 + 8 };

static struct buf text = BUF(4096);
static struct msg_llm_done done; /* its texts are not kept */

/* One answer, of words alone. */
static void hear(struct peer *p)
{
    buf_clear(&text);
    while (peer_next(p) && p->frame.type == MSG_llm_token)
        assert_ok(buf_add(&text, p->msg.llm_token.text));
    assert_int_equal(p->frame.type, MSG_llm_done);
    done = p->msg.llm_done;
}

enum function { NONE, OFFERED, FORCED };

static void ask(struct peer *p, uint32_t stream, enum function function, const char *bias_json,
                uint32_t max_tokens)
{
    const struct msg_llm_tool tool = {
        .name = S("rain"),
        .parameters_json =
            S("{\"type\":\"object\",\"properties\":{\"u\":{\"const\":\"C\"}},\"required\":[\"u\"],"
              "\"additionalProperties\":false}"),
        .must = function == FORCED,
    };
    peer_send(p, MSG_llm_open, stream, &(struct msg_llm_open){S("")});
    peer_send(p, MSG_llm_segment, stream,
              &(struct msg_llm_segment){.role = S("user"), .text = S("Does it rain?")});
    if (function != NONE)
        peer_send(p, MSG_llm_tool, stream, &tool);
    peer_send(p, MSG_llm_sampling, stream,
              &(struct msg_llm_sampling){.repeat_penalty = 1, .bias_json = str_of(bias_json)});
    peer_send(
        p, MSG_llm_generate, stream,
        &(struct msg_llm_generate){.max_tokens = max_tokens, .top_p = 1, .stop_json = S("[]")});
}

/* A bracket is likelier by far than a special token that begins with one; an object ends where it may; blanks and
 * [CALL_ID] are unlikely. */
static const char no_blanks[] = "{\"91\":100,\"125\":50,\"32\":-100,\"10\":-100,\"306\":-100}";

static void mistral_is_made_to_call(void **)
{
    static const struct {
        const char *template;
        uint32_t tokens;
    } forms[] = {
        {"\"[INST]\" [AVAILABLE_TOOLS]",
         1 + sizeof "[{\"name\":\"rain\",\"arguments\":{\"u\":\"C\"}}]" - 1},
        {"[SYSTEM_PROMPT] [INST] [CALL_ID] [ARGS]", 1 + 4 + 1 + 9},
        {nullptr, 1 + 4 + 1 + 9},
    };
    for (size_t i = 0; i < countof(forms); i++) {
        struct peer *p = start(forms[i].template);
        ask(p, 1, FORCED, no_blanks, 100);
        assert_true(peer_next(p));
        assert_int_equal(p->frame.type, MSG_llm_call);
        assert_str(p->msg.llm_call.name, "rain");
        assert_str(p->msg.llm_call.arguments_json, "{\"u\":\"C\"}");
        assert_true(peer_next(p));
        assert_int_equal(p->frame.type, MSG_llm_done);
        assert_str(p->msg.llm_done.reason, "tool_calls");
        assert_int_equal(p->msg.llm_done.completion_tokens, forms[i].tokens);
        assert_int_equal(peer_stop(p), 0);
    }
}

/* What is the same is not read again: an id is no part of it when it is another's. */
static void ids_are_in_the_prompt(void **)
{
    static const struct str ids[] = {S("call_1"), S("call_1"), S("call_2")};
    uint32_t read[countof(ids)];
    struct peer *p = start("[SYSTEM_PROMPT] [INST] [CALL_ID] [ARGS]");
    for (uint32_t i = 0; i < countof(ids); i++) {
        const struct msg_llm_segment segments[] = {
            {.role = S("user"), .text = S("Does it rain?")},
            {.role = S("call"), .text = S("{\"name\":\"rain\",\"arguments\":{}}"), .id = ids[i]},
            {.role = S("tool"), .text = S("It does."), .id = ids[i]}};
        peer_send(p, MSG_llm_open, i + 1, &(struct msg_llm_open){S("ann")});
        for (size_t k = 0; k < countof(segments); k++)
            peer_send(p, MSG_llm_segment, i + 1, &segments[k]);
        peer_send(p, MSG_llm_prefill, i + 1, &(struct msg_llm_prefill){1});
        hear(p);
        read[i] = done.prompt_tokens - done.cached_tokens;
    }
    assert_true(read[1] <= 1);
    assert_int_equal(read[2], sizeof "2[ARGS]{}</s>[TOOL_RESULTS]0000call2[TOOL_CONTENT]It does." -
                                  sizeof "[ARGS]</s>[TOOL_RESULTS][TOOL_CONTENT]" + 4);
    assert_int_equal(peer_stop(p), 0);
}

static void a_mark_is_seen_only_where_there_are_functions(void **)
{
    char bias[32];
    snprintf(bias, sizeof bias, "{\"%d\":100}", TOOL_CALLS);
    struct peer *p = start(nullptr);
    ask(p, 1, NONE, bias, 2);
    hear(p);
    assert_int_equal(done.completion_tokens, 2);
    assert_int_equal(text.n, 0);
    ask(p, 2, OFFERED, bias, 2);
    hear(p);
    assert_int_equal(done.completion_tokens, 2);
    assert_str(buf_str(&text), "[TOOL_CALLS][TOOL_CALLS]");
    assert_int_equal(peer_stop(p), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistral_is_made_to_call),
        cmocka_unit_test(a_mark_is_seen_only_where_there_are_functions),
        cmocka_unit_test(ids_are_in_the_prompt),
    };
    int failed = cmocka_run_group_tests(tests, nullptr, nullptr);
    buf_finish(&text);
    return failed;
}
