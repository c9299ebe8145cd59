// SPDX-License-Identifier: Apache-2.0
/*
 * How much sound may be sent now. A client gets at most PACE_LEAD_MS more than its speaker has
 * played: enough to bridge a rough network, little enough that a barge-in has nothing to chase. The
 * position comes from the client's `played` reports; between them, and for clients that send none,
 * from the clock. Pure; the turn owns one.
 */
#pragma once

#include <stdint.h>

enum { PACE_LEAD_MS = 2000 };

struct pace {
    uint32_t rate_hz;
    uint64_t sent;                     /* samples */
    uint64_t first_us;                 /* when the first sample was sent; 0: none yet */
    uint64_t reported_ms, reported_us; /* the client's last word; reported_us 0: none */
    bool held;                         /* nobody is listening: reported_ms is where he is */
};

void pace_init(struct pace *p, uint32_t rate_hz);
/* Samples that may be sent now. */
uint64_t pace_room(const struct pace *p, uint64_t now_us);
void pace_sent(struct pace *p, uint64_t samples, uint64_t now_us);
/* The listener goes away, or is back: the position stands still meanwhile, and nothing may be sent. */
void pace_hold(struct pace *p, bool held, uint64_t now_us);
/* The client says that it has played `ms` of this turn; never back, never beyond what was sent. */
void pace_played(struct pace *p, uint64_t ms, uint64_t now_us);
/* The best guess at what has been played, ms; never beyond what was sent. */
uint64_t pace_position_ms(const struct pace *p, uint64_t now_us);
