// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/confine.h"
#include "base/log.h"
#include "wire/inherit.h"
#include "wire/libcrypto.h"
#include "wire/worker_parts.h"

enum { TEXT_BYTES = 2048 }; /* of the texts that an engine tells of itself */

static enum err confine(const struct worker_role *role)
{
    struct confine_report report = {};
    const struct confine_rules rules = {.read_dirs = role->read_dirs, .threads = true};
    enum err err = confine_self(&rules, &report);
    if (report.text[0])
        log_line(err == OK ? LOG_WARN : LOG_ERROR, 0, "%s", report.text);
    return err;
}

/* What comes from a file's name or from inside of it may be cut anywhere, or be no text at all; the
 * protocol takes whole characters only. Takes NULL. */
static struct str text_of(const char *z, char into[TEXT_BYTES])
{
    static const struct str unknown = S("\uFFFD");
    size_t n = 0;
    for (struct str s = str_of(z ? z : ""); s.n > 0;) {
        uint32_t cp;
        size_t length = utf8_next(s, &cp);
        struct str c = length ? str_sub(s, 0, length) : unknown;
        if (n + c.n > TEXT_BYTES)
            break;
        memcpy(into + n, c.p, c.n);
        n += c.n;
        s = str_sub(s, length ? length : 1, s.n);
    }
    return (struct str){into, n};
}

static void say_failure(enum err err, const char *why)
{
    char text[TEXT_BYTES];
    const struct msg_fail fail = {(uint32_t)err, text_of(why[0] ? why : err_text(err), text)};
    (void)link_send(MSG_fail, WIRE_STREAM_NONE, &fail); /* a server that is gone needs no word */
}

enum err worker_tell(enum msg_type type, const void *msg)
{
    return link_send(type, WIRE_STREAM_NONE, msg);
}

static enum err on_load(const struct worker_role *role, const struct msg_load *load)
{
    char why[WORKER_WHY_BYTES] = "";
    struct worker_ready ready = {};
    enum err err = role->load(load, &ready, why);
    if (err == OK)
        err = confine(role);
    if (err == OK && role->start)
        err = role->start(why);
    if (err == OK)
        err = actors_start(role);
    if (err != OK) {
        say_failure(err, why);
        return err;
    }
    char driver[TEXT_BYTES], model[TEXT_BYTES], languages[TEXT_BYTES], notes[TEXT_BYTES];
    const struct msg_ready answer = {
        .driver = text_of(ready.driver, driver),
        .model = text_of(ready.model, model),
        .languages = text_of(ready.languages, languages),
        .rate_hz = ready.rate_hz,
        .slots = ready.slots,
        .notes = text_of(ready.notes, notes),
    };
    return link_send(MSG_ready, WIRE_STREAM_NONE, &answer);
}

static enum err on_control(const struct worker_role *role, uint16_t type, const union msg *msg)
{
    if (type == MSG_ping) {
        const struct msg_pong pong = {msg->ping.token, actors_live()};
        return link_send(MSG_pong, WIRE_STREAM_NONE, &pong);
    }
    if (type == MSG_load)
        say_failure(ERR_UNSUPPORTED, "an engine loads once");
    else if (role->control)
        role->control(type, msg);
    return OK;
}

static enum err broken(const struct frame *f)
{
    log_error("the server breaks the protocol with %s on stream %u", msg_name(f->type), f->stream);
    return ERR_SYNTAX;
}

static enum err on_frame(const struct worker_role *role, const struct frame *f, bool *loaded)
{
    union msg msg;
    if (!msg_from_server(f->type) || msg_decode(f, &msg) != OK)
        return broken(f);
    if (!*loaded) {
        *loaded = true;
        return f->type == MSG_load ? on_load(role, &msg.load) : broken(f);
    }
    if (f->stream == WIRE_STREAM_NONE)
        return on_control(role, f->type, &msg);
    enum err err = actors_frame(f, &msg);
    return err == ERR_SYNTAX ? broken(f) : err;
}

/* Handles the whole frames of `in` and keeps the rest. */
static enum err on_bytes(const struct worker_role *role, struct buf *in, bool *loaded)
{
    size_t at = 0, used;
    struct frame f;
    enum err err;
    while ((err = frame_next(str_sub(buf_str(in), at, in->n), &f, &used)) == OK) {
        at += used;
        try(on_frame(role, &f, loaded));
    }
    buf_eat(in, at);
    return err == ERR_AGAIN ? OK : err;
}

/* Until the server is gone, which is how an engine's life ends well: OK. */
static enum err serve(const struct worker_role *role)
{
    const struct msg_hello hello = {WIRE_VERSION, str_of(role->name), S(REPARTEE_VERSION)};
    autobuf in = BUF(2 * (WIRE_HEADER_BYTES + WIRE_PAYLOAD_MAX));
    bool loaded = false;
    enum err err = link_send(MSG_hello, WIRE_STREAM_NONE, &hello);
    while (err == OK) {
        err = link_receive(&in);
        if (err == OK)
            err = on_bytes(role, &in, &loaded);
    }
    return err == ERR_CLOSED ? OK : err;
}

static const char *program_of(const struct worker_role *role)
{
    return role->program ? role->program : role->name;
}

static int usage(const struct worker_role *role, FILE *to, int status)
{
    fprintf(to,
            "Usage: repartee-%s [--fd N | --socket PATH]\n\n"
            "An engine of Repartee; the server starts it.\n"
            "  --fd N         the connected socket to serve (3)\n"
            "  --socket PATH  wait for a server there, serve it and leave\n"
            "  --version      the version of program and protocol\n",
            program_of(role));
    return status;
}

static enum err connect_server(const char *fd, const char *socket)
{
    if (socket)
        return link_listen(socket);
    /* A server that died before this line has closed the socket, which ends us as well. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int64_t n;
    try(str_to_i64(str_of(fd), &n));
    return n >= 0 && n < INT_MAX ? link_inherit((int)n) : ERR_INVALID;
}

static bool has_value(const char *option)
{
    return strcmp(option, "--fd") == 0 || strcmp(option, "--socket") == 0;
}

bool worker_take_flag(int *argc, char **argv, const char *flag)
{
    int kept = 0;
    for (int i = 0; i < *argc; i++)
        if (i == 0 || strcmp(argv[i], flag) != 0 || has_value(argv[i - 1]))
            argv[kept++] = argv[i];
    bool taken = kept < *argc;
    *argc = kept;
    return taken;
}

int worker_main(const struct worker_role *role, int argc, char **argv)
{
    const char *fd = "3", *socket = nullptr;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            return usage(role, stdout, 0);
        if (strcmp(argv[i], "--version") == 0) {
            printf("repartee-%s " REPARTEE_VERSION " (protocol %u)\n", program_of(role),
                   WIRE_VERSION);
            return 0;
        }
        bool has_value = i + 1 < argc;
        if (strcmp(argv[i], "--fd") == 0 && has_value)
            fd = argv[++i];
        else if (strcmp(argv[i], "--socket") == 0 && has_value)
            socket = argv[++i];
        else
            return usage(role, stderr, 2);
    }
    log_set_name(role->name);
    libcrypto_prepare(); /* for the hash of a model's file */
    inherit_signals(socket != nullptr);
    enum err err = connect_server(fd, socket);
    if (err != OK) {
        fprintf(stderr, "repartee-%s: no server at socket %s (%s); try --help\n", program_of(role),
                socket ? socket : fd, err_text(err));
        return 2;
    }
    err = serve(role);
    if (actors_stop() != OK) {
        log_error("leaving in the middle of a computation that does not end");
        _exit(1);
    }
    if (role->unload)
        role->unload();
    if (err != OK)
        log_error("leaving: %s", err_text(err));
    return err == OK ? 0 : 1;
}
