// SPDX-License-Identifier: Apache-2.0
/* Is the synthesiser elsewhere there? It is asked for a word, used, lost, left alone, found again. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/engine/mouth/parts.h"

enum {
    BACKOFF_MIN_MS = 1000,
    BACKOFF_MAX_MS = 60000,
    RETRY_MAX_S = 600, /* whoever wants to be left alone for longer is asked all the same */
    TOLD_MS = 500,     /* shorter sound says nothing of how fast a voice speaks */
};
/* Asked for aloud since nothing else tells whether the key, the model and the voice are right, on any server; what it
 * speaks nobody hears, but how loud and how fast it is, is known before somebody does. */
static const struct str probe_text = S("One moment, please.");

static void begin_probe(struct mouth *m);

const char *mouth_reason_name(enum mouth_reason reason)
{
    static const char *const names[] = {
#define X(name) #name,
        MOUTH_REASONS(X)
#undef X
    };
    return names[reason];
}

const char *mouth_name(const struct mouth *m)
{
    const char *own = m->engine->voices ? m->engine->voices : "";
    struct str names = str_of(own), name;
    bool is_own = !m->voice[0];
    while (!is_own && str_cut(&names, ',', &name))
        is_own = str_eq(str_trim(name), str_of(m->voice));
    return is_own ? "remote" : m->voice;
}

static void leave_alone(struct mouth *m, uint32_t retry_after_s)
{
    m->backoff_ms = !m->backoff_ms                       ? BACKOFF_MIN_MS
                    : m->backoff_ms * 2 < BACKOFF_MAX_MS ? m->backoff_ms * 2
                                                         : BACKOFF_MAX_MS;
    if (retry_after_s > RETRY_MAX_S)
        retry_after_s = RETRY_MAX_S;
    uint64_t asked_for = (uint64_t)retry_after_s * 1000;
    timer_start(&m->timer, asked_for > m->backoff_ms ? asked_for : m->backoff_ms);
}

/* What the server says of itself may change with each try, such as the time; an outage is news once. */
void mouth_is_broken(struct mouth *m, const struct speech *by, enum mouth_reason reason,
                     uint32_t retry_after_s, const char *fmt, ...)
{
    char why[SPEECH_WHY_BYTES];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    bool is_news = m->is_up || !m->is_judged;
    if (by != m->probe && !is_news)
        return; /* one of several requests, whose first has told; the probe tells what is new */
    snprintf(m->notes, sizeof m->notes, "the voice at %.150s is not used: %s", m->url, why);
    if (is_news)
        log_warn("%s (%s); the local voice speaks, and it is tried again and again", m->notes,
                 mouth_reason_name(reason));
    m->is_up = false;
    m->is_judged = true;
    leave_alone(m, retry_after_s);
}

void mouth_doubts(struct mouth *m, const struct speech *by, struct str text)
{
    uint64_t hash = str_hash(text);
    if (m->is_doubted && m->doubted != hash) {
        mouth_is_broken(m, by, by->reason, by->retry_after_s, "%s", by->why);
        return;
    }
    if (!m->is_doubted)
        log_warn("the voice at %.150s has not spoken one text: %s (%s); the local voice does",
                 m->url, by->why, mouth_reason_name(by->reason));
    m->is_doubted = true;
    m->doubted = hash;
}

void mouth_is_well(struct mouth *m)
{
    if (!m->is_up)
        return; /* that was before it failed */
    m->is_doubted = false;
    m->backoff_ms = 0;
}

void mouth_is_there(struct mouth *m)
{
    bool is_news = !m->is_up;
    timer_stop(&m->timer);
    m->is_up = m->is_judged = true;
    m->is_doubted = m->is_single = false;
    if (is_news)
        kept_clear(&m->kept); /* it may have been given another voice */
    snprintf(m->notes, sizeof m->notes, "speaks with the voice %.80s of %.150s", mouth_name(m),
             m->url);
    if (is_news)
        log_info("tts %s", m->notes);
}

void mouth_learn_speed(struct mouth *m, uint64_t ms, size_t bytes, float speed)
{
    double per_byte = bytes ? (double)ms * (double)speed / (double)bytes : 0;
    if (ms >= TOLD_MS && per_byte > 0)
        m->ms_per_byte = m->ms_per_byte > 0 ? (3 * m->ms_per_byte + per_byte) / 4 : per_byte;
}

static void on_purge(void *arg)
{
    struct mouth *m = arg;
    uint64_t left_ms = kept_purge(&m->kept);
    if (left_ms)
        timer_start(&m->purge, left_ms);
}

bool mouth_wants_kept(struct mouth *m, struct str text, float speed, uint64_t job)
{
    bool is_wanted = kept_wants(&m->kept, text, speed, job);
    if (!timer_armed(&m->purge))
        timer_start(&m->purge, KEPT_MS);
    return is_wanted;
}

/* --- the probe --- */

static void end_probe(struct mouth *m)
{
    speech_finish(m->probe);
    free(m->probe);
    m->probe = nullptr;
}

static void on_probe_news(void *arg)
{
    struct mouth *m = arg;
    struct speech *s = m->probe;
    if (s->samples.n)
        loudness_add(&m->loudness, s->sound.rate_hz, (const int16_t *)s->samples.p,
                     s->samples.n / sizeof(int16_t));
    buf_clear(&s->samples);
    if (s->state == SPEECH_COMING)
        return;
    if (s->state == SPEECH_WHOLE)
        mouth_learn_speed(m, mouth_sound_ms(&s->sound), probe_text.n, 1);
    if (s->state == SPEECH_WHOLE && s->first_ms > m->first_sound_ms)
        mouth_is_broken(m, s, MOUTH_late, 0,
                        "it took %llu ms to begin to speak; tts.first_sound_ms is %u",
                        (unsigned long long)s->first_ms, m->first_sound_ms);
    else if (s->state == SPEECH_WHOLE)
        mouth_is_there(m);
    else if (s->fault != SPEECH_SERVER)
        mouth_is_broken(m, s, s->reason, s->retry_after_s, "%s", s->why);
    else if (!timer_armed(&m->timer))
        leave_alone(m, 0); /* it was ours to blame */
    end_probe(m);
}

static void begin_probe(struct mouth *m)
{
    m->probe = mem_zero(1, sizeof *m->probe);
    enum err err =
        m->probe ? speech_begin(m->probe, m, probe_text, 1, on_probe_news, m) : ERR_NOMEM;
    if (err == OK)
        return;
    mouth_is_broken(m, m->probe, MOUTH_memory, 0, "it cannot be asked (%s)", err_text(err));
    if (m->probe)
        end_probe(m);
}

static void on_timer(void *arg)
{
    struct mouth *m = arg;
    if (!m->probe)
        begin_probe(m);
}

/* --- life --- */

static enum err copy_texts(struct mouth *m, const struct engine_mouth *config)
{
    struct str url = str_of(config->url);
    while (str_ends(url, S("/")))
        url.n--;
    const struct {
        char **to;
        struct str from;
    } texts[] = {
        {&m->url, url},
        {&m->key, str_of(config->key)},
        {&m->model, str_of(config->model)},
        {&m->voice, str_of(config->voice)},
        {&m->language, str_of(config->language)},
        {&m->local_voice, str_of(config->local_voice)},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        *texts[i].to = mem_strdup(texts[i].from);
        if (!*texts[i].to)
            return ERR_NOMEM;
    }
    return OK;
}

enum err mouth_create(struct engine *e, const struct engine_mouth *config, struct mouth **ret_m)
{
    struct mouth *m = mem_zero(1, sizeof *m);
    if (!m)
        return ERR_NOMEM;
    m->engine = e;
    m->api = config->api;
    m->connect_ms = config->connect_ms;
    m->first_sound_ms = config->first_sound_ms;
    m->reply_ms = config->reply_ms;
    timer_init(&m->timer, e->loop, on_timer, m);
    timer_init(&m->purge, e->loop, on_purge, m);
    enum err err = copy_texts(m, config);
    if (err == OK)
        err = fetcher_create(e->loop, &m->fetcher);
    if (err != OK) {
        mouth_destroy(m);
        return err;
    }
    snprintf(m->notes, sizeof m->notes, "the voice at %.150s has not answered yet", m->url);
    timer_start(&m->timer, 0);
    *ret_m = m;
    return OK;
}

void mouth_destroy(struct mouth *m)
{
    if (!m)
        return;
    timer_stop(&m->timer);
    timer_stop(&m->purge);
    if (m->probe)
        end_probe(m);
    kept_clear(&m->kept);
    if (m->fetcher)
        fetcher_destroy(m->fetcher);
    char *owned[] = {m->url, m->key, m->model, m->voice, m->language, m->local_voice};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
    free(m);
}

void mouth_info(const struct mouth *m, struct mouth_info *ret_info)
{
    *ret_info = (struct mouth_info){.url = m->url,
                                    .name = mouth_name(m),
                                    .is_judged = m->is_judged,
                                    .is_up = m->is_up,
                                    .notes = m->notes,
                                    .clauses = m->clauses,
                                    .again = m->again};
    memcpy(ret_info->fallbacks, m->fallbacks, sizeof m->fallbacks);
}

bool engine_mouth_info(const struct engine *e, struct mouth_info *ret_info)
{
    if (e->mouth)
        mouth_info(e->mouth, ret_info);
    return e->mouth;
}
