// SPDX-License-Identifier: Apache-2.0
/*
 * One PocketSphinx decoder: about 100 MB and a quarter of a second of loading (half as much again with
 * the words of documents), one utterance at a time. It is never changed after it is made: other documents
 * mean another decoder. One thread at a time; several decoders at once on as many threads.
 *
 * Sound is decoded in steps of SPHINX_STEP samples whatever the pieces it comes in, so that the network
 * does not change what is heard. Nothing of an utterance is left for the next one: the cepstral mean, the
 * noise estimate and what is known of the voice begin anew each time.
 *
 * Adapted utterances are fitted to the voice: after a quarter of a second of voiced sound its pitch is
 * known, and what a high voice said until then is decoded again with frequencies warped (0.1 s of work
 * while the person goes on speaking). Without the words of documents nothing is fitted.
 */
#pragma once

#include "stt/adapt.h"
#include "stt/driver.h"

enum {
    SPHINX_RATE_HZ = 16000,
    SPHINX_STEP = 1600, /* samples: 100 ms */
    SPHINX_STEP_MS = 100,
};

struct sphinx_decoder;

/* adaptation: NULL for the general model alone; needed during the call only. ERR_NOTFOUND: the model's
 * files are not there. */
enum err sphinx_decoder_create(const struct adaptation *adaptation, struct sphinx_decoder **ret_d);
void sphinx_decoder_destroy(struct sphinx_decoder *d); /* takes NULL; also in mid-utterance */
/* The folder of the models; NULL when PocketSphinx knows none. */
const char *sphinx_model_dir(void);
/* Puts the path of the general dictionary into `into`. */
void sphinx_dictionary_path(char *into, size_t size);

/* adapt: with the words of the documents, if it was made with them. follow: this utterance goes on
 * with the speaker of the last one. */
enum err sphinx_decoder_begin(struct sphinx_decoder *d, bool adapt, bool follow);
enum err sphinx_decoder_feed(struct sphinx_decoder *d, const int16_t *samples, size_t count);
/* Appends the words so far. */
enum err sphinx_decoder_partial(struct sphinx_decoder *d, struct buf *into);
/* How long nobody has spoken at the end of what was fed, ms. */
uint32_t sphinx_decoder_quiet_ms(const struct sphinx_decoder *d);
/* Appends the utterance's words to the result, their times moved by at_ms. */
enum err sphinx_decoder_end(struct sphinx_decoder *d, uint32_t at_ms, struct stt_result *result);
/* Gives up the utterance. False: that would take longer than making another decoder. */
bool sphinx_decoder_abandon(struct sphinx_decoder *d);
