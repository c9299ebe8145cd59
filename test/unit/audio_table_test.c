// SPDX-License-Identifier: Apache-2.0
/*
 * Recordings as strangers send them (test/lib/sound_table.h): how many samples at which rate, or why it is refused.
 * Given whole and to the reader that uploads go through; to the readers that are fed also byte by byte and cut in two.
 * Those of FLAC and MP3 have the whole file: short ones, of those that are read, end at every byte.
 */
#include <time.h>

#include "audio/recording.h"
#include "read/sound.h"
#include "sound_table.h"
#include "unit.h"

/* Opus takes a while to make a decoder; byte by byte, every place was one. */
enum { ROOM = 1 << 27, SHORT = 128, SHORT_WHOLE = 256, CUT_STEP = 5 };

/* --- every kind ---------------------------------------------------------------------------------- */

static void run_way(const struct table_case *c, const char *way, struct str file, size_t first,
                    size_t step)
{
    struct recording *r;
    autobuf samples = BUF(ROOM), got = BUF(400);
    assert_ok(recording_create(file, &r));
    enum err err = recording_read(r, first, &samples);
    while (err == OK && !recording_ended(r))
        err = recording_read(r, step, &samples);
    assert_true(recording_read(r, step, &samples) == err); /* errors stick, and so does the end */
    assert_true(err == OK || err == ERR_MEDIA);
    if (err == OK)
        assert_ok(buf_addf(&got, "%zu at %u", samples.n / 2, recording_rate(r)));
    else
        assert_ok(buf_addf(&got, "refused: %s", recording_errmsg(r)));
    recording_destroy(r);
    table_compare(c->name, way, buf_str(&got), c->want);
}

static enum err count(void *to, struct str samples)
{
    *(size_t *)to += samples.n;
    return OK;
}

/* What an upload comes to: the same, but for rates that nobody can recognise. */
static void run_upload(const struct table_case *c, struct str file)
{
    char why[SOUND_WHY_BYTES] = "";
    size_t bytes = 0;
    enum err err = sound_read(file, SOUND_CPU_MS, count, &bytes, why);
    bool good = err == OK || (err == ERR_MEDIA && why[0] != '\0');
    bool agrees = err == OK ? !str_starts(c->want, S("refused")) : true;
    table_compare(c->name, "as an upload", good && agrees ? S("as wanted") : str_of(err_code(err)),
                  S("as wanted"));
}

/* Fed, for FLAC and MP3 are not. */
static void run_fed(const struct table_case *c, struct str file)
{
    run_way(c, "whole", file, file.n, 1);
    run_way(c, "byte by byte", file, 1, 1);
    for (size_t cut = 1; !c->one_of_many && file.n <= SHORT && cut < file.n; cut += CUT_STEP)
        run_way(c, "cut in two", file, cut, file.n);
    run_upload(c, file);
}

static void run_cut(const struct table_case *c, struct str file)
{
    struct recording *r;
    autobuf samples = BUF(ROOM);
    assert_ok(recording_create(file, &r));
    enum err err = OK;
    while (err == OK && !recording_ended(r))
        err = recording_read(r, 1, &samples);
    if (err != OK && (err != ERR_MEDIA || recording_errmsg(r)[0] == '\0'))
        fail_msg("%s, cut to %zu bytes: %s", c->name, file.n, err_code(err));
    recording_destroy(r);
}

static void run_whole(const struct table_case *c, struct str file)
{
    run_way(c, "whole", file, file.n, 1);
    bool good = !c->one_of_many && !str_starts(c->want, S("refused"));
    for (size_t cut = 1; good && file.n <= SHORT_WHOLE && cut < file.n; cut++)
        run_cut(c, str_sub(file, 0, cut));
    run_upload(c, file);
}

static void wav_files(void **)
{
    assert_true(sound_table_run("wav", run_fed) >= 60);
}

static void webm_files(void **)
{
    assert_true(sound_table_run("webm", run_fed) >= 40);
}

static void ogg_files(void **)
{
    assert_true(sound_table_run("ogg", run_fed) >= 40);
}

static void flac_files(void **)
{
    assert_true(sound_table_run("flac", run_whole) >= 110);
}

static void mp3_files(void **)
{
    assert_true(sound_table_run("mp3", run_whole) >= 90);
}

/* As long as the reading itself takes, not the process. */
static void too_much_computing(void **)
{
    char why[SOUND_WHY_BYTES] = "";
    size_t bytes = 0;
    struct str file = S(
        "RIFF\x26\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data\2\0\0\0\0\0");
    assert_err(sound_read(file, 0, count, &bytes, why), ERR_TOOBIG);
    assert_str(str_of(why), "the recording takes too much computing; send it shorter, or with a "
                            "lower sample rate");
    while (clock() < 200 * (CLOCKS_PER_SEC / 1000))
        continue;
    assert_ok(sound_read(file, 200, count, &bytes, why));
    assert_int_equal(bytes, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wav_files), cmocka_unit_test(webm_files),
        cmocka_unit_test(ogg_files), cmocka_unit_test(flac_files),
        cmocka_unit_test(mp3_files), cmocka_unit_test(too_much_computing),
    };
    return cmocka_run_group_tests_name("audio table", tests, nullptr, nullptr);
}
