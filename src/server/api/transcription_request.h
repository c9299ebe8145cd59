// SPDX-License-Identifier: Apache-2.0
/*
 * The fields of a form to /v1/audio/transcriptions and /v1/audio/translations, besides the file. What OpenAI's
 * clients send and we do not know is ignored; what is known and cannot be honoured is refused. Hints (prompt,
 * temperature) are passed on to recognisers that can use them. Pure.
 */
#pragma once

#include "base/json.h"

enum {
    TRANSCRIPTION_LANGUAGE_BYTES = 16,
    TRANSCRIPTION_FIELD_MAX = 16 * 1024, /* bytes of a field; longer ones are refused */
};

enum transcription_format : uint8_t {
    TRANSCRIPTION_JSON,
    TRANSCRIPTION_TEXT,
    TRANSCRIPTION_SRT,
    TRANSCRIPTION_VTT,
    TRANSCRIPTION_VERBOSE,
};

struct transcription_request {
    enum transcription_format format;
    bool stream;
    bool words, segments; /* timestamp_granularities; neither: as if segments were asked for */
    double temperature;
    char language[TRANSCRIPTION_LANGUAGE_BYTES]; /* "": not said */
    struct buf prompt;
    uint32_t seen; /* a bit for each field that has come */
};

/* Is this the name of a field whose value is wanted? */
bool transcription_request_knows(struct str name);
/* One field. ERR_INVALID with a sentence, ERR_NOMEM. */
enum err transcription_request_field(struct transcription_request *r, struct str name,
                                     struct str value, struct json_why *why);
/* All have come: do they go together? ERR_INVALID with a sentence. */
enum err transcription_request_check(const struct transcription_request *r, struct json_why *why);
void transcription_request_finish(struct transcription_request *r);
