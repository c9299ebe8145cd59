// SPDX-License-Identifier: Apache-2.0
/*
 * repartee-read: one untrusted file in, text or sound out, then it exits. It is confined before the
 * file's first byte is touched: no network, no file system, little memory and time; the descriptor it
 * is given is all it can read. Where the kernel cannot confine it, it refuses.
 *
 * Everything it links is under permissive licences (lexbor, md4c, speexdsp, libogg, libopus, libFLAC) or,
 * in libraries of their own, the LGPL (libmpg123, libseccomp), so it is distributed under Apache-2.0;
 * espeak-ng's GPL concerns repartee-tts alone.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/confine.h"
#include "base/log.h"
#include "read/document.h"
#include "read/port.h"
#include "read/sound.h"
#include "wire/inherit.h"

/* AddressSanitizer's shadow alone takes terabytes of address space. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr uint64_t MEMORY_BYTES = 0;
#else
constexpr uint64_t MEMORY_BYTES = 512u * 1024 * 1024;
#endif
enum { CPU_SECONDS = 20, PIECE_BYTES = 60 * 1024 };

static enum err confine(struct confine_report *ret_report)
{
    const struct confine_rules rules = {.memory_bytes = MEMORY_BYTES, .cpu_seconds = CPU_SECONDS};
    enum err err = confine_self(&rules, ret_report);
    if (ret_report->text[0] != '\0')
        log_line(err == OK ? LOG_DEBUG : LOG_ERROR, 0, "%s", ret_report->text);
    return err;
}

static enum err fail(struct port *p, enum err err, const char *why)
{
    if (err == ERR_NOMEM) {
        err = ERR_TOOBIG;
        why = "the file needs more memory to be read than it may have";
    }
    struct msg_fail m = {(uint32_t)err, str_of(why[0] != '\0' ? why : err_text(err))};
    return port_send(p, MSG_fail, &m);
}

/* By position, for the descriptor's own position is shared with the server. */
static enum err load(int file, struct buf *into)
{
    enum { STEP = 1024 * 1024 };
    while (into->n <= DOCUMENT_INPUT_MAX) {
        try(buf_reserve(into, STEP));
        ssize_t n = pread(file, into->p + into->n, STEP, (off_t)into->n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_from_errno(errno);
        if (n == 0)
            return OK;
        into->n += (size_t)n;
    }
    return ERR_TOOBIG;
}

static enum err send_text(struct port *p, struct str text)
{
    while (text.n > 0) {
        size_t n = utf8_prefix(text, PIECE_BYTES);
        struct msg_read_text m = {str_sub(text, 0, n)};
        try(port_send(p, MSG_read_text, &m));
        text = str_sub(text, n, text.n);
    }
    return OK;
}

static enum err read_document(struct port *p, const struct msg_read_open *open, struct str bytes)
{
    struct document doc;
    document_init(&doc);
    autobuf notes = BUF(512);
    enum err err = document_read(open->kind, open->name, bytes, &doc);
    if (err == OK)
        err = document_notes(&doc, &notes);
    if (err != OK) {
        err = fail(p, err, doc.why);
    } else {
        struct msg_read_done done = {buf_str(&doc.title), doc.text.n, buf_str(&notes)};
        err = send_text(p, buf_str(&doc.text));
        if (err == OK)
            err = port_send(p, MSG_read_done, &done);
    }
    document_finish(&doc);
    return err;
}

struct sound_sink {
    struct port *port;
    uint64_t bytes;
};

static enum err send_samples(void *to, struct str samples)
{
    struct sound_sink *sink = to;
    sink->bytes += samples.n;
    return port_send(sink->port, MSG_audio, &(struct msg_audio){samples});
}

static enum err read_sound(struct port *p, struct str bytes)
{
    char why[SOUND_WHY_BYTES] = "";
    struct sound_sink sink = {.port = p};
    enum err err = sound_read(bytes, SOUND_CPU_MS, send_samples, &sink, why);
    if (err == ERR_CLOSED)
        return err;
    if (err != OK)
        return fail(p, err, why);
    struct msg_read_done done = {S(""), sink.bytes, S("")};
    return port_send(p, MSG_read_done, &done);
}

static enum err serve(struct port *p)
{
    struct confine_report report = {};
    const struct msg_read_open *open;
    int file;
    try(confine(&report));
    try(port_hello(p, S("read")));
    try(port_receive(p, &open, &file));
    if (!report.landlock || !report.seccomp)
        return fail(p, ERR_UNSUPPORTED, confine_refusal);
    autobuf bytes = BUF(2 * (size_t)DOCUMENT_INPUT_MAX);
    enum err err = open->size > DOCUMENT_INPUT_MAX ? ERR_TOOBIG : load(file, &bytes);
    close(file);
    if (err != OK)
        return fail(p, err, err == ERR_TOOBIG ? "the file is larger than 64 MiB" : "");
    return str_eq(open->kind, S("sound")) ? read_sound(p, buf_str(&bytes))
                                          : read_document(p, open, buf_str(&bytes));
}

static int usage(void)
{
    puts("Usage: repartee-read --fd N\n\n"
         "Reads one untrusted file for Repartee; the server starts it.\n"
         "  --fd N       the connected socket that brings the file (3)\n"
         "  --version    the version of program and protocol");
    return 0;
}

int main(int argc, char **argv)
{
    int64_t fd = 3;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            return usage();
        if (strcmp(argv[i], "--version") == 0) {
            printf("repartee-read " REPARTEE_VERSION " (protocol %u)\n", WIRE_VERSION);
            return 0;
        }
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i++], "--fd") != 0 || str_to_i64(str_of(value), &fd) != OK) {
            fprintf(stderr, "repartee-read: try --help\n");
            return 2;
        }
    }
    log_set_name("read");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    inherit_signals(false);
    if (fd < 0 || fd > INT_MAX || inherit_socket((int)fd) != OK) {
        fprintf(stderr, "repartee-read: --fd must name a connected socket; the server starts this "
                        "program\n");
        return 2;
    }
    struct port port;
    port_init(&port, (int)fd);
    enum err err = serve(&port);
    port_finish(&port);
    if (err != OK)
        log_debug("leaving: %s", err_text(err));
    return err == OK ? 0 : 1;
}
