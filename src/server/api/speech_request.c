// SPDX-License-Identifier: Apache-2.0
#include "server/api/speech_request.h"

#include <stdio.h>

enum {
    CHARACTERS_MAX = 4096, /* as OpenAI has it */
    BYTES_OF_CHARACTER = 4,
    VOICE_MAX = 64,
};

static enum err refuse(struct json_why *why, const char *param, const char *text)
{
    snprintf(why->text, sizeof why->text, "%s", text);
    snprintf(why->param, sizeof why->param, "%s", param);
    return ERR_INVALID;
}

static size_t count_characters(struct str text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        n += (text.p[i] & 0xc0) != 0x80;
    return n;
}

/* Voices that only OpenAI has; whoever asks for one wants any. */
static bool is_of_openai(struct str name)
{
    static const char *const names[] = {"alloy", "ash",   "ballad", "coral", "echo",
                                        "fable", "onyx",  "nova",   "sage",  "shimmer",
                                        "verse", "marin", "cedar"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq(name, str_of(names[i])))
            return true;
    return false;
}

/* A name, or an object with one as its id. */
static enum err read_voice(const struct json_val *root, struct str *ret_voice, struct json_why *why)
{
    const struct json_val *voice = json_get(root, "voice");
    if (voice && json_typeof(voice) == JSON_OBJ)
        voice = json_get(voice, "id");
    else if (!voice || json_typeof(voice) == JSON_NULL)
        return OK;
    struct str name = json_str(voice);
    if (name.n == 0 || name.n > VOICE_MAX)
        return refuse(why, "voice", "voice is the name of a voice, or an object with it as id");
    *ret_voice = is_of_openai(name) ? S("") : name;
    return OK;
}

static enum err read_format(struct str name, enum speech_format *ret_format, struct json_why *why)
{
    static const char *const names[] = {[SPEECH_MP3] = "mp3",
                                        [SPEECH_OPUS] = "opus",
                                        [SPEECH_FLAC] = "flac",
                                        [SPEECH_WAV] = "wav",
                                        [SPEECH_PCM] = "pcm"};
    if (str_eq(name, S("aac")))
        return refuse(why, "response_format",
                      "AAC is not made here; mp3, opus, flac, wav and pcm are");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq(name, str_of(names[i])))
            *ret_format = (enum speech_format)i;
    return OK;
}

struct scalars {
    struct str input, response_format, stream_format, instructions;
    double speed;
};

enum err speech_request_read(const struct json_val *root, struct speech_request *ret_request,
                             struct json_why *why)
{
    static const struct json_field fields[] = {
        {"input", JSON_STR, offsetof(struct scalars, input), .required = true, .min = 1,
         .max = CHARACTERS_MAX * BYTES_OF_CHARACTER},
        {"response_format", JSON_STR, offsetof(struct scalars, response_format),
         .one_of = "mp3|opus|aac|flac|wav|pcm"},
        {"stream_format", JSON_STR, offsetof(struct scalars, stream_format), .one_of = "audio|sse"},
        /* A hint for models that can be told how to speak; none here can. */
        {"instructions", JSON_STR, offsetof(struct scalars, instructions),
         .max = CHARACTERS_MAX * BYTES_OF_CHARACTER},
        {"speed", JSON_NUM, offsetof(struct scalars, speed), .min = 0.25, .max = 4},
    };
    struct scalars s = {.speed = 1};
    struct speech_request r = {.format = SPEECH_MP3};
    try(json_read(root, fields, sizeof fields / sizeof *fields, JSON_IGNORE_UNKNOWN, &s, why));
    if (count_characters(s.input) > CHARACTERS_MAX)
        return refuse(why, "input", "input has at most 4096 characters; send it in pieces");
    if (str_trim(s.input).n == 0)
        return refuse(why, "input", "input holds nothing to speak");
    try(read_voice(root, &r.voice, why));
    try(read_format(s.response_format, &r.format, why));
    r.input = s.input;
    r.speed = s.speed;
    r.sse = str_eq(s.stream_format, S("sse"));
    *ret_request = r;
    return OK;
}
