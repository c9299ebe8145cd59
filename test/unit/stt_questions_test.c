// SPDX-License-Identifier: Apache-2.0
/*
 * The language model of the documents at work: questions about the manual that are not in it
 * (test/data/questions.txt), spoken by flite, are heard by their content words. Words that no
 * dictionary has are heard, too, once a document has them. $PROGRAM is repartee-stt.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "listener.h"
#include "unit.h"
#include "wer.h"

enum { QUESTIONS_MAX = 100, TRIES_MAX = 200, PIECE = 640 };
static const double content_wanted = 85; /* percent, of each voice */

static struct buf manual = BUF(8 << 20), questions = BUF(1 << 20);
static struct str question[QUESTIONS_MAX];
static size_t question_n;

/* In no dictionary: when they are heard, the documents' model is in use. */
static const char probe[] = "zuvomi kedalo";

static void read_file(const char *path, struct buf *into)
{
    FILE *f = fopen(path, "r");
    if (f == nullptr)
        fail_msg("%s is not there", path);
    char block[4096];
    for (size_t n; (n = fread(block, 1, sizeof block, f)) > 0;)
        assert_ok(buf_add(into, (struct str){block, n}));
    fclose(f);
}

static void read_manual(void)
{
    DIR *dir = opendir("docs");
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir)) != nullptr;) {
        char path[300];
        if (!str_ends(str_of(e->d_name), S(".md")))
            continue;
        snprintf(path, sizeof path, "docs/%s", e->d_name);
        read_file(path, &manual);
        assert_ok(buf_add(&manual, S("\n\n")));
    }
    closedir(dir);
    assert_ok(buf_addf(&manual, "The word is %s.\n", probe));
}

/* Those with a document to be found, not the ones about something else. */
static void read_questions(void)
{
    read_file("test/data/questions.txt", &questions);
    struct str rest = buf_str(&questions), line, text;
    while (str_cut(&rest, '\n', &line)) {
        if (line.n == 0 || line.p[0] == '#' || !str_cut(&line, '|', &text))
            continue;
        if (str_eq(str_trim(line), S("-")))
            continue;
        assert_true(question_n < QUESTIONS_MAX);
        question[question_n++] = str_trim(text);
    }
    assert_true(question_n >= 20);
}

static int set_up(void **state)
{
    (void)state;
    read_manual();
    read_questions();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_finish(&manual);
    buf_finish(&questions);
    return 0;
}

static struct sound speak(const char *voice, struct str text)
{
    char path[] = "/tmp/repartee-question-XXXXXX.wav", words[400];
    int fd = mkstemps(path, 4);
    assert_true(fd >= 0);
    close(fd);
    snprintf(words, sizeof words, "%.*s", STR_FMT(text));
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        execlp("flite", "flite", "-voice", voice, "-t", words, path, nullptr);
        _exit(127);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    struct sound s = sound_read(path);
    unlink(path);
    return s;
}

/* Listens to the probe until it is heard; the model is being made meanwhile. */
static uint32_t wait_for_model(struct peer *p)
{
    uint32_t stream = 1;
    struct sound s = speak("rms", str_of(probe));
    for (bool heard = false; !heard; stream++) {
        assert_true(stream < TRIES_MAX);
        struct listener l;
        listen_to(&l, p, stream, &s, true, PIECE);
        assert_int_equal(l.err, OK);
        heard = str_find(buf_str(&l.text), str_of(probe)) < l.text.n;
        listen_free(&l);
    }
    sound_free(&s);
    return stream;
}

static struct wer ask_all(struct peer *p, uint32_t *stream, const char *voice, bool adapt)
{
    struct wer wer = {};
    for (size_t i = 0; i < question_n; i++) {
        struct sound s = speak(voice, question[i]);
        struct listener l;
        listen_to(&l, p, (*stream)++, &s, adapt, PIECE);
        assert_int_equal(l.err, OK);
        struct wer before = wer;
        wer_add(&wer, question[i], buf_str(&l.text));
        if (adapt && wer.content_heard - before.content_heard < wer.content - before.content)
            print_message("  %s: %.*s\n", voice, STR_FMT(buf_str(&l.text)));
        listen_free(&l);
        sound_free(&s);
    }
    return wer;
}

static void test_questions(void **state)
{
    (void)state;
    static const char *const voices[] = {"rms", "slt"};
    struct peer *p = listen_start(getenv("PROGRAM"), "sphinx", "streams=1");
    listen_words(p, buf_str(&manual));
    uint32_t stream = wait_for_model(p);
    for (size_t i = 0; i < countof(voices); i++) {
        struct wer wer = ask_all(p, &stream, voices[i], true);
        print_message("%s: %.1f %% of the content words, %.1f %% word errors\n", voices[i],
                      wer_content_percent(&wer), wer_percent(&wer));
        assert_true(wer_content_percent(&wer) >= content_wanted);
    }
    assert_int_equal(peer_stop(p), 0);
}

/* The general model knows nothing of the documents, and forgets them when they are gone. */
static void test_general(void **state)
{
    (void)state;
    struct sound s = speak("rms", str_of(probe));
    struct peer *p = listen_start(getenv("PROGRAM"), "sphinx", "streams=2");
    listen_words(p, buf_str(&manual));
    uint32_t stream = wait_for_model(p);
    struct listener l;
    listen_to(&l, p, stream++, &s, false, PIECE);
    assert_true(str_find(buf_str(&l.text), str_of(probe)) == l.text.n);
    listen_free(&l);
    listen_words(p, S(""));
    for (bool heard = true; heard;) {
        assert_true(stream < 2 * TRIES_MAX);
        listen_to(&l, p, stream++, &s, true, PIECE);
        heard = str_find(buf_str(&l.text), str_of(probe)) < l.text.n;
        listen_free(&l);
    }
    sound_free(&s);
    assert_int_equal(peer_stop(p), 0);
}

/* An utterance under way is not disturbed when the model changes. */
static void test_swap(void **state)
{
    (void)state;
    struct sound s = speak("rms", question[0]);
    struct peer *p = listen_start(getenv("PROGRAM"), "sphinx", "streams=1");
    struct listener before, during;
    listen_to(&before, p, 1000, &s, true, PIECE);
    listen_open(&during, p, 1001, s.rate_hz, true, false);
    struct str bytes = buf_str(&s.bytes);
    listen_send(&during, str_sub(bytes, 0, bytes.n / 2 & ~1ul), PIECE);
    listen_words(p, buf_str(&manual));
    listen_send(&during, str_sub(bytes, bytes.n / 2 & ~1ul, bytes.n), PIECE);
    listen_finish(&during);
    listen_wait(&during);
    assert_int_equal(during.err, OK);
    assert_str(buf_str(&during.text), buf_z(&before.text));
    listen_free(&before);
    listen_free(&during);
    wait_for_model(p);
    sound_free(&s);
    assert_int_equal(peer_stop(p), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_questions),
        cmocka_unit_test(test_general),
        cmocka_unit_test(test_swap),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
