// SPDX-License-Identifier: Apache-2.0
#include "llm/embed_batch.h"

#include <llama.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "llm/compute_thread.h"

enum {
    BATCH = 512,          /* tokens at once, unless a single text has more */
    BATCH_TEXTS = 64,     /* texts at once */
    UNREAD_VECTORS = 128, /* that a request has not taken: beyond, it pauses */
};

/* A request; the thread that waits for it owns it. */
struct order {
    struct order *next; /* mu */
    const struct embed_tokens *text;
    size_t count;
    const struct embed_request *request;
    size_t begun;      /* mu: texts that are in a batch or have been */
    struct buf unread; /* mu: vectors, in the order of the texts */
    bool enough;       /* mu: no more are wanted */
    bool over;         /* mu */
    enum err err;      /* mu, once it is over */
    pthread_cond_t news;
};

static struct llama_context *context;
static struct llama_batch batch;
static uint32_t room, dimensions; /* const after embed_batch_prepare */

static enum err warm_up(void);
static bool step(void);
static bool has_orders(void);
static struct compute_thread compute = COMPUTE_THREAD(warm_up, step, has_orders);
static struct order *first, **last = &first; /* mu: whose turn it is */

/* The computing thread's. */
static struct order *part[BATCH_TEXTS]; /* whose text the n-th of the batch is */
static size_t part_count;

/* --- the computing thread --- */

/* mu held */
static void unlist(struct order *o)
{
    struct order **at = &first;
    while (*at != o)
        at = &(*at)->next;
    *at = o->next;
    if (last == &o->next)
        last = at;
    o->next = nullptr;
}

/* mu held */
static void enlist(struct order *o)
{
    *last = o;
    last = &o->next;
}

/* mu held. After this it is its owner's alone. */
static void end(struct order *o, enum err err)
{
    unlist(o);
    o->err = err;
    o->over = true;
    pthread_cond_signal(&o->news);
}

static bool is_stopped(const struct order *o)
{
    return o->request->stopped(o->request->arg);
}

/* mu held */
static void end_unwanted(void)
{
    for (struct order *o = first, *next; o; o = next) {
        next = o->next;
        if (o->enough)
            end(o, OK);
        else if (is_stopped(o))
            end(o, ERR_CANCELED);
    }
}

static void put(const struct embed_tokens *text)
{
    for (size_t i = 0; i < text->count; i++) {
        int32_t n = batch.n_tokens++;
        batch.token[n] = text->token[i];
        batch.pos[n] = (llama_pos)i;
        batch.n_seq_id[n] = 1;
        batch.seq_id[n][0] = (llama_seq_id)part_count;
        batch.logits[n] = true;
    }
}

/* mu held. Whether its next text has found a place. */
static bool take_text(struct order *o)
{
    if (o->begun == o->count || part_count == BATCH_TEXTS ||
        o->unread.n > UNREAD_VECTORS * dimensions * sizeof(float))
        return false;
    const struct embed_tokens *text = &o->text[o->begun];
    if (part_count > 0 && (size_t)batch.n_tokens + text->count > BATCH)
        return false;
    put(text);
    part[part_count++] = o;
    o->begun++;
    return true;
}

/* mu held. A text of each in turn, as long as there is room; who was the first is the last next time. */
static void gather(void)
{
    part_count = 0;
    batch.n_tokens = 0;
    struct order *head = first;
    for (bool any = true; any;) {
        any = false;
        for (struct order *o = first; o; o = o->next)
            any |= take_text(o);
    }
    if (part_count > 0 && head->next) {
        unlist(head);
        enlist(head);
    }
}

static atomic_bool breaking_off;

bool embed_batch_is_breaking_off(void)
{
    return atomic_load(&breaking_off);
}

/* Everybody who has a part in the batch has gone. */
static bool is_in_vain(void *)
{
    for (size_t i = 0; i < part_count; i++)
        if (!is_stopped(part[i]))
            return false;
    atomic_store(&breaking_off, part_count > 0);
    return part_count > 0;
}

static enum err compute_batch(void)
{
    enum { ABORTED = 2 };
    int32_t result = llama_encode(context, batch);
    bool in_vain = atomic_exchange(&breaking_off, false);
    if (result == 0)
        return OK;
    if (result == ABORTED || in_vain)
        return ERR_CANCELED;
    log_error("the model could not compute a batch (%d, %d tokens)", result, batch.n_tokens);
    return ERR_INTERNAL;
}

/* mu held. A request has as many parts as it has texts in the batch, in their order. */
static enum err give(struct order *o, size_t sequence)
{
    const float *numbers = llama_get_embeddings_seq(context, (llama_seq_id)sequence);
    if (!numbers)
        return ERR_INTERNAL;
    try(buf_add(&o->unread, (struct str){(const char *)numbers, dimensions * sizeof *numbers}));
    pthread_cond_signal(&o->news);
    return OK;
}

/* mu held */
static void harvest(enum err computed)
{
    for (size_t i = 0; i < part_count; i++) {
        struct order *o = part[i];
        if (o->over)
            continue;
        enum err err = computed == OK ? give(o, i) : computed;
        if (err != OK)
            end(o, err);
    }
    for (size_t i = 0; i < part_count; i++) {
        struct order *o = part[i];
        if (!o->over && o->begun == o->count)
            end(o, OK);
    }
}

static enum err warm_up(void)
{
    batch.n_tokens = 0;
    part_count = 0;
    put(&(struct embed_tokens){(const int32_t[]){0}, 1});
    enum err err = compute_batch();
    return err == OK && !llama_get_embeddings_seq(context, 0) ? ERR_INTERNAL : err;
}

/* mu held */
static bool has_orders(void)
{
    return first;
}

static bool step(void)
{
    pthread_mutex_lock(&compute.mu);
    end_unwanted();
    gather();
    pthread_mutex_unlock(&compute.mu);
    if (part_count == 0)
        return false;
    enum err computed = compute_batch();
    pthread_mutex_lock(&compute.mu);
    harvest(computed);
    pthread_mutex_unlock(&compute.mu);
    return true;
}

/* --- what others call --- */

/* mu held, and given up meanwhile. */
static void hand_over(struct order *o, struct buf *taken)
{
    buf_clear(taken);
    struct buf unread = o->unread;
    o->unread = *taken;
    *taken = unread;
    pthread_mutex_unlock(&compute.mu);
    const struct embed_request *r = o->request;
    bool enough = o->enough; /* nobody else sets it */
    for (size_t at = 0; at < taken->n && !enough; at += dimensions * sizeof(float))
        enough = !r->vector(r->arg, (const void *)(taken->p + at));
    pthread_mutex_lock(&compute.mu);
    o->enough = enough;
    compute_stir(&compute);
}

enum err embed_batch_run(const struct embed_tokens *texts, size_t count,
                         const struct embed_request *request)
{
    const size_t most = (UNREAD_VECTORS + BATCH_TEXTS + 1) * dimensions * sizeof(float);
    struct order o = {.text = texts, .count = count, .request = request, .unread = BUF(most)};
    autobuf taken = BUF(most);
    pthread_cond_init(&o.news, nullptr);
    pthread_mutex_lock(&compute.mu);
    enlist(&o);
    compute_stir(&compute);
    while (!o.over || o.unread.n) {
        if (o.unread.n)
            hand_over(&o, &taken);
        else
            pthread_cond_wait(&o.news, &compute.mu);
    }
    pthread_mutex_unlock(&compute.mu);
    pthread_cond_destroy(&o.news);
    buf_finish(&o.unread);
    return o.err;
}

uint32_t embed_batch_room(void)
{
    return room;
}

/* Position embeddings reach as far as the model was trained. */
static enum err choose_room(const struct llama_model *model, char why[LLM_WHY_BYTES])
{
    enum { LEAST = 8, MOST = 2048 }; /* attention grows with the square */
    int32_t trained = llama_model_n_ctx_train(model), size = llama_model_n_embd_out(model);
    if (trained < LEAST || size < 1 || size > EMBED_DIMENSIONS_MAX) {
        snprintf(
            why, LLM_WHY_BYTES,
            "the model file says that it reads %d tokens and makes vectors of %d numbers, which "
            "cannot be",
            trained, size);
        return ERR_UNSUPPORTED;
    }
    room = trained > MOST ? MOST : (uint32_t)trained;
    dimensions = (uint32_t)size;
    return OK;
}

enum err embed_batch_prepare(struct llama_model *model, uint32_t threads, char why[LLM_WHY_BYTES])
{
    try(choose_room(model, why));
    uint32_t tokens = room > BATCH ? room : BATCH;
    struct llama_context_params p = llama_context_default_params();
    p.n_ctx = p.n_batch = p.n_ubatch = tokens; /* an encoder reads all of a batch at once */
    p.n_seq_max = BATCH_TEXTS;
    p.n_threads = p.n_threads_batch = (int32_t)threads;
    p.embeddings = true;
    p.kv_unified = true;
    p.no_perf = true;
    p.abort_callback = is_in_vain;
    context = llama_init_from_model(model, p);
    if (!context) {
        snprintf(why, LLM_WHY_BYTES, "there is not memory enough for the embedding model");
        return ERR_NOMEM;
    }
    enum llama_pooling_type pooling = llama_pooling_type(context);
    if (pooling != LLAMA_POOLING_TYPE_MEAN && pooling != LLAMA_POOLING_TYPE_CLS) {
        snprintf(why, LLM_WHY_BYTES,
                 "the model makes no vector of a text (pooling mean or cls); embed.model takes one "
                 "such as e5-small-v2");
        return ERR_UNSUPPORTED;
    }
    batch = llama_batch_init((int32_t)tokens, 0, 1);
    return OK;
}

enum err embed_batch_start(void)
{
    return compute_start(&compute);
}

void embed_batch_stop(void)
{
    compute_stop(&compute);
    if (batch.token)
        llama_batch_free(batch);
    batch = (struct llama_batch){};
    if (context)
        llama_free(context);
    context = nullptr;
}
