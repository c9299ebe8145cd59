// SPDX-License-Identifier: Apache-2.0
#include "llm/embed_role.h"

#include "llm/embed_stream.h"
#include "wire/driver_name.h"

static const struct embed_driver *const drivers[] = {&embed_llama, &embed_scripted};
enum { DRIVERS = sizeof drivers / sizeof *drivers };
static const struct embed_driver *driver; /* const after load */

static enum err load(const struct msg_load *m, struct worker_ready *ret_ready,
                     char why[WORKER_WHY_BYTES])
{
    const void *chosen;
    try(driver_choose(m->driver, (const void *const *)drivers, DRIVERS, "embedding model", why,
                      &chosen));
    driver = chosen;
    const struct llm_load request = {m->model_dir, m->model, m->options, m->threads, m->sha256};
    struct embed_loaded loaded;
    try(driver->load(&request, &loaded, why));
    embed_stream_use(driver, loaded.dimensions);
    *ret_ready = (struct worker_ready){
        .driver = driver->name,
        .model = loaded.model,
        .notes = loaded.notes,
        .slots = loaded.slots,
    };
    return OK;
}

static enum err start(char why[WORKER_WHY_BYTES])
{
    return driver->start ? driver->start(why) : OK;
}

static void unload(void)
{
    if (driver && driver->unload)
        driver->unload();
}

/* A thread waits for the vectors of its request: one for each. */
const struct worker_role embed_role = {
    .name = "embed",
    .program = "llm --embed",
    .max_threads = EMBED_SLOTS_MAX,
    .max_streams = EMBED_SLOTS_MAX,
    .load = load,
    .start = start,
    .unload = unload,
    .open = embed_stream_open,
    .message = embed_stream_message,
    .close = embed_stream_close,
};
