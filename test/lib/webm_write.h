// SPDX-License-Identifier: Apache-2.0
/*
 * WebM and Opus for tests: elements of EBML written byte by byte, so that a test can also write them
 * wrongly, and a tone in packets.
 */
#pragma once

#include "base/str.h"

/* An identifier and a size. `size_bytes` 0: as short as it goes; EBML_WRITE_UNKNOWN: no size. */
constexpr uint64_t EBML_WRITE_UNKNOWN = UINT64_MAX;
void ebml_put_head(struct buf *into, uint32_t id, uint64_t size, int size_bytes);
void ebml_put(struct buf *into, uint32_t id, struct str content);
void ebml_put_uint(struct buf *into, uint32_t id, uint64_t value);

/* The 19 bytes of "OpusHead". */
void opus_put_head(struct buf *into, uint8_t channels, uint16_t skip, int16_t gain_q8);

/* `ms` (a multiple of 20) of a 440 Hz tone at 16 kHz: its samples, and its packets one after the other,
 * each with a length of two bytes (little-endian) before it. */
void tone_samples(struct buf *into, uint32_t ms);
void tone_packets(struct buf *into, uint32_t ms);
bool packet_next(struct str *rest, struct str *ret_packet);

/* What MediaRecorder makes of packets: sizes unknown, one Cluster for every `per_cluster` packets. */
void webm_put_file(struct buf *into, struct str packets, unsigned per_cluster);
/* The beginning of it, up to the first Cluster; `segment_size` may be EBML_WRITE_UNKNOWN. */
void webm_put_start(struct buf *into, uint64_t segment_size);
void webm_put_tracks(struct buf *into, struct str codec, uint64_t type, struct str head);
void webm_put_block(struct buf *into, uint32_t id, uint8_t track, uint8_t flags, struct str packet);
