// SPDX-License-Identifier: Apache-2.0
/* Where the sound of an utterance is cut, and which part of it is heard. */
#include "stt/window/window.h"

#include "unit.h"

/* Frames whose samples tell which they are. */
static void feed(struct window *w, uint32_t *nth, uint32_t frames, enum voice voice)
{
    int16_t samples[WINDOW_FRAME];
    for (uint32_t i = 0; i < frames; i++, (*nth)++) {
        for (size_t k = 0; k < WINDOW_FRAME; k++)
            samples[k] = (int16_t)*nth;
        assert_ok(window_frame(w, samples, voice));
    }
}

static struct window *create(void)
{
    struct window *w;
    assert_ok(window_create(&w));
    return w;
}

static void expect_range(const struct window *w, uint32_t first, uint32_t last)
{
    struct window_range r;
    assert_true(window_range(w, &r));
    assert_int_equal(r.at, (uint64_t)first * WINDOW_FRAME);
    assert_int_equal(r.count, (last + 1 - first) * WINDOW_FRAME);
    assert_int_equal(r.samples[0], first);
    assert_int_equal(r.samples[r.count - 1], last);
}

/* An hour of it is neither kept nor full, and costs the place of nothing that follows. */
static void silence_is_not_kept(void **)
{
    struct window *w = create();
    struct window_range r;
    uint32_t n = 0;
    feed(w, &n, 180000, VOICE_NONE);
    assert_false(window_is_full(w));
    assert_false(window_range(w, &r));
    n = 20000; /* samples are 16 bits wide */
    feed(w, &n, 100, VOICE_NONE);
    feed(w, &n, 1, VOICE_SOUNDS);
    assert_true(window_range(w, &r));
    assert_int_equal(r.at, (uint64_t)(180100 - WINDOW_BEFORE) * WINDOW_FRAME);
    assert_int_equal(r.count, (WINDOW_BEFORE + 1) * WINDOW_FRAME);
    assert_int_equal(r.samples[0], 20100 - WINDOW_BEFORE);
    window_destroy(w);
}

static void a_range_has_margins(void **)
{
    struct window *w = create();
    uint32_t n = 0;
    feed(w, &n, 5, VOICE_NONE);
    feed(w, &n, 10, VOICE_STANDS_OUT);
    expect_range(w, 0, 14); /* up to now: he is still speaking */
    assert_false(window_has_paused(w));
    feed(w, &n, WINDOW_AFTER - 1, VOICE_NONE);
    expect_range(w, 0, n - 1);
    assert_false(window_has_paused(w));
    /* From here on silence changes nothing. */
    for (int i = 0; i < 20; i++) {
        feed(w, &n, 1, VOICE_NONE);
        expect_range(w, 0, 14 + WINDOW_AFTER);
        assert_true(window_has_paused(w));
    }
    feed(w, &n, 1, VOICE_SOUNDS);
    expect_range(w, 0, n - 1);
    assert_false(window_has_paused(w));
    assert_int_equal(window_voices(w), 11);
    assert_int_equal(window_outstanding(w), 10);
    window_destroy(w);
}

/* The longer the window, the shorter the pause that ends it. */
static void it_is_cut_at_pauses(void **)
{
    static const struct {
        uint32_t voiced, quiet; /* full after so many frames of silence and not before */
    } rows[] = {{50, 100}, {124, 26}, {140, 25}, {374, 25},
                {390, 15}, {700, 15}, {740, 12}, {1100, 12}};
    for (size_t i = 0; i < countof(rows); i++) {
        struct window *w = create();
        uint32_t n = 0;
        feed(w, &n, rows[i].voiced, VOICE_SOUNDS);
        assert_false(window_is_full(w));
        feed(w, &n, rows[i].quiet - 1, VOICE_NONE);
        if (window_is_full(w))
            fail_msg("row %zu: full too early", i);
        feed(w, &n, 1, VOICE_NONE);
        if (!window_is_full(w))
            fail_msg("row %zu: not full", i);
        expect_range(w, 0, rows[i].voiced + WINDOW_AFTER - 1);
        window_next(w);
        struct window_range r;
        assert_false(window_range(w, &r));
        feed(w, &n, 3, VOICE_SOUNDS);
        expect_range(w, n - 3, n - 1); /* what has been heard is gone */
        window_destroy(w);
    }
}

/* Somebody who never pauses is cut where he is quietest, and the rest is heard with what follows. */
static void without_a_pause_it_is_cut_where_it_is_quiet(void **)
{
    struct window *w = create();
    int16_t samples[WINDOW_FRAME];
    for (int i = 0; i < WINDOW_FRAMES_MAX; i++) {
        assert_false(window_is_full(w));
        for (size_t k = 0; k < WINDOW_FRAME; k++)
            samples[k] = i == 1100 ? 5 : (int16_t)(1000 + i);
        assert_ok(window_frame(w, samples, VOICE_STANDS_OUT));
    }
    assert_true(window_is_full(w));
    assert_err(window_frame(w, samples, VOICE_SOUNDS), ERR_TOOBIG);
    struct window_range r;
    assert_true(window_range(w, &r));
    assert_int_equal(r.at, 0);
    assert_int_equal(r.count, 1101 * WINDOW_FRAME);
    window_next(w);
    assert_false(window_is_full(w));
    assert_true(window_range(w, &r));
    assert_int_equal(r.at, 1101 * WINDOW_FRAME);
    assert_int_equal(r.count, (WINDOW_FRAMES_MAX - 1101) * WINDOW_FRAME);
    assert_int_equal(r.samples[0], 1000 + 1101);
    assert_int_equal(window_voices(w), WINDOW_FRAMES_MAX - 1101);
    window_destroy(w);
}

/* What is left of a window that was cut may begin with seconds of silence, and has room for as much speech as any other. */
static void silence_behind_a_cut_is_not_kept(void **)
{
    enum { CUT = 1000, SPEAKS = 1190 };
    struct window *w = create();
    int16_t samples[WINDOW_FRAME] = {};
    for (int i = 0; i < WINDOW_FRAMES_MAX; i++) {
        bool speaks = i < CUT || i >= SPEAKS;
        samples[0] = i == CUT ? 5 : 1000;
        assert_ok(window_frame(w, samples, speaks ? VOICE_STANDS_OUT : VOICE_NONE));
    }
    struct window_range r;
    assert_true(window_range(w, &r));
    assert_int_equal(r.count, (CUT + 1) * WINDOW_FRAME);
    window_next(w);
    assert_true(window_range(w, &r));
    assert_int_equal(r.at, (SPEAKS - WINDOW_BEFORE) * WINDOW_FRAME);
    assert_int_equal(window_ms_at(w, 0), SPEAKS * WINDOW_FRAME_MS);
    uint32_t n = 0, left = WINDOW_FRAMES_MAX - SPEAKS + WINDOW_BEFORE;
    feed(w, &n, WINDOW_FRAMES_MAX - left - 1, VOICE_SOUNDS);
    assert_false(window_is_full(w));
    feed(w, &n, 1, VOICE_SOUNDS);
    assert_true(window_is_full(w));
    window_destroy(w);
}

/* The words are those of the part that is heard: none lies behind the cut. */
static void times_are_of_what_is_heard(void **)
{
    enum { CUT = 1100 };
    struct window *w = create();
    int16_t samples[WINDOW_FRAME] = {};
    for (int i = 0; i < WINDOW_FRAMES_MAX; i++) {
        samples[0] = i == CUT ? 5 : 1000;
        assert_ok(window_frame(w, samples, VOICE_SOUNDS));
    }
    assert_int_equal(window_ms_at(w, 0.5), (CUT + 2) / 2 * WINDOW_FRAME_MS);
    assert_int_equal(window_ms_at(w, 1), (CUT + 1) * WINDOW_FRAME_MS);
    window_destroy(w);
}

/* Words are spread over the voices, so that a pause lies between words and not in them. */
static void times_skip_pauses(void **)
{
    struct window *w = create();
    uint32_t n = 0;
    feed(w, &n, 10, VOICE_SOUNDS);
    feed(w, &n, 20, VOICE_NONE);
    feed(w, &n, 10, VOICE_SOUNDS);
    assert_int_equal(window_ms_at(w, 0), 0);
    assert_int_equal(window_ms_at(w, 0.25), 100);
    assert_int_equal(window_ms_at(w, 0.5), 200);
    assert_int_equal(window_ms_at(w, 0.55), 620);
    assert_int_equal(window_ms_at(w, 1), 800);
    window_destroy(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_is_not_kept),
        cmocka_unit_test(a_range_has_margins),
        cmocka_unit_test(it_is_cut_at_pauses),
        cmocka_unit_test(without_a_pause_it_is_cut_where_it_is_quiet),
        cmocka_unit_test(silence_behind_a_cut_is_not_kept),
        cmocka_unit_test(times_skip_pauses),
        cmocka_unit_test(times_are_of_what_is_heard),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
