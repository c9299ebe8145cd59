// SPDX-License-Identifier: Apache-2.0
/*
 * The running mean of a speaker's cepstra, which PocketSphinx subtracts from every frame (cepstral mean
 * normalisation). In a live utterance PocketSphinx keeps to the mean it began with for eight seconds,
 * which costs a third more word errors than knowing the mean of the whole utterance. Here the mean
 * follows what is heard: MEAN_PRIOR frames of speech in general, then every frame of this utterance,
 * but no silence beyond the first MEAN_QUIET_MS of each: the models were made from recordings with short
 * pauses, and a long one before the first word would drown the voice.
 *
 * PocketSphinx tells its mean as text and takes one as text; what it heard in between follows from the
 * weight that it gives the mean it was told (MEAN_TOLD frames, CMN_WIN in its source). Pure.
 */
#pragma once

#include <stddef.h>

enum {
    MEAN_DIMS = 13,
    MEAN_TOLD = 500, /* frames that a told mean counts for */
    MEAN_PRIOR = 50, /* frames that the general mean counts for */
    MEAN_QUIET_MS = 300,
    MEAN_TEXT_BYTES = 400, /* room for a mean as text */
};

struct mean {
    double told[MEAN_DIMS]; /* the mean that PocketSphinx works with */
    double sum[MEAN_DIMS];  /* of the frames of this utterance */
    double frames;
};

/* The mean of speech in general: four synthetic and nine recorded voices. */
void mean_begin(struct mean *m);
/* `reported` is PocketSphinx's mean after `frames` more frames. */
void mean_heard(struct mean *m, const char *reported, double frames);
/* The present mean as PocketSphinx takes it. */
void mean_text(const struct mean *m, char into[MEAN_TEXT_BYTES]);
