// SPDX-License-Identifier: Apache-2.0
#include "server/api/transcription_answer.h"

#include <math.h>

#include "wire/language_name.h"
#include "wire/spoken_word.h"

enum { LIST_MAX = 4 * 1024 * 1024, MS_OF_SEEK = 10 };

void transcription_answer_init(struct transcription_answer *a,
                               const struct transcription_request *request, bool translated)
{
    *a = (struct transcription_answer){
        .request = request,
        .translated = translated,
        .subtitles = {.vtt = request->format == TRANSCRIPTION_VTT, .text = BUF(LIST_MAX)},
        .segments = BUF(LIST_MAX),
        .words = BUF(LIST_MAX)};
}

void transcription_answer_finish(struct transcription_answer *a)
{
    buf_finish(&a->subtitles.text);
    buf_finish(&a->segments);
    buf_finish(&a->words);
}

bool transcription_answer_wants_segments(const struct transcription_answer *a)
{
    return a->request->format >= TRANSCRIPTION_SRT;
}

const char *transcription_answer_type(const struct transcription_answer *a)
{
    switch (a->request->format) {
    case TRANSCRIPTION_JSON:
    case TRANSCRIPTION_VERBOSE:
        return "application/json";
    case TRANSCRIPTION_VTT:
        return "text/vtt; charset=utf-8";
    default:
        return "text/plain; charset=utf-8";
    }
}

/* --- segments --- */

static bool wants_segments_listed(const struct transcription_request *r)
{
    return r->segments || !r->words;
}

static enum err put_words(struct transcription_answer *a, const struct msg_stt_segment *segment)
{
    struct str rest = segment->words;
    struct spoken_word w;
    while (rest.n) {
        if (spoken_word_next(&rest, segment->text.n, &w) != OK)
            return ERR_ENGINE;
        struct json_out j = {.to = &a->words};
        if (a->words.n)
            try(buf_add_byte(&a->words, ','));
        json_obj(&j);
        json_kstr(&j, "word", str_sub(segment->text, w.at, w.at + w.length));
        json_knum(&j, "start", (double)w.start_ms / 1000);
        json_knum(&j, "end", (double)w.end_ms / 1000);
        json_end(&j);
        try(json_finish(&j));
    }
    return OK;
}

static void put_tokens(struct json_out *j, struct str tokens)
{
    int32_t token;
    json_key(j, "tokens");
    json_arr(j);
    for (; tokens.n >= sizeof token; tokens = str_sub(tokens, sizeof token, tokens.n)) {
        memcpy(&token, tokens.p, sizeof token);
        json_put_int(j, token);
    }
    json_end(j);
}

static void put_measure(struct json_out *j, const char *name, float x, float least, float most)
{
    float y = x >= least ? x : least; /* what is no number, too */
    json_knum(j, name, (double)(y <= most ? y : most));
}

/* Whisper's text begins with a blank, so that segments can be put behind one another. */
static enum err put_text(struct json_out *j, struct str text)
{
    autobuf spaced = BUF(WIRE_PAYLOAD_MAX + 1);
    try(buf_add_byte(&spaced, ' '));
    try(buf_add(&spaced, text));
    json_kstr(j, "text", buf_str(&spaced));
    return OK;
}

static enum err put_segment(struct transcription_answer *a, const struct msg_stt_segment *segment)
{
    struct json_out j = {.to = &a->segments};
    double start = fmax((double)segment->start_ms / 1000, a->last),
           end = fmax((double)segment->end_ms / 1000, start);
    a->last = end;
    if (a->count)
        try(buf_add_byte(&a->segments, ','));
    json_obj(&j);
    json_kint(&j, "id", a->count++);
    json_kint(&j, "seek", segment->start_ms / MS_OF_SEEK);
    json_knum(&j, "start", start);
    json_knum(&j, "end", end);
    try(put_text(&j, segment->text));
    put_tokens(&j, segment->tokens);
    json_knum(&j, "temperature", a->request->temperature);
    put_measure(&j, "avg_logprob", segment->logprob, -100, 0);
    put_measure(&j, "compression_ratio", segment->compression, 0, 10000);
    put_measure(&j, "no_speech_prob", segment->no_speech, 0, 1);
    json_end(&j);
    return json_finish(&j);
}

enum err transcription_answer_segment(struct transcription_answer *a,
                                      const struct msg_stt_segment *segment)
{
    const struct transcription_request *r = a->request;
    if (r->format == TRANSCRIPTION_SRT || r->format == TRANSCRIPTION_VTT)
        return subtitles_add(&a->subtitles, segment->start_ms, segment->end_ms, segment->text);
    if (r->format != TRANSCRIPTION_VERBOSE)
        return OK;
    if (r->words)
        try(put_words(a, segment));
    return wants_segments_listed(r) ? put_segment(a, segment) : OK;
}

/* --- the whole --- */

static void put_usage(struct json_out *j, uint32_t audio_ms)
{
    json_key(j, "usage");
    json_obj(j);
    json_kstr(j, "type", S("duration"));
    json_knum(j, "seconds", ceil((double)audio_ms / 1000));
    json_end(j);
}

static void put_list(struct json_out *j, const char *name, struct str members)
{
    json_key(j, name);
    json_arr(j);
    if (members.n)
        json_put_raw(j, members);
    json_end(j);
}

static void put_verbose(struct transcription_answer *a, const struct msg_stt_final *final,
                        struct str language, struct json_out *j)
{
    json_kstr(j, "task", a->translated ? S("translate") : S("transcribe"));
    json_kstr(j, "language", a->translated ? S("english") : language_name(language));
    json_knum(j, "duration", (double) final->audio_ms / 1000);
    json_kstr(j, "text", final->text);
    if (a->request->words)
        put_list(j, "words", buf_str(&a->words));
    if (wants_segments_listed(a->request))
        put_list(j, "segments", buf_str(&a->segments));
    put_usage(j, final->audio_ms);
}

static enum err write_json(struct transcription_answer *a, const struct msg_stt_final *final,
                           struct str language, struct buf *body)
{
    struct json_out j = {.to = body};
    json_obj(&j);
    if (a->request->format == TRANSCRIPTION_VERBOSE) {
        put_verbose(a, final, language, &j);
    } else {
        json_kstr(&j, "text", final->text);
        put_usage(&j, final->audio_ms);
    }
    json_end(&j);
    return json_finish(&j);
}

enum err transcription_answer_write(struct transcription_answer *a,
                                    const struct msg_stt_final *final, struct str language,
                                    struct buf *body)
{
    switch (a->request->format) {
    case TRANSCRIPTION_TEXT:
        try(buf_add(body, final->text));
        return buf_add_byte(body, '\n');
    case TRANSCRIPTION_SRT:
    case TRANSCRIPTION_VTT:
        try(subtitles_end(&a->subtitles));
        return buf_add(body, buf_str(&a->subtitles.text));
    default:
        return write_json(a, final, language, body);
    }
}
