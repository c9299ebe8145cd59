// SPDX-License-Identifier: Apache-2.0
/* What a server that speaks Wyoming says of itself, in its `info`: has it a recogniser, with which models? Hostile:
 * bounded, well-formed or refused. Pure. */
#pragma once

#include "server/engine/remote/answer.h"
#include "server/net/wyoming.h"

enum { WYOMING_LANGUAGES_BYTES = 1024 };

struct wyoming_info {
    bool has_recogniser; /* that is installed */
    /* Those that are installed. Where none is wanted and there are several, or none is told, the server chooses, and the
     * name is the program's. */
    struct remote_models models;
    bool tells_partials;                     /* words before the end */
    char languages[WYOMING_LANGUAGES_BYTES]; /* "en, de"; "": it does not say */
};
/* wanted: a model, or "". ERR_SYNTAX: this is no such event. */
enum err wyoming_info_read(const struct wyoming_event *event, struct str wanted,
                           struct wyoming_info *ret_info);
