// SPDX-License-Identifier: Apache-2.0
/* What repartee-llm tells of its tokens, beside a plain softmax over what libllama thinks. $PROGRAM is its path. */
#include <llama.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine_peer.h"
#include "gguf_write.h"
#include "unit.h"
#include "wire/logprob.h"

static char model[] = "/tmp/llm-llama-XXXXXX";

static int make_model(void **)
{
    struct gguf_shape tiny = gguf_tiny();
    int fd = mkstemp(model);
    if (fd < 0 || !gguf_write(model, &tiny) ||
        fchmod(fd, 0644) != 0) /* the engine runs as nobody */
        return -1;
    return close(fd);
}

static int remove_model(void **)
{
    return unlink(model);
}

static struct peer *start(const char *options)
{
    struct peer *p = peer_start(getenv("PROGRAM"));
    peer_load_model(p, "llama", model, options);
    return p;
}

static void send_segment(struct peer *p, uint32_t stream, const char *role, const char *text)
{
    const struct msg_llm_segment m = {.role = str_of(role), .text = str_of(text)};
    peer_send(p, MSG_llm_segment, stream, &m);
}

enum { TOP = 5, TOLD_MAX = 12 };
static struct {
    struct buf list;
    size_t count;
} told;

/* Each list after its length in two bytes. */
static void keep_told(struct str list)
{
    const uint16_t n = (uint16_t)list.n;
    assert_ok(buf_add(&told.list, (struct str){(const char *)&n, 2}));
    assert_ok(buf_add(&told.list, list));
    told.count++;
}

static struct str next_told(struct str *rest)
{
    uint16_t n;
    memcpy(&n, rest->p, 2);
    struct str list = str_sub(*rest, 2, 2 + (size_t)n);
    *rest = str_sub(*rest, 2 + (size_t)n, rest->n);
    return list;
}

static void ask_told(struct peer *p, uint32_t stream, const char *bias_json)
{
    const struct msg_llm_sampling sampling = {.repeat_penalty = 1, .bias_json = str_of(bias_json)};
    const struct msg_llm_generate m = {
        .max_tokens = TOLD_MAX, .temperature = 0, .top_p = 0.1f, .top_k = 1, .stop_json = S("[]")};
    buf_clear(&told.list);
    told.count = 0;
    peer_send(p, MSG_llm_open, stream, &(struct msg_llm_open){S("s")});
    send_segment(p, stream, "system", "Be brief.");
    send_segment(p, stream, "user", "How likely is it?");
    peer_send(p, MSG_llm_sampling, stream, &sampling);
    peer_send(p, MSG_llm_logprobs, stream, &(struct msg_llm_logprobs){TOP});
    peer_send(p, MSG_llm_generate, stream, &m);
    while (peer_next(p) && p->frame.type != MSG_llm_done)
        if (p->frame.type == MSG_llm_logprob)
            keep_told(p->msg.llm_logprob.list);
    assert_int_equal(p->frame.type, MSG_llm_done);
}

static size_t piece_of(const struct llama_vocab *vocab, llama_token token, char into[64])
{
    int32_t n = llama_token_to_piece(vocab, token, into, 64, 0, true);
    return n > 0 ? (size_t)n : 0;
}

static double plain_logprob(const float *logit, int32_t count, llama_token token)
{
    double sum = 0;
    for (int32_t i = 0; i < count; i++)
        sum += exp((double)logit[i]);
    return (double)logit[token] - log(sum);
}

/* The likeliest that is not among the first `n` of `before`. */
static llama_token best_but(const float *logit, int32_t count, const llama_token *before, size_t n)
{
    llama_token best = -1;
    for (int32_t i = 0; i < count; i++) {
        bool is_taken = false;
        for (size_t k = 0; k < n; k++)
            is_taken = is_taken || before[k] == i;
        if (!is_taken && (best < 0 || logit[i] > logit[best]))
            best = i;
    }
    return best;
}

static void expect_logprob(const struct llama_vocab *vocab, const float *logit, llama_token token,
                           struct str *list)
{
    struct logprob one;
    char piece[64];
    int32_t count = llama_vocab_n_tokens(vocab);
    size_t n = piece_of(vocab, token, piece);
    assert_ok(logprob_next(list, &one));
    if (!str_eq(one.token, (struct str){piece, n}))
        fail_msg("%.*s and not %.*s", STR_FMT(one.token), (int)n, piece);
    double want = plain_logprob(logit, count, token);
    if (!(fabs((double)one.logprob - want) < 0.01))
        fail_msg("%.*s: %g and not %g", (int)n, piece, (double)one.logprob, want);
}

/* Goes where the engine went, `banned` (-1: none) left out, and compares each of its steps. */
static void expect_told(struct llama_context *context, const struct llama_vocab *vocab,
                        llama_token banned, uint32_t prompt_tokens)
{
    static const char prompt[] =
        "<|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nHow likely is it?<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n";
    llama_token token[256], best[TOP];
    struct str rest = buf_str(&told.list);
    int32_t count = llama_vocab_n_tokens(vocab);
    int32_t n = llama_tokenize(vocab, prompt, sizeof prompt - 1, token, 256,
                               llama_vocab_get_add_bos(vocab), true);
    assert_int_equal(n, prompt_tokens);
    llama_memory_clear(llama_get_memory(context), true);
    for (size_t i = 0; i < told.count; i++, n = 1) {
        assert_int_equal(llama_decode(context, llama_batch_get_one(token, n)), 0);
        const float *logit = llama_get_logits_ith(context, -1);
        struct str list = next_told(&rest);
        llama_token chosen = best_but(logit, count, &banned, 1);
        expect_logprob(vocab, logit, chosen, &list);
        for (size_t k = 0; k < TOP; k++) {
            best[k] = best_but(logit, count, best, k);
            expect_logprob(vocab, logit, best[k], &list);
        }
        assert_int_equal(list.n, 0);
        token[0] = chosen;
    }
}

static llama_token first_told(const struct llama_vocab *vocab)
{
    struct str rest = buf_str(&told.list), list = next_told(&rest);
    struct logprob one;
    char piece[64];
    assert_ok(logprob_next(&list, &one));
    for (llama_token t = 0; t < llama_vocab_n_tokens(vocab); t++)
        if (str_eq(one.token, (struct str){piece, piece_of(vocab, t, piece)}))
            return t;
    fail_msg("there is no token %.*s", STR_FMT(one.token));
    return -1;
}

/* Whatever the settings add or leave out. */
static void logprobs_are_what_the_model_thinks(void **)
{
    llama_backend_init();
    struct llama_model *m = llama_model_load_from_file(model, llama_model_default_params());
    struct llama_context_params params = llama_context_default_params();
    params.n_ctx = 512;
    params.type_k = params.type_v = GGML_TYPE_F32;
    params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
    params.n_threads = params.n_threads_batch = 2;
    struct llama_context *context = llama_init_from_model(m, params);
    const struct llama_vocab *vocab = llama_model_get_vocab(m);
    struct peer *p = start("parallel=1,context=512,kv_bits=32");
    char bias[32];
    told.list = BUF(1 << 20);
    ask_told(p, 1, "");
    assert_true(told.count > 3);
    expect_told(context, vocab, -1, p->msg.llm_done.prompt_tokens);
    llama_token banned = first_told(vocab);
    snprintf(bias, sizeof bias, "{\"%d\": -100}", banned);
    ask_told(p, 2, bias);
    assert_true(told.count > 0 && first_told(vocab) != banned);
    expect_told(context, vocab, banned, p->msg.llm_done.prompt_tokens);
    assert_int_equal(peer_stop(p), 0);
    buf_finish(&told.list);
    llama_free(context);
    llama_model_free(m);
    llama_backend_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(logprobs_are_what_the_model_thinks)};
    return cmocka_run_group_tests(tests, make_model, remove_model);
}
