// SPDX-License-Identifier: Apache-2.0
/*
 * The markup that a model was trained to see between the turns of a conversation. libllama knows the
 * usual templates by their looks; it neither escapes what it is given nor says which part of the result
 * was given and which is its own. So it gets a placeholder for each message, and the result is cut
 * there: markup is ours and may hold special tokens, messages are text and never do.
 *
 *     try(template_init(&t, text_from_the_file_or_name, why));
 *     try(template_render(&t, segments, count, &spans));
 *     … spans.span[i] …
 *     spans_finish(&spans);
 */
#pragma once

#include "llm/driver.h"

struct chat_template {
    char *text;             /* as libllama wants it: a template's source or its name */
    enum tool_syntax tools; /* how models with such a template call functions */
};

/* A piece of the prompt in the order of reading. */
struct span {
    struct str text;
    size_t segment; /* whose text it is; SPAN_OWN: ours */
    bool markup;    /* tokenised with special tokens */
    bool trusted;   /* nothing of a stranger */
};
constexpr size_t SPAN_OWN = SIZE_MAX;
struct spans {
    struct span *span;
    size_t count, room;
    struct buf own; /* what the spans of markup point to */
};

/* text: the model's own template or, by the operator's wish, a name such as "chatml". ERR_UNSUPPORTED with
 * a sentence in `why` when libllama does not know it. */
enum err template_init(struct chat_template *t, struct str text, char why[LLM_WHY_BYTES]);
void template_finish(struct chat_template *t);
/* Passages ("context") become part of the user's message that follows them; "tools" stand before what begins the
 * message that follows. ERR_UNSUPPORTED: the template has no place for the last message. */
enum err template_render(const struct chat_template *t, const struct llm_segment *segment,
                         size_t count, struct spans *ret_spans);
void spans_finish(struct spans *spans);
