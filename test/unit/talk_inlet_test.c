// SPDX-License-Identifier: Apache-2.0
/* Sound on its way to samples: what passes through, what a decoder makes of it, and its one end. */
#include "alloc_fault.h"
#include "engine_fake.h"
#include "server/loop/loop.h"
#include "server/talk/inlet.h"
#include "unit.h"

static struct loop *loop;
static struct fake stt;

static struct ear {
    struct inlet *inlet; /* live, or NULL */
    int16_t first;       /* of the last samples */
    size_t samples;
    unsigned calls, ends;
    enum err err;
    bool drops; /* at the first samples */
} ear;

static void on_samples(void *, const int16_t *samples, size_t count)
{
    ear.calls++;
    ear.samples += count;
    ear.first = count ? samples[0] : 0;
    if (ear.drops) {
        inlet_drop(ear.inlet);
        ear.inlet = nullptr;
    }
}

static void on_ended(void *, enum err err, const char *)
{
    ear.inlet = nullptr;
    ear.ends++;
    ear.err = err;
}

static const struct inlet_events events = {.samples = on_samples, .ended = on_ended};

static int set_up(void **)
{
    ear = (struct ear){};
    fake_create(&stt, loop, "stt", 1);
    return 0;
}

static int tear_down(void **)
{
    inlet_drop(ear.inlet);
    fake_destroy(&stt);
    return 0;
}

static void begin(enum inlet_format format)
{
    assert_ok(inlet_begin(&stt.engine, format, &events, nullptr, &ear.inlet));
}

static enum err decoded(uint32_t bytes, struct str samples)
{
    return fake_answer(&stt, 0, MSG_decoded, &(struct msg_decoded){bytes, samples});
}

static void formats_have_the_names_of_the_wire(void **)
{
    assert_int_equal(inlet_format(S("opus")), INLET_OPUS);
    assert_int_equal(inlet_format(S("webm_opus")), INLET_WEBM);
    assert_int_equal(inlet_format(S("pcm_s16le")), INLET_PCM);
    assert_int_equal(inlet_format(S("")), INLET_PCM);
}

static void samples_pass_in_any_cut(void **)
{
    begin(INLET_PCM);
    assert_int_equal(stt.notes, 0);
    assert_ok(inlet_sound(ear.inlet, S("\1")));
    assert_int_equal(ear.samples, 0);
    assert_ok(inlet_sound(ear.inlet, S("\2\3\4")));
    assert_int_equal(ear.samples, 2);
    assert_int_equal(ear.first, 0x0201);
    assert_false(inlet_is_behind(ear.inlet));
    inlet_end(ear.inlet);
    assert_int_equal(ear.ends, 1);
    assert_int_equal(ear.err, OK);
}

static void packets_go_to_the_decoder(void **)
{
    static char big[40 * 1024];
    begin(INLET_WEBM);
    assert_int_equal(fake_sent(&stt, MSG_decode_open), 1);
    assert_ok(inlet_sound(ear.inlet, (struct str){big, sizeof big}));
    assert_int_equal(fake_sent(&stt, MSG_audio), 2);
    assert_true(inlet_is_behind(ear.inlet));
    assert_ok(decoded(0, S("\1\2\3\4")));
    assert_true(inlet_is_behind(ear.inlet));
    assert_int_equal(ear.samples, 2);
    assert_int_equal(ear.first, 0x0201);
    assert_ok(decoded(30 * 1024, S("")));
    assert_false(inlet_is_behind(ear.inlet));
    assert_ok(decoded(UINT32_MAX, S(""))); /* it counts wrongly: that harms nobody else */
    assert_false(inlet_is_behind(ear.inlet));
    inlet_end(ear.inlet);
    assert_int_equal(ear.ends, 0);
    assert_ok(decoded(0, S("\1\2")));
    assert_int_equal(ear.samples, 3);
    assert_ok(fake_answer(&stt, 0, MSG_decode_done, &(struct msg_decode_done){3}));
    assert_int_equal(ear.ends, 1);
    assert_int_equal(ear.err, OK);
}

static void it_may_be_dropped_from_its_samples(void **)
{
    for (int format = INLET_PCM; format <= INLET_WEBM; format++) {
        ear = (struct ear){.drops = true};
        begin((enum inlet_format)format);
        assert_ok(inlet_sound(ear.inlet, S("\1\2")));
        if (format != INLET_PCM)
            assert_ok(decoded(2, S("\1\2")));
        assert_null(ear.inlet);
        assert_int_equal(ear.calls, 1);
        if (format != INLET_PCM) {
            assert_ok(decoded(2, S("\1\2")));
            assert_ok(fake_answer(&stt, 0, MSG_decode_done, &(struct msg_decode_done){}));
        }
        assert_int_equal(ear.calls, 1);
        assert_int_equal(ear.ends, 0);
    }
}

static void a_decoder_that_fails_or_dies_ends_it(void **)
{
    for (int dies = 0; dies < 2; dies++)
        for (int stopped = 0; stopped < 2; stopped++) {
            ear = (struct ear){};
            begin(INLET_OPUS);
            if (stopped)
                inlet_end(ear.inlet);
            if (dies)
                fake_die(&stt, 100);
            else
                assert_ok(fake_answer(&stt, 0, MSG_fail, &(struct msg_fail){ERR_MEDIA, S("")}));
            assert_int_equal(ear.ends, 1);
            assert_int_equal(ear.err, dies ? ERR_ENGINE : ERR_MEDIA);
            fake_come_back(&stt);
        }
}

/* A `stop` that cannot be passed on is told, not waited for. */
static void a_stop_that_cannot_leave_ends_it(void **)
{
    begin(INLET_OPUS);
    stt.refuse = ERR_ENGINE;
    inlet_end(ear.inlet);
    stt.refuse = OK;
    assert_int_equal(ear.ends, 1);
    assert_int_equal(ear.err, ERR_ENGINE);
}

static void what_cannot_begin_leaves_nothing(void **)
{
    struct inlet *none = nullptr;
    stt.engine.state = ENGINE_STOPPED;
    assert_err(inlet_begin(&stt.engine, INLET_OPUS, &events, nullptr, &none), ERR_DRAINING);
    assert_null(none);
    assert_int_equal(ear.ends, 0);
}

static enum err hear_a_packet(void *)
{
    unsigned ends = ear.ends;
    try(inlet_begin(&stt.engine, INLET_OPUS, &events, nullptr, &ear.inlet));
    enum err err = inlet_sound(ear.inlet, S("packet"));
    if (err == OK)
        (void)decoded(6, S("\1\2\3\4")); /* what comes of it shows below */
    if (err == OK && ear.ends > ends)
        return ear.err;
    inlet_drop(ear.inlet);
    ear.inlet = nullptr;
    return err;
}

static void memory_that_is_short_is_told(void **)
{
    assert_true(torture(hear_a_packet, nullptr) >= 4);
}

int main(void)
{
#define t(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_have_the_names_of_the_wire),
        t(samples_pass_in_any_cut),
        t(packets_go_to_the_decoder),
        t(it_may_be_dropped_from_its_samples),
        t(a_decoder_that_fails_or_dies_ends_it),
        t(a_stop_that_cannot_leave_ends_it),
        t(what_cannot_begin_leaves_nothing),
        t(memory_that_is_short_is_told),
    };
    if (loop_create(&loop) != OK)
        return 1;
    int failed = cmocka_run_group_tests_name("talk/inlet", tests, nullptr, nullptr);
    loop_destroy(loop);
    return failed;
}
