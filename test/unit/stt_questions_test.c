// SPDX-License-Identifier: Apache-2.0
/*
 * The language model of the documents at work: questions about the manual that are not in it
 * (test/data/questions.txt), spoken by flite, are heard by their content words, and so are those of a
 * stranger who does not know its words (questions-fresh.txt), not quite as well. Words that no
 * dictionary has are heard, too, once a document has them. $PROGRAM is repartee-stt. Each hearing takes a second or two:
 * some of the questions are asked in every run, and all of them by both voices with FAULT=full (`make fault`).
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "listener.h"
#include "read_file.h"
#include "unit.h"
#include "wer.h"

enum { QUESTIONS_MAX = 100, EVERY = 4, PIECE = 640 };
struct questions {
    const char *path;
    double content_wanted; /* percent */
    struct buf file;
    struct str text[QUESTIONS_MAX];
    size_t n;
};
static struct questions sets[] = {
    {.path = "test/data/questions.txt", .content_wanted = 85},
    {.path = "test/data/questions-fresh.txt", .content_wanted = 77},
};
static struct buf manual = BUF(8 << 20);

/* In no dictionary: when they are heard, the documents' model is in use. */
static const char probe[] = "zuvomi kedalo";

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
static void read_questions(struct questions *q)
{
    q->file = BUF(1 << 20);
    read_file(q->path, &q->file);
    struct str rest = buf_str(&q->file), line, text;
    while (str_cut(&rest, '\n', &line)) {
        if (line.n == 0 || line.p[0] == '#' || !str_cut(&line, '|', &text))
            continue;
        if (str_eq(str_trim(line), S("-")))
            continue;
        assert_true(q->n < QUESTIONS_MAX);
        q->text[q->n++] = str_trim(text);
    }
    assert_true(q->n >= 20);
}

static int set_up(void **state)
{
    (void)state;
    read_manual();
    for (size_t i = 0; i < countof(sets); i++)
        read_questions(&sets[i]);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_finish(&manual);
    for (size_t i = 0; i < countof(sets); i++)
        buf_finish(&sets[i].file);
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

static bool hears_probe(struct peer *p, uint32_t stream, bool adapt)
{
    struct sound s = speak("rms", str_of(probe));
    struct listener l;
    listen_to(&l, p, stream, &s, adapt, PIECE);
    assert_int_equal(l.err, OK);
    bool heard = str_find(buf_str(&l.text), str_of(probe)) < l.text.n;
    listen_free(&l);
    sound_free(&s);
    return heard;
}

static struct peer *start_learnt(const char *options)
{
    struct peer *p = listen_start(getenv("PROGRAM"), "sphinx", options);
    listen_words(p, buf_str(&manual));
    assert_ok(listen_learnt(p));
    return p;
}

static const char *const voices[] = {"rms", "slt"};

static void ask(struct peer *p, uint32_t stream, const char *voice, struct str question,
                struct wer *wer)
{
    struct sound s = speak(voice, question);
    struct listener l;
    listen_to(&l, p, stream, &s, true, PIECE);
    assert_int_equal(l.err, OK);
    struct wer before = *wer;
    wer_add(wer, question, buf_str(&l.text));
    if (wer->content_heard - before.content_heard < wer->content - before.content)
        print_message("  %s: %.*s\n", voice, STR_FMT(buf_str(&l.text)));
    listen_free(&l);
    sound_free(&s);
}

static void expect(const struct questions *q, const char *voice, const struct wer *wer)
{
    print_message("%s, %s: %.1f %% of the content words, %.1f %% word errors\n", q->path, voice,
                  wer_content_percent(wer), wer_percent(wer));
    assert_true(wer_content_percent(wer) >= q->content_wanted);
}

static void ask_some(struct peer *p, const struct questions *q, uint32_t *stream)
{
    struct wer wer = {};
    for (size_t i = 0; i < q->n; i += EVERY)
        ask(p, (*stream)++, voices[i / EVERY % countof(voices)], q->text[i], &wer);
    expect(q, "both voices", &wer);
}

static void ask_all(struct peer *p, const struct questions *q, uint32_t *stream)
{
    for (size_t v = 0; v < countof(voices); v++) {
        struct wer wer = {};
        for (size_t i = 0; i < q->n; i++)
            ask(p, (*stream)++, voices[v], q->text[i], &wer);
        expect(q, voices[v], &wer);
    }
}

static void test_questions(void **state)
{
    (void)state;
    const char *fault = getenv("FAULT");
    bool is_full = fault && strcmp(fault, "full") == 0;
    struct peer *p = start_learnt("streams=1");
    uint32_t stream = 1;
    for (size_t i = 0; i < countof(sets); i++)
        (is_full ? ask_all : ask_some)(p, &sets[i], &stream);
    assert_int_equal(peer_stop(p), 0);
}

/* A high voice is heard in another way, and nothing of that is left for the next one. */
static void test_voices(void **state)
{
    (void)state;
    struct peer *p = start_learnt("streams=1");
    uint32_t stream = 1;
    struct listener l[4];
    for (size_t i = 0; i < countof(l); i++) {
        struct sound s = speak(i % 2 == 0 ? "slt" : "rms", sets[0].text[3]);
        listen_to(&l[i], p, stream++, &s, true, PIECE + i * 500);
        assert_int_equal(l[i].err, OK);
        sound_free(&s);
    }
    for (size_t i = 0; i < 2; i++)
        assert_str(buf_str(&l[i + 2].text), buf_z(&l[i].text));
    for (size_t i = 0; i < countof(l); i++)
        listen_free(&l[i]);
    assert_int_equal(peer_stop(p), 0);
}

/* The general model knows nothing of the documents, and forgets them when they are gone: whatever stream
 * is asked, from the moment on at which the program says that it has learnt. */
static void test_general(void **state)
{
    (void)state;
    struct peer *p = start_learnt("streams=2");
    uint32_t stream = 1;
    for (int i = 0; i < 3; i++)
        assert_true(hears_probe(p, stream++, true));
    assert_false(hears_probe(p, stream++, false));
    listen_words(p, S(""));
    assert_ok(listen_learnt(p));
    for (int i = 0; i < 3; i++)
        assert_false(hears_probe(p, stream++, true));
    assert_int_equal(peer_stop(p), 0);
}

/* An utterance under way is not disturbed when the model changes. */
static void test_swap(void **state)
{
    (void)state;
    struct sound s = speak("rms", sets[0].text[0]);
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
    assert_ok(listen_learnt(p));
    assert_true(hears_probe(p, 1002, true));
    sound_free(&s);
    assert_int_equal(peer_stop(p), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_questions),
        cmocka_unit_test(test_voices),
        cmocka_unit_test(test_general),
        cmocka_unit_test(test_swap),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
