// SPDX-License-Identifier: Apache-2.0
/* libwhisper as one lane of a model has it hear: on which threads, what of, and until when. */
#include "stt/window/lane.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "made_file.h"
#include "made_whisper.h"
#include "stt/whisper/model.h"
#include "threads_now.h"
#include "unit.h"

#define WORDS "how do i add documents"

static struct lane *lane;
static char why[HEARER_WHY_BYTES];
static int16_t sound[3 * HEARER_RATE_HZ];

static int open_model(void **)
{
    struct whisper_shape shape = whisper_tiny_made();
    shape.says = WORDS;
    shape.multilingual = true; /* it takes all for German */
    for (size_t i = 0; i < countof(sound); i++)
        sound[i] = (int16_t)(i * 2654435761u >> 20);
    assert_ok(whisper_hearer.open(made_whisper(shape), why));
    assert_ok(lane_create(&whisper_hearer, &lane, why));
    return 0;
}

static int close_model(void **)
{
    lane_destroy(lane);
    whisper_hearer.close();
    return 0;
}

static void expect_words(size_t count, const char *language, uint32_t threads)
{
    struct heard heard = {};
    const struct hearing window = {.samples = sound,
                                   .count = count,
                                   .language = whisper_hearer.language(str_of(language), false),
                                   .threads = threads};
    assert_ok(lane_hear(lane, &window, &heard, why));
    assert_str(buf_str(&heard.text), WORDS);
    assert_int_equal(heard.words_n, 5);
    assert_str(str_of(whisper_hearer.language_name(heard.language)), "de");
    heard_finish(&heard);
}

/* Also what libwhisper itself takes for too short. */
static void windows_of_any_length_are_heard(void **)
{
    static const size_t counts[] = {
        HEARER_SAMPLES_MIN, HEARER_SAMPLES_MIN + 1, 1799, 1800, 1999, 2000, countof(sound)};
    for (size_t i = 0; i < countof(counts); i++) {
        expect_words(counts[i], "de", 1);
        expect_words(counts[i], "auto", 1);
    }
}

/* libgomp makes ThreadSanitizer report falsely. */
#ifdef __SANITIZE_THREAD__
enum { SHARING = 1 };
#else
enum { SHARING = 2 };
#endif

static void *hear_with_two(void *)
{
    expect_words(countof(sound), "de", SHARING);
    return nullptr;
}

/* OpenMP's threads belong to whom computes; whoever asks for it, there are no more of them. */
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
    static const char *const languages[] = {"de", "auto"};
    unsigned asks[2] = {};
    for (size_t i = 0; i < 2; i++) {
        for (enum err err = ERR_CANCELED; err == ERR_CANCELED; asks[i]++) {
            struct heard heard = {};
            struct patience p = {.most = asks[i]};
            const struct hearing window = {.samples = sound,
                                           .count = countof(sound),
                                           .language =
                                               whisper_hearer.language(str_of(languages[i]), false),
                                           .threads = 1,
                                           .stopped = is_over,
                                           .arg = &p};
            err = lane_hear(lane, &window, &heard, why);
            assert_true(err == OK || (err == ERR_CANCELED && p.asks > p.most));
            assert_int_equal(heard.text.n > 0, err == OK);
            heard_finish(&heard);
            expect_words(countof(sound), languages[i], 1);
        }
    }
    /* Behind the encoder and for each token; where the language is found out, behind that too. */
    assert_true(asks[0] > 5);
    assert_true(asks[1] > asks[0]);
}

/* What libwhisper says of a failure is in the sentence. */
static void failures_are_explained(void **)
{
    close_model(nullptr);
    const char *junk = made_file();
    FILE *f = fopen(junk, "wb");
    assert_non_null(f);
    fputs("lmgg but not for long", f);
    assert_int_equal(fclose(f), 0);
    assert_err(whisper_hearer.open(junk, why), ERR_INVALID);
    assert_non_null(strstr(why, "libwhisper cannot load the model"));
    assert_non_null(strstr(why, "(whisper_"));
    open_model(nullptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_of_any_length_are_heard),
        cmocka_unit_test(all_is_computed_by_the_same_threads),
        cmocka_unit_test(it_can_be_stopped_anywhere),
        cmocka_unit_test(failures_are_explained),
    };
    /* As the server does; it is read when the model is opened. */
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    return cmocka_run_group_tests(tests, open_model, close_model);
}
