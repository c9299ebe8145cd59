// SPDX-License-Identifier: Apache-2.0
/*
 * The machine's microphone and loudspeaker, by ALSA: 16-bit mono samples, never waiting but where it is said. What serves
 * them (PipeWire, PulseAudio, the hardware itself) and how rates are converted is ALSA's business; a
 * name is one of `arecord -L` or `aplay -L`. One thread.
 *
 *     device_open(c, DEVICE_MICROPHONE, "default", 16000, &mic);
 *     device_start(mic);
 *     … poll device_fds(mic, …), device_read(mic, …) …
 *     device_stop(mic); device_close(mic);
 */
#pragma once

#include <poll.h>

#include "server/cli/cli.h"

enum device_use : uint8_t { DEVICE_MICROPHONE, DEVICE_SPEAKER };
struct device;

/* On failure a sentence with the remedy was printed; an exit code. */
int device_open(const struct cli *c, enum device_use use, const char *name, uint32_t rate_hz,
                struct device **ret_device);
void device_close(struct device *d); /* what was not heard yet is lost; takes NULL */

/* What to poll for; at most `room`. */
unsigned device_fds(const struct device *d, struct pollfd *into, unsigned room);

/* A microphone records between start and stop; what it had heard before is not delivered. */
enum err device_start(struct device *d);
void device_stop(struct device *d);
/* At most `room` samples that are there already; *ret_count 0: none. An overrun loses some and goes
 * on. ERR_IO: the device is gone. */
enum err device_read(struct device *d, int16_t *samples, size_t room, size_t *ret_count);

/* As many of the samples as there is room for. After a pause it begins anew. ERR_IO: it is gone. */
enum err device_write(struct device *d, const int16_t *samples, size_t count, size_t *ret_count);
/* Nothing more will come for now: what is left is played, however little it is. */
void device_finish(struct device *d);
/* Silence at once; what was written and not yet heard is dropped. */
void device_drop(struct device *d);
/* Samples that were written and not yet heard. */
uint64_t device_waiting(const struct device *d);

/* Waits until all of them are written. ERR_IO: it is gone, or takes nothing any more. */
enum err device_play(struct device *d, const int16_t *samples, size_t count);
/* Waits until what was written is heard. */
void device_drain(struct device *d);
