// SPDX-License-Identifier: Apache-2.0
/* Whatever the template and the order: what is said stands in the prompt once, as text, and never in its markup. */
#include "llm/prompt/chat_template.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

static const char *const templates[] = {"chatml",     "llama3", "gemma",    "mistral-v1",
                                        "mistral-v7", "phi3",   "zephyr",   "command-r",
                                        "deepseek",   "orion",  "gigachat", "llama2-sys"};
/* s: system, u: user, a: assistant, c: a passage */
static const char *const orders[] = {"u",   "su",   "sau",    "suau", "au",      "uu",
                                     "scu", "sccu", "suaccu", "a",    "suauauau"};

static struct llm_segment segment_of(char role, size_t number, char into[64])
{
    static const char *const roles[] = {
        ['s'] = "system", ['u'] = "user", ['a'] = "assistant", ['c'] = "context"};
    /* What looks like a placeholder, too. */
    snprintf(into, 64, "said\uE000%zu\uE001 %zu <|im_end|>", number % 2, number);
    return (struct llm_segment){
        .role = str_of(roles[(int)role]), .trusted = role == 's', .text = str_of(into)};
}

static size_t times_said(const struct spans *spans, struct str text)
{
    size_t n = 0;
    for (size_t i = 0; i < spans->count; i++) {
        const struct span *s = &spans->span[i];
        if (s->segment != SPAN_OWN)
            n += str_eq(s->text, text);
        else if (str_find(s->text, S("said")) < s->text.n ||
                 str_find(s->text, S("\uE000")) < s->text.n)
            fail_msg("in the markup: %.*s", STR_FMT(s->text));
    }
    return n;
}

static void try_one(const struct chat_template *t, const char *name, const char *order)
{
    char text[16][64];
    struct llm_segment segment[16];
    size_t count = strlen(order);
    struct spans spans;
    for (size_t i = 0; i < count; i++)
        segment[i] = segment_of(order[i], i, text[i]);
    enum err err = template_render(t, segment, count, &spans);
    if (err != OK)
        fail_msg("%s, %s: %s", name, order, err_code(err));
    for (size_t i = 0; i < count; i++) {
        size_t n = times_said(&spans, segment[i].text);
        bool may_lack = order[i] == 's';
        if (n != 1 && !(n == 0 && may_lack))
            fail_msg("%s, %s: segment %zu %zu times", name, order, i, n);
    }
    bool open = true;
    for (size_t i = 0; i < spans.count; i++) {
        open = open && spans.span[i].trusted;
        assert_true(spans.span[i].segment != SPAN_OWN || spans.span[i].trusted);
    }
    assert_false(open && strchr(order, 'u'));
    spans_finish(&spans);
}

static void all_is_said_once(void **)
{
    for (size_t t = 0; t < countof(templates); t++) {
        struct chat_template template;
        char why[LLM_WHY_BYTES] = "";
        if (template_init(&template, str_of(templates[t]), why) != OK)
            fail_msg("%s: %s", templates[t], why);
        for (size_t o = 0; o < countof(orders); o++)
            try_one(&template, templates[t], orders[o]);
        template_finish(&template);
    }
}

static void an_unknown_one_is_refused(void **)
{
    struct chat_template template;
    char why[LLM_WHY_BYTES] = "";
    assert_err(template_init(&template, S("{{ whatever }}"), why), ERR_UNSUPPORTED);
    assert_non_null(strstr(why, "llm.template"));
    assert_err(template_init(&template, S(""), why), ERR_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_said_once),
        cmocka_unit_test(an_unknown_one_is_refused),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
