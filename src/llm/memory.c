// SPDX-License-Identifier: Apache-2.0
#include "llm/memory.h"

#include <llama.h>

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
    if (!save(sequence)) {
        forget(sequence);
        return;
    }
    clear(sequence);
    the.books.sequence[sequence].away = true;
}

/* Whether it is in the memory now. Who is live is not forgotten meanwhile. */
static bool put_back(size_t sequence)
{
    const struct state *s = &the.state[sequence];
    bool *live = &the.books.sequence[sequence].live, was_live = *live, there = false;
    if (!the.books.sequence[sequence].away)
        return true;
    *live = true;
    do {
        clear(sequence);
        there = llama_state_seq_set_data(the.context, s->bytes, s->n, (llama_seq_id)sequence) > 0;
    } while (!there && memory_make_room());
    *live = was_live;
    drop_state(sequence);
    if (!there) {
        clear(sequence);
        cache_cut(&the.books, sequence, 0);
    }
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
    return cache_idle(&the.books) > stay && memory_make_room();
}

/* --- --- */

/* The beginning of another sequence. Whatever cannot be had is computed. */
static void copy(size_t from, size_t sequence, size_t count)
{
    if (put_back(from)) {
        llama_memory_seq_cp(cells(), (llama_seq_id)from, (llama_seq_id)sequence, 0,
                            (llama_pos)count);
        keep(sequence, count);
    } else {
        cache_cut(&the.books, sequence, 0);
    }
}

enum err memory_take(struct str session, const struct prompt_tokens *prompt, size_t *ret_sequence)
{
    struct cache_plan plan;
    try(cache_take(&the.books, session, prompt, &plan));
    if (plan.keep == 0)
        drop_state(plan.sequence);
    if (put_back(plan.sequence))
        keep(plan.sequence, plan.keep);
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
    return cache_init(&the.books, sequences);
}

void memory_finish(void)
{
    for (size_t i = 0; i < the.books.count; i++)
        drop_state(i);
    cache_finish(&the.books);
    the.context = nullptr;
}
