// SPDX-License-Identifier: Apache-2.0
/*
 * What was said in a session, oldest first. An answer that the user interrupted is kept as far as it
 * was heard, and marked, so that the next answer knows. Bounded: the oldest exchanges leave first.
 * Loop thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/str.h"

enum { HISTORY_ENTRIES_MAX = 40, HISTORY_BYTES_MAX = 32 * 1024 };

enum said_by : uint8_t { SAID_BY_USER, SAID_BY_ASSISTANT };

struct said {
    enum said_by by;
    bool interrupted; /* `text` is what was heard of a longer answer */
    uint64_t turn;    /* 0: said before a restart */
    char *text;       /* owned */
    size_t n;
};

struct history {
    struct said entry[HISTORY_ENTRIES_MAX];
    size_t count, bytes;
};

void history_finish(struct history *h);
/* ERR_NOMEM: the history is as it was. Text beyond HISTORY_BYTES_MAX / 2 is cut. */
enum err history_add(struct history *h, enum said_by by, uint64_t turn, struct str text,
                     bool interrupted);

/* The same of a text that is handed over, and for which nothing can fail. */
void history_take(struct history *h, enum said_by by, uint64_t turn, char *text, size_t n,
                  bool interrupted);

/* As it is kept on the disk, and back: [{"by":"user","text":"…"},{"by":"assistant","text":"…",
 * "interrupted":true}]. Control characters take six bytes. */
enum { HISTORY_JSON_MAX = 6 * HISTORY_BYTES_MAX + 64 * HISTORY_ENTRIES_MAX };
void history_put_json(const struct history *h, struct json_out *j);
/* ERR_SYNTAX, ERR_UTF8, ERR_INVALID, ERR_UNKNOWN, ERR_TOOBIG for what history_put_json would not have
 * written. */
enum err history_read_json(struct str json, struct history *ret_h);
