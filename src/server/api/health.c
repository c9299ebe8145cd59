// SPDX-License-Identifier: Apache-2.0
/* GET /healthz, /readyz and /metrics. The bare status is open to anybody; details and figures are for
 * trusted principals. */
#include <stdio.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/json.h"
#include "base/metrics.h"
#include "server/answerer/answerer.h"
#include "server/api/engines.h"
#include "server/api/route.h"
#include "server/engine/engine.h"
#include "server/engine/mouth/mouth.h"
#include "server/net/front.h"
#include "server/rag/rag.h"

enum { BODY_MAX = 256 * 1024 };

void handle_healthz(struct server *s, struct exchange *x, const struct principal *who,
                    struct str id)
{
    (void)s, (void)who, (void)id;
    exchange_reply(x, 200, "application/json", S("{\"status\":\"ok\"}"));
}

/* Who is to speak in its place, and whether it is there. */
static void put_mouth(struct json_out *j, const struct mouth_info *mouth)
{
    json_key(j, "remote");
    json_obj(j);
    json_kstr(j, "url", str_of(mouth->url));
    json_kstr(j, "voice", str_of(mouth->name));
    json_kstr(j, "state", mouth->is_up ? S("ready") : mouth->is_judged ? S("down") : S("starting"));
    json_kstr(j, "notes", str_of(mouth->notes));
    json_end(j);
}

static void put_engine(struct json_out *j, const struct engine *e)
{
    struct engine_info info;
    engine_info(e, &info);
    json_key(j, info.role);
    json_obj(j);
    json_kstr(j, "driver", str_of(info.driver));
    json_kstr(j, "model", str_of(info.model));
    json_kstr(j, "languages", str_of(info.languages));
    json_kstr(j, "state", str_of(engine_state_name(info.state)));
    json_knum(j, "since_s", (double)(clock_ms() - info.since_ms) / 1000);
    json_kint(j, "slots", info.slots);
    json_kint(j, "live", info.live);
    json_kint(j, "leaving", info.leaving);
    json_kint(j, "restarts", info.restarts);
    json_kint(j, "pid", info.pid);
    if (strcmp(info.role, "stt") == 0)
        json_kbool(j, "learnt", info.learnt);
    json_kstr(j, "notes", str_of(info.notes));
    struct mouth_info mouth;
    if (engine_mouth_info(e, &mouth))
        put_mouth(j, &mouth);
    json_end(j);
}

/* The language model's engine cannot be started yet, or a change is under way. */
static void put_missing_model(const struct server *s, struct json_out *j)
{
    struct answerer_info who;
    answerer_info(s->answerer, &who);
    json_key(j, "llm");
    json_obj(j);
    json_kstr(j, "driver", str_of(who.driver));
    json_kstr(j, "state", str_of(engine_state_name(ENGINE_DOWN)));
    json_kstr(j, "notes", S("nobody answers at the moment"));
    json_end(j);
}

static void put_details(struct server *s, struct json_out *j)
{
    struct rag_stats rag;
    rag_stats(s->rag, &rag);
    json_kstr(j, "version", S(REPARTEE_VERSION));
    json_key(j, "engines");
    json_obj(j);
    put_engine(j, s->stt);
    if (s->ears)
        put_engine(j, s->ears);
    if (s->llm) {
        put_engine(j, s->llm);
    } else if (s->talk.unanswered) {
        put_missing_model(s, j);
    } else {
        json_key(j, "llm");
        json_obj(j);
        json_kstr(j, "driver", S("quote"));
        json_kstr(j, "state", S("ready"));
        json_kstr(j, "notes", S("answers with the best sentences of the documents"));
        json_end(j);
    }
    put_engine(j, s->tts);
    if (s->embed)
        put_engine(j, s->embed);
    json_end(j);
    json_kint(j, "documents", (int64_t)rag.documents);
    json_kint(j, "chunks", (int64_t)rag.chunks);
    json_kint(j, "jobs", (int64_t)rag.jobs_waiting);
    json_kint(j, "sessions", sessions_count(s->sessions));
    json_kint(j, "turns", s->talk.live_count);
    json_kint(j, "connections", (int64_t)front_stats(s->front)->connections_now);
}

void handle_readyz(struct server *s, struct exchange *x, const struct principal *who, struct str id)
{
    (void)id;
    bool ready = server_ready(s);
    autobuf body = BUF(BODY_MAX);
    struct json_out j = {.to = &body};
    json_obj(&j);
    json_kstr(&j, "status", s->draining ? S("going_away") : ready ? S("ready") : S("starting"));
    if (who->trusted)
        put_details(s, &j);
    json_end(&j);
    enum err err = json_finish(&j);
    if (err != OK)
        exchange_error(x, err, nullptr, nullptr);
    else
        exchange_reply(x, ready ? 200 : 503, "application/json", buf_str(&body));
}

static enum err put_gauge(struct buf *into, const char *name, const char *help, double value)
{
    try(metrics_family(into, name, "gauge", help));
    return metrics_sample(into, name, "", value);
}

static enum err put_counter(struct buf *into, const char *name, const char *help, double value)
{
    try(metrics_family(into, name, "counter", help));
    return metrics_sample(into, name, "", value);
}

static enum err put_turns(struct server *s, struct buf *into)
{
    static const char stages[] = "repartee_stage_seconds";
    try(put_counter(into, "repartee_turns_total", "Turns begun.",
                    (double)counter_get(&turns_begun)));
    try(put_counter(into, "repartee_turns_failed_total", "Turns that ended with an error.",
                    (double)counter_get(&turns_failed)));
    try(put_counter(into, "repartee_turns_interrupted_total", "Turns that the user ended.",
                    (double)counter_get(&turns_canceled)));
    try(put_counter(into, "repartee_ahead_searches_total",
                    "Searches for passages while somebody still spoke.",
                    (double)counter_get(&ahead_looked)));
    try(put_counter(into, "repartee_ahead_searches_used_total",
                    "Of these, those whose passages the answer had.",
                    (double)counter_get(&ahead_used)));
    try(put_counter(into, "repartee_ahead_prompts_total",
                    "Prompts that the language model read while somebody still spoke.",
                    (double)counter_get(&ahead_read)));
    try(put_counter(into, "repartee_ahead_answers_total",
                    "Answers that were begun when somebody had probably finished.",
                    (double)counter_get(&wagers_made)));
    try(put_counter(into, "repartee_ahead_answers_used_total",
                    "Of these, those to the words that he had said in the end.",
                    (double)counter_get(&wagers_won)));
    try(put_counter(into, "repartee_tokens_total", "Tokens of answers.",
                    (double)counter_get(&tokens_generated)));
    try(put_gauge(into, "repartee_turns_live", "Turns running now.", s->talk.live_count));
    try(put_gauge(into, "repartee_sessions", "Sessions kept.", sessions_count(s->sessions)));
    try(metrics_family(into, stages, "histogram", "How long each stage of a turn took."));
    for (int i = 0; i < STAGE_COUNT; i++) {
        char label[48];
        snprintf(label, sizeof label, "stage=\"%s\"", stage_label((enum stage)i));
        try(metrics_histogram(into, stages, label, &stage_seconds[i]));
    }
    return OK;
}

static enum err put_cancels(const struct engine *const engines[SERVER_ENGINES], struct buf *into)
{
    static const char name[] = "repartee_engine_cancel_seconds";
    try(metrics_family(
        into, name, "histogram",
        "From the end of a job that nobody wants any more to its place being free."));
    for (int i = 0; i < SERVER_ENGINES; i++) {
        if (!engines[i])
            continue;
        struct engine_info info;
        engine_info(engines[i], &info);
        char label[48];
        snprintf(label, sizeof label, "engine=\"%s\"", info.role);
        try(metrics_histogram(into, name, label, engine_cancel_seconds(engines[i])));
    }
    return OK;
}

static enum err put_guards(const struct engine *stt, struct buf *into)
{
    static const char name[] = "repartee_stt_guarded_total";
    static const char *const reasons[] = {
#define X(reason, meaning) [GUARD_##reason] = #reason,
        GUARDS(X)
#undef X
    };
    try(metrics_family(into, name, "counter",
                       "What the recogniser did not believe, or did not look at, and why."));
    for (int i = GUARD_NONE + 1; i < GUARD_COUNT; i++) {
        char label[48];
        snprintf(label, sizeof label, "reason=\"%s\"", reasons[i]);
        try(metrics_sample(into, name, label, (double)engine_guarded(stt, (enum guard)i)));
    }
    return OK;
}

static enum err put_mouth_counts(const struct engine *tts, struct buf *into)
{
    static const char name[] = "repartee_tts_fallbacks_total";
    struct mouth_info mouth;
    if (!engine_mouth_info(tts, &mouth))
        return OK;
    try(put_gauge(into, "repartee_tts_remote_up", "1 while the server of tts.url is used.",
                  mouth.is_up));
    try(put_counter(into, "repartee_tts_remote_clauses_total",
                    "Clauses that the server of tts.url spoke.", (double)mouth.clauses));
    try(put_counter(into, "repartee_tts_remote_kept_total",
                    "Of these, those whose sound was kept from an earlier time.",
                    (double)mouth.again));
    try(metrics_family(into, name, "counter",
                       "Clauses that the local voice spoke in its place, and why."));
    for (int i = 0; i < MOUTH_REASON_COUNT; i++) {
        char label[48];
        snprintf(label, sizeof label, "reason=\"%s\"", mouth_reason_name((enum mouth_reason)i));
        try(metrics_sample(into, name, label, (double)mouth.fallbacks[i]));
    }
    return OK;
}

static enum err put_engines(struct server *s, struct buf *into)
{
    const struct engine *engines[SERVER_ENGINES];
    server_engines(s, engines);
    static const struct {
        const char *name, *help;
    } families[] = {
        {"repartee_engine_up", "1 while the engine is ready."},
        {"repartee_engine_jobs", "Jobs that run."},
        {"repartee_engine_waiting", "Jobs that wait for a place."},
        {"repartee_engine_leaving", "Jobs that nobody wants any more and that still run."},
        {"repartee_engine_restarts_total", "How often the engine was started again."},
    };
    for (int f = 0; f < 5; f++) {
        try(metrics_family(into, families[f].name, f == 4 ? "counter" : "gauge", families[f].help));
        for (int i = 0; i < SERVER_ENGINES; i++) {
            if (!engines[i])
                continue;
            struct engine_info info;
            engine_info(engines[i], &info);
            const double values[] = {info.state == ENGINE_READY, info.live, info.waiting,
                                     info.leaving, info.restarts};
            char label[48];
            snprintf(label, sizeof label, "engine=\"%s\"", info.role);
            try(metrics_sample(into, families[f].name, label, values[f]));
        }
    }
    try(put_guards(s->stt, into));
    try(put_mouth_counts(s->tts, into));
    return put_cancels(engines, into);
}

static enum err put_net(struct server *s, struct buf *into)
{
    const struct net_stats *n = front_stats(s->front);
    static const char responses[] = "repartee_http_responses_total";
    try(put_gauge(into, "repartee_connections", "Open connections.", (double)n->connections_now));
    try(put_gauge(into, "repartee_websockets", "Open WebSockets.", (double)n->websockets_now));
    try(put_counter(into, "repartee_http_requests_total", "Requests.", (double)n->requests));
    try(put_counter(into, "repartee_http_malformed_total", "Requests that were no HTTP.",
                    (double)n->malformed));
    try(put_counter(into, "repartee_tls_failed_total",
                    "TLS handshakes that failed or were too slow.", (double)n->handshakes_failed));
    try(put_counter(into, "repartee_http_timeouts_total", "Clients that were too slow to send.",
                    (double)n->timeouts));
    try(put_counter(into, "repartee_slow_readers_total", "Clients that were too slow to read.",
                    (double)n->slow_readers));
    try(put_counter(into, "repartee_connections_refused_total", "Connections over the limit.",
                    (double)n->refused));
    if (s->wyoming) {
        try(put_gauge(into, "repartee_wyoming_connections", "Open connections of Wyoming.",
                      wyoming_connections(s)));
        try(put_counter(into, "repartee_wyoming_refused_total",
                        "Connections of Wyoming that were not taken.", (double)wyoming_refused(s)));
    }
    try(put_counter(into, "repartee_received_bytes_total", "Bytes received.", (double)n->bytes_in));
    try(put_counter(into, "repartee_sent_bytes_total", "Bytes sent.", (double)n->bytes_out));
    try(metrics_family(into, responses, "counter",
                       "Responses by the first digit of their status."));
    for (int i = 1; i < 6; i++) {
        char label[24];
        snprintf(label, sizeof label, "status=\"%dxx\"", i);
        try(metrics_sample(into, responses, label, (double)n->responses[i]));
    }
    return OK;
}

static enum err put_rag(struct server *s, struct buf *into)
{
    struct rag_stats r;
    rag_stats(s->rag, &r);
    try(put_gauge(into, "repartee_documents", "Documents stored.", (double)r.documents));
    try(put_gauge(into, "repartee_chunks", "Passages stored.", (double)r.chunks));
    return put_gauge(into, "repartee_ingest_jobs", "Documents that wait to be ingested.",
                     (double)r.jobs_waiting);
}

void handle_metrics(struct server *s, struct exchange *x, const struct principal *who,
                    struct str id)
{
    (void)id;
    if (!who->trusted && !s->conf->metrics_open) {
        exchange_error(x, who->owner[0] ? ERR_DENIED : ERR_AUTH, nullptr, nullptr);
        return;
    }
    autobuf body = BUF(BODY_MAX);
    enum err err = put_turns(s, &body);
    if (err == OK)
        err = put_engines(s, &body);
    if (err == OK)
        err = put_net(s, &body);
    if (err == OK)
        err = put_rag(s, &body);
    if (err != OK)
        exchange_error(x, err, nullptr, nullptr);
    else
        exchange_reply(x, 200, "text/plain; version=0.0.4; charset=utf-8", buf_str(&body));
}
