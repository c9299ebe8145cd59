// SPDX-License-Identifier: Apache-2.0
/*
 * One answer of a server elsewhere: collected, asked for, tried again while nothing of it has come, read, and
 * ended in one way.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "server/engine/remote/answer.h"
#include "server/engine/remote/parts.h"
#include "server/engine/remote/prompt.h"

enum {
    LAST_WORDS_MS = 1000, /* from the model's last word to the server's */
    LINGER_MS = 1000, /* from [DONE] to the end of the body; after it the connection serves again */
    PIECE_MAX = 1024, /* bytes of one token */
    CONTEXT_MIN = 256, /* tokens */
    REFUSAL_MAX = 64 * 1024,
    THINKING_MAX = 5, /* times first_token_ms: by then one that shows its thoughts says a word */
};

enum phase : uint8_t {
    COLLECTING,
    ASKING,
    PAUSING,
    LINGERING, /* the job is over, its connection is not */
    FAILED,    /* the job hears of it at the end of the step */
    CANCELED,
    READ_AHEAD, /* done: a server elsewhere reads all of it later */
};

struct remote_job {
    struct remote_work work;
    struct remote *remote;
    enum phase phase;
    bool is_stream;         /* what comes is an event stream */
    bool counts_completion; /* it was asked with max_completion_tokens */
    uint8_t tries;
    uint32_t left_out, context; /* tokens that it has been cut to */
    struct remote_prompt prompt;
    struct msg_llm_generate settings;
    struct buf stop, json,
        body; /* of the settings; of the request; of an answer that is no stream */
    struct fetch *fetch;
    struct remote_answer answer;
    struct timer timer; /* of the phase */
    uint64_t begun_us, first_us;
    struct deferred say;
    enum err err; /* FAILED */
    const char *sentence;
};

static void job_free(struct remote_job *j)
{
    remote_work_remove(&j->work);
    fetch_cancel(j->fetch);
    timer_stop(&j->timer);
    deferred_cancel(&j->say);
    remote_prompt_finish(&j->prompt);
    remote_answer_finish(&j->answer);
    buf_finish(&j->stop);
    buf_finish(&j->json);
    buf_finish(&j->body);
    free(j);
}

static void hang_up(struct remote_job *j)
{
    fetch_cancel(j->fetch);
    j->fetch = nullptr;
}

/* --- to the job's owner, who may cancel it meanwhile --- */

static enum err on_text(void *arg, struct str text)
{
    struct remote_job *j = arg;
    if (!j->first_us)
        j->first_us = clock_us();
    while (text.n && j->phase == ASKING) {
        size_t n = utf8_prefix(text, PIECE_MAX);
        remote_send(j->remote, j->work.stream, MSG_llm_token,
                    &(struct msg_llm_token){str_sub(text, 0, n)});
        text = str_sub(text, n, text.n);
    }
    return j->phase == ASKING ? OK : ERR_CANCELED;
}

static enum err on_logprob(void *arg, struct str list)
{
    struct remote_job *j = arg;
    if (j->phase == ASKING)
        remote_send(j->remote, j->work.stream, MSG_llm_logprob, &(struct msg_llm_logprob){list});
    return j->phase == ASKING ? OK : ERR_CANCELED;
}

static void job_fail(struct remote_job *j, enum err err, const char *sentence)
{
    struct remote *r = j->remote;
    uint32_t stream = j->work.stream;
    job_free(j);
    remote_send_failure(r, stream, err, sentence);
}

/* The same from inside a write. */
static void job_fail_later(struct remote_job *j, enum err err, const char *sentence)
{
    hang_up(j);
    timer_stop(&j->timer);
    j->phase = FAILED;
    j->err = err;
    j->sentence = sentence;
    deferred_call(&j->say);
}

static void on_say(void *arg)
{
    struct remote_job *j = arg;
    struct remote *r = j->remote;
    uint32_t stream = j->work.stream;
    if (j->phase == FAILED) {
        job_fail(j, j->err, j->sentence);
        return;
    }
    bool is_read = j->phase == READ_AHEAD;
    job_free(j);
    if (is_read)
        remote_send(r, stream, MSG_llm_done, &(struct msg_llm_done){.reason = S("prefill")});
    else
        remote_send(r, stream, MSG_canceled, &(struct msg_canceled){});
}

/* False: the job is over, by its owner's will or by what was no call. */
static bool send_calls(struct remote_job *j)
{
    const struct remote_answer *a = &j->answer;
    enum err err = remote_answer_check_calls(a);
    if (err == ERR_SYNTAX && a->is_cut)
        return true; /* it was cut in the middle of one */
    size_t count = j->prompt.one_call ? 1 : a->calls;
    for (size_t i = 0; err == OK && i < count; i++)
        if (!remote_prompt_offers(&j->prompt, buf_str(&a->call[i].name)))
            err = ERR_SYNTAX;
    if (err != OK) {
        job_fail_later(j, err == ERR_NOMEM ? err : ERR_ENGINE,
                       err == ERR_NOMEM ? err_text(err)
                                        : "the language model asked for no function that there is");
        return false;
    }
    for (size_t i = 0; i < count && j->phase == ASKING; i++) {
        struct str arguments = buf_str(&a->call[i].arguments);
        const struct msg_llm_call call = {.name = buf_str(&a->call[i].name),
                                          .arguments_json = arguments.n ? arguments : S("{}")};
        remote_send(j->remote, j->work.stream, MSG_llm_call, &call);
    }
    return j->phase == ASKING;
}

/* The connection may serve again if its answer ends in order. */
static void job_done(struct remote_job *j)
{
    const struct remote_answer *a = &j->answer;
    if (a->calls && !send_calls(j))
        return;
    uint64_t now = clock_us(), first = j->first_us ? j->first_us : now;
    const struct msg_llm_done done = {
        .reason = a->is_cut  ? S("length")
                  : a->calls ? S("tool_calls")
                             : S("stop"),
        .prompt_tokens = a->prompt_tokens,
        .cached_tokens = a->cached_tokens,
        .completion_tokens = a->has_usage ? a->completion_tokens : a->pieces,
        .segments_left_out = j->left_out,
        .prefill_us = first - j->begun_us,
        .decode_us = now - first,
    };
    struct remote *r = j->remote;
    uint32_t stream = j->work.stream;
    j->phase = LINGERING;
    j->work.is_over = true;
    timer_start(&j->timer, LINGER_MS);
    if (!j->fetch)
        job_free(j);
    remote_send(r, stream, MSG_llm_done, &done);
}

/* --- failures --- */

static void ask(struct remote_job *j);

static bool has_begun(const struct remote_job *j)
{
    return j->answer.pieces || j->answer.thoughts;
}

static uint64_t waited_ms(const struct remote_job *j)
{
    return (clock_us() - j->begun_us) / 1000;
}

/* Until its first word is late. */
static uint64_t left_ms(const struct remote_job *j)
{
    uint64_t most = j->remote->first_token_ms, waited = waited_ms(j);
    return waited < most ? most - waited : 0;
}

/* Something has come: so long it may take until more does. Whoever only thinks has an end, too. */
static void wait_for_more(struct remote_job *j)
{
    const struct remote *r = j->remote;
    uint64_t most = (uint64_t)THINKING_MAX * r->first_token_ms, waited = waited_ms(j);
    uint64_t left = j->answer.pieces ? r->silence_ms : waited < most ? most - waited : 0;
    timer_start(&j->timer, left < r->silence_ms ? left : r->silence_ms);
}

static void try_again_or_fail(struct remote_job *j, struct verdict v, uint32_t retry_after_s)
{
    uint32_t pause_ms = verdict_pause_ms(v, j->tries, retry_after_s, left_ms(j));
    if (has_begun(j) || !pause_ms) {
        job_fail(j, v.err, v.sentence);
        return;
    }
    hang_up(j);
    remote_answer_finish(&j->answer);
    buf_clear(&j->body);
    j->phase = PAUSING;
    timer_start(&j->timer, pause_ms);
}

static void broke(struct remote_job *j, enum err err, const char *why)
{
    struct remote *r = j->remote;
    /* To whoever waits, thinking is no beginning. */
    bool in_answer = err == ERR_LATE ? j->answer.pieces > 0 : has_begun(j);
    struct verdict v = err == ERR_TOOBIG && j->answer.said[0]
                           ? verdict_of_status(REMOTE_LLM, 0, ERR_TOOBIG)
                           : verdict_of_err(REMOTE_LLM, err, in_answer);
    log_warn("language model: %s%s%s", v.sentence, why[0] ? ": " : "", why);
    if (err == ERR_NOTFOUND || err == ERR_CLOSED || err == ERR_TIMEOUT || err == ERR_LATE)
        remote_look(r);
    try_again_or_fail(j, v, 0);
}

static enum err write_request(struct remote_job *j, uint32_t context)
{
    const struct remote_ask what = {.model = str_of(j->remote->engine->ready_model),
                                    .context = context,
                                    .counts_completion = j->remote->counts_completion,
                                    .generate = &j->settings};
    j->context = context;
    j->counts_completion = what.counts_completion;
    buf_clear(&j->json);
    return remote_prompt_write(&j->prompt, &what, &j->json, &j->left_out);
}

/* Its room is smaller than it says, or than we guess: more of this conversation is left out. Not of others,
 * which may have texts of another kind. */
static bool ask_for_less(struct remote_job *j)
{
    uint32_t left_out = j->left_out, context = j->context / 2;
    if (j->tries >= VERDICT_TRIES_MAX || context < CONTEXT_MIN || write_request(j, context) != OK ||
        j->left_out <= left_out)
        return false;
    buf_clear(&j->body);
    ask(j);
    return true;
}

/* It calls max_tokens by another name, from now on. */
static bool ask_by_other_name(struct remote_job *j)
{
    j->remote->counts_completion = true;
    if (j->counts_completion || write_request(j, j->context) != OK)
        return false;
    buf_clear(&j->body);
    ask(j);
    return true;
}

static void refused(struct remote_job *j, const struct fetch_result *result)
{
    char said[REMOTE_SAID_BYTES];
    enum err err = remote_refusal_read(buf_str(&j->body), str_of(j->remote->key), said);
    if (err == ERR_TOOBIG && ask_for_less(j))
        return;
    if (err == ERR_UNKNOWN && result->status == 400 && ask_by_other_name(j))
        return;
    struct verdict v = verdict_of_status(REMOTE_LLM, result->status, err);
    log_warn("language model: %s (HTTP %d)%s%s", v.sentence, result->status, said[0] ? ": " : "",
             said);
    if (result->status != 429 && err != ERR_TOOBIG)
        remote_look(j->remote);
    try_again_or_fail(j, v, result->retry_after_s);
}

/* --- the answer --- */

static void read_stream(struct remote_job *j, struct str bytes)
{
    struct remote_answer *a = &j->answer;
    uint32_t before = a->pieces + a->thoughts;
    bool was_finished = a->is_finished;
    enum err err = remote_answer_feed(a, bytes);
    if (j->phase != ASKING)
        return; /* its owner has heard enough */
    if (err != OK)
        broke(j, err, a->said);
    else if (a->is_done)
        job_done(j);
    else if (a->is_finished && !was_finished)
        timer_start(&j->timer, LAST_WORDS_MS);
    else if (!a->is_finished && a->pieces + a->thoughts != before)
        wait_for_more(j);
}

static void on_body(void *arg, struct str bytes)
{
    struct remote_job *j = arg;
    j->remote->is_heard = true;
    if (j->phase != ASKING)
        return;
    bool is_answer = fetch_status(j->fetch) == 200;
    j->is_stream = is_answer && fetch_is(j->fetch, "text/event-stream");
    if (j->is_stream) {
        read_stream(j, bytes);
        return;
    }
    size_t most = is_answer ? REMOTE_BODY_BYTES_MAX : REFUSAL_MAX;
    enum err err = bytes.n > most - j->body.n ? ERR_TOOBIG : buf_add(&j->body, bytes);
    if (err != OK && is_answer)
        broke(j, err, "");
    else if (is_answer)
        wait_for_more(j);
}

static void on_answered(struct remote_job *j)
{
    struct remote_answer *a = &j->answer;
    enum err err = j->is_stream ? remote_answer_end(a)
                   : j->body.n  ? remote_answer_whole(a, buf_str(&j->body))
                                : ERR_CLOSED;
    if (j->phase != ASKING)
        return;
    if (err == OK)
        job_done(j);
    else
        broke(j, err, a->said);
}

static void on_done(void *arg, const struct fetch_result *result)
{
    struct remote_job *j = arg;
    j->fetch = nullptr;
    if (j->phase == LINGERING)
        job_free(j);
    else if (result->err == OK && result->status == 200)
        on_answered(j);
    else if (result->err == OK)
        refused(j, result);
    else if (j->answer.is_finished) /* only the server's last word is lost */
        job_done(j);
    else
        broke(j, result->err, result->why);
}

static void ask(struct remote_job *j)
{
    static const struct fetch_events events = {.body = on_body, .done = on_done};
    const struct remote *r = j->remote;
    const struct fetch_request request = {.url = r->ask_url,
                                          .key = r->key,
                                          .body = buf_str(&j->json),
                                          .connect_ms = r->connect_ms,
                                          .is_fresh = j->tries > 0};
    j->phase = ASKING;
    j->tries++;
    j->is_stream = false;
    remote_answer_init(&j->answer, str_of(r->key), on_text, j);
    j->answer.on_logprob = j->prompt.has_logprobs ? on_logprob : nullptr;
    j->answer.top_logprobs = j->prompt.top_logprobs;
    timer_start(&j->timer, left_ms(j));
    enum err err = fetch_start(r->fetcher, &request, &events, j, &j->fetch);
    if (err != OK)
        job_fail_later(j, err, err_text(err));
}

static void on_timer(void *arg)
{
    struct remote_job *j = arg;
    if (j->phase == PAUSING) {
        ask(j);
    } else if (j->phase == LINGERING) {
        job_free(j);
    } else if (j->answer.is_finished) {
        hang_up(j);
        job_done(j);
    } else {
        broke(j, ERR_LATE, "");
    }
}

/* --- from the job's owner --- */

static void open_job(struct remote *r, uint32_t stream)
{
    struct remote_job *j = mem_zero(1, sizeof *j);
    if (!j) {
        deferred_call(&r->orphans);
        return;
    }
    j->remote = r;
    j->stop = BUF(WIRE_PAYLOAD_MAX);
    j->json = BUF(REMOTE_BODY_MAX);
    j->body = BUF(REMOTE_BODY_BYTES_MAX);
    timer_init(&j->timer, r->engine->loop, on_timer, j);
    deferred_init(&j->say, r->engine->loop, on_say, j);
    remote_work_add(r, &j->work, stream);
}

static void generate(struct remote_job *j, const struct msg_llm_generate *settings)
{
    j->settings = *settings;
    enum err err = buf_add(&j->stop, settings->stop_json);
    j->settings.stop_json = buf_str(&j->stop);
    if (err == OK)
        err = write_request(j, j->remote->context);
    if (err != OK) {
        job_fail_later(j, err, err_text(err));
        return;
    }
    j->begun_us = clock_us();
    ask(j);
}

static void cancel(struct remote_job *j)
{
    hang_up(j);
    timer_stop(&j->timer);
    j->phase = CANCELED;
    deferred_call(&j->say);
}

static void take(struct remote *r, const struct frame *f, const union msg *msg)
{
    if (f->type == MSG_llm_open) {
        open_job(r, f->stream);
        return;
    }
    struct remote_job *j = (struct remote_job *)remote_work_find(r, f->stream);
    if (!j)
        return;
    enum err err = OK;
    if (f->type == MSG_cancel) {
        cancel(j);
    } else if (j->phase == COLLECTING && f->type == MSG_llm_segment) {
        err = remote_prompt_add(&j->prompt, &msg->llm_segment);
    } else if (j->phase == COLLECTING && f->type == MSG_llm_generate) {
        generate(j, &msg->llm_generate);
    } else if (j->phase == COLLECTING && f->type == MSG_llm_prefill) {
        j->phase = READ_AHEAD;
        deferred_call(&j->say);
    } else if (j->phase == COLLECTING) {
        err = remote_prompt_wish(&j->prompt, f->type, msg);
    }
    if (err != OK)
        job_fail_later(j, err, err_text(err));
}

static void free_work(struct remote_work *w)
{
    job_free((struct remote_job *)w);
}

const struct remote_role remote_llm = {
    .kind = REMOTE_LLM,
    .name = "llm",
    .server = "language model's server",
    .path = "/chat/completions",
    .lists_models = true,
    .take = take,
    .asking = &remote_asking_models,
    .free_work = free_work,
};
