// SPDX-License-Identifier: Apache-2.0
/* repartee-llm: prompt in, tokens out. */
#include <stdio.h>

#include "llm/stream.h"

enum { THREADS = 16, STREAMS = 16 };

static const struct llm_driver *const drivers[] = {&llm_scripted};
static const struct llm_driver *driver; /* const after load */

static enum err load(const struct msg_load *m, struct worker_ready *ret_ready,
                     char why[WORKER_WHY_BYTES])
{
    for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++)
        if (str_eq(m->driver, str_of(drivers[i]->name)))
            driver = drivers[i];
    if (!driver) {
        snprintf(why, WORKER_WHY_BYTES, "there is no language model driver \"%.*s\"",
                 STR_FMT(str_sub(m->driver, 0, 40)));
        return ERR_UNSUPPORTED;
    }
    stream_use(driver);
    return driver->load(m, ret_ready, why);
}

static void unload(void)
{
    if (driver && driver->unload)
        driver->unload();
}

int main(int argc, char **argv)
{
    static const struct worker_role role = {
        .name = "llm",
        .max_threads = THREADS,
        .max_streams = STREAMS,
        .load = load,
        .unload = unload,
        .open = stream_open,
        .message = stream_message,
        .close = stream_close,
    };
    return worker_main(&role, argc, argv);
}
