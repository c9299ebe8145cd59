// SPDX-License-Identifier: Apache-2.0
/* describe, answered by info: one program that hears, one that speaks, one that answers, each by the model or the voices
 * that it has now. */
#include "base/conf.h"
#include "server/answerer/answerer.h"
#include "server/api/voice_about.h"
#include "server/api/wyoming/peer.h"
#include "server/engine/engine.h"
#include "server/engine/mouth/mouth.h"
#include "wire/language_name.h"

/* Who made what a driver runs. Other drivers' models are the operator's. */
static const struct maker {
    const char *driver, *name, *url;
} makers[] = {
    {"sphinx", "Carnegie Mellon University", "https://cmusphinx.github.io"},
    {"whisper", "OpenAI", "https://github.com/openai/whisper"},
    {"parakeet", "NVIDIA", "https://github.com/NVIDIA/NeMo"},
    {"flite", "Carnegie Mellon University", "https://github.com/festvox/flite"},
    {"espeak", "espeak-ng", "https://github.com/espeak-ng/espeak-ng"},
    {"piper", "Rhasspy", "https://github.com/rhasspy/piper"},
    {"kokoro", "hexgrad", "https://github.com/hexgrad/kokoro"},
    {"llama", "llama.cpp", "https://github.com/ggml-org/llama.cpp"},
};

static void put_artifact(struct json_out *j, struct str name, const char *driver,
                         const char *description)
{
    struct maker maker = {.name = "Repartee", .url = ""};
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
        if (strcmp(driver, makers[i].driver) == 0)
            maker = makers[i];
    json_kstr(j, "name", name);
    json_kstr(j, "description", str_of(description));
    json_key(j, "attribution");
    json_obj(j);
    json_kstr(j, "name", str_of(maker.name));
    json_kstr(j, "url", str_of(maker.url));
    json_end(j);
    json_kbool(j, "installed", true);
    json_kstr(j, "version", S(REPARTEE_VERSION));
}

/* Up to the list of its models, whose end the caller writes. */
static void begin_program(struct json_out *j, const char *kind, const char *description,
                          const char *models)
{
    json_key(j, kind);
    json_arr(j);
    json_obj(j);
    put_artifact(j, S("repartee"), "", description);
    json_key(j, models);
    json_arr(j);
}

static void end_program(struct json_out *j, const char *streams)
{
    json_end(j);
    json_kbool(j, streams, true);
}

/* "en, de"; "auto" are all that Whisper knows. */
static void put_languages(struct json_out *j, struct str tags)
{
    struct str tag;
    json_key(j, "languages");
    json_arr(j);
    if (str_eq(tags, S("auto")))
        for (size_t i = 0; language_at(i, &tag); i++)
            json_put_str(j, tag);
    else
        while (str_cut(&tags, ',', &tag))
            json_put_str(j, str_trim(tag));
    json_end(j);
}

/* A server elsewhere does not tell. It runs Whisper, whose models for English alone are called so ("small.en"); Home
 * Assistant offers nobody who knows no language. */
static struct str languages_heard(const struct engine_info *ears)
{
    struct str told = str_of(ears->languages), model = str_of(ears->model);
    if (told.n || strcmp(ears->driver, "remote") != 0)
        return told;
    return str_ends(model, S(".en")) ? S("en") : S("auto");
}

static void put_ears(struct json_out *j, const struct engine *stt)
{
    struct engine_info info;
    engine_info(stt, &info);
    struct str name =
        info.model[0] ? str_file_name(str_of(info.model)) /* where it lies is nobody's business */
                      : str_of(info.driver);
    begin_program(j, "asr", "Repartee's recognizer", "models");
    json_obj(j);
    put_artifact(j, name, info.driver, "the recognizer's model");
    put_languages(j, languages_heard(&info));
    json_end(j);
    end_program(j, "supports_transcript_streaming");
    json_kbool(j, "requires_external_vad", true); /* audio-stop ends an utterance, nothing else */
    json_end(j);
    json_end(j);
}

static void put_voice(struct json_out *j, const struct engine_info *info, struct str name)
{
    struct voice_about about;
    voice_about(info, name, &about);
    json_obj(j);
    put_artifact(j, name, about.engine, "");
    put_languages(j, str_of(about.language));
    json_end(j);
}

/* It is not known which languages it speaks; that of the conversation it does. */
static void put_remote_voice(struct json_out *j, struct str name, struct str language)
{
    json_obj(j);
    put_artifact(j, name, "tts.url", "the voice of another server");
    put_languages(j, str_eq_nocase(language, S("auto")) ? S("en") : language);
    json_end(j);
}

/* The standard one first, since Home Assistant takes the first. */
static void put_mouth(struct json_out *j, const struct engine *tts, const struct conf *conf)
{
    struct engine_info info;
    engine_info(tts, &info);
    struct str names = str_of(info.voices), name, standard = str_of(conf->tts_voice);
    if (standard.n == 0)
        standard = str_of(info.model);
    struct mouth_info mouth;
    begin_program(j, "tts", "Repartee's voice", "voices");
    if (engine_mouth_info(tts, &mouth))
        put_remote_voice(j, str_of(mouth.name), str_of(conf->language));
    if (str_listed(names, standard))
        put_voice(j, &info, standard);
    while (str_cut(&names, ',', &name))
        if (!str_eq(str_trim(name), standard))
            put_voice(j, &info, str_trim(name));
    end_program(j, "supports_synthesize_streaming");
    json_end(j);
    json_end(j);
}

static void put_mind(struct json_out *j, const struct server *s)
{
    struct answerer_info who;
    struct engine_info ears;
    answerer_info(s->answerer, &who);
    engine_info(s->stt, &ears);
    struct str language = str_of(s->conf->language);
    begin_program(j, "handle", "Answers from your documents", "models");
    json_obj(j);
    put_artifact(j, str_file_name(str_of(who.model)), who.driver, "who answers");
    put_languages(j, str_eq_nocase(language, S("auto")) ? languages_heard(&ears) : language);
    json_end(j);
    end_program(j, "supports_handled_streaming");
    json_kbool(j, "supports_home_control", false);
    json_end(j);
    json_end(j);
}

enum err describe_tell(struct peer *p, const struct wyoming_event *e, struct json_why *why)
{
    (void)e, (void)why;
    const struct server *s = p->door->server;
    struct json_out j = peer_event(p);
    put_ears(&j, s->stt);
    put_mouth(&j, s->tts, s->conf);
    put_mind(&j, s);
    peer_send(p, "info", &j, S(""));
    return OK;
}
