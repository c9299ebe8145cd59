// SPDX-License-Identifier: Apache-2.0
/* Sound to words: transcribe, audio-start, audio-chunk, audio-stop; answered by a transcript. What is sure of it leaves
 * before, as transcript-chunk. The recogniser brings any rate to its own. */
#include <stdio.h>

#include "audio/pcm.h"
#include "base/conf.h"
#include "server/api/hearing.h"
#include "server/api/wyoming/peer.h"
#include "wire/language_name.h"

enum { WIDTH = 2, CHANNELS_MAX = 2 };

void hear_drop(struct peer *p)
{
    hearing_destroy(p->hearing);
    p->hearing = nullptr;
    buf_finish(&p->sound);
}

bool hear_is_behind(const struct peer *p)
{
    return p->state == PEER_LISTENING && p->hearing && hearing_is_behind(p->hearing);
}

/* --- words --- */

static void begin_words(struct peer *p)
{
    if (!p->has_words)
        peer_send(p, "transcript-start", nullptr, S(""));
    p->has_words = true;
}

static enum err on_news(void *arg, struct str text)
{
    struct peer *p = arg;
    begin_words(p);
    struct json_out j = peer_event(p);
    json_kstr(&j, "text", text);
    peer_send(p, "transcript-chunk", &j, S(""));
    return OK;
}

static enum err on_segment(void *arg, const struct msg_stt_segment *segment)
{
    (void)arg, (void)segment;
    return ERR_ENGINE; /* none were asked for */
}

/* The chunks before it were all of its text; those who read no chunks find it here. */
static void send_transcript(struct peer *p, struct str text, struct str language)
{
    begin_words(p);
    struct json_out j = peer_event(p);
    json_kstr(&j, "text", text);
    if (language.n)
        json_kstr(&j, "language", language);
    peer_send(p, "transcript", &j, S(""));
    peer_send(p, "transcript-stop", nullptr, S(""));
}

static struct str wished_language(const struct peer *p)
{
    return p->language[0] ? str_of(p->language) : str_of(p->door->server->conf->language);
}

static void on_heard(void *arg, const struct msg_stt_final *final)
{
    struct peer *p = arg;
    send_transcript(p, final->text, hearing_language(final, wished_language(p)));
}

static void be_ready(struct peer *p)
{
    hear_drop(p);
    p->language[0] = '\0';
    peer_set_state(p, PEER_READY);
}

static void on_ended(void *arg, enum err err, const char *sentence)
{
    struct peer *p = arg;
    if (err != OK)
        peer_fail(p, err, sentence);
    if (err != OK)
        hear_drop(p);
    else
        be_ready(p);
}

static void on_eased(void *arg)
{
    peer_set_state(arg, PEER_LISTENING); /* it was not his fault */
}

/* --- the request --- */

enum err hear_wish(struct peer *p, const struct wyoming_event *e, struct json_why *why)
{
    struct {
        struct str language;
    } wish = {};
    static const struct json_field fields[] = {{"language", JSON_STR, 0}};
    try(wyoming_read(e, fields, 1, &wish, why));
    if (!language_is_tag(wish.language) || wish.language.n > LANGUAGE_MAX) {
        snprintf(why->text, sizeof why->text, "the language is a code such as en, de or pt-BR");
        return ERR_INVALID;
    }
    hear_drop(p);
    snprintf(p->language, sizeof p->language, "%.*s", STR_FMT(wish.language));
    peer_set_state(p, PEER_READY);
    return OK;
}

static enum err read_format(const struct wyoming_event *e, struct sound_format *ret_format,
                            struct json_why *why)
{
    static const struct json_field fields[] = {
        {"rate", JSON_INT, offsetof(struct sound_format, rate)},
        {"width", JSON_INT, offsetof(struct sound_format, width)},
        {"channels", JSON_INT, offsetof(struct sound_format, channels)},
    };
    struct sound_format f = {};
    try(wyoming_read(e, fields, sizeof fields / sizeof *fields, &f, why));
    if (f.rate < PCM_RATE_MIN || f.rate > PCM_RATE_MAX || f.width != WIDTH || f.channels < 1 ||
        f.channels > CHANNELS_MAX) {
        snprintf(why->text, sizeof why->text,
                 "sound must have a rate of 8000 to 48000, a width of 2 bytes and 1 or 2 channels");
        return ERR_MEDIA;
    }
    *ret_format = f;
    return OK;
}

static enum err begin(struct peer *p, const struct sound_format *format, struct json_why *why)
{
    static const struct hearing_events events = {.news = on_news,
                                                 .segment = on_segment,
                                                 .heard = on_heard,
                                                 .ended = on_ended,
                                                 .eased = on_eased};
    const struct hearing_wish wish = {.language = wished_language(p), .news = true};
    try(peer_admit(p, why));
    hear_drop(p);
    p->format = *format;
    p->frames = 0;
    p->has_words = false;
    try(hearing_create(p->door->server, &events, p, &p->hearing));
    try(hearing_begin_live(p->hearing, (uint32_t)format->rate, &wish));
    peer_set_state(p, PEER_LISTENING);
    return OK;
}

enum err hear_start(struct peer *p, const struct wyoming_event *e, struct json_why *why)
{
    struct sound_format format;
    try(read_format(e, &format, why));
    return begin(p, &format, why);
}

/* The whole frames of p->sound; what is less than one stays. */
static enum err pass_frames(struct peer *p)
{
    size_t frame = WIDTH * (size_t)p->format.channels, n = p->sound.n / frame;
    if (p->format.channels == CHANNELS_MAX)
        pcm_mix((int16_t *)p->sound.p, n);
    enum err err = n ? hearing_sound(p->hearing, str_sub(buf_str(&p->sound), 0, n * WIDTH)) : OK;
    p->frames += n;
    buf_eat(&p->sound, n * frame);
    return err;
}

/* The beginning may be left out, since each chunk says as much. */
enum err hear_chunk(struct peer *p, const struct wyoming_event *e, struct json_why *why)
{
    struct sound_format format;
    try(read_format(e, &format, why));
    if (p->state == PEER_READY)
        try(begin(p, &format, why));
    if (format.rate != p->format.rate || format.channels != p->format.channels) {
        snprintf(why->text, sizeof why->text,
                 "rate and channels of a recording stay as they were at its beginning");
        return ERR_INVALID;
    }
    try(buf_add(&p->sound, e->payload));
    try(pass_frames(p));
    int64_t most_ms = p->door->server->conf->utterance_ms;
    if (pcm_samples_to_ms(p->frames, (uint32_t)format.rate) > (uint64_t)most_ms) {
        snprintf(why->text, sizeof why->text,
                 "the recording is longer than %lld s; turn.utterance_ms allows more",
                 (long long)most_ms / 1000);
        return ERR_TOOBIG;
    }
    return OK;
}

enum err hear_stop(struct peer *p, const struct wyoming_event *e, struct json_why *why)
{
    (void)e, (void)why;
    if (p->state == PEER_READY) { /* of nothing */
        p->has_words = false;
        send_transcript(p, S(""), S(""));
        be_ready(p);
        return OK;
    }
    peer_set_state(p, PEER_ANSWERING);
    return hearing_stop(p->hearing);
}
