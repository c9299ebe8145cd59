// SPDX-License-Identifier: Apache-2.0
/*
 * What a stream may wish of repartee-stt, with Whisper files that are made (whisper_write.h): translation, a prompt, the
 * times of words, only what is settled. $PROGRAM is the program's path.
 */
#include <stdlib.h>

#include "listener.h"
#include "made_whisper.h"
#include "unit.h"

#define RECORDING "/usr/share/pocketsphinx/test/data/librivox/sense_and_sensibility_01_austen_64kb-"

static struct sound speech; /* three seconds and more */

static int make(void **)
{
    speech = sound_read(RECORDING "0880.wav");
    return 0;
}

static int unmake(void **)
{
    sound_free(&speech);
    return 0;
}

static struct peer *start(const char *model)
{
    struct peer *p = peer_start(getenv("PROGRAM"));
    peer_load_model(p, "whisper", model, "");
    return p;
}

static void hear_wish(struct peer *p, struct msg_stt_open wish, struct buf *into)
{
    static uint32_t stream;
    struct listener l;
    wish.rate_hz = 16000;
    listen_open_with(&l, p, ++stream, &wish);
    listen_send(&l, str_sub(buf_str(&speech.bytes), 0, 2 * 16000 * 2), 6400);
    listen_finish(&l);
    listen_wait(&l);
    assert_int_equal(l.err, OK);
    buf_clear(into);
    assert_ok(buf_add(into, buf_str(&l.text)));
    listen_free(&l);
}

/* Whose words depend on all that it is told. */
static void wishes_reach_the_model(void **)
{
    struct whisper_shape shape = whisper_tiny_made();
    shape.sure = 60; /* of something that depends on the sound */
    struct peer *english = start(made_whisper(shape));
    shape.multilingual = true;
    struct peer *many = start(made_whisper(shape));
    const struct msg_stt_open plain = {.language = S("de")},
                              to_english = {.language = S("de"), .translate = 1},
                              hinted = {.language = S("de"), .prompt = S("what was said before")};
    autobuf usual = BUF(1 << 16), other = BUF(1 << 16);
    hear_wish(many, plain, &usual);
    hear_wish(many, plain, &other);
    assert_true(usual.n > 0 && str_eq(buf_str(&usual), buf_str(&other)));
    hear_wish(many, to_english, &other);
    assert_false(str_eq(buf_str(&usual), buf_str(&other)));
    hear_wish(many, hinted, &other);
    assert_false(str_eq(buf_str(&usual), buf_str(&other)));
    /* What is English already stays as it is; the same chance comes again. */
    hear_wish(english, (struct msg_stt_open){}, &usual);
    hear_wish(english, (struct msg_stt_open){.translate = 1}, &other);
    assert_true(str_eq(buf_str(&usual), buf_str(&other)));
    hear_wish(english, (struct msg_stt_open){.temperature = 1}, &usual);
    hear_wish(english, (struct msg_stt_open){.temperature = 1}, &other);
    assert_true(str_eq(buf_str(&usual), buf_str(&other)));
    assert_int_equal(peer_stop(english), 0);
    assert_int_equal(peer_stop(many), 0);
}

/* What it cannot do is said at once. */
static void what_it_cannot_do_is_refused(void **)
{
    struct whisper_shape shape = whisper_tiny_made();
    shape.says = "yes";
    struct peer *english = start(made_whisper(shape));
    struct listener l;
    listen_open_with(&l, english, 1001, &(struct msg_stt_open){.rate_hz = 16000, .segments = 2});
    listen_wait(&l);
    assert_int_equal(l.err, ERR_INVALID);
    assert_true(str_find(buf_str(&l.text), S("each word")) < l.text.n);
    listen_free(&l);
    listen_open_with(&l, english, 1002,
                     &(struct msg_stt_open){.rate_hz = 16000, .language = S("de"), .translate = 1});
    listen_wait(&l);
    assert_int_equal(l.err, ERR_UNSUPPORTED);
    assert_true(str_find(buf_str(&l.text), S("does not translate")) < l.text.n);
    listen_free(&l);
    assert_int_equal(peer_stop(english), 0);
}

/* What is settled comes piece by piece, and is the beginning of the final. */
static void what_is_settled_stays(void **)
{
    struct whisper_shape shape = whisper_tiny_made();
    shape.says = "yes indeed";
    struct peer *p = start(made_whisper(shape));
    struct sound all = sound_silence(16000, 200), pause = sound_silence(16000, 700);
    autobuf told = BUF(1 << 16);
    struct listener l;
    for (int i = 0; i < 4; i++) {
        sound_append(&all, &speech);
        sound_append(&all, &pause);
    }
    listen_open_with(&l, p, 1, &(struct msg_stt_open){.rate_hz = 16000, .partials = 3});
    listen_send(&l, buf_str(&all.bytes), 6400);
    listen_finish(&l);
    while (!l.over) {
        listen_read(&l);
        assert_true(str_starts(buf_str(&l.partial), buf_str(&told)));
        assert_int_equal(l.stable_bytes, l.partial.n);
        told.n = 0;
        assert_ok(buf_add(&told, buf_str(&l.partial)));
    }
    assert_true(l.partials >= 3 && told.n > 0);
    assert_true(str_starts(buf_str(&l.text), buf_str(&told)));
    assert_str(buf_str(&l.segments), "[]"); /* nobody asked */
    listen_free(&l);
    sound_free(&all);
    sound_free(&pause);
    assert_int_equal(peer_stop(p), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wishes_reach_the_model),
        cmocka_unit_test(what_it_cannot_do_is_refused),
        cmocka_unit_test(what_is_settled_stays),
    };
    return cmocka_run_group_tests(tests, make, unmake);
}
