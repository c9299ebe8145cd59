// SPDX-License-Identifier: Apache-2.0
#include "tts/piper/schedule.h"

#include "unit.h"

enum { HOP_NS = 11609977, MS = 1000 }; /* 256 samples at 22,050 Hz */

/* A medium voice, whose surroundings are 32 and 11 frames; `us` for a frame of the decoder, a third of that for the flow. */
static struct schedule voice(uint32_t us)
{
    return (struct schedule){.frame_ns = HOP_NS,
                             .flow_around = 32,
                             .decoder_around = 11,
                             .flow_ns = us * 1000 / 3,
                             .decoder_ns = us * 1000};
}

static void fast_voices_begin_shortest(void **)
{
    const uint32_t us[] = {1, 400, 4000, 10000, 100000};
    uint32_t before = 0;
    for (size_t i = 0; i < countof(us); i++) {
        struct schedule s = voice(us[i]);
        uint32_t first = schedule_first(&s);
        assert_true(first >= before);
        before = first;
    }
    struct schedule fast = voice(400), slow = voice(10000), unknown = voice(0);
    assert_int_equal(schedule_first(&fast), 12);
    assert_int_equal(schedule_first(&slow), 80);
    assert_int_equal(schedule_first(&unknown), 20);
}

/* Down to half of the speed of speech no piece is late. */
static void no_gap_where_there_need_be_none(void **)
{
    for (uint32_t us = 50; us < 4000; us += 50) {
        struct schedule s = voice(us);
        int64_t lead_us = (int64_t)schedule_first(&s) * HOP_NS / 1000;
        uint32_t ready = 0;
        for (int i = 0; i < 40; i++) {
            if (ready < SCHEDULE_PIECE_MIN) {
                uint32_t n = schedule_flow(&s, lead_us);
                lead_us -= (int64_t)(n + 64) * us / 3;
                ready += n;
            }
            uint32_t n = schedule_piece(&s, lead_us);
            n = n < ready ? n : ready;
            lead_us -= (int64_t)(n + 22) * us;
            if (lead_us < 0)
                fail_msg("%u us for a frame: %lld us too late with piece %d", us,
                         (long long)lead_us, i);
            lead_us += (int64_t)n * HOP_NS / 1000;
            ready -= n;
        }
    }
}

/* Slower than that, or with the machine busy for a while, what is late is caught up with as in pieces of the greatest length. */
static void who_falls_behind_catches_up(void **)
{
    enum { FRAMES = 8000 };
    for (uint32_t us = 500; us < 7000; us += 100) {
        struct schedule s = voice(us);
        int64_t lead_us = 0, took_us = 0;
        uint32_t ready = 0;
        for (uint32_t said = 0; said < FRAMES;) {
            int64_t cost_us = 0;
            while (ready < SCHEDULE_PIECE_MIN) {
                uint32_t n = schedule_flow(&s, lead_us);
                cost_us += (int64_t)(n + 64) * us / 3;
                ready += n;
            }
            uint32_t n = said == 0 ? schedule_first(&s) : schedule_piece(&s, lead_us - cost_us);
            n = n < ready ? n : ready;
            cost_us += (int64_t)(n + 22) * us;
            if (said > 1000 && said < 1100)
                cost_us += 3000 * MS;
            lead_us += (int64_t)n * HOP_NS / 1000 - cost_us;
            took_us += cost_us;
            ready -= n;
            said += n;
        }
        int64_t least_us =
            (int64_t)us * FRAMES * (80 + 22) / 80 + (int64_t)us * FRAMES * (384 + 64) / 384 / 3;
        int64_t sound_us = (int64_t)FRAMES * HOP_NS / 1000;
        if (least_us < sound_us * 3 / 4 && lead_us < 0)
            fail_msg("%u us for a frame: %lld us late in the end", us, (long long)lead_us);
        /* Who has the time may take it; who has not takes hardly more than he must. */
        int64_t most_us = least_us * 11 / 10 > sound_us ? least_us * 11 / 10 : sound_us;
        if (took_us > most_us + 9000 * MS)
            fail_msg("%u us for a frame: %lld us instead of %lld", us, (long long)took_us,
                     (long long)least_us);
    }
}

static void pieces_grow_with_the_lead(void **)
{
    struct schedule s = voice(400);
    uint32_t before = 0, flow_before = 0;
    for (int64_t lead_us = -1000 * MS; lead_us < 3000 * MS; lead_us += MS) {
        uint32_t piece = schedule_piece(&s, lead_us), flow = schedule_flow(&s, lead_us);
        assert_true(piece >= SCHEDULE_PIECE_MIN && piece <= 80);
        assert_true(flow >= 64 && flow <= 384);
        if (lead_us > 0)
            assert_true(piece >= before && flow >= flow_before);
        before = lead_us < 0 ? 0 : piece;
        flow_before = flow;
    }
    assert_int_equal(schedule_piece(&s, 1000 * MS), 80);
    assert_int_equal(schedule_flow(&s, 1000 * MS), 384);
    /* Who is late catches up with what costs least, and so does a voice that hardly keeps up. */
    assert_int_equal(schedule_piece(&s, -1), 80);
    assert_int_equal(schedule_flow(&s, -1), 384);
    struct schedule slow = voice(6000);
    assert_int_equal(schedule_piece(&slow, 0), 80);
    assert_int_equal(schedule_flow(&slow, 0), 384);
    s.is_trial = true;
    assert_int_equal(schedule_first(&s), 12);
    assert_int_equal(schedule_piece(&s, 1000 * MS), 20);
    assert_int_equal(schedule_flow(&s, 1000 * MS), 64);
}

static void what_is_measured_counts_soon(void **)
{
    struct schedule s = {};
    schedule_measure(&s.decoder_ns, 100, 40 * MS);
    assert_int_equal(s.decoder_ns, 400000);
    for (int i = 0; i < 12; i++)
        schedule_measure(&s.decoder_ns, 10, 8 * MS);
    assert_uint_in_range(s.decoder_ns, 780000, 800000);
    for (int i = 0; i < 12; i++)
        schedule_measure(&s.decoder_ns, 10, 2 * MS);
    assert_uint_in_range(s.decoder_ns, 200000, 220000);
    schedule_measure(&s.flow_ns, 100, 0);
    assert_true(s.flow_ns > 0);
    schedule_measure(&s.flow_ns, 1, UINT32_MAX);
    assert_true(s.flow_ns <= INT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fast_voices_begin_shortest),
        cmocka_unit_test(no_gap_where_there_need_be_none),
        cmocka_unit_test(who_falls_behind_catches_up),
        cmocka_unit_test(pieces_grow_with_the_lead),
        cmocka_unit_test(what_is_measured_counts_soon),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
