// SPDX-License-Identifier: Apache-2.0
#include "server/models/puller.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "server/loop/child.h"

enum {
    LINE_MAX = 4096,
    BURST_BYTES = 64 * 1024, /* that it may write at any time, and how much on the average */
    BYTES_PER_MS = 16,
    LAST_MS = 10000, /* from its last word or its end to the end of both */
};
constexpr double SIZE_MAX_BYTES = 1e15;

struct puller {
    struct loop *loop;
    const struct puller_events *events;
    void *arg;
    struct child *child;
    struct timer timer; /* the end of patience */
    struct deferred over;
    struct buf line; /* the beginning of one whose end has not come */
    uint64_t begun_ms, silence_ms, bytes;
    bool is_judged;      /* how it ended: err and why */
    bool has_missed;     /* a line, for want of memory */
    bool closed, exited; /* its socket, its process */
    int status, signal;  /* that it exited with */
    enum err err;
    char why[800];
};

/* What a line may hold. */
struct report {
    struct str type, name, code, message;
    int64_t done, total;
};

/* --- how it ended --- */

__attribute__((format(printf, 3, 4))) static void judge(struct puller *p, enum err err,
                                                        const char *fmt, ...)
{
    if (p->is_judged)
        return;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(p->why, sizeof p->why, fmt, ap);
    va_end(ap);
    p->why[utf8_prefix(str_of(p->why), sizeof p->why)] = 0;
    p->is_judged = true;
    p->err = err;
    timer_start(&p->timer, LAST_MS);
}

__attribute__((format(printf, 3, 4))) static void give_up(struct puller *p, enum err err,
                                                          const char *fmt, ...)
{
    char text[200];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    judge(p, err, "%s; try again, what has come is kept", text);
    child_kill(p->child, SIGKILL);
}

static void judge_by_exit(struct puller *p)
{
    if (p->has_missed && p->status == 0 && p->signal == 0)
        judge(p, OK, "%s", "");
    else if (p->has_missed)
        judge(p, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
    else if (p->signal)
        judge(p, ERR_IO, "the download was ended by signal %d; try again, what has come is kept",
              p->signal);
    else
        judge(p, ERR_IO,
              "the download ended with status %d and did not say why; the server's log may tell",
              p->status);
}

/* Its process is gone, and all that it said is heard. */
static void on_over(void *arg)
{
    struct puller *p = arg;
    const struct puller_events *events = p->events;
    void *owner = p->arg;
    judge_by_exit(p);
    enum err err = p->err;
    char why[sizeof p->why];
    memcpy(why, p->why, sizeof why);
    puller_destroy(p);
    events->ended(owner, err, why);
}

/* --- what it says --- */

static enum err err_of_code(struct str code)
{
    for (enum err e = OK + 1; e < ERR_COUNT; e++)
        if (str_eq(code, str_of(err_code(e))))
            return e;
    return ERR_INTERNAL;
}

static void take_report(struct puller *p, const struct report *r)
{
    timer_start(&p->timer, p->silence_ms);
    if (str_eq(r->type, S("progress"))) {
        p->events->progress(p->arg, r->done, r->total);
    } else if (str_eq(r->type, S("done"))) {
        judge(p, OK, "%s", "");
    } else if (str_eq(r->type, S("error"))) {
        enum err err = err_of_code(r->code);
        judge(p, err, "%.*s", STR_FMT(r->message.n ? r->message : str_of(err_text(err))));
    }
}

static void take_line(struct puller *p, struct str line)
{
    static const struct json_field fields[] = {
        {"type", JSON_STR, offsetof(struct report, type), .required = true,
         .one_of = "alive|progress|done|error"},
        {"name", JSON_STR, offsetof(struct report, name)},
        {"code", JSON_STR, offsetof(struct report, code)},
        {"message", JSON_STR, offsetof(struct report, message)},
        {"done", JSON_INT, offsetof(struct report, done), .max = SIZE_MAX_BYTES},
        {"total", JSON_INT, offsetof(struct report, total), .max = SIZE_MAX_BYTES},
    };
    struct report r = {};
    struct json_doc *doc = nullptr;
    struct json_why why;
    enum err err = json_parse(line, &doc, &why);
    if (err == OK)
        err = json_read(json_root(doc), fields, sizeof fields / sizeof *fields, JSON_STRICT, &r,
                        &why);
    if (err == OK)
        take_report(p, &r);
    else if (err == ERR_NOMEM)
        p->has_missed = true;
    else
        give_up(p, ERR_INTERNAL, "the download said what nobody understands and was ended");
    json_doc_destroy(doc);
}

/* There is room for a line from the start on, so only a line that is too long does not fit. */
static bool keep(struct puller *p, struct str piece)
{
    if (buf_add(&p->line, piece) == OK)
        return true;
    give_up(p, ERR_INTERNAL, "the download said more than it may and was ended");
    return false;
}

static void on_bytes(void *arg, struct str bytes)
{
    struct puller *p = arg;
    p->bytes += bytes.n;
    if (p->bytes > BURST_BYTES + (clock_ms() - p->begun_ms) * BYTES_PER_MS)
        give_up(p, ERR_INTERNAL, "the download said more than it may and was ended");
    while (bytes.n && !p->is_judged) {
        size_t n = str_find_byte(bytes, '\n');
        if (!keep(p, str_sub(bytes, 0, n)) || n == bytes.n)
            return;
        take_line(p, buf_str(&p->line));
        buf_clear(&p->line);
        bytes = str_sub(bytes, n + 1, bytes.n);
    }
}

/* --- its life --- */

static void look(struct puller *p)
{
    if (p->closed && p->exited)
        deferred_call(&p->over);
    else
        timer_start(&p->timer, LAST_MS);
}

static void on_end(void *arg)
{
    struct puller *p = arg;
    p->closed = true;
    look(p);
}

static void on_exited(void *arg, int status, int signal)
{
    struct puller *p = arg;
    p->exited = true;
    p->status = status;
    p->signal = signal;
    look(p);
}

static void on_time(void *arg)
{
    struct puller *p = arg;
    if (p->exited) /* somebody else holds its socket */
        deferred_call(&p->over);
    else if (p->is_judged || p->closed)
        child_kill(p->child, SIGKILL);
    else
        give_up(p, ERR_LATE, "the download did not stir any more and was ended");
}

enum err puller_start(struct loop *loop, const struct puller_spec *spec,
                      const struct puller_events *events, void *arg, struct puller **ret_p)
{
    static const struct child_events child_events = {
        .read = on_bytes, .end = on_end, .exited = on_exited};
    const struct child_spec child = {.path = spec->program, .argv = spec->argv, .env = spec->env};
    struct puller *p = mem_zero(1, sizeof *p);
    if (!p)
        return ERR_NOMEM;
    *p = (struct puller){.loop = loop,
                         .events = events,
                         .arg = arg,
                         .line = BUF(LINE_MAX),
                         .begun_ms = clock_ms(),
                         .silence_ms = spec->silence_ms};
    timer_init(&p->timer, loop, on_time, p);
    deferred_init(&p->over, loop, on_over, p);
    enum err err = buf_reserve(&p->line, LINE_MAX);
    if (err == OK)
        err = child_spawn(loop, &child, &child_events, p, &p->child);
    if (err != OK) {
        puller_destroy(p);
        return err;
    }
    timer_start(&p->timer, p->silence_ms);
    *ret_p = p;
    return OK;
}

void puller_cancel(struct puller *p, enum err err, const char *sentence)
{
    judge(p, err, "%s", sentence);
    child_kill(p->child, SIGKILL);
}

void puller_destroy(struct puller *p)
{
    if (!p)
        return;
    child_destroy(p->child);
    timer_stop(&p->timer);
    deferred_cancel(&p->over);
    buf_finish(&p->line);
    free(p);
}
