// SPDX-License-Identifier: Apache-2.0
/*
 * One untrusted file, read by one repartee-read process that is confined before it sees a byte and
 * gone afterwards. The file travels as a descriptor; text or samples come back in pieces, which are
 * hostile too: they are valid UTF-8 and bounded, nothing more. Loop thread only.
 *
 *     try(reader_start(loop, &(struct reader_file){"markdown", "manual.md", fd}, &events, self, &r));
 *     … events.text … events.done or events.failed, exactly one of the two, exactly once
 *
 * No callback fires from inside reader_start, and none after reader_cancel.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"

struct loop;
struct reader;

enum { READER_MS = 30000, READER_TEXT_MAX = 16 * 1024 * 1024 };

struct reader_file {
    const char *kind; /* "text", "markdown", "html", "sound" */
    const char *name; /* for the title; data, never opened */
    int fd;           /* readable from its start; stays the caller's */
    uint64_t size;    /* bytes */
};

struct reader_events {
    void (*text)(void *arg, struct str piece);          /* documents; may be NULL for sound */
    void (*samples)(void *arg, struct str s16le_16khz); /* sound; may be NULL for documents */
    void (*done)(void *arg, struct str title, struct str notes);
    void (*failed)(void *arg, enum err err, const char *sentence);
};

enum err reader_start(struct loop *loop, const struct reader_file *file,
                      const struct reader_events *events, void *arg, struct reader **ret_r);
/* Back-pressure: stops and resumes the flow of pieces. */
void reader_pause(struct reader *r);
void reader_resume(struct reader *r);
void reader_cancel(struct reader *r); /* takes NULL */
