// SPDX-License-Identifier: Apache-2.0
/*
 * The answers of /v1/audio/transcriptions and /v1/audio/translations in each of their forms, written as segments come.
 * What the engine says is hostile: times rise, numbers are numbers. Pure. Shapes: OpenAI's published OpenAPI file, SubRip,
 * WebVTT.
 *
 *     transcription_answer_init(&a, &request, translated);
 *     try(transcription_answer_segment(&a, segment)); …
 *     try(transcription_answer_write(&a, final, language, &body));
 */
#pragma once

#include "server/api/subtitles.h"
#include "server/api/transcription_request.h"
#include "wire/msg.h"

struct transcription_answer {
    const struct transcription_request *request;
    bool translated;
    struct subtitles subtitles;
    struct buf segments, words; /* JSON, the members of the lists */
    uint32_t count;             /* of segments */
    double last;                /* s: the end of the last one */
};

void transcription_answer_init(struct transcription_answer *a,
                               const struct transcription_request *request, bool translated);
/* Is there need of segments? */
bool transcription_answer_wants_segments(const struct transcription_answer *a);
/* ERR_ENGINE: it is no segment. ERR_TOOBIG, ERR_NOMEM. */
enum err transcription_answer_segment(struct transcription_answer *a,
                                      const struct msg_stt_segment *segment);
/* All of the answer; `language` is the tag of what was spoken. */
enum err transcription_answer_write(struct transcription_answer *a,
                                    const struct msg_stt_final *final, struct str language,
                                    struct buf *body);
const char *transcription_answer_type(const struct transcription_answer *a); /* of its content */
void transcription_answer_finish(struct transcription_answer *a);
