// SPDX-License-Identifier: Apache-2.0
/* When somebody speaks, what was said just before, and whether he will go on. */
#include "server/talk/ear.h"
#include "server/talk/recent.h"
#include "server/talk/unfinished.h"

#include "unit.h"

enum { START_MS = 140, SILENCE_MS = 100 };

/* '#' is a frame of speech. Writes 'a' where speech starts, 'b' where it stops, and the rest as it is. */
static void listen(struct ear *e, const char *frames, char *news)
{
    for (; *frames; frames++, news++) {
        static const char letter[] = {[EAR_STARTED] = 'a', [EAR_STOPPED] = 'b'};
        enum ear_news n = ear_frame(e, *frames == '#' ? 255 : 0, SILENCE_MS);
        *news = n == EAR_NOTHING ? *frames : letter[n];
    }
    *news = 0;
}

static void test_news(void **)
{
    static const struct {
        const char *frames, *news;
    } cases[] = {
        {"....#######...##...........", "....######a...##....b......"},
        {"#....#..####..#.....", "#....#..####..#....."}, /* clicks and other noise */
        {"##.##.###.##.....#", "##.##.##a.##....b#"},     /* with holes */
        {"##########....######", "######a###....######"},
        /* What begins at once after an end is a new one. */
        {"#######.....#######", "######a....b######a"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct ear e;
        char news[64];
        ear_init(&e, START_MS);
        listen(&e, cases[i].frames, news);
        assert_string_equal(news, cases[i].news);
        assert_int_equal(e.now_ms, strlen(cases[i].frames) * EAR_FRAME_MS);
    }
}

static void test_times(void **)
{
    struct ear e;
    char news[64];
    ear_init(&e, START_MS);
    listen(&e, "....#.######", news);
    assert_true(e.speaking);
    assert_int_equal(e.from_ms, 4 * EAR_FRAME_MS);
    assert_int_equal(e.voice_ms, 12 * EAR_FRAME_MS);
    assert_int_equal(e.voiced_ms, 7 * EAR_FRAME_MS);
    listen(&e, "..#..", news);
    assert_int_equal(e.voiced_ms, 8 * EAR_FRAME_MS);
    assert_int_equal(ear_silence_ms(&e), 2 * EAR_FRAME_MS);
    /* Who is expected to go on gets more time. */
    for (int i = 0; i < 40; i++)
        assert_int_equal(ear_frame(&e, 0, 1000), EAR_NOTHING);
    assert_int_equal(ear_frame(&e, 0, SILENCE_MS), EAR_STOPPED);
    ear_stop(&e);
    listen(&e, "######", news);
    assert_false(e.speaking);
}

/* What counts as a beginning is an option. */
static void test_beginnings(void **)
{
    static const struct {
        uint32_t start_ms, begins; /* frames of speech */
        uint32_t width_ms;
    } cases[] = {{20, 1, 40}, {21, 2, 60}, {140, 7, 200}, {200, 10, 300}, {600, 30, 860}};
    for (size_t i = 0; i < countof(cases); i++) {
        struct ear e;
        ear_init(&e, cases[i].start_ms);
        assert_int_equal(ear_width_ms(&e), cases[i].width_ms);
        for (int n = 0; n < 100; n++)
            assert_int_equal(ear_frame(&e, 0, SILENCE_MS), EAR_NOTHING);
        for (uint32_t n = 1; n < cases[i].begins; n++)
            assert_int_equal(ear_frame(&e, 255, SILENCE_MS), EAR_NOTHING);
        assert_int_equal(ear_frame(&e, 255, SILENCE_MS), EAR_STARTED);
        assert_int_equal(e.from_ms, 100 * EAR_FRAME_MS);
    }
}

/* Who speaks is given the benefit of a doubt that does not do for a beginning. */
static void test_doubt(void **)
{
    struct ear e;
    ear_init(&e, START_MS);
    for (int n = 0; n < 50; n++)
        assert_int_equal(ear_frame(&e, 120, SILENCE_MS), EAR_NOTHING);
    for (int n = 0; n < 6; n++)
        assert_int_equal(ear_frame(&e, 128, SILENCE_MS), EAR_NOTHING);
    assert_int_equal(ear_frame(&e, 128, SILENCE_MS), EAR_STARTED);
    for (int n = 0; n < 50; n++)
        assert_int_equal(ear_frame(&e, 120, SILENCE_MS), EAR_NOTHING);
    for (int n = 0; n < 4; n++)
        assert_int_equal(ear_frame(&e, 110, SILENCE_MS), EAR_NOTHING);
    assert_int_equal(ear_frame(&e, 110, SILENCE_MS), EAR_STOPPED);
}

static void expect(const struct recent *r, uint64_t from, uint64_t first, size_t count)
{
    size_t n;
    const int16_t *s = recent_since(r, from, &n);
    assert_int_equal(n, count);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(s[i], (int16_t)(first + i));
}

static void add(struct recent *r, size_t count)
{
    static int16_t next;
    static int16_t samples[20000];
    if (recent_end(r) == 0)
        next = 0;
    for (size_t i = 0; i < count; i++)
        samples[i] = next++;
    assert_ok(recent_add(r, samples, count));
}

static void test_recent(void **)
{
    struct recent r;
    recent_init(&r, 10000);
    expect(&r, 0, 0, 0);
    add(&r, 300);
    expect(&r, 0, 0, 300);
    expect(&r, 250, 250, 50);
    expect(&r, 999, 300, 0);
    add(&r, 9900); /* 200 too many */
    assert_int_equal(recent_end(&r), 10200);
    expect(&r, 0, 200, 10000);
    recent_forget(&r, 300); /* not worth the work */
    expect(&r, 0, 200, 10000);
    recent_forget(&r, 9000);
    expect(&r, 0, 9000, 1200);
    add(&r, 15000); /* more than is ever kept */
    assert_int_equal(recent_end(&r), 25200);
    expect(&r, 0, 15200, 10000);
    recent_forget(&r, UINT64_MAX);
    expect(&r, 0, 0, 0);
    assert_int_equal(recent_end(&r), 25200);
    recent_finish(&r);
}

static void test_unfinished(void **)
{
    static const char *const unfinished[] = {
        "how do i", "what is the", "I want to", "how do i add documents and", "well,", " um "};
    static const char *const finished[] = {
        "how do i add documents", "", "why", "yes", "what is that?", "stop", "tell me about it"};
    for (size_t i = 0; i < countof(unfinished); i++)
        assert_true(text_is_unfinished(str_of(unfinished[i])));
    for (size_t i = 0; i < countof(finished); i++)
        assert_false(text_is_unfinished(str_of(finished[i])));
    static const char *const whole[] = {"Yes.", "Stop! ", "Who?", "\u597d\u3002", "\u597d\uff01"},
                             *const open[] = {"", "yes", "Yes,", "Dr. No", "\u597d"};
    for (size_t i = 0; i < countof(whole); i++)
        assert_true(text_is_finished(str_of(whole[i])));
    for (size_t i = 0; i < countof(open); i++)
        assert_false(text_is_finished(str_of(open[i])));
}

static void test_question(void **)
{
    static const char *const yes[] = {"How are you?", "how? ", "\u5143\u6c17\uff1f",
                                      "\u0643\u064a\u0641\u061f"};
    static const char *const no[] = {"", "?!", "How are you", "Fine.", "Is it? Yes.", "\uff1f."};
    for (size_t i = 0; i < countof(yes); i++)
        assert_true(text_is_question(str_of(yes[i])));
    for (size_t i = 0; i < countof(no); i++)
        assert_false(text_is_question(str_of(no[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_news),       cmocka_unit_test(test_times),
        cmocka_unit_test(test_beginnings), cmocka_unit_test(test_doubt),
        cmocka_unit_test(test_recent),     cmocka_unit_test(test_unfinished),
        cmocka_unit_test(test_question),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
