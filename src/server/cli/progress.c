// SPDX-License-Identifier: Apache-2.0
#include "server/cli/progress.h"

#include <stdio.h>
#include <unistd.h>

enum { BAR = 24 };

void progress_begin(struct progress *p, bool is_silent)
{
    *p = (struct progress){.is_silent = is_silent, .is_terminal = isatty(STDERR_FILENO)};
}

void progress_show(struct progress *p, uint64_t done, uint64_t total, const char *text,
                   bool is_step)
{
    static const char full[] = "########################", empty[] = "------------------------";
    if (p->is_silent || (!p->is_terminal && !is_step))
        return;
    int n = total ? (int)(done * BAR / total) : BAR;
    if (p->is_terminal)
        fprintf(stderr, "\r\033[K[%.*s%.*s] %s", n, full, BAR - n, empty, text);
    else
        fprintf(stderr, "%s\n", text);
    p->is_drawn = p->is_terminal;
}

void progress_clear(struct progress *p)
{
    if (p->is_drawn)
        fputs("\r\033[K", stderr);
    p->is_drawn = false;
}
