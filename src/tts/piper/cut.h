// SPDX-License-Identifier: Apache-2.0
/*
 * Where a voice's graph can be cut, so that the beginning of an utterance sounds while the rest is computed. A voice is
 * three things in a row: what the text becomes (once for an utterance, and where chance comes in), the flow, and the
 * decoder, which makes sound of frames. Of the latter two each frame depends on some frames around it and no others, so they
 * can be computed piece by piece. How many frames around is read from their convolutions. In the decoder what
 * surrounds a piece is cut off step by step, since the steps that are far from the text need little of it and cost most.
 *
 * What is found rests on what nodes are for, so it is checked by the sound that comes out (speech.c). Pure.
 */
#pragma once

#include "tts/piper/graph.h"

enum { CUT_BESIDE_MAX = 3, CUT_STAGES_MAX = 8 };

/* One step of the decoder that makes more samples of fewer. */
struct cut_stage {
    uint32_t node;   /* that does it */
    uint32_t stride; /* samples for one */
    uint32_t around; /* samples before the node that a piece needs on each side */
};

struct cut {
    uint32_t latent;                 /* value: what the text becomes, 1 × channels × frames */
    uint32_t beside[CUT_BESIDE_MAX]; /* further values that the flow takes, 1 × 1 × frames */
    size_t beside_n;
    uint32_t frames;                      /* value: what the flow gives and the decoder takes */
    uint32_t flow_around, decoder_around; /* frames that a piece needs on each side */
    struct cut_stage stage[CUT_STAGES_MAX];
    size_t stages_n;
    uint32_t channels, hop; /* of the frames; samples of a frame */
    /* Nodes of each part: graph.nodes_n bytes, one for a node that belongs to it. */
    uint8_t *text, *flow, *decoder;
    bool flow_takes_speaker, decoder_takes_speaker, text_takes_speaker;
};

/* ERR_UNSUPPORTED: it cannot be cut. ERR_NOMEM. */
enum err cut_find(const struct graph *g, struct cut *ret_cut);
void cut_finish(struct cut *c);

enum cut_part : uint8_t { CUT_TEXT, CUT_FLOW, CUT_DECODER };

/* Names in the parts. The text's inputs are called as in the whole. */
#define CUT_LATENT "repartee/latent"
#define CUT_BESIDE "repartee/beside" /* and a digit from 0 */
#define CUT_FRAMES "repartee/frames"
#define CUT_SOUND "repartee/sound"
#define CUT_FROM "repartee/from" /* int64 of one number, and a digit from 1: what is kept before that stage */
#define CUT_TO "repartee/to"

/* Appends the part as an ONNX file of its own. ERR_NOMEM, ERR_TOOBIG. */
enum err cut_write(const struct graph *g, const struct cut *c, enum cut_part part,
                   struct buf *into);
