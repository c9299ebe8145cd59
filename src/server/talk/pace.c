// SPDX-License-Identifier: Apache-2.0
#include "server/talk/pace.h"

#include "audio/pcm.h"

void pace_init(struct pace *p, uint32_t rate_hz)
{
    *p = (struct pace){.rate_hz = rate_hz};
}

uint64_t pace_position_ms(const struct pace *p, uint64_t now_us)
{
    if (!p->first_us)
        return 0;
    if (p->held)
        return p->reported_ms;
    uint64_t ms = p->reported_us ? p->reported_ms + (now_us - p->reported_us) / 1000
                                 : (now_us - p->first_us) / 1000;
    uint64_t sent_ms = pcm_samples_to_ms(p->sent, p->rate_hz);
    return ms < sent_ms ? ms : sent_ms;
}

uint64_t pace_room(const struct pace *p, uint64_t now_us)
{
    if (p->held)
        return 0;
    uint64_t limit = pcm_ms_to_samples(pace_position_ms(p, now_us) + PACE_LEAD_MS, p->rate_hz);
    return limit > p->sent ? limit - p->sent : 0;
}

void pace_sent(struct pace *p, uint64_t samples, uint64_t now_us)
{
    if (!p->first_us)
        p->first_us = now_us;
    else if (pace_position_ms(p, now_us) >= pcm_samples_to_ms(p->sent, p->rate_hz))
        pace_played(p, UINT64_MAX, now_us); /* the speaker has waited: its clock begins anew */
    p->sent += samples;
}

void pace_hold(struct pace *p, bool held, uint64_t now_us)
{
    p->reported_ms = pace_position_ms(p, now_us);
    p->held = held;
    if (p->first_us)
        p->reported_us = now_us;
}

void pace_played(struct pace *p, uint64_t ms, uint64_t now_us)
{
    uint64_t sent_ms = pcm_samples_to_ms(p->sent, p->rate_hz);
    if (ms > sent_ms)
        ms = sent_ms;
    if (p->reported_us && ms < p->reported_ms)
        return;
    p->reported_ms = ms;
    p->reported_us = now_us;
}
