// SPDX-License-Identifier: Apache-2.0
#include "server/engine/reader.h"

#include <signal.h>

#include "base/log.h"
#include "base/mem.h"
#include "server/engine/programs.h"
#include "server/loop/child.h"
#include "wire/msg.h"

enum { STREAM = 1 };

struct reader {
    const struct reader_events *events;
    void *arg;
    struct child *child;
    struct timer timer; /* the deadline; once over: frees the reader */
    struct buf in;
    uint64_t text_bytes;
    bool over;
};

static void reader_free(struct reader *r)
{
    child_destroy(r->child);
    timer_stop(&r->timer);
    buf_finish(&r->in);
    free(r);
}

/* The reader is freed in the loop's next round: a callback of its child may be running. */
static void finish(struct reader *r)
{
    r->over = true;
    if (r->child)
        child_kill(r->child, SIGKILL);
    timer_start(&r->timer, 0);
}

static void fail(struct reader *r, enum err err, const char *sentence)
{
    if (r->over)
        return;
    finish(r);
    r->events->failed(r->arg, err, sentence);
}

static void on_fail(struct reader *r, const struct msg_fail *msg)
{
    enum err err = msg->err > OK && msg->err < ERR_COUNT ? (enum err)msg->err : ERR_MEDIA;
    char text[240] = {};
    memcpy(text, msg->text.p, utf8_prefix(msg->text, sizeof text - 1));
    fail(r, err, text[0] ? text : "this file cannot be read");
}

static enum err on_frame(struct reader *r, const struct frame *f)
{
    union msg msg;
    if (!msg_from_engine(f->type) || msg_decode(f, &msg) != OK)
        return ERR_SYNTAX;
    if (f->type == MSG_read_text && r->events->text) {
        r->text_bytes += msg.read_text.text.n;
        if (r->text_bytes > READER_TEXT_MAX)
            return ERR_TOOBIG;
        r->events->text(r->arg, msg.read_text.text);
    } else if (f->type == MSG_audio && r->events->samples) {
        r->events->samples(r->arg, msg.audio.samples);
    } else if (f->type == MSG_read_done) {
        finish(r);
        r->events->done(r->arg, msg.read_done.title, msg.read_done.notes);
    } else if (f->type == MSG_fail) {
        on_fail(r, &msg.fail);
    } else if (f->type != MSG_hello) {
        return ERR_SYNTAX;
    }
    return OK;
}

static void on_bytes(void *arg, struct str bytes)
{
    struct reader *r = arg;
    enum err err = r->over ? OK : buf_add(&r->in, bytes);
    size_t at = 0;
    while (err == OK && !r->over) {
        struct frame f;
        size_t used;
        err = frame_next(str_sub(buf_str(&r->in), at, r->in.n), &f, &used);
        if (err == OK) {
            at += used;
            err = on_frame(r, &f);
        }
    }
    if (err == ERR_AGAIN)
        buf_eat(&r->in, at);
    else if (err == ERR_TOOBIG)
        fail(r, err, "the file holds more text than is accepted");
    else if (err == ERR_SYNTAX)
        fail(r, ERR_ENGINE, "the file could not be read: its reader is broken");
    else if (err != OK)
        fail(r, err, err_text(err));
}

static void on_end(void *arg)
{
    fail(arg, ERR_ENGINE, "the file could not be read: its reader stopped");
}

static void on_exited(void *arg, int status, int term_signal)
{
    struct reader *r = arg;
    if (!r->over)
        log_debug("repartee-read ended too early: status %d, signal %d", status, term_signal);
    /* What it wrote before may still lie in the socket, whose end comes after it. */
}

static void on_timer(void *arg)
{
    struct reader *r = arg;
    if (r->over)
        reader_free(r);
    else
        fail(r, ERR_LATE, "reading the file took too long");
}

static enum err open_file(struct reader *r, const struct reader_file *file)
{
    const struct msg_read_open open = {
        .kind = str_of(file->kind), .name = str_of(file->name), .size = file->size};
    autobuf out = BUF(WIRE_PAYLOAD_MAX + WIRE_HEADER_BYTES);
    try(msg_encode(&out, MSG_read_open, STREAM, &open));
    return child_write_fd(r->child, buf_str(&out), file->fd);
}

enum err reader_start(struct loop *loop, const struct reader_file *file,
                      const struct reader_events *events, void *arg, struct reader **ret_r)
{
    static const struct child_events child_events = {
        .read = on_bytes, .end = on_end, .exited = on_exited};
    autofree char *path = nullptr;
    try(program_path("read", &path));
    struct reader *r = mem_zero(1, sizeof *r);
    if (!r)
        return ERR_NOMEM;
    r->events = events;
    r->arg = arg;
    r->in = BUF(4 * (WIRE_PAYLOAD_MAX + WIRE_HEADER_BYTES));
    timer_init(&r->timer, loop, on_timer, r);
    const char *argv[] = {path, "--fd", "3", nullptr};
    const struct child_spec spec = {.path = path, .argv = argv, .env = program_env("read")};
    enum err err = child_spawn(loop, &spec, &child_events, r, &r->child);
    if (err == OK)
        err = open_file(r, file);
    if (err != OK) {
        reader_free(r);
        return err;
    }
    timer_start(&r->timer, READER_MS);
    *ret_r = r;
    return OK;
}

void reader_pause(struct reader *r)
{
    child_pause(r->child);
    if (!r->over)
        timer_stop(&r->timer); /* what the owner takes is not the reader's time */
}

void reader_resume(struct reader *r)
{
    child_resume(r->child);
    if (!r->over)
        timer_start(&r->timer, READER_MS);
}

void reader_cancel(struct reader *r)
{
    if (r && !r->over)
        finish(r);
}
