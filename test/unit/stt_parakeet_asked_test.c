// SPDX-License-Identifier: Apache-2.0
/*
 * What repartee-stt with a Parakeet is asked for, languages and translations, and what it is told to load: files that are
 * made (parakeet_write.h) and such as are none. $PROGRAM is the program's path.
 */
#include <stdio.h>
#include <stdlib.h>

#include "listener.h"
#include "made_file.h"
#include "made_parakeet.h"
#include "unit.h"

#define RECORDING "/usr/share/pocketsphinx/test/data/librivox/sense_and_sensibility_01_austen_64kb-"
#define QUESTION "how do i add documents"

static const char *says_question; /* the usual model */
static struct sound speech;       /* three seconds and more */

static int make(void **)
{
    struct parakeet_shape shape = parakeet_tiny_made();
    shape.says = QUESTION;
    says_question = made_parakeet(shape);
    speech = sound_read(RECORDING "0880.wav");
    return 0;
}

static int unmake(void **)
{
    sound_free(&speech);
    return 0;
}

static struct peer *start(const char *model, const char *options)
{
    struct peer *p = peer_start(getenv("PROGRAM"));
    peer_load_model(p, "parakeet", model, options);
    return p;
}

static enum err hear_in(struct peer *p, uint32_t stream, const char *language, char heard[16])
{
    struct listener l;
    listen_open_in(&l, p, stream, language);
    listen_send(&l, str_sub(buf_str(&speech.bytes), 0, 16000 * 2), 6400);
    listen_finish(&l);
    listen_wait(&l);
    snprintf(heard, 16, "%s", l.language);
    if (l.err == OK)
        assert_str(buf_str(&l.text), QUESTION);
    else
        assert_true(str_find(buf_str(&l.text), S("does not hear the language")) < l.text.n);
    enum err err = l.err;
    listen_free(&l);
    return err;
}

static void languages_are_named_or_left_open(void **)
{
    static const struct {
        const char *asked, *many, *english; /* NULL: refused */
    } rows[] = {
        {"en", "en", "en"},       {"de", "de", nullptr},
        {"pt-BR", "pt", nullptr}, {"EN-us", "en", "en"},
        {"", "", "en"},           {"auto", "", "en"},
        {"xx", nullptr, nullptr}, {"german", nullptr, nullptr},
        {"mt", "mt", nullptr},    {"ja", nullptr, nullptr}, /* Whisper's, and not among the 25 */
    };
    struct parakeet_shape shape = parakeet_tiny_made();
    shape.says = QUESTION;
    shape.european = true; /* it finds out which, and does not tell */
    struct peer *many = start(made_parakeet(shape), ""), *english = start(says_question, "");
    assert_true(str_starts(many->msg.ready.languages, S("bg,cs,da,de,el,en,")));
    for (uint32_t i = 0; i < countof(rows); i++) {
        char heard[16];
        assert_err(hear_in(many, i + 1, rows[i].asked, heard), rows[i].many ? OK : ERR_UNSUPPORTED);
        if (rows[i].many)
            assert_str(str_of(heard), rows[i].many);
        assert_err(hear_in(english, i + 1, rows[i].asked, heard),
                   rows[i].english ? OK : ERR_UNSUPPORTED);
        if (rows[i].english)
            assert_str(str_of(heard), rows[i].english);
    }
    assert_int_equal(peer_stop(many), 0);
    assert_int_equal(peer_stop(english), 0);
}

static void hear_translated(struct listener *l, struct peer *p, uint32_t stream,
                            const char *language)
{
    const struct msg_stt_open open = {
        .rate_hz = 16000, .language = str_of(language), .translate = 1};
    listen_open_with(l, p, stream, &open);
    listen_send(l, str_sub(buf_str(&speech.bytes), 0, 16000 * 2), 6400);
    listen_finish(l);
    listen_wait(l);
}

/* It writes what it hears; of English that is English. */
static void nothing_is_translated(void **)
{
    static const struct {
        const char *language, *says; /* NULL: it is heard */
    } rows[] = {{"de", "does not translate from the language de:"},
                {"", "does not translate from the language that is spoken:"},
                {"auto", "does not translate from the language"},
                {"en-GB", nullptr}};
    struct parakeet_shape shape = parakeet_tiny_made();
    shape.says = QUESTION;
    shape.european = true;
    struct peer *p = start(made_parakeet(shape), "");
    for (uint32_t i = 0; i < countof(rows); i++) {
        struct listener l;
        hear_translated(&l, p, i + 1, rows[i].language);
        struct str text = buf_str(&l.text);
        assert_err(l.err, rows[i].says ? ERR_UNSUPPORTED : OK);
        if (rows[i].says)
            assert_true(str_find(text, str_of(rows[i].says)) < text.n);
        else
            assert_str(text, QUESTION);
        listen_free(&l);
    }
    assert_int_equal(peer_stop(p), 0);
}

/* --- load --- */

static void what_is_no_parakeet_is_refused(void **)
{
    const struct str driver = S("parakeet");
    const char *junk = made_file();
    FILE *f = fopen(junk, "wb");
    assert_non_null(f);
    fputs("lmgg but not for long", f);
    assert_int_equal(fclose(f), 0);
    const struct {
        struct msg_load load;
        const char *says;
    } rows[] = {
        {{.driver = driver}, "stt.model must name"},
        {{.driver = driver, .model = S("/nowhere/ggml-parakeet-tdt-0.6b-v3-q4_0.bin")},
         "cannot open the model"},
        {{.driver = driver, .model = S("/tmp")}, "no model file"},
        {{.driver = driver, .model = S("/dev/null")}, "no model file"},
        {{.driver = driver, .model = str_of(made_file())}, "no model file"},
        {{.driver = driver, .model = str_of(junk)}, "ends too early"},
        {{.driver = driver, .model = str_of(says_question), .options = S("streams=65")},
         "stt.streams"},
        {{.driver = driver, .model = str_of(says_question), .options = S("streams=2,lanes=65")},
         "lanes="},
        {{.driver = driver, .model = str_of(says_question), .options = S("wings=2")}, "wings"},
        {{.driver = driver,
          .model = str_of(says_question),
          .sha256 = S("0000000000000000000000000000000000000000000000000000000000000000")},
         "not what models.lock says"},
    };
    for (size_t i = 0; i < countof(rows); i++)
        peer_expect_refusal(getenv("PROGRAM"), &rows[i].load, rows[i].says);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(languages_are_named_or_left_open),
        cmocka_unit_test(nothing_is_translated),
        cmocka_unit_test(what_is_no_parakeet_is_refused),
    };
    return cmocka_run_group_tests(tests, make, unmake);
}
