// SPDX-License-Identifier: Apache-2.0
#include "engine_fake.h"

#include <stdio.h>

#include "base/check.h"
#include "base/clock.h"

static bool begins(uint16_t type)
{
    return type == MSG_stt_open || type == MSG_vad_open || type == MSG_decode_open ||
           type == MSG_llm_open || type == MSG_tts_open;
}

/* The engine's last word in a stream. */
static bool ends(enum msg_type type)
{
    return type == MSG_fail || type == MSG_stt_final || type == MSG_decode_done ||
           type == MSG_llm_done || type == MSG_tts_done;
}

static void forget(struct fake *f, uint32_t stream)
{
    for (size_t i = 0; i < f->open_count; i++)
        if (f->open[i] == stream) {
            f->open[i] = f->open[--f->open_count];
            return;
        }
}

enum err engine_write(struct engine *e, struct str bytes)
{
    struct fake *f = (struct fake *)e;
    struct frame frame;
    union msg msg;
    size_t used;
    if (f->refuse != OK)
        return f->refuse;
    check(frame_next(bytes, &frame, &used) == OK && used == bytes.n);
    check(msg_from_server(frame.type) && msg_decode(&frame, &msg) == OK);
    if (f->notes < FAKE_NOTES) {
        f->note[f->notes].type = frame.type;
        f->note[f->notes].stream = frame.stream;
    }
    f->notes++;
    f->last_of[frame.type & 0xff] = frame.stream;
    if (frame.type == MSG_llm_segment && msg.llm_segment.trusted)
        snprintf(f->told, sizeof f->told, "%.*s", STR_FMT(msg.llm_segment.text));
    if (frame.type == MSG_tts_text) {
        size_t n = strlen(f->spoken);
        snprintf(f->spoken + n, sizeof f->spoken - n, "%.*s|", STR_FMT(msg.tts_text.text));
    }
    if (frame.type == MSG_tts_sound) {
        f->sound_bytes += msg.tts_sound.samples.n;
        f->sound_level = msg.tts_sound.level;
    }
    if (frame.type == MSG_credit)
        f->granted += msg.credit.bytes;
    if (begins(frame.type)) {
        f->last_stream = frame.stream;
        check(f->open_count < FAKE_OPEN);
        f->open[f->open_count++] = frame.stream;
    } else if (frame.type == MSG_cancel) {
        forget(f, frame.stream);
    }
    return OK;
}

void engine_watch_closely(struct engine *e)
{
    ((struct fake *)e)->hurried++;
}

void fake_create(struct fake *f, struct loop *loop, const char *role, uint32_t slots)
{
    *f = (struct fake){.engine = {.loop = loop, .role = (char *)role, .slots = slots}};
    f->engine.state = ENGINE_READY;
    f->engine.waiting_tail = &f->engine.waiting;
    f->engine.out = BUF(WIRE_PAYLOAD_MAX + WIRE_HEADER_BYTES);
    check(buf_reserve(&f->engine.out, f->engine.out.cap) == OK);
}

void fake_destroy(struct fake *f)
{
    check(!f->engine.live && !f->engine.waiting);
    const struct engine *e = &f->engine;
    check(e->live_count == 0 && e->light_count == 0);
    check(e->waiting_count == 0 && e->light_waiting == 0);
    jobs_end_all(&f->engine, ERR_DRAINING, ""); /* those that leave */
    buf_finish(&f->engine.out);
}

uint32_t fake_stream(const struct fake *f, enum msg_type type)
{
    return f->last_of[type & 0xff];
}

size_t fake_sent(const struct fake *f, uint16_t type)
{
    size_t n = 0;
    for (size_t i = 0; i < f->notes && i < FAKE_NOTES; i++)
        n += f->note[i].type == type;
    return n;
}

enum err fake_answer(struct fake *f, uint32_t stream, enum msg_type type, const void *msg)
{
    static char room[WIRE_PAYLOAD_MAX + WIRE_HEADER_BYTES];
    struct buf out = {.p = room, .room = sizeof room, .cap = sizeof room - 1};
    struct frame frame;
    size_t used;
    if (stream == 0)
        stream = (uint32_t)f->last_stream;
    try(msg_encode(&out, type, stream, msg));
    if (ends(type))
        forget(f, stream);
    check(frame_next(buf_str(&out), &frame, &used) == OK);
    return jobs_dispatch(&f->engine, &frame);
}

void fake_die(struct fake *f, uint64_t restart_ms)
{
    f->engine.state = ENGINE_DOWN;
    f->open_count = 0;
    f->engine.restart_ms = clock_ms() + restart_ms;
    jobs_end_all(&f->engine, ERR_ENGINE, "the engine stopped");
}

void fake_come_back(struct fake *f)
{
    f->engine.state = ENGINE_READY;
    jobs_start_waiting(&f->engine);
}

void engine_info(const struct engine *e, struct engine_info *ret_info)
{
    *ret_info = (struct engine_info){.role = e->role,
                                     .driver = e->driver ? e->driver : "fake",
                                     .model = e->ready_model ? e->ready_model : "",
                                     .languages = e->languages ? e->languages : "en",
                                     .notes = "",
                                     .vad = "",
                                     .voices = "",
                                     .refusal = "",
                                     .last_words = "",
                                     .state = e->state};
}
