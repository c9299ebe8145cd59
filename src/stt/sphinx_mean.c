// SPDX-License-Identifier: Apache-2.0
#include "stt/sphinx_mean.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double general[MEAN_DIMS] = {52.5, 3, 4, 13, -1, 1, 0, -4, -3, -2, 3, 0, 1};

void mean_begin(struct mean *m)
{
    *m = (struct mean){};
    memcpy(m->told, general, sizeof general);
}

void mean_heard(struct mean *m, const char *reported, double frames)
{
    m->frames += frames;
    for (size_t i = 0; i < MEAN_DIMS; i++) {
        char *end;
        double now = strtod(reported, &end);
        reported = *end == ',' ? end + 1 : end;
        if (!isfinite(now))
            now = m->told[i];
        m->sum[i] += now * (MEAN_TOLD + frames) - MEAN_TOLD * m->told[i];
        m->told[i] = (MEAN_PRIOR * general[i] + m->sum[i]) / (MEAN_PRIOR + m->frames);
    }
}

void mean_text(const struct mean *m, char into[MEAN_TEXT_BYTES])
{
    size_t n = 0;
    for (size_t i = 0; i < MEAN_DIMS; i++)
        n += (size_t)snprintf(into + n, MEAN_TEXT_BYTES - n, i == 0 ? "%g" : ",%g", m->told[i]);
}
