// SPDX-License-Identifier: Apache-2.0
/* How high a voice is: of pulses through a resonance, of silence and of noise. */
#include "stt/pitch.h"

#include <math.h>

#include "unit.h"

enum { SECOND = PITCH_RATE_HZ };

/* Pulses `hz` times a second through a resonance at 500 Hz: a vowel, roughly. */
static void sing(double hz, double loud, int16_t samples[SECOND])
{
    double phase = 0, y1 = 0, y2 = 0, r = 0.98, turn = 2 * r * cos(2 * M_PI * 500 / PITCH_RATE_HZ);
    for (size_t i = 0; i < SECOND; i++) {
        phase += hz / PITCH_RATE_HZ;
        double pulse = phase >= 1 ? 1 : 0, y = pulse + turn * y1 - r * r * y2;
        phase -= pulse;
        y2 = y1;
        y1 = y;
        samples[i] = (int16_t)(loud * y);
    }
}

static void test_vowels(void **state)
{
    (void)state;
    static const double row[] = {80, 100, 120, 150, 180, 220, 260, 310};
    static int16_t samples[SECOND];
    for (size_t i = 0; i < countof(row); i++) {
        struct pitch p;
        pitch_begin(&p);
        sing(row[i], 3000, samples);
        pitch_hear(&p, samples, SECOND);
        double hz = pitch_median_hz(&p);
        if (hz < row[i] * 0.94 || hz > row[i] * 1.06)
            fail_msg("%.0f Hz is taken for %.0f Hz", row[i], hz);
        assert_true(pitch_voiced_ms(&p) > 900);
    }
}

static void test_cuts(void **state)
{
    (void)state;
    static int16_t samples[SECOND];
    struct pitch whole, pieces;
    sing(140, 3000, samples);
    pitch_begin(&whole);
    pitch_begin(&pieces);
    pitch_hear(&whole, samples, SECOND);
    for (size_t at = 0, n = 1; at < SECOND; at += n, n = n % 997 + 1)
        pitch_hear(&pieces, samples + at, n < SECOND - at ? n : SECOND - at);
    assert_memory_equal(&whole, &pieces, sizeof whole);
}

static void test_nothing_voiced(void **state)
{
    (void)state;
    static int16_t samples[SECOND];
    struct pitch p;
    pitch_begin(&p);
    pitch_hear(&p, samples, SECOND); /* silence */
    sing(120, 10, samples);          /* too soft */
    pitch_hear(&p, samples, SECOND);
    uint32_t random = 1;
    for (size_t i = 0; i < SECOND; i++) { /* noise */
        random = random * 1664525 + 1013904223;
        samples[i] = (int16_t)((int32_t)random >> 18);
    }
    pitch_hear(&p, samples, SECOND);
    assert_true(pitch_voiced_ms(&p) < 30);
    pitch_begin(&p);
    assert_true(pitch_median_hz(&p) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vowels),
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_nothing_voiced),
    };
    return cmocka_run_group_tests_name("stt/pitch", tests, nullptr, nullptr);
}
