// SPDX-License-Identifier: Apache-2.0
/* libparakeet as one lane of a model has it hear: how long a window, on which threads, when each word was said, and until
 * when. */
#include "stt/parakeet/tdt.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "made_file.h"
#include "made_parakeet.h"
#include "read_file.h"
#include "stt/window/lane.h"
#include "stt/window/lanes.h"
#include "stt/window/window.h"
#include "threads_now.h"
#include "unit.h"

#define WORDS "how do i add documents , or not ?"
static const struct {
    const char *word;
    uint32_t start, pieces; /* each takes a frame */
} said[] = {{"how", 0, 1}, {"do", 1, 1}, {"i", 2, 1},   {"add", 3, 1}, {"documents", 4, 2},
            {",", 6, 1},   {"or", 7, 1}, {"not", 8, 1}, {"?", 9, 1}};
enum { PIECES = 10, LONGEST = WINDOW_FRAMES_MAX * WINDOW_FRAME };

static struct lane *lane;
static char why[HEARER_WHY_BYTES];
static int16_t sound[LONGEST];

static void open_of(struct parakeet_shape shape)
{
    const char *path = made_parakeet(shape);
    struct hearer_facts facts;
    autobuf file = BUF(64 << 20);
    read_file(path, &file);
    assert_ok(tdt_hearer.check(buf_str(&file), &facts, why));
    assert_ok(tdt_hearer.open(path, why));
    assert_ok(lane_create(&tdt_hearer, &lane, why));
}

static void close_it(void)
{
    lane_destroy(lane);
    lane = nullptr;
    tdt_hearer.close();
}

static int open_model(void **)
{
    struct parakeet_shape shape = parakeet_tiny_made();
    shape.says = WORDS;
    for (size_t i = 0; i < countof(sound); i++)
        sound[i] = (int16_t)(i * 2654435761u >> 20);
    open_of(shape);
    return 0;
}

static int close_model(void **)
{
    close_it();
    return 0;
}

static struct hearing whole(size_t count)
{
    return (struct hearing){.samples = sound, .count = count, .threads = 1};
}

/* As many words as there are frames for; of the last one perhaps only its first piece. */
static void expect_words(size_t count)
{
    struct heard heard = {};
    const struct hearing hearing = whole(count);
    uint32_t window_ms = (uint32_t)(count / 16), frames = ((uint32_t)(count / 160) + 1 + 7) / 8;
    assert_ok(lane_hear(lane, &hearing, &heard, why));
    size_t words = 0;
    for (size_t i = 0; i < countof(said); i++)
        words += said[i].start < frames;
    assert_int_equal(heard.words_n, words);
    assert_int_equal(heard.tokens_n, frames < PIECES ? frames : PIECES);
    assert_true(heard.logprob <= 0 && heard.logprob > -0.01f);
    for (size_t i = 0; i < words; i++) {
        const struct heard_word *w = &heard.words[i];
        struct str word = str_sub(buf_str(&heard.text), w->at, w->at + w->length);
        bool is_cut = said[i].start + said[i].pieces > frames;
        assert_true(is_cut ? str_starts(str_of(said[i].word), word)
                           : str_eq(word, str_of(said[i].word)));
        assert_true(w->confidence > 0.99f && w->confidence <= 1);
        assert_true(w->start_ms < w->end_ms && w->end_ms <= window_ms);
        uint32_t start = said[i].start * TDT_FRAME_MS, end = start + said[i].pieces * TDT_FRAME_MS;
        if (end + TDT_FRAME_MS <= window_ms) { /* the last frames may reach over the edge */
            assert_int_equal(w->start_ms, start);
            assert_int_equal(w->end_ms, end);
        }
    }
    heard_finish(&heard);
}

/* Among them the shortest, the longest, and those between which a frame begins. */
static void windows_of_any_length_are_heard(void **)
{
    static const size_t counts[] = {
        HEARER_SAMPLES_MIN, 1601,   2399, 2400, 2401, 2560, 12799, 12800, 16000,
        LONGEST - 1,        LONGEST};
    for (size_t i = 0; i < countof(counts); i++)
        expect_words(counts[i]);
    for (size_t i = countof(counts); i-- > 0;)
        expect_words(counts[i]);
}

/* Pieces by "|", a frame for each; a marker is said by nobody, and takes its time. */
static void words_end_after_they_begin(void **)
{
    static const struct {
        const char *says;
        struct {
            const char *word;
            uint32_t start, end; /* frames */
        } words[2];
    } rows[] = {
        {"yes|, no", {{"yes,", 0, 1}, {"no", 2, 3}}},
        {"it|'|s so", {{"it's", 0, 3}, {"so", 3, 4}}},
        {"well|<unk>|-|kept so", {{"well-kept", 0, 4}, {"so", 4, 5}}},
        /* What begins a word has a time of its own, though it is punctuation. */
        {"|- so", {{"-", 1, 2}, {"so", 2, 3}}},
        {"|<unk>|- so", {{"-", 2, 3}, {"so", 3, 4}}},
        {"so |<unk>|'", {{"so", 0, 1}, {"'", 3, 4}}},
        {"|<unk>|<unk>|'|<unk>|- so", {{"'-", 3, 4}, {"so", 6, 7}}},
    };
    close_it();
    for (size_t i = 0; i < countof(rows); i++) {
        struct parakeet_shape shape = parakeet_tiny_made();
        struct heard heard = {};
        const struct hearing hearing = whole(HEARER_RATE_HZ);
        shape.says = rows[i].says;
        open_of(shape);
        assert_ok(lane_hear(lane, &hearing, &heard, why));
        assert_int_equal(heard.words_n, countof(rows[i].words));
        for (size_t k = 0; k < heard.words_n; k++) {
            const struct heard_word *w = &heard.words[k];
            assert_str(str_sub(buf_str(&heard.text), w->at, w->at + w->length),
                       rows[i].words[k].word);
            assert_int_equal(w->start_ms, rows[i].words[k].start * TDT_FRAME_MS);
            assert_int_equal(w->end_ms, rows[i].words[k].end * TDT_FRAME_MS);
        }
        heard_finish(&heard);
        close_it();
    }
    open_model(nullptr);
}

/* libgomp makes ThreadSanitizer report falsely. */
#ifdef __SANITIZE_THREAD__
enum { SHARING = 1 };
#else
enum { SHARING = 2 };
#endif

static void *hear_with_two(void *)
{
    struct heard heard = {};
    struct hearing hearing = whole(3 * HEARER_RATE_HZ);
    hearing.threads = SHARING;
    assert_ok(lane_hear(lane, &hearing, &heard, why));
    assert_int_equal(heard.words_n, countof(said));
    heard_finish(&heard);
    return nullptr;
}

/* OpenMP's threads belong to whom computes, and a spectrum makes none. */
static void all_is_computed_by_the_same_threads(void **)
{
    hear_with_two(nullptr);
    unsigned before = threads_now();
    for (int i = 0; i < 5; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, nullptr, hear_with_two, nullptr), 0);
        assert_int_equal(pthread_join(thread, nullptr), 0);
        for (int tries = 0; threads_now() > before && tries < 1000; tries++)
            (void)usleep(1000); /* the kernel still lists one that has been joined for a moment */
        assert_int_equal(threads_now(), before);
    }
}

struct patience {
    unsigned asks, most;
};

static bool is_over(void *arg)
{
    struct patience *p = arg;
    return p->asks++ >= p->most;
}

/* Wherever it is stopped, that is no failure, and the next window is heard. */
static void it_can_be_stopped_anywhere(void **)
{
    unsigned asks = 0;
    for (enum err err = ERR_CANCELED; err == ERR_CANCELED; asks++) {
        struct heard heard = {};
        struct patience p = {.most = asks};
        struct hearing hearing = whole(HEARER_RATE_HZ);
        hearing.stopped = is_over;
        hearing.arg = &p;
        err = lane_hear(lane, &hearing, &heard, why);
        assert_true(err == OK || (err == ERR_CANCELED && p.asks > p.most));
        assert_int_equal(heard.text.n > 0, err == OK);
        heard_finish(&heard);
        expect_words(HEARER_RATE_HZ);
    }
    assert_true(asks > 2 * PIECES); /* behind the encoder, and for each piece and what follows it */
}

/* One that always begins anew says as much as there are frames, which is a loop. */
static void what_never_ends_is_a_loop(void **)
{
    struct parakeet_shape shape = parakeet_tiny_made();
    shape.says = "no and yes";
    shape.endless = true;
    close_it();
    open_of(shape);
    struct heard heard = {};
    const struct hearing hearing = whole(LONGEST);
    assert_ok(lane_hear(lane, &hearing, &heard, why));
    assert_int_equal(heard.tokens_n, LONGEST / 160 / 8 + 1);
    assert_int_equal(tdt_hearer.doubt(&heard), GUARD_loop);
    heard_finish(&heard);
    close_it();
    open_model(nullptr);
}

/* One that does not get on is cut where it has said more than anybody can, and that is no failure. */
static void what_stays_in_a_frame_is_cut(void **)
{
    enum { A_FRAME = 10, FRAMES = (HEARER_RATE_HZ / 160 + 1 + 7) / 8 };
    struct parakeet_shape shape = parakeet_tiny_made();
    shape.says = "no and yes";
    shape.endless = shape.still = true;
    close_it();
    open_of(shape);
    for (int i = 0; i < 2; i++) {
        struct heard heard = {};
        const struct hearing longest = whole(LONGEST), little = whole(HEARER_RATE_HZ);
        assert_ok(lane_hear(lane, &longest, &heard, why));
        assert_int_equal(heard.tokens_n, HEARD_TOKENS_MAX);
        assert_int_equal(heard.words_n, HEARD_TOKENS_MAX);
        assert_int_equal(tdt_hearer.doubt(&heard), GUARD_loop);
        assert_ok(lane_hear(lane, &little, &heard, why));
        assert_int_equal(heard.tokens_n, FRAMES * A_FRAME);
        for (size_t k = 0; k < heard.words_n; k++) {
            const struct heard_word *w = &heard.words[k];
            assert_int_equal(w->start_ms, k / A_FRAME * TDT_FRAME_MS);
            assert_true(w->start_ms < w->end_ms && w->end_ms <= 1000);
        }
        heard_finish(&heard);
    }
    close_it();
    open_model(nullptr);
}

/* Random weights: what they say is a guess. */
static void a_guess_is_told(void **)
{
    close_it();
    open_of(parakeet_tiny_made());
    struct heard heard = {};
    const struct hearing hearing = whole(2 * HEARER_RATE_HZ);
    assert_ok(lane_hear(lane, &hearing, &heard, why));
    assert_true(heard.words_n > 0 && heard.logprob < -2);
    assert_int_equal(tdt_hearer.doubt(&heard), GUARD_guess);
    heard.logprob = NAN;
    assert_int_equal(tdt_hearer.doubt(&heard), GUARD_guess);
    heard_finish(&heard);
    close_it();
    open_model(nullptr);
}

/* Whatever passes the check, libparakeet lives with. */
static void the_least_model_is_no_harm(void **)
{
    struct parakeet_shape least;
    assert_true(parakeet_shape_named("least", &least));
    close_it();
    open_of(least);
    static const size_t counts[] = {HEARER_SAMPLES_MIN, HEARER_RATE_HZ, LONGEST};
    for (size_t i = 0; i < countof(counts); i++) {
        struct heard heard = {};
        const struct hearing hearing = whole(counts[i]);
        assert_ok(lane_hear(lane, &hearing, &heard, why));
        heard_finish(&heard);
    }
    close_it();
    open_model(nullptr);
}

static uint64_t too_many(void)
{
    return (uint64_t)1 << 62;
}

/* libparakeet would end the program where it does not get what it reserves. */
static void memory_is_tried_before_it_is_asked_for(void **)
{
    struct hearer greedy = tdt_hearer;
    struct lanes_wish wish = {.hearer = &greedy, .lanes = 1, .streams = 1, .threads = 1};
    struct lanes_facts facts;
    assert_int_equal(tdt_hearer.vain_bytes(), 256 * 5000 * sizeof(float));
    assert_ok(lanes_open(&wish, &facts, why));
    assert_int_equal(facts.lanes, 1);
    lanes_close();
    greedy.vain_bytes = too_many;
    assert_err(lanes_open(&wish, &facts, why), ERR_NOMEM);
    assert_non_null(strstr(why, "too little memory"));
}

/* The same in each frequency at all times: its variance is nought. */
static void silence_is_no_harm(void **)
{
    static const int16_t silence[3 * HEARER_RATE_HZ];
    struct heard heard = {};
    const struct hearing hearing = {.samples = silence, .count = countof(silence), .threads = 1};
    assert_ok(lane_hear(lane, &hearing, &heard, why));
    assert_int_equal(heard.words_n, countof(said));
    heard_finish(&heard);
}

/* What libparakeet says of a failure is in the sentence. */
static void failures_are_explained(void **)
{
    close_it();
    const char *junk = made_file();
    FILE *f = fopen(junk, "wb");
    assert_non_null(f);
    fputs("lmgg but not for long", f);
    assert_int_equal(fclose(f), 0);
    assert_err(tdt_hearer.open(junk, why), ERR_INVALID);
    assert_non_null(strstr(why, "libparakeet cannot load the model"));
    assert_non_null(strstr(why, "(parakeet_"));
    open_model(nullptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_of_any_length_are_heard),
        cmocka_unit_test(words_end_after_they_begin),
        cmocka_unit_test(all_is_computed_by_the_same_threads),
        cmocka_unit_test(it_can_be_stopped_anywhere),
        cmocka_unit_test(what_never_ends_is_a_loop),
        cmocka_unit_test(what_stays_in_a_frame_is_cut),
        cmocka_unit_test(a_guess_is_told),
        cmocka_unit_test(the_least_model_is_no_harm),
        cmocka_unit_test(memory_is_tried_before_it_is_asked_for),
        cmocka_unit_test(silence_is_no_harm),
        cmocka_unit_test(failures_are_explained),
    };
    /* As the server does; it is read when the model is opened. */
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    return cmocka_run_group_tests(tests, open_model, close_model);
}
