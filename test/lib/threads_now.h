// SPDX-License-Identifier: Apache-2.0
/* How many threads this program has. One that was joined may be counted for a moment. Included by one file a program. */
#pragma once

#include <dirent.h>

#include "unit.h"

static inline unsigned threads_now(void)
{
    unsigned n = 0;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    for (const struct dirent *e; (e = readdir(tasks));)
        n += e->d_name[0] != '.';
    closedir(tasks);
    return n;
}
