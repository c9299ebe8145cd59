// SPDX-License-Identifier: Apache-2.0
#include "stt/window/pace.h"

enum { TOOK_MAX_MS = 60000 };

bool pace_is_due(const struct pace *p, uint64_t since_ms, bool paused)
{
    uint64_t step_ms = (uint64_t)p->took_ms * 3 / 2;
    if (paused)
        return since_ms >= p->took_ms;
    return since_ms >= (step_ms < PACE_MIN_MS ? PACE_MIN_MS : step_ms);
}

void pace_note(struct pace *p, uint64_t took_us)
{
    uint64_t ms = took_us / 1000;
    p->took_ms = ms < TOOK_MAX_MS ? (uint32_t)ms : TOOK_MAX_MS;
}
