// SPDX-License-Identifier: Apache-2.0
/*
 * An engine that does what each tts_text tells it, for tests of the main loop. It answers in llm_token.
 *
 *     say WORDS    says them
 *     flood N      N audio frames of FLOOD_BYTES
 *     chatter N    N times "x", which costs no credit
 *     nap N        computes for N ms and sees a cancel
 *     deaf         says "deaf", computes until the server says stt_words, and sees nothing else
 *     deaf N       the same, for N ms
 *     spin         computes until it is cancelled
 *     watch        says "watching" and computes until it is stopped from the protocol thread; it does not look itself
 *     unwatch      the same, but it takes that back, says "unwatched" and does look
 *     await        waits until another stream is told to "release", and says "awaited"
 *     fail WHY     fails
 *     census       says "OPENED CLOSED MOST-AT-ONCE"
 *     reach        says what it can reach: "" is right
 *
 * It learns what stt_words tell it at once, but for "never", and not "nonsense".
 *
 * tts_open with the voice "no" is refused. Options: those of wire/script.h with threads= and streams=.
 * At its end it checks that every stream that was opened was closed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "wire/script.h"
#include "wire/worker.h"

enum { FLOOD_BYTES = 16000 };

struct echo {
    struct worker_stream *wire;
    atomic_bool busy; /* two threads at once would be the loop's fault */
    atomic_bool stopped;
};

static struct worker_role role;
static atomic_uint opened, closed, open_now, most_open;

static enum err load(const struct msg_load *m, struct worker_ready *ret_ready,
                     char why[WORKER_WHY_BYTES])
{
    const struct script_word words[] = {{"threads", .number = &role.max_threads},
                                        {"streams", .number = &role.max_streams}};
    struct script script = {};
    try(script_parse(&script, m->options, words, 2, why));
    *ret_ready = (struct worker_ready){.driver = "echo", .slots = role.max_streams};
    return OK;
}

static void unload(void)
{
    check(atomic_load(&opened) == atomic_load(&closed));
}

static enum err echo_open(struct worker_stream *s, void **ret_state)
{
    struct echo *e = mem_zero(1, sizeof *e);
    if (!e)
        return ERR_NOMEM;
    e->wire = s;
    *ret_state = e;
    atomic_fetch_add(&opened, 1);
    uint32_t now = atomic_fetch_add(&open_now, 1) + 1, most = atomic_load(&most_open);
    while (now > most && !atomic_compare_exchange_weak(&most_open, &most, now))
        ;
    return OK;
}

static void echo_close(void *state)
{
    struct echo *e = state;
    check(!atomic_load(&e->busy));
    free(e);
    atomic_fetch_sub(&open_now, 1);
    atomic_fetch_add(&closed, 1);
}

static enum err say(struct echo *e, struct str text)
{
    return worker_send(e->wire, MSG_llm_token, &(struct msg_llm_token){text});
}

static enum err flood(struct echo *e, int64_t count)
{
    static char sound[FLOOD_BYTES];
    for (; count > 0; count--)
        try(worker_send(e->wire, MSG_audio, &(struct msg_audio){{sound, sizeof sound}}));
    return OK;
}

static enum err chatter(struct echo *e, int64_t count)
{
    for (; count > 0; count--)
        try(say(e, S("x")));
    return OK;
}

static bool is_canceled(void *arg)
{
    return worker_canceled(arg);
}

static atomic_bool words_heard;

static void control(uint16_t type, const union msg *msg)
{
    if (type != MSG_stt_words)
        return;
    const struct msg_stt_words *words = &msg->stt_words;
    atomic_store(&words_heard, true);
    if (str_eq(words->text, S("never")))
        return;
    bool fails = str_eq(words->text, S("nonsense"));
    const struct msg_stt_learnt learnt = {words->telling, fails ? ERR_MEDIA : OK,
                                          fails ? S("it is nonsense") : S("")};
    (void)worker_tell(MSG_stt_learnt, &learnt);
}

static bool never(void *)
{
    return false;
}

static bool has_heard(void *)
{
    return atomic_load(&words_heard);
}

static enum err be_deaf(struct echo *e, int64_t ms)
{
    try(say(e, S("deaf")));
    if (ms > 0)
        return script_wait((uint32_t)ms, never, nullptr);
    while (script_wait(UINT32_MAX, has_heard, nullptr) == OK)
        ;
    return OK;
}

static atomic_bool released;

static bool is_over(void *arg)
{
    return atomic_load(&released) || worker_canceled(arg);
}

static enum err await(struct echo *e)
{
    worker_rest();
    (void)script_wait(UINT32_MAX, is_over, e->wire);
    worker_resume();
    return worker_canceled(e->wire) ? ERR_CANCELED : say(e, S("awaited"));
}

static void be_stopped(void *arg)
{
    struct echo *e = arg;
    atomic_store(&e->stopped, true);
}

static bool is_stopped(void *arg)
{
    const struct echo *e = arg;
    return atomic_load(&e->stopped);
}

static enum err watch(struct echo *e)
{
    worker_on_cancel(e->wire, be_stopped, e);
    try(say(e, S("watching")));
    (void)script_wait(UINT32_MAX, is_stopped, e);
    check(worker_canceled(e->wire));
    worker_on_cancel(e->wire, nullptr, nullptr);
    /* One that is cancelled already stops at once. */
    atomic_store(&e->stopped, false);
    worker_on_cancel(e->wire, be_stopped, e);
    check(atomic_load(&e->stopped));
    return ERR_CANCELED;
}

static enum err unwatch(struct echo *e)
{
    worker_on_cancel(e->wire, be_stopped, e);
    worker_on_cancel(e->wire, nullptr, nullptr);
    try(say(e, S("unwatched")));
    (void)script_wait(UINT32_MAX, is_canceled, e->wire);
    check(!atomic_load(&e->stopped));
    return ERR_CANCELED;
}

static enum err census(struct echo *e)
{
    autobuf text = BUF(100);
    try(buf_addf(&text, "%u %u %u", atomic_load(&opened), atomic_load(&closed),
                 atomic_load(&most_open)));
    return say(e, buf_str(&text));
}

static enum err reach(struct echo *e)
{
    autobuf text = BUF(100);
    if (socket(AF_INET, SOCK_STREAM, 0) >= 0)
        try(buf_add(&text, S("network ")));
    if (open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0)
        try(buf_add(&text, S("files ")));
    if (getuid() == 0)
        try(buf_add(&text, S("root ")));
    return say(e, buf_str(&text));
}

static enum err obey(struct echo *e, struct str word, struct str rest)
{
    int64_t n = 0;
    if (rest.n && rest.p[0] >= '0' && rest.p[0] <= '9')
        try(str_to_i64(rest, &n));
    if (str_eq(word, S("say")))
        return say(e, rest);
    if (str_eq(word, S("flood")))
        return flood(e, n);
    if (str_eq(word, S("chatter")))
        return chatter(e, n);
    if (str_eq(word, S("nap")))
        return script_wait((uint32_t)n, is_canceled, e->wire);
    if (str_eq(word, S("deaf")))
        return be_deaf(e, n);
    if (str_eq(word, S("spin")))
        return script_wait(UINT32_MAX, is_canceled, e->wire);
    if (str_eq(word, S("await")))
        return await(e);
    if (str_eq(word, S("release"))) {
        atomic_store(&released, true);
        return OK;
    }
    if (str_eq(word, S("watch")))
        return watch(e);
    if (str_eq(word, S("unwatch")))
        return unwatch(e);
    if (str_eq(word, S("census")))
        return census(e);
    if (str_eq(word, S("reach")))
        return reach(e);
    worker_why(e->wire, "%.*s", STR_FMT(rest));
    return ERR_MEDIA;
}

static enum err handle(struct echo *e, uint16_t type, const union msg *msg)
{
    if (type == MSG_tts_open)
        return str_eq(msg->tts_open.voice, S("no")) ? ERR_NOTFOUND : OK;
    if (type == MSG_tts_finish) {
        try(worker_send(e->wire, MSG_tts_done, &(struct msg_tts_done){}));
        worker_end(e->wire);
        return OK;
    }
    if (type != MSG_tts_text)
        return ERR_SYNTAX;
    struct str rest = msg->tts_text.text, word;
    return str_cut(&rest, ' ', &word) ? obey(e, word, rest) : OK;
}

static enum err echo_message(void *state, struct worker_stream *s, uint16_t type,
                             const union msg *msg)
{
    struct echo *e = state;
    check(e->wire == s && !atomic_exchange(&e->busy, true));
    enum err err = handle(e, type, msg);
    atomic_store(&e->busy, false);
    return err;
}

int main(int argc, char **argv)
{
    role = (struct worker_role){
        .name = "echo",
        .max_threads = 3,
        .max_streams = 4,
        .load = load,
        .unload = unload,
        .control = control,
        .open = echo_open,
        .message = echo_message,
        .close = echo_close,
    };
    return worker_main(&role, argc, argv);
}
