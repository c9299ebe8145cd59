// SPDX-License-Identifier: Apache-2.0
/* Samples on their way to an engine, in messages that are short enough. */
#pragma once

#include "server/engine/engine.h"

static inline enum err samples_send(struct job *j, const int16_t *samples, size_t count)
{
    /* Little-endian on every machine that Repartee runs on, so the samples are their own bytes. */
    struct str bytes = {(const char *)samples, count * sizeof *samples};
    for (size_t at = 0; at < bytes.n; at += 32 * 1024) {
        const struct msg_audio audio = {str_sub(bytes, at, at + 32 * 1024)};
        try(job_send(j, MSG_audio, &audio));
    }
    return OK;
}
