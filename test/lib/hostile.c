// SPDX-License-Identifier: Apache-2.0
/*
 * An engine or a reader that has been taken over. Loaded into a real program (LD_PRELOAD), it waits for
 * the last step of the program's confinement, which is seccomp_load, then tries in the program itself
 * all of forbidden.h in $HOSTILE_DIR, and says on standard error what came of it:
 *
 *     hostile repartee-stt: read_file WORKED
 *     hostile repartee-stt: 74 tried, 73 refused
 */
#include <dlfcn.h>
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forbidden.h"

static bool is_refused(const struct forbidden_action *a)
{
    errno = 0;
    if (a->act() == 0)
        dprintf(2, "hostile %s: %s WORKED\n", program_invocation_short_name, a->name);
    else if (errno == EPERM || errno == EACCES || errno == ENOSYS)
        return true;
    else
        dprintf(2, "hostile %s: %s failed by itself: %s\n", program_invocation_short_name, a->name,
                strerror(errno));
    return false;
}

static void attack(void)
{
    const struct forbidden_action thread = {"make_thread", forbidden_make_thread};
    size_t tried = forbidden_count, refused = 0;
    for (size_t i = 0; i < forbidden_count; i++)
        refused += is_refused(&forbidden[i]);
    if (strcmp(program_invocation_short_name, "repartee-read") == 0) {
        tried++;
        refused += is_refused(&thread);
    }
    dprintf(2, "hostile %s: %zu tried, %zu refused\n", program_invocation_short_name, tried,
            refused);
}

int seccomp_load(const scmp_filter_ctx filter)
{
    int (*load)(const scmp_filter_ctx) =
        (int (*)(const scmp_filter_ctx))dlsym(RTLD_NEXT, "seccomp_load");
    forbidden_choose(getenv("HOSTILE_DIR"));
    forbidden_open();
    int result = load(filter);
    if (result == 0)
        attack();
    return result;
}
