// SPDX-License-Identifier: Apache-2.0
/* A server that speaks Wyoming is asked to describe itself. */
#include <string.h>

#include "base/log.h"
#include "server/engine/remote/parts.h"
#include "server/engine/remote/wyoming_info.h"

static void end(struct remote *r)
{
    wyoming_line_close(&r->probe_line);
}

static void on_opened(void *arg)
{
    struct remote *r = arg;
    if (wyoming_line_send(&r->probe_line, "describe", S(""), S("")) != OK)
        remote_probe_later(r);
}

static void is_no_wyoming(struct remote *r)
{
    remote_is_broken(
        r, &verdict_closed[REMOTE_STT],
        "what %.150s answers is not the Wyoming protocol; stt.url must be the address of "
        "a server that speaks it, such as wyoming-faster-whisper",
        r->url);
}

static void judge(struct remote *r, const struct wyoming_info *info)
{
    if (!info->has_recogniser) {
        remote_is_broken(r, &verdict_closed[REMOTE_STT],
                         "the server at %.150s has no recogniser: its info names no program "
                         "under \"asr\"",
                         r->url);
        return;
    }
    if (info->models.name[0]) {
        r->tells_partials = info->tells_partials;
        engine_keep_text(&r->engine->languages, str_of(info->languages));
    }
    remote_judge_models(r, &info->models);
}

/* Its words go to the log alone, and once: others may read the sentence, and one that changes would be news each time. */
static void refuse(struct remote *r, const struct wyoming_event *event)
{
    struct {
        struct str text;
    } told = {};
    static const struct json_field fields[] = {{"text", JSON_STR, 0}};
    static const char refuses[] = "does not describe itself";
    struct json_why why;
    char said[REMOTE_SAID_BYTES];
    bool is_known = r->engine->refusal && strstr(r->engine->refusal, refuses);
    (void)!wyoming_read(event, fields, 1, &told, &why); /* it may say nothing of itself */
    said_line(told.text, said, sizeof said);
    if (said[0] && !is_known)
        log_warn("recogniser: the server at %.150s %s: %s", r->url, refuses, said);
    remote_is_broken(r, &verdict_away[REMOTE_STT], "the server at %.150s %s", r->url, refuses);
}

/* Others may come unasked. */
static void on_event(void *arg, const struct wyoming_event *event)
{
    struct remote *r = arg;
    struct wyoming_info info;
    if (str_eq(event->type, S("error")))
        refuse(r, event);
    else if (!str_eq(event->type, S("info")))
        return;
    else if (wyoming_info_read(event, str_of(r->engine->model), &info) != OK)
        is_no_wyoming(r);
    else
        judge(r, &info);
}

static void on_ended(void *arg, enum err err, const char *why)
{
    struct remote *r = arg;
    if (err == ERR_NOMEM)
        remote_probe_later(r);
    else if (err == ERR_SYNTAX || err == ERR_UTF8 || err == ERR_TOOBIG)
        is_no_wyoming(r);
    else if (err == ERR_CLOSED)
        remote_is_broken(r, &verdict_away[REMOTE_STT],
                         "the server at %.150s closes the connection and describes nothing",
                         r->url);
    else
        remote_is_broken(r, &verdict_away[REMOTE_STT], "there is no %s at %.150s (%s)",
                         r->role->server, r->url, why[0] ? why : err_text(err));
}

static enum err begin(struct remote *r, uint32_t connect_ms)
{
    static const struct wyoming_line_events events = {
        .opened = on_opened, .event = on_event, .ended = on_ended};
    return wyoming_line_open(&r->probe_line, r, connect_ms, &events, r);
}

const struct remote_asking remote_asking_wyoming = {.begin = begin, .end = end};
