// SPDX-License-Identifier: Apache-2.0
#include "llm/memory.h"

#include <llama.h>
#include <stdatomic.h>

#include "base/mem.h"

/* What was set aside of a sequence; the books say `away` then. */
struct state {
    uint8_t *bytes;
    size_t n;
};

static struct {
    struct llama_context *context;
    struct cache books;
    struct state state[CACHE_SEQUENCES_MAX];
    size_t aside, aside_max; /* bytes of all of them */
    /* Of attention that slides over the tokens, else 0. States of such models lack what it has passed. */
    size_t window;
    atomic_bool trying;
} the;

static llama_memory_t cells(void)
{
    return llama_get_memory(the.context);
}

/* --- in the model's memory --- */

static void clear(size_t sequence)
{
    (void)llama_memory_seq_rm(cells(), (llama_seq_id)sequence, 0, -1);
}

/* Models that cannot go back to any place (recurrent ones, sliding windows) say so; where nothing is to
 * be removed they need not. */
static void keep(size_t sequence, size_t count)
{
    llama_seq_id id = (llama_seq_id)sequence;
    if (llama_memory_seq_pos_max(cells(), id) == (llama_pos)count - 1)
        return;
    if (llama_memory_seq_rm(cells(), id, (llama_pos)count, -1)) {
        llama_pos first = llama_memory_seq_pos_min(cells(), id);
        llama_pos last = llama_memory_seq_pos_max(cells(), id);
        if (count == 0 || (first == 0 && last == (llama_pos)count - 1))
            return;
    }
    clear(sequence);
    cache_cut(&the.books, sequence, 0);
}

/* --- aside --- */

static void drop_state(size_t sequence)
{
    struct state *s = &the.state[sequence];
    the.aside -= s->n;
    free(s->bytes);
    *s = (struct state){};
    the.books.sequence[sequence].away = false;
}

static void forget(size_t sequence)
{
    drop_state(sequence);
    clear(sequence);
    cache_forget(&the.books, sequence);
}

/* False: it has no room there either. */
static bool save(size_t sequence)
{
    struct state *s = &the.state[sequence];
    size_t n = llama_state_seq_get_size(the.context, (llama_seq_id)sequence), oldest;
    while (n <= the.aside_max && the.aside + n > the.aside_max &&
           cache_oldest_idle(&the.books, true, &oldest))
        forget(oldest);
    uint8_t *bytes = n <= the.aside_max ? mem_zero(1, n) : nullptr;
    if (!bytes)
        return false;
    if (llama_state_seq_get_data(the.context, bytes, n, (llama_seq_id)sequence) != n) {
        free(bytes);
        return false;
    }
    *s = (struct state){bytes, n};
    the.aside += n;
    return true;
}

static void set_aside(size_t sequence)
{
    if (the.window || !save(sequence)) {
        forget(sequence);
        return;
    }
    clear(sequence);
    the.books.sequence[sequence].away = true;
}

static bool load_state(size_t sequence)
{
    const struct state *s = &the.state[sequence];
    atomic_store(&the.trying, true);
    bool there = llama_state_seq_set_data(the.context, s->bytes, s->n, (llama_seq_id)sequence) > 0;
    atomic_store(&the.trying, false);
    if (there)
        drop_state(sequence);
    else
        clear(sequence);
    return there;
}

bool memory_make_room(void)
{
    size_t sequence;
    if (!cache_oldest_idle(&the.books, false, &sequence))
        return false;
    set_aside(sequence);
    return true;
}

bool memory_tidy(size_t stay)
{
    return !the.window && cache_idle(&the.books) > stay && memory_make_room();
}

/* --- --- */

/* Of the one that an answer takes. */
static void put_back(size_t sequence, size_t count)
{
    if (the.books.sequence[sequence].away) {
        bool there;
        while (!(there = load_state(sequence)) && memory_make_room())
            ;
        if (!there) {
            drop_state(sequence);
            cache_cut(&the.books, sequence, 0);
            return;
        }
    }
    keep(sequence, count);
}

/* A window that slides over the tokens may have lost what comes before the last one of them. */
static bool reaches_back(size_t sequence, size_t count)
{
    llama_pos first = llama_memory_seq_pos_min(cells(), (llama_seq_id)sequence);
    return !the.window || first <= 0 || first <= (llama_pos)count - (llama_pos)the.window;
}

/* The beginning of another sequence. What cannot be had is computed; nobody has to go for it. */
static void copy(size_t from, size_t sequence, size_t count)
{
    if (!the.books.sequence[from].away || load_state(from)) {
        llama_memory_seq_cp(cells(), (llama_seq_id)from, (llama_seq_id)sequence, 0,
                            (llama_pos)count);
        keep(sequence, count);
        if (reaches_back(sequence, count))
            return;
    }
    clear(sequence);
    cache_cut(&the.books, sequence, 0);
}

enum err memory_take(struct str session, const struct prompt_tokens *prompt, size_t *ret_sequence)
{
    struct cache_plan plan;
    try(cache_take(&the.books, session, prompt, &plan));
    if (plan.keep == 0)
        drop_state(plan.sequence);
    put_back(plan.sequence, plan.keep);
    if (plan.copied)
        copy(plan.from, plan.sequence, plan.copied);
    *ret_sequence = plan.sequence;
    return OK;
}

void memory_release(size_t sequence)
{
    cache_release(&the.books, sequence);
}

const struct cache_sequence *memory_sequence(size_t sequence)
{
    return &the.books.sequence[sequence];
}

enum err memory_note(size_t sequence, const int32_t *token, size_t count, bool open)
{
    return cache_add(&the.books, sequence, token, count, open);
}

void memory_undo(size_t sequence)
{
    keep(sequence, the.books.sequence[sequence].count);
}

enum err memory_init(struct llama_context *context, size_t sequences, size_t aside)
{
    the.context = context;
    the.aside_max = aside;
    the.window = (size_t)llama_model_n_swa(llama_get_model(context));
    return cache_init(&the.books, sequences);
}

bool memory_expects_errors(void)
{
    return atomic_load(&the.trying);
}

void memory_finish(void)
{
    for (size_t i = 0; the.books.sequence && i < the.books.count; i++)
        drop_state(i);
    cache_finish(&the.books);
    the.context = nullptr;
}
