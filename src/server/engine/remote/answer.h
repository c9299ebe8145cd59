// SPDX-License-Identifier: Apache-2.0
/*
 * What a server elsewhere answers to a chat completion and to GET /models, which is as hostile as anything
 * from a network: bounded, well-formed or refused. Pure.
 *
 *     remote_answer_init(&a, key, on_text, self);
 *     try(remote_answer_feed(&a, bytes));       // of an event stream, as they come
 *     try(remote_answer_end(&a));               // the body is over: was the answer?
 *     remote_answer_finish(&a);                 // also of one that is zeroed
 */
#pragma once

#include "base/str.h"
#include "server/engine/remote/said.h"
#include "server/net/sse_reader.h"
#include "wire/logprob.h"

enum {
    REMOTE_TEXT_MAX = 1024 * 1024,       /* bytes of an answer */
    REMOTE_BODY_BYTES_MAX = 1024 * 1024, /* of a body that is no stream */
    REMOTE_CALLS_MAX = 128,
    REMOTE_STREAM_MAX = 64 * 1024 * 1024, /* of an event stream, all in all */
};

/* A function that the model asks for, as it comes in pieces. */
struct remote_call {
    struct buf name, arguments; /* arguments: a text of JSON */
};

/* Of an answer's text; another return than OK ends the reading and comes back. */
typedef enum err (*remote_text_fn)(void *arg, struct str text);

struct remote_answer {
    struct sse_reader sse;
    remote_text_fn on_text;
    void *arg;
    remote_text_fn on_logprob; /* NULL: not wanted; gets wire/logprob.h's list of each token */
    uint32_t top_logprobs;     /* of its entries after the first */
    struct str key;            /* of the server, or ""; not among what it says. Borrowed */
    size_t stream_bytes;       /* that were fed */
    size_t bytes, thought;     /* of text; of what a model says to itself */
    uint32_t pieces, thoughts; /* of text; of calls, and of what a model says to itself */
    bool has_logprobs;         /* some have come */
    struct remote_call *call;
    size_t calls, call_room;
    bool has_choice;  /* something of an answer has come */
    bool is_finished; /* the model has said its last word */
    bool is_done;     /* [DONE]: so has the server */
    bool is_cut;      /* max_tokens ended it */
    bool has_usage;
    uint32_t prompt_tokens, cached_tokens, completion_tokens;
    char said[REMOTE_SAID_BYTES]; /* by the server about its failure, for the log; "": nothing */
};

void remote_answer_init(struct remote_answer *a, struct str key, remote_text_fn on_text, void *arg);
void remote_answer_finish(struct remote_answer *a);
/* Bytes of an event stream. ERR_SYNTAX: this is no answer; ERR_ENGINE: the server told of a failure;
 * ERR_TOOBIG: of its context, or what came is too much; ERR_UNSUPPORTED: text came without the logprobs that are
 * wanted; ERR_NOMEM. After is_done all is ignored. */
enum err remote_answer_feed(struct remote_answer *a, struct str bytes);
/* Once the answer is whole: are its calls? An object each, or ERR_SYNTAX. */
enum err remote_answer_check_calls(const struct remote_answer *a);
/* The whole answer of a server that does not stream. */
enum err remote_answer_whole(struct remote_answer *a, struct str body);
/* Beyond these: ERR_CLOSED, the answer was cut. */
enum err remote_answer_end(struct remote_answer *a);

/* What the body of a refusal says, in one line of printable text, or "". Nothing of it if it holds the key.
 * ERR_TOOBIG: that the prompt is too long; ERR_UNKNOWN: that max_tokens is to be called max_completion_tokens; otherwise
 * ERR_ENGINE. */
enum err remote_refusal_read(struct str body, struct str key, char said[REMOTE_SAID_BYTES]);

struct remote_models {
    char
        name[REMOTE_MODEL_BYTES]; /* of the model that is wanted, or of the only one; "": neither */
    uint32_t context;             /* tokens, if the server says so; or 0 */
    size_t count;
    char names[REMOTE_SAID_BYTES]; /* the first ones, for a sentence */
};
/* wanted, key: or "". A name that holds the key is none, nor is a model that says it is for another task (NULL: for any
 * will do). ERR_SYNTAX: this is no list of models; ERR_NOMEM. */
enum err remote_models_read(struct str body, struct str wanted, const char *task, struct str key,
                            struct remote_models *ret_models);
