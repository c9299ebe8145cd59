// SPDX-License-Identifier: Apache-2.0
/* embed_bench MODEL TOKENS: ms that the bare library takes for a text of that many tokens, two threads, a line each round. */
#include <llama.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 20, TOKENS_MAX = 512 };

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1e6;
}

static void quiet(enum ggml_log_level, const char *, void *) {}

static void fill(struct llama_batch *b, int32_t count, int round)
{
    b->n_tokens = count;
    for (int32_t i = 0; i < count; i++) {
        b->token[i] = 5 + (i * 37 + round) % 200;
        b->pos[i] = i;
        b->n_seq_id[i] = 1;
        b->seq_id[i][0] = 0;
        b->logits[i] = 1;
    }
}

int main(int argc, char **argv)
{
    long count = argc == 3 ? strtol(argv[2], nullptr, 10) : 0;
    if (count < 1 || count > TOKENS_MAX) {
        fputs("usage: embed_bench MODEL TOKENS\n", stderr);
        return 2;
    }
    llama_log_set(quiet, nullptr);
    ggml_backend_load_all();
    struct llama_model *model = llama_model_load_from_file(argv[1], llama_model_default_params());
    struct llama_context_params p = llama_context_default_params();
    p.n_ctx = p.n_batch = p.n_ubatch = TOKENS_MAX;
    p.n_threads = p.n_threads_batch = 2;
    p.embeddings = true;
    struct llama_context *context = model ? llama_init_from_model(model, p) : nullptr;
    if (!context)
        return 1;
    struct llama_batch batch = llama_batch_init(TOKENS_MAX, 0, 1);
    for (int round = 0; round < ROUNDS; round++) {
        double began = now_ms();
        fill(&batch, (int32_t)count, round);
        if (llama_encode(context, batch) != 0 || !llama_get_embeddings_seq(context, 0))
            return 1;
        printf("%.3f\n", now_ms() - began);
    }
    llama_batch_free(batch);
    llama_free(context);
    llama_model_free(model);
    return 0;
}
