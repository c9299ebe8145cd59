// SPDX-License-Identifier: Apache-2.0
/* How far a pull is: a bar, or a line now and then where there is no terminal. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "server/cli/pull_parts.h"

enum { SHOW_EVERY_MS = 100 };

void pull_begin_progress(struct pull *p)
{
    progress_begin(&p->progress, p->c->json);
    p->begun_ms = clock_ms();
    p->shown_ms = 0;
    p->first = -1;
    p->step = -1;
}

static void describe(const struct pull *p, const struct wish *w, int64_t done, int64_t total,
                     char text[160])
{
    uint64_t ms = clock_ms() - p->begun_ms;
    double rate = ms ? (double)(done - p->first) * 1000 / (double)ms : 0;
    int n = snprintf(text, 160, "%.40s: %.1f", w->name, (double)done / 1e6);
    if (total)
        n += snprintf(text + n, 160 - (size_t)n, " of %.1f", (double)total / 1e6);
    n += snprintf(text + n, 160 - (size_t)n, " MB");
    if (ms >= 1000 && rate > 0) {
        n += snprintf(text + n, 160 - (size_t)n, ", %.1f MB/s", rate / 1e6);
        uint64_t left = total > done ? (uint64_t)((double)(total - done) / rate) : 0;
        if (total)
            snprintf(text + n, 160 - (size_t)n, ", %" PRIu64 ":%02" PRIu64 " left", left / 60,
                     left % 60);
    }
}

void pull_show(struct pull *p, const struct wish *w, int64_t done, int64_t total)
{
    uint64_t now = clock_ms();
    if (p->first < 0)
        p->first = done;
    int64_t step = total ? done * 10 / total : done / 100000000;
    bool is_step = step != p->step;
    if (!is_step && now - p->shown_ms < SHOW_EVERY_MS)
        return;
    char text[160];
    pull_report_progress(p, w, done, total);
    describe(p, w, done, total, text);
    progress_show(&p->progress, (uint64_t)done, (uint64_t)total, text, is_step);
    p->shown_ms = now;
    p->step = step;
}
