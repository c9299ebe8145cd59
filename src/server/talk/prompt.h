// SPDX-License-Identifier: Apache-2.0
/*
 * What a language model is given, as segments in the order [system][history][passages][question]:
 * what changes least comes first, so that an engine's prefix cache holds as long as possible. Each
 * segment says where its text came from; only `trusted` ones (ours) may carry markup that a model
 * obeys. Lower priorities are left out first when the context is full. Pure.
 */
#pragma once

#include "base/mem.h"
#include "server/talk/history.h"

struct rag_hit;

struct segment {
    struct str role; /* "system", "user", "assistant", "context" */
    bool trusted;
    uint32_t priority; /* 0 is never left out */
    struct str text;
};

struct prompt {
    struct segment *segment; /* in the arena */
    size_t count;
};

/* Who the model is told to be; never NULL. */
struct prompt_self {
    const char *name, *persona;
    const char *language; /* a tag such as "en"; "": the model sees by itself what is spoken */
};

enum err prompt_build(struct arena *arena, const struct prompt_self *self,
                      const struct history *history, const struct rag_hit *hits, size_t hit_count,
                      struct str question, struct prompt *ret_prompt);
