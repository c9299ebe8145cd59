// SPDX-License-Identifier: Apache-2.0
/*
 * Broken files of voices, each loaded by repartee-tts: the engine ends, with a sentence, and never by a signal. Every file that a voice
 * of Piper or a Kokoro has is cut at several places and put in the place of something else. $PROGRAM is the program's path.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine_peer.h"
#include "made_file.h"
#include "made_kokoro.h"
#include "made_voice.h"
#include "read_file.h"
#include "unit.h"

enum { CUTS = 6, ROOM = 1 << 24 };

/* `path` is what is loaded; `name` the file of it that is broken, with the whole bytes. */
struct victim {
    const char *driver, *path, *name;
    const struct buf *whole;
};

static unsigned broken_count;

static void write_file(const struct victim *v, struct str bytes)
{
    char path[256];
    snprintf(path, sizeof path, "%s%s", v->path, v->name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes.p, 1, bytes.n, f), bytes.n);
    assert_int_equal(fclose(f), 0);
}

static void expect_refusal(const struct victim *v, struct str bytes, const char *what)
{
    write_file(v, bytes);
    struct peer *p = peer_start(getenv("PROGRAM"));
    peer_send(p, MSG_load, WIRE_STREAM_NONE,
              &(struct msg_load){.driver = str_of(v->driver), .model = str_of(v->path)});
    assert_true(peer_next(p));
    if (p->frame.type != MSG_fail || p->msg.fail.text.n < 20)
        fail_msg("%s%s, %s: message %u", v->path, v->name, what, p->frame.type);
    int status = peer_stop(p);
    if (status != 1)
        fail_msg("%s%s, %s: ended by %d", v->path, v->name, what, status);
    broken_count++;
    write_file(v, buf_str(v->whole));
}

/* None of the places is the end of a row of a table of styles, or of the text before a last line break. */
static void break_it(const struct victim *v)
{
    static char zeros[4099];
    for (size_t i = 1; i <= CUTS; i++) {
        char what[40];
        size_t n = i == CUTS ? v->whole->n - 2 : v->whole->n * i / (CUTS + 1) | 1;
        snprintf(what, sizeof what, "%zu of %zu bytes", n, v->whole->n);
        expect_refusal(v, str_sub(buf_str(v->whole), 0, n), what);
    }
    expect_refusal(v, S("<!DOCTYPE html><title>404 Not Found</title>\n"), "a page of the web");
    expect_refusal(v, S("version https://git-lfs.github.com/spec/v1\noid sha256:00\n"),
                   "what stands for a large file");
    expect_refusal(v, (struct str){zeros, sizeof zeros}, "zeros");
}

static void broken_voices_of_piper(void **)
{
    struct voice_shape shape = voice_tiny_made();
    autobuf onnx = {}, json = {};
    const char *path = made_voice(shape);
    voice_write_onnx(&shape, &onnx);
    voice_write_json(&shape, &json);
    break_it(&(struct victim){"piper", path, "", &onnx});
    break_it(&(struct victim){"piper", path, ".json", &json});
}

static void broken_kokoros(void **)
{
    static const char *const names[] = {"/model.onnx", "/voices/bm_george.bin", "/tokenizer.json"};
    const char *folder = made_kokoro(kokoro_tiny_made());
    for (size_t i = 0; i < countof(names); i++) {
        char path[256];
        autobuf whole = BUF(ROOM);
        snprintf(path, sizeof path, "%s%s", folder, names[i]);
        read_file(path, &whole);
        break_it(&(struct victim){"kokoro", folder, names[i], &whole});
    }
}

static void broken_archives(void **)
{
    static const char *const voices[] = {"af_heart", "am_adam"}, *const files[] = {
                                                                     "/voices/af_heart.bin",
                                                                     "/voices/bm_george.bin",
                                                                     "/voices/ef_dora.bin",
                                                                     "/voices/jf_alpha.bin",
                                                                     "/voices"};
    const char *folder = made_kokoro(kokoro_tiny_made());
    autobuf archive = {};
    for (size_t i = 0; i < countof(files); i++) {
        char path[256];
        snprintf(path, sizeof path, "%s%s", folder, files[i]);
        assert_int_equal(remove(path), 0);
    }
    kokoro_write_archive(voices, countof(voices), &archive);
    break_it(&(struct victim){"kokoro", folder, "/voices-v1.0.bin", &archive});
    assert_true(broken_count >= 50); /* with those before */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_voices_of_piper),
        cmocka_unit_test(broken_kokoros),
        cmocka_unit_test(broken_archives),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
