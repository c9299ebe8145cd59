// SPDX-License-Identifier: Apache-2.0
/* Owners of jobs at an engine that the test plays (engine_fake.h): what they hear, and what they do then. Included by one
 * file a program. */
#pragma once

#include <stdio.h>

#include "base/clock.h"
#include "engine_fake.h"
#include "server/loop/loop.h"
#include "unit.h"

enum { SLOTS = 2 };
constexpr uint64_t BEGIN_US = 1000000;

static struct loop *loop;
static struct fake fake;
static struct engine *const engine = &fake.engine;

static inline int set_up(void **)
{
    clock_fake(BEGIN_US);
    fake_create(&fake, loop, "stt", SLOTS);
    return 0;
}

static inline int tear_down(void **)
{
    fake_destroy(&fake);
    clock_fake(UINT64_MAX);
    return 0;
}

/* Whoever holds a job, and what he does when he hears of it. */
struct owner {
    struct job *job; /* live, or NULL */
    unsigned messages, ends;
    uint16_t last;
    enum err err;
    char text[240];
    bool cancels;         /* at the first message */
    struct owner *begins; /* at the end, in its place */
};

static inline void open_for(struct owner *o, bool light);

static inline void on_message(void *arg, enum msg_type type, const union msg *)
{
    struct owner *o = arg;
    assert_non_null(o->job);
    o->messages++;
    o->last = type;
    if (o->cancels) {
        job_cancel(o->job);
        o->job = nullptr;
    }
}

static inline void on_ended(void *arg, enum err err, const char *text)
{
    struct owner *o = arg;
    assert_non_null(o->job);
    o->job = nullptr;
    o->ends++;
    o->err = err;
    snprintf(o->text, sizeof o->text, "%s", text);
    if (o->begins)
        open_for(o->begins, false);
}

static const struct job_events events = {.message = on_message, .ended = on_ended};

static inline void open_for(struct owner *o, bool light)
{
    assert_ok(light ? engine_open_light(engine, &events, o, &o->job)
                    : engine_open(engine, &events, o, &o->job));
    const struct msg_stt_open open = {.rate_hz = 16000, .language = S("en")};
    const struct msg_decode_open decode = {S("opus")};
    assert_ok(light ? job_send(o->job, MSG_decode_open, &decode)
                    : job_send(o->job, MSG_stt_open, &open));
}

static inline void give_up(struct owner *o)
{
    job_cancel(o->job);
    o->job = nullptr;
}
