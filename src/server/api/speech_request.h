// SPDX-License-Identifier: Apache-2.0
/* What a request to /v1/audio/speech may hold. Pure. */
#pragma once

#include "base/json.h"

enum speech_format : uint8_t {
    SPEECH_MP3,
    SPEECH_OPUS,
    SPEECH_FLAC,
    SPEECH_WAV,
    SPEECH_PCM,
};

/* Texts lie in the document that was read. */
struct speech_request {
    struct str input;
    struct str voice; /* "": the standard one, which OpenAI's names stand for */
    enum speech_format format;
    double speed;
    bool sse; /* events, rather than bare sound */
};

/* ERR_INVALID with a sentence. */
enum err speech_request_read(const struct json_val *root, struct speech_request *ret_request,
                             struct json_why *why);
