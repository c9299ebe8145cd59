// SPDX-License-Identifier: Apache-2.0
/*
 * Opus packets (RFC 6716) to what the recognisers want: mono s16 at 16 kHz, which libopus decodes to
 * by itself, whatever the packets were made from. One object a stream, one thread at a time.
 *
 *     try(opus_in_create(&o));
 *     try(opus_in_head(o, head));                  // from a file; a live stream has none
 *     try(opus_in_packet(o, packet, &samples));
 *
 * Foreign bytes: it runs only where it may crash (repartee-read, repartee-stt), and its callers bound
 * how much they let it make, for two bytes may stand for 120 ms.
 */
#pragma once

#include "audio/pcm.h"

enum {
    OPUS_PACKET_MAX = 61440, /* bytes: 48 frames of 1275 and their lengths (RFC 7845, 6) */
    OPUS_PACKET_MS = 120,    /* the most one packet stands for */
};

struct opus_in;
enum err opus_in_create(struct opus_in **ret_o);
void opus_in_destroy(struct opus_in *o); /* takes NULL */
/* The "OpusHead" of a file (RFC 7845, 5.1): how much to skip at the start, and the gain. ERR_MEDIA:
 * damaged, or more than two channels. Before the first packet. */
enum err opus_in_head(struct opus_in *o, struct str head);
/* Appends the packet's samples (int16_t) to `into`. ERR_MEDIA: it is no Opus packet. */
enum err opus_in_packet(struct opus_in *o, struct str packet, struct buf *into);
