// SPDX-License-Identifier: Apache-2.0
/*
 * How long the next piece of an utterance is. The first is as short as it may be for the second to come before it has been
 * heard; later ones are longer, since what surrounds a piece is computed twice, but where that can be helped never so
 * long that the listener gets through what he has. Once he has, they are long, so that what is lost is caught up with. What
 * that means in frames is reckoned from what a frame has taken of late. Pure, but for the figures, which any thread may
 * read and renew.
 */
#pragma once

#include <stdint.h>

struct schedule {
    uint32_t frame_ns; /* const: of sound, in a frame */
    uint32_t flow_around,
        decoder_around; /* const: frames that are computed on each side of a piece */
    bool is_trial; /* the shortest pieces there are, so that it shows whether they fit together */
    _Atomic uint32_t flow_ns, decoder_ns; /* for a frame; 0: not measured yet */
};

/* `frames`: all that were computed, with those around. */
void schedule_measure(_Atomic uint32_t *ns, uint32_t frames, uint64_t took_us);

/* Frames of the first piece. */
uint32_t schedule_first(const struct schedule *s);
enum { SCHEDULE_PIECE_MIN = 20 };
/* Frames of another one. `lead_us`: sound that the listener has not heard yet; below 0: how long he has waited. */
uint32_t schedule_piece(const struct schedule *s, int64_t lead_us);
/* Frames for the flow, before the decoder's next piece. */
uint32_t schedule_flow(const struct schedule *s, int64_t lead_us);
