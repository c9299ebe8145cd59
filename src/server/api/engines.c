// SPDX-License-Identifier: Apache-2.0
#include "server/api/engines.h"

#include "base/conf.h"
#include "base/log.h"
#include "server/answerer/answerer.h"
#include "server/answerer/language_model.h"
#include "server/api/speech_model.h"
#include "server/api/startup.h"
#include "server/api/voice_model.h"
#include "server/engine/engine.h"

static void on_engine_state(void *arg, struct engine *e)
{
    struct engine_info info;
    engine_info(e, &info);
    if (info.state == ENGINE_READY)
        log_info("%s is ready: %s%s%s", info.role, info.driver, info.notes[0] ? ", " : "",
                 info.notes);
    struct server *s = arg;
    bool is_waited_for = s->is_patient || (info.refusal_passes && !s->is_private);
    if (info.state == ENGINE_DOWN && info.refusal[0] && !s->was_ready && !is_waited_for) {
        (void)server_refuse(&s->refused, ERR_ENGINE, "%s", info.refusal);
        loop_stop(s->loop);
    }
    server_look(s);
}

static void on_engine_learnt(void *arg, struct engine *, enum err err, struct str sentence)
{
    struct server *s = arg;
    if (err != OK)
        log_warn("the recogniser cannot learn the documents' words: %.*s", STR_FMT(sentence));
    startup_learnt(s->startup);
}

static enum err cannot_start(struct server_why *why, enum err err, const char *role)
{
    return server_refuse(
        why, err, "the %s engine cannot be started (%s); 'repartee doctor' says what is missing",
        role, err_text(err));
}

/* --- who answers --- */

static void on_change(void *arg, const struct answerer_now *now)
{
    struct server *s = arg;
    s->llm = s->talk.llm = now->llm;
    s->talk.changing = !now->takes_new;
    s->talk.unanswered = !now->answers;
    server_look(s);
}

static bool is_awaited(void *arg)
{
    const struct server *s = arg;
    return talk_has_questions(&s->talk);
}

static enum err start_answerer(struct server *s, struct server_why *why)
{
    static const struct answerer_events events = {
        .on_change = on_change, .on_state = on_engine_state, .is_awaited = is_awaited};
    struct answerer_why reason = {};
    struct answerer_now now;
    enum err err = answerer_create(s->loop, s->conf, s->data, &events, s, &s->answerer, &reason);
    if (err == OK) {
        answerer_now(s->answerer, &now);
        on_change(s, &now);
        return OK;
    }
    return reason.text[0] ? server_refuse(why, err, "%s", reason.text)
                          : cannot_start(why, err, "llm");
}

/* --- all of them --- */

static enum err start_others(struct server *s, struct server_why *why)
{
    const struct conf *c = s->conf;
    __attribute__((cleanup(speech_model_finish))) struct speech_model speech = {};
    struct voice_model voice = {};
    struct language_model memory = {};
    struct engine_config stt = {}, tts = {}, embed = {};
    const char *wrong = speech_model_choose(c, s->data, &speech, &stt);
    if (!wrong)
        wrong = voice_model_choose(c, s->data, &voice, &tts);
    bool has_embed = embedding_model_choose(c, s->data, &memory, &embed);
    if (!wrong && memory.file.wrong[0])
        wrong = memory.file.wrong;
    if (wrong)
        return server_refuse(why, ERR_INVALID, "%s", wrong);
    const struct {
        struct engine **engine;
        struct engine_config config;
    } engines[] = {
        {&s->stt, stt},
        {speech.has_ears ? &s->ears : nullptr, speech.ears},
        {&s->tts, tts},
        {has_embed ? &s->embed : nullptr, embed},
    };
    for (size_t i = 0; i < sizeof engines / sizeof *engines; i++) {
        struct engine_config config = engines[i].config;
        if (!engines[i].engine)
            continue;
        config.on_state = on_engine_state;
        config.on_learnt = on_engine_learnt;
        config.arg = s;
        enum err err = engine_create(s->loop, &config, engines[i].engine);
        if (err != OK)
            return cannot_start(why, err, config.role);
    }
    return OK;
}

enum err engines_start(struct server *s, struct server_why *why)
{
    try(start_answerer(s, why));
    try(start_others(s, why));
    s->talk.loop = s->loop;
    s->talk.conf = s->conf;
    s->talk.stt = s->stt;
    s->talk.ears = s->ears ? s->ears : s->stt;
    s->talk.reply_ms = s->ears ? (uint32_t)s->conf->stt_reply_ms : 0;
    s->talk.tts = s->tts;
    s->talk.rag = s->rag;
    s->talk.keep = s->keep;
    return OK;
}

void engines_stop(struct server *s)
{
    engine_destroy(s->stt);
    engine_destroy(s->ears);
    answerer_destroy(s->answerer);
    engine_destroy(s->tts);
    engine_destroy(s->embed);
    s->answerer = nullptr;
    s->stt = s->ears = s->llm = s->tts = s->embed = nullptr;
}

void server_engines(const struct server *s, const struct engine *into[SERVER_ENGINES])
{
    into[0] = s->stt;
    into[1] = s->llm;
    into[2] = s->tts;
    into[3] = s->embed;
    into[4] = s->ears;
}

bool engines_ready(const struct server *s)
{
    const struct engine *engines[SERVER_ENGINES];
    server_engines(s, engines);
    for (int i = 0; i < SERVER_ENGINES; i++) {
        if (!engines[i])
            continue;
        struct engine_info info;
        engine_info(engines[i], &info);
        if (info.state != ENGINE_READY)
            return false;
    }
    return !s->talk.changing;
}
