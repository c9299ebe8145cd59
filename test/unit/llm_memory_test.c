// SPDX-License-Identifier: Apache-2.0
/* Conversations set aside and put back, with a model that is made here: nothing of them changes, whatever room there is. */
#include "llm/memory.h"

#include <llama.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "alloc_fault.h"
#include "gguf_write.h"
#include "unit.h"

enum { SEQUENCES = 4, CELLS = 256, WORDS = 300 };

static char path[] = "/tmp/llm-memory-XXXXXX";
static struct llama_model *model;
static struct llama_context *context;
static float thought[WORDS]; /* what the model thinks comes next */

static void say_nothing(enum ggml_log_level, const char *, void *) {}

static int load(void **)
{
    struct gguf_shape tiny = gguf_tiny();
    int fd = mkstemp(path);
    if (fd < 0 || !gguf_write(path, &tiny) || close(fd) != 0)
        return -1;
    llama_log_set(say_nothing, nullptr);
    ggml_backend_load_all();
    llama_backend_init();
    model = llama_model_load_from_file(path, llama_model_default_params());
    return model ? 0 : -1;
}

static int unload(void **)
{
    llama_model_free(model);
    llama_backend_free();
    return unlink(path);
}

static void set_up(size_t aside)
{
    struct llama_context_params p = llama_context_default_params();
    p.n_ctx = CELLS;
    p.n_batch = p.n_ubatch = CELLS;
    p.n_seq_max = SEQUENCES;
    p.n_threads = p.n_threads_batch = 1;
    p.kv_unified = true;
    p.no_perf = true;
    context = llama_init_from_model(model, p);
    assert_non_null(context);
    assert_ok(memory_init(context, SEQUENCES, aside));
}

static void tear_down(void)
{
    memory_finish();
    llama_free(context);
}

/* Tokens are letters; what stands before a bar is open. */
static struct prompt_tokens parse(const char *prompt, int32_t token[CELLS])
{
    struct prompt_tokens p = {.token = token};
    for (const char *at = prompt; *at; at++) {
        if (*at == '|')
            p.open = p.count;
        else
            token[p.count++] = (unsigned char)*at;
    }
    return p;
}

/* Computes what is not there yet; how many tokens were. */
static size_t ask(const char *session, const char *prompt, size_t *ret_sequence)
{
    int32_t token[CELLS];
    struct prompt_tokens p = parse(prompt, token);
    assert_ok(memory_take(str_of(session), &p, ret_sequence));
    size_t had = memory_sequence(*ret_sequence)->count;
    struct llama_batch b = llama_batch_init(CELLS, 0, 1);
    for (size_t i = had; i < p.count; i++) {
        int32_t n = b.n_tokens++;
        b.token[n] = token[i];
        b.pos[n] = (llama_pos)i;
        b.n_seq_id[n] = 1;
        b.seq_id[n][0] = (llama_seq_id)*ret_sequence;
        b.logits[n] = i + 1 == p.count;
    }
    int32_t result;
    while ((result = llama_decode(context, b)) == 1 && memory_make_room())
        ;
    assert_int_equal(result, 0);
    memcpy(thought, llama_get_logits_ith(context, b.n_tokens - 1), sizeof thought);
    llama_batch_free(b);
    size_t open = p.open > had ? p.open - had : 0;
    assert_ok(memory_note(*ret_sequence, token + had, open, true));
    assert_ok(memory_note(*ret_sequence, token + had + open, p.count - had - open, false));
    return had;
}

static size_t ask_and_leave(const char *session, const char *prompt)
{
    size_t sequence, had = ask(session, prompt, &sequence);
    memory_release(sequence);
    return had;
}

static bool is_there(size_t sequence)
{
    return llama_memory_seq_pos_max(llama_get_memory(context), (llama_seq_id)sequence) >= 0;
}

static size_t bytes_of(const char *prompt)
{
    size_t sequence;
    set_up(0);
    (void)ask("x", prompt, &sequence);
    size_t n = llama_state_seq_get_size(context, (llama_seq_id)sequence);
    memory_release(sequence);
    tear_down();
    return n;
}

static void expect_thought(const float *before)
{
    for (size_t i = 0; i < WORDS; i++)
        if (fabsf(before[i] - thought[i]) > 0.02f) /* a batch of one adds up in another order */
            fail_msg("token %zu was %f and is %f", i, (double)before[i], (double)thought[i]);
}

#define ALL "The same for all, whoever asks and whatever it may be about.|"
#define ANN ALL "Ann asks about the weather in the mountains."
#define DAN "Another one that nobody else begins with, whatever he asks.|Dan asks about something else, quite else."
#define BOB ALL "Bob asks about something else, quite else."
enum { COMMON = sizeof ALL - 2 };

static void who_was_set_aside_comes_back_as_he_was(void **)
{
    float before[WORDS];
    set_up(MEMORY_ASIDE_MAX);
    size_t ann, bob;
    assert_int_equal(ask("ann", ANN, &ann), 0);
    memcpy(before, thought, sizeof before);
    memory_release(ann);
    assert_int_equal(ask("bob", BOB, &bob), COMMON);
    assert_true(memory_tidy(0));
    assert_false(is_there(ann)); /* she waits, he is answered */
    assert_false(memory_tidy(0));
    memory_release(bob);
    assert_false(memory_tidy(1));
    assert_true(memory_tidy(0));
    assert_false(is_there(bob));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask("ann", ANN, &ann), strlen(ANN) - 2); /* the bar, and the last token */
        expect_thought(before);
        memory_release(ann);
        assert_true(memory_tidy(0));
    }
    tear_down();
}

/* Also what somebody begins with who was never here. */
static void a_beginning_is_copied_from_who_is_away(void **)
{
    set_up(MEMORY_ASIDE_MAX);
    size_t ann, cyd;
    (void)ask("ann", ANN, &ann);
    memory_release(ann);
    assert_true(memory_tidy(0));
    assert_int_equal(ask("cyd", ALL "Cyd asks.", &cyd), COMMON);
    assert_true(is_there(ann));
    memory_release(cyd);
    assert_int_equal(ask_and_leave("ann", ANN), strlen(ANN) - 2);
    tear_down();
}

static void beyond_the_room_the_longest_unused_is_forgotten(void **)
{
    size_t one = bytes_of(ANN);
    static const struct {
        unsigned halves;
        bool ann, dan;
    } rows[] = {{1, false, false}, {3, false, true}, {5, true, true}};
    for (size_t i = 0; i < countof(rows); i++) {
        set_up(one * rows[i].halves / 2);
        (void)ask_and_leave("ann", ANN);
        (void)ask_and_leave("dan", DAN);
        while (memory_tidy(0))
            ;
        assert_int_equal(ask_and_leave("dan", DAN) > 0, rows[i].dan);
        assert_int_equal(ask_and_leave("ann", ANN) > 0, rows[i].ann);
        tear_down();
    }
}

/* Who comes back finds no room between those that are answered: he is read anew, when there is some. */
static void nobody_who_is_answered_makes_room(void **)
{
    char page[CELLS];
    set_up(MEMORY_ASIDE_MAX);
    size_t ann, bob;
    memset(page, 'b', sizeof page);
    page[CELLS - 40] = 0;
    (void)ask_and_leave("ann", ANN);
    assert_true(memory_tidy(0));
    assert_int_equal(ask("bob", page, &bob), 0);
    int32_t token[CELLS];
    const struct prompt_tokens p = parse(ANN, token);
    assert_ok(memory_take(S("ann"), &p, &ann));
    assert_int_equal(memory_sequence(ann)->count, 0);
    assert_false(is_there(ann));
    assert_int_equal(memory_sequence(bob)->count, CELLS - 40);
    memory_release(ann);
    memory_release(bob);
    assert_int_equal(ask_and_leave("ann", ANN), 0); /* bob makes room now */
    assert_int_equal(ask_and_leave("bob", page), CELLS - 41);
    tear_down();
}

/* He wants a beginning of somebody's who is away, and there is no room: she loses nothing by it. */
static void who_is_away_is_not_lost_for_others(void **)
{
    char page[CELLS];
    set_up(MEMORY_ASIDE_MAX);
    size_t bob, cyd;
    memset(page, 'b', sizeof page);
    page[CELLS - 40] = 0;
    (void)ask_and_leave("ann", ANN);
    assert_true(memory_tidy(0));
    (void)ask("bob", page, &bob);
    int32_t token[CELLS];
    const struct prompt_tokens p = parse(ALL "Cyd asks.", token);
    assert_ok(memory_take(S("cyd"), &p, &cyd));
    assert_int_equal(memory_sequence(cyd)->count, 0);
    memory_release(cyd);
    memory_release(bob);
    assert_int_equal(ask_and_leave("ann", ANN), strlen(ANN) - 2);
    tear_down();
}

static void it_ends_also_when_it_did_not_begin(void **)
{
    set_up(MEMORY_ASIDE_MAX);
    memory_finish();
    alloc_fault_arm(0);
    enum err err = memory_init(context, SEQUENCES, MEMORY_ASIDE_MAX);
    assert_true(alloc_fault_disarm());
    assert_int_equal(err, ERR_NOMEM);
    tear_down();
}

static void without_memory_for_it_he_is_forgotten(void **)
{
    set_up(MEMORY_ASIDE_MAX);
    (void)ask_and_leave("ann", ANN);
    alloc_fault_arm(0);
    bool tidied = memory_tidy(0);
    assert_true(alloc_fault_disarm());
    assert_true(tidied);
    assert_int_equal(ask_and_leave("ann", ANN), 0);
    tear_down();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_was_set_aside_comes_back_as_he_was),
        cmocka_unit_test(a_beginning_is_copied_from_who_is_away),
        cmocka_unit_test(beyond_the_room_the_longest_unused_is_forgotten),
        cmocka_unit_test(nobody_who_is_answered_makes_room),
        cmocka_unit_test(who_is_away_is_not_lost_for_others),
        cmocka_unit_test(it_ends_also_when_it_did_not_begin),
        cmocka_unit_test(without_memory_for_it_he_is_forgotten),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
