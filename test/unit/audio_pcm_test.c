// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>

#include "audio/resample.h"

#include "unit.h"

static void test_odd_bytes_are_carried(void **)
{
    int16_t want[100];
    for (int i = 0; i < 100; i++)
        want[i] = (int16_t)(i * 331);
    struct str bytes = {(const char *)want, sizeof want};
    for (size_t step = 1; step < 30; step++) {
        struct pcm_carry c = {};
        autobuf got = BUF(4096);
        for (size_t at = 0; at < bytes.n; at += step)
            assert_ok(pcm_feed(&c, str_sub(bytes, at, at + step), &got));
        assert_int_equal(got.n, sizeof want);
        assert_memory_equal(got.p, want, sizeof want);
    }
}

static void fill(int16_t *samples, size_t n, double hz, double rate)
{
    for (size_t i = 0; i < n; i++)
        samples[i] = (int16_t)(10000 * sin(2 * 3.14159265358979 * hz * (double)i / rate));
}

/* Length and loudness survive for every pair of rates that occurs. */
static void test_rates(void **)
{
    static const uint32_t rates[] = {8000, 16000, 22050, 24000, 44100, 48000};
    enum { N = 20000 };
    int16_t *in = malloc(N * sizeof *in);
    for (size_t a = 0; a < countof(rates); a++)
        for (size_t b = 0; b < countof(rates); b++) {
            struct resample *r;
            autobuf out = BUF(1 << 20);
            fill(in, N, 440, rates[a]);
            assert_ok(resample_create(rates[a], rates[b], &r));
            for (size_t at = 0; at < N; at += 321)
                assert_ok(resample_run(r, in + at, N - at < 321 ? N - at : 321, &out));
            assert_ok(resample_flush(r, &out));
            long want = lround((double)N * rates[b] / rates[a]);
            assert_true(labs((long)(out.n / 2) - want) <= 1);
            double rms = pcm_rms((const int16_t *)out.p, out.n / 2);
            assert_true(fabs(rms - 7071) < 150);
            resample_destroy(r);
        }
    free(in);
    struct resample *none;
    assert_err(resample_create(7999, 16000, &none), ERR_INVALID);
    assert_err(resample_create(192001, 16000, &none), ERR_INVALID);
    assert_err(resample_create(16000, 48001, &none), ERR_INVALID);
}

/* What lies above half the new rate must vanish, not fold back into the voice. */
static void test_no_aliases(void **)
{
    enum { N = 48000 };
    int16_t *in = malloc(N * sizeof *in);
    struct resample *r;
    autobuf out = BUF(1 << 20);
    fill(in, N, 12000, 48000);
    assert_ok(resample_create(48000, 16000, &r));
    assert_ok(resample_run(r, in, N, &out));
    assert_true(pcm_rms((const int16_t *)out.p + 400, out.n / 2 - 800) < 30);
    resample_destroy(r);
    free(in);
}

static void two_channels_become_their_mean(void **)
{
    int16_t samples[] = {INT16_MAX, INT16_MAX, INT16_MIN, INT16_MIN, INT16_MAX,
                         INT16_MIN, 3,         4,         -100,      100};
    static const int16_t want[] = {INT16_MAX, INT16_MIN, 0, 3, 0};
    pcm_mix(samples, countof(want));
    assert_memory_equal(samples, want, sizeof want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_channels_become_their_mean),
        cmocka_unit_test(test_odd_bytes_are_carried),
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_no_aliases),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
