// SPDX-License-Identifier: Apache-2.0
#include "tts/piper/schedule.h"

#include <stddef.h>

/* Shortest first. Longer pieces of the decoder save nothing, and who is gone would be computed for longer. */
static const uint32_t first_frames[] = {12, 20, 40, 80};
static const uint32_t piece_frames[] = {SCHEDULE_PIECE_MIN, 40, 80};
static const uint32_t flow_frames[] = {64, 160, 384};
enum {
    FIRSTS = sizeof first_frames / sizeof *first_frames,
    PIECES = sizeof piece_frames / sizeof *piece_frames,
    FLOWS = sizeof flow_frames / sizeof *flow_frames,
    FIRST_UNMEASURED = 20,
    SHARE_OF_4 = 3, /* of the time there is: what was measured is no promise */
    SMOOTHING = 4,
};

void schedule_measure(_Atomic uint32_t *ns, uint32_t frames, uint64_t took_us)
{
    int64_t was = *ns, now = (int64_t)(took_us * 1000 / frames);
    now = now < 1 ? 1 : now > INT32_MAX ? INT32_MAX : now;
    *ns = (uint32_t)(was == 0 ? now : was + (now - was) / SMOOTHING);
}

static int64_t flow_cost_ns(const struct schedule *s, uint32_t frames)
{
    return (int64_t)s->flow_ns * (frames + 2 * s->flow_around);
}

static int64_t decoder_cost_ns(const struct schedule *s, uint32_t frames)
{
    return (int64_t)s->decoder_ns * (frames + 2 * s->decoder_around);
}

static bool fits(int64_t cost_ns, int64_t time_ns)
{
    return cost_ns <= time_ns / 4 * SHARE_OF_4;
}

uint32_t schedule_first(const struct schedule *s)
{
    if (s->is_trial)
        return first_frames[0];
    if (s->decoder_ns == 0)
        return FIRST_UNMEASURED;
    const int64_t second = flow_cost_ns(s, flow_frames[0]) + decoder_cost_ns(s, piece_frames[0]);
    size_t i = 0;
    while (i < FIRSTS - 1 && !fits(second, (int64_t)first_frames[i] * s->frame_ns))
        i++;
    return first_frames[i];
}

/* What a frame of sound takes of both, in pieces of such lengths. */
static int64_t frame_cost_ns(const struct schedule *s, uint32_t flow, uint32_t piece)
{
    return flow_cost_ns(s, flow) / flow + decoder_cost_ns(s, piece) / piece;
}

uint32_t schedule_piece(const struct schedule *s, int64_t lead_us)
{
    if (s->is_trial)
        return piece_frames[0];
    for (size_t i = PIECES; i-- > 0;)
        if (fits(decoder_cost_ns(s, piece_frames[i]), lead_us * 1000))
            return piece_frames[i];
    /* The listener has to wait. It is for less long with short pieces, unless he would be left further and further behind. */
    for (size_t i = 0; i < PIECES && lead_us >= 0; i++)
        if (fits(frame_cost_ns(s, flow_frames[FLOWS - 1], piece_frames[i]), s->frame_ns))
            return piece_frames[i];
    return piece_frames[PIECES - 1];
}

uint32_t schedule_flow(const struct schedule *s, int64_t lead_us)
{
    if (s->is_trial)
        return flow_frames[0];
    const int64_t decoder = decoder_cost_ns(s, piece_frames[0]);
    for (size_t i = FLOWS; i-- > 0;)
        if (fits(flow_cost_ns(s, flow_frames[i]) + decoder, lead_us * 1000))
            return flow_frames[i];
    for (size_t i = 0; i < FLOWS && lead_us >= 0; i++)
        if (fits(frame_cost_ns(s, flow_frames[i], piece_frames[PIECES - 1]), s->frame_ns))
            return flow_frames[i];
    return flow_frames[FLOWS - 1];
}
