// SPDX-License-Identifier: Apache-2.0
#include "server/api/transcription_request.h"

#include <math.h>
#include <stdio.h>

#include "wire/language_name.h"

static enum err refuse(struct json_why *why, const char *param, const char *text)
{
    snprintf(why->text, sizeof why->text, "%s", text);
    snprintf(why->param, sizeof why->param, "%s", param);
    return ERR_INVALID;
}

static enum err read_nothing(struct transcription_request *r, struct str value,
                             struct json_why *why)
{
    (void)r, (void)value, (void)why;
    return OK;
}

static enum err read_language(struct transcription_request *r, struct str value,
                              struct json_why *why)
{
    if (!language_is_tag(value) || value.n >= TRANSCRIPTION_LANGUAGE_BYTES)
        return refuse(why, "language", "the language is a code such as en, de or pt-BR");
    if (value.n > 0)
        memcpy(r->language, value.p, value.n);
    r->language[value.n] = '\0';
    return OK;
}

static enum err read_prompt(struct transcription_request *r, struct str value, struct json_why *why)
{
    (void)why;
    return buf_add(&r->prompt, value);
}

static enum err read_format(struct transcription_request *r, struct str value, struct json_why *why)
{
    static const char *const names[] = {[TRANSCRIPTION_JSON] = "json",
                                        [TRANSCRIPTION_TEXT] = "text",
                                        [TRANSCRIPTION_SRT] = "srt",
                                        [TRANSCRIPTION_VTT] = "vtt",
                                        [TRANSCRIPTION_VERBOSE] = "verbose_json"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i] && str_eq(value, str_of(names[i]))) {
            r->format = (enum transcription_format)i;
            return OK;
        }
    }
    if (str_eq(value, S("diarized_json")))
        return refuse(why, "response_format", "the recogniser does not tell speakers apart");
    return refuse(why, "response_format",
                  "response_format is json, text, srt, vtt or verbose_json");
}

static enum err read_temperature(struct transcription_request *r, struct str value,
                                 struct json_why *why)
{
    double x;
    if (str_to_f64(str_trim(value), &x) != OK || !(x >= 0 && x <= 1)) /* also no NaN */
        return refuse(why, "temperature", "temperature is a number from 0 to 1");
    r->temperature = x;
    return OK;
}

static enum err read_stream(struct transcription_request *r, struct str value, struct json_why *why)
{
    r->stream = str_eq_nocase(value, S("true"));
    if (r->stream || str_eq_nocase(value, S("false")) || value.n == 0 ||
        str_eq_nocase(value, S("null")))
        return OK;
    return refuse(why, "stream", "stream is true or false");
}

static enum err read_granularity(struct transcription_request *r, struct str value,
                                 struct json_why *why)
{
    if (str_eq(value, S("word")))
        r->words = true;
    else if (str_eq(value, S("segment")))
        r->segments = true;
    else
        return refuse(why, "timestamp_granularities", "a granularity is word or segment");
    return OK;
}

static enum err refuse_logprobs(struct transcription_request *r, struct str value,
                                struct json_why *why)
{
    (void)r, (void)value;
    return refuse(why, "include",
                  "how likely each token was is not told here; verbose_json has it for segments");
}

static enum err refuse_speakers(struct transcription_request *r, struct str value,
                                struct json_why *why)
{
    (void)r, (void)value;
    return refuse(why, "known_speaker_names", "the recogniser does not tell speakers apart");
}

static const struct {
    const char *name;
    enum err (*read)(struct transcription_request *r, struct str value, struct json_why *why);
    bool is_list; /* may come several times */
} fields[] = {
    {"model", read_nothing, false}, /* there is one */
    {"language", read_language, false},
    {"prompt", read_prompt, false},
    {"response_format", read_format, false},
    {"temperature", read_temperature, false},
    {"stream", read_stream, false},
    {"timestamp_granularities[]", read_granularity, true},
    {"timestamp_granularities", read_granularity, true},
    {"include[]", refuse_logprobs, true},
    {"include", refuse_logprobs, true},
    {"known_speaker_names[]", refuse_speakers, true},
    {"known_speaker_references[]", refuse_speakers, true},
};
enum { FIELDS = sizeof fields / sizeof *fields, NONE = -1 };

static int find(struct str name)
{
    for (int i = 0; i < FIELDS; i++)
        if (str_eq(name, str_of(fields[i].name)))
            return i;
    return NONE;
}

bool transcription_request_knows(struct str name)
{
    return find(name) != NONE;
}

enum err transcription_request_field(struct transcription_request *r, struct str name,
                                     struct str value, struct json_why *why)
{
    int i = find(name);
    if (i == NONE)
        return OK;
    bool again = r->seen & 1u << i;
    r->seen |= 1u << i;
    if (again && !fields[i].is_list)
        return refuse(why, fields[i].name, "a field has come twice");
    if (!utf8_valid(value))
        return refuse(why, fields[i].name, err_text(ERR_UTF8));
    return fields[i].read(r, value, why);
}

enum err transcription_request_check(const struct transcription_request *r, struct json_why *why)
{
    if ((r->words || r->segments) && r->format != TRANSCRIPTION_VERBOSE)
        return refuse(why, "timestamp_granularities",
                      "times are told with the response_format verbose_json");
    if (r->stream && r->format != TRANSCRIPTION_JSON && r->format != TRANSCRIPTION_TEXT)
        return refuse(why, "stream", "a stream has the response_format json or text");
    return OK;
}

void transcription_request_finish(struct transcription_request *r)
{
    buf_finish(&r->prompt);
}
