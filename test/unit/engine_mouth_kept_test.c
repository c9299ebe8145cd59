// SPDX-License-Identifier: Apache-2.0
/* The sound of short texts from a synthesiser elsewhere: what is kept of it, for whom, and for how long. */
#include "mouth_rig.h"

/* What one person is told three times is not kept, what three are told is: the fourth need not wait. It goes by itself. */
static void what_is_short_and_comes_again_is_kept(void **)
{
    static const struct {
        float speed;
        int times; /* in one job */
        unsigned asked, again;
    } rows[] = {
        {1, 3, 3, 0}, {1, 1, 4, 0}, {2, 1, 5, 0}, /* at another speed it is another sound */
        {1, 1, 6, 0}, {1, 2, 6, 2}, {2, 1, 7, 2},
    };
    struct mouth *m = fake.engine.mouth;
    step_until(info().is_up);
    peer.asked = 0;
    for (size_t i = 0; i < countof(rows); i++) {
        open_job("", rows[i].speed);
        for (int k = 0; k < rows[i].times; k++)
            say(FIRST);
        finish();
        step_until(is_finished());
        assert_int_equal(fake.sound_bytes, rows[i].times * PROBE_MS * PER_MS);
        end_job();
        assert_int_equal(peer.asked, rows[i].asked);
        assert_int_equal(info().again, rows[i].again);
        assert_int_equal(m->kept.first != nullptr, i >= 3);
    }
    assert_int_equal(info().clauses, 9);
    clock_fake(clock_us() + (KEPT_MS + 1) * 1000ull);
    step_until(!timer_armed(&m->purge));
    assert_int_equal(m->kept.bytes, 0);
    for (size_t i = 0; i < countof(m->kept.counts); i++)
        assert_int_equal(m->kept.counts[i].hash, 0);
    speak_once(&good, FIRST);
    assert_int_equal(peer.asked, 8);
}

static void what_is_kept_is_bounded(void **)
{
    struct kept_sounds k = {};
    uint32_t rate;
    char text[32];
    for (int i = 0; i < 3000; i++) {
        struct buf samples = BUF(100000);
        assert_ok(buf_reserve(&samples, 100000));
        samples.n = 100000;
        memset(samples.p, i, samples.n);
        snprintf(text, sizeof text, "text %d", i);
        kept_add(&k, str_of(text), 1, 24000, &samples);
        assert_null(samples.p);
        assert_true(k.bytes <= KEPT_BYTES_MAX);
        assert_non_null(kept_find(&k, S("text 0"), 1, &rate)); /* wanted each time */
    }
    assert_null(kept_find(&k, S("text 1"), 1, &rate));
    const struct buf *last = kept_find(&k, S("text 2999"), 1, &rate);
    assert_non_null(last);
    assert_int_equal((uint8_t)last->p[0], 2999 % 256);
    assert_int_equal(rate, 24000);
    assert_null(kept_find(&k, S("text 2999"), 1.5f, &rate));
    kept_clear(&k);
    assert_int_equal(k.bytes, 0);
    struct buf big = BUF(1 << 20);
    assert_ok(buf_reserve(&big, KEPT_SOUND_MAX + 2));
    big.n = KEPT_SOUND_MAX + 2;
    kept_add(&k, S("big"), 1, 24000, &big);
    assert_null(kept_find(&k, S("big"), 1, &rate));
    buf_finish(&big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_short_and_comes_again_is_kept, set_up, tear_down),
        cmocka_unit_test(what_is_kept_is_bounded),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
