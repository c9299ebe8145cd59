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

/* Whatever the voice's speed, the second piece is there before the first has been heard, if that can be. */
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
    assert_int_equal(schedule_piece(&s, -1), 40);
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
        cmocka_unit_test(pieces_grow_with_the_lead),
        cmocka_unit_test(what_is_measured_counts_soon),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
