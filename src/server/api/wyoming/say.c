// SPDX-License-Identifier: Apache-2.0
/* Text to sound: synthesize, or synthesize-start, -chunk and -stop for a text that is still being written, whose first
 * clause sounds as soon as it is whole. */
#include <stdio.h>

#include "audio/pcm.h"
#include "base/conf.h"
#include "server/api/speaking.h"
#include "server/api/wyoming/peer.h"
#include "server/engine/engine.h"

enum { TEXT_MAX = 16 * 1024, NAME_MAX_BYTES = 64, WIDTH = 2 };

void say_drop(struct peer *p)
{
    speaking_destroy(p->speaking);
    p->speaking = nullptr;
}

/* --- sound --- */

static void put_time(const struct peer *p, struct json_out *j)
{
    json_kint(j, "timestamp", (int64_t)pcm_samples_to_ms(p->spoken, PCM_RATE_SPEAK));
}

static struct json_out sound_event(struct peer *p)
{
    struct json_out j = peer_event(p);
    json_kint(&j, "rate", PCM_RATE_SPEAK);
    json_kint(&j, "width", WIDTH);
    json_kint(&j, "channels", 1);
    put_time(p, &j);
    return j;
}

static void begin_sound(struct peer *p)
{
    if (!p->has_sound) {
        struct json_out j = sound_event(p);
        peer_send(p, "audio-start", &j, S(""));
    }
    p->has_sound = true;
}

static enum err on_sound(void *arg, struct str bytes)
{
    struct peer *p = arg;
    if (bytes.n % WIDTH)
        return ERR_ENGINE; /* half a sample: all that follows would be noise */
    begin_sound(p);
    struct json_out j = sound_event(p);
    size_t queued = peer_send(p, "audio-chunk", &j, bytes);
    p->spoken += bytes.n / WIDTH;
    return queued > PEER_QUEUE ? ERR_AGAIN : OK;
}

void say_resume(struct peer *p)
{
    if (p->speaking)
        speaking_resume(p->speaking);
}

/* Those who wait for sound wait for its end, too, when there is nothing to be said. */
static void end_sound(struct peer *p)
{
    begin_sound(p);
    struct json_out j = peer_event(p);
    put_time(p, &j);
    peer_send(p, "audio-stop", &j, S(""));
    if (p->is_streamed)
        peer_send(p, "synthesize-stopped", nullptr, S(""));
    peer_set_state(p, PEER_READY);
}

static void on_ended(void *arg, enum err err, const char *sentence)
{
    struct peer *p = arg;
    if (err == OK && p->state == PEER_READING) {
        err = ERR_ENGINE;
        sentence = "the voice stopped in mid-sentence";
    }
    if (err != OK)
        peer_fail(p, err, sentence);
    else
        end_sound(p);
    say_drop(p);
}

/* --- the request --- */

struct say_request {
    struct str text, text_format;
    const struct json_val *voice;
};

struct wished_voice {
    struct str name, language, speaker;
};

/* The part of a tag that names the language alone. */
static struct str primary(struct str tag)
{
    size_t n = 0;
    while (n < tag.n && tag.p[n] != '-' && tag.p[n] != '_')
        n++;
    return str_sub(tag, 0, n);
}

/* A language alone is a voice of another one than the standard voice's, where there is one by that name. */
static struct str choose_voice(const struct peer *p, const struct wished_voice *w)
{
    const struct server *s = p->door->server;
    if (w->speaker.n || w->name.n)
        return w->speaker.n ? w->speaker : w->name;
    struct engine_info info;
    engine_info(s->tts, &info);
    bool is_ours = str_eq_nocase(primary(w->language), primary(str_of(s->conf->language)));
    struct str voices = str_of(info.voices);
    if (is_ours || w->language.n == 0)
        return S("");
    return str_listed(voices, w->language)            ? w->language
           : str_listed(voices, primary(w->language)) ? primary(w->language)
                                                      : S("");
}

static enum err read_request(const struct wyoming_event *e, struct say_request *r,
                             struct wished_voice *w, struct json_why *why)
{
    static const struct json_field fields[] = {
        {"text", JSON_STR, offsetof(struct say_request, text), .max = TEXT_MAX},
        {"text_format", JSON_STR, offsetof(struct say_request, text_format)},
        {"voice", JSON_OBJ, offsetof(struct say_request, voice)},
    };
    static const struct json_field voice_fields[] = {
        {"name", JSON_STR, offsetof(struct wished_voice, name), .max = NAME_MAX_BYTES},
        {"language", JSON_STR, offsetof(struct wished_voice, language), .max = NAME_MAX_BYTES},
        {"speaker", JSON_STR, offsetof(struct wished_voice, speaker), .max = NAME_MAX_BYTES},
    };
    try(wyoming_read(e, fields, sizeof fields / sizeof *fields, r, why));
    if (r->text_format.n && !str_eq(r->text_format, S("text"))) {
        snprintf(why->text, sizeof why->text, "text_format is text; nothing else is understood");
        return ERR_INVALID;
    }
    return r->voice ? json_read(r->voice, voice_fields, sizeof voice_fields / sizeof *voice_fields,
                                JSON_IGNORE_UNKNOWN, w, why)
                    : OK;
}

static enum err open_voice(struct peer *p, const struct wished_voice *w, bool is_streamed,
                           struct json_why *why)
{
    static const struct speaking_events events = {.sound = on_sound, .ended = on_ended};
    const struct speaking_wish wish = {
        .voice = choose_voice(p, w), .format = S("pcm"), .rate_hz = PCM_RATE_SPEAK, .speed = 1};
    try(peer_admit(p, why));
    p->spoken = 0;
    p->has_sound = false;
    p->is_streamed = is_streamed;
    return speaking_open(p->door->server, &wish, &events, p, &p->speaking);
}

enum err say_all(struct peer *p, const struct wyoming_event *e, struct json_why *why)
{
    struct say_request r = {};
    struct wished_voice w = {};
    if (p->state == PEER_READING)
        return OK; /* the chunks' text once more, for servers that know no chunks */
    try(read_request(e, &r, &w, why));
    try(open_voice(p, &w, false, why));
    try(speaking_text(p->speaking, r.text));
    try(speaking_stop(p->speaking));
    peer_set_state(p, PEER_ANSWERING);
    return OK;
}

enum err say_start(struct peer *p, const struct wyoming_event *e, struct json_why *why)
{
    struct say_request r = {};
    struct wished_voice w = {};
    try(read_request(e, &r, &w, why));
    try(open_voice(p, &w, true, why));
    peer_set_state(p, PEER_READING);
    return OK;
}

enum err say_chunk(struct peer *p, const struct wyoming_event *e, struct json_why *why)
{
    struct say_request r = {};
    struct wished_voice w = {};
    try(read_request(e, &r, &w, why));
    return speaking_text(p->speaking, r.text);
}

enum err say_stop(struct peer *p, const struct wyoming_event *e, struct json_why *why)
{
    (void)e, (void)why;
    peer_set_state(p, PEER_ANSWERING);
    return speaking_stop(p->speaking);
}
