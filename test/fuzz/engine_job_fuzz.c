// SPDX-License-Identifier: Apache-2.0
/*
 * Bytes from an engine that has been taken over, to the server's jobs: whatever it says, a job's owner
 * hears nothing after the end, which comes once, and never of a job that he has cancelled. The first
 * byte says what the owners do at their first message; half of them grant what they hear anew.
 */
#include "base/check.h"
#include "engine_fake.h"
#include "fuzz.h"

enum { SLOTS = 2, JOBS = 5 };

static struct owner {
    struct job *job; /* live, or NULL */
    bool cancels, grants;
} owners[JOBS];

static void on_message(void *arg, enum msg_type type, const union msg *)
{
    struct owner *o = arg;
    check(o->job != nullptr && msg_from_engine(type));
    if (o->cancels) {
        job_cancel(o->job);
        o->job = nullptr;
    } else if (o->grants) {
        job_consumed(o->job, 40000);
    }
}

static void on_ended(void *arg, enum err, const char *text)
{
    struct owner *o = arg;
    check(o->job != nullptr && utf8_valid(str_of(text)));
    o->job = nullptr;
}

/* More than an engine takes at first. */
static void send_much(struct job *j)
{
    static char text[50000] = {[0 ... sizeof text - 1] = 'a'};
    const struct msg_tts_text words = {{text, sizeof text}};
    for (size_t n = 0; n <= WIRE_CREDIT; n += sizeof text)
        check(job_send(j, MSG_tts_text, &words) == OK);
}

static void open_job(struct engine *e, int i, uint8_t habits)
{
    static const struct job_events events = {.message = on_message, .ended = on_ended};
    struct owner *o = &owners[i];
    *o = (struct owner){.cancels = habits >> i & 1, .grants = i % 2 == 0};
    bool light = i == JOBS - 1;
    check((light ? engine_open_light : engine_open)(e, &events, o, &o->job) == OK);
    const struct msg_tts_open open = {S("rms"), 16000, 1, S("pcm")};
    const struct msg_vad_open watch = {16000};
    check((light ? job_send(o->job, MSG_vad_open, &watch)
                 : job_send(o->job, MSG_tts_open, &open)) == OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fake fake;
    if (size == 0)
        return 0;
    struct str rest = {(const char *)data + 1, size - 1};
    fake_create(&fake, nullptr, "tts", SLOTS);
    for (int i = 0; i < JOBS; i++)
        open_job(&fake.engine, i, data[0]);
    send_much(owners[0].job);
    struct frame f;
    size_t used;
    while (frame_next(rest, &f, &used) == OK && jobs_dispatch(&fake.engine, &f) == OK) {
        rest = str_sub(rest, used, rest.n);
        check(fake.engine.live_count <= SLOTS);
    }
    fake_die(&fake, 0);
    for (int i = 0; i < JOBS; i++)
        check(owners[i].job == nullptr);
    fake_destroy(&fake);
    return 0;
}
