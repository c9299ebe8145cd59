// SPDX-License-Identifier: Apache-2.0
/*
 * repartee-llm: a prompt in, an answer out, token by token; with --embed, texts in and vectors out.
 */
#include "llm/embed/embed_role.h"
#include "llm/stream.h"
#include "wire/driver_name.h"

static const struct llm_driver *const drivers[] = {&llm_llama, &llm_scripted};
enum { DRIVERS = sizeof drivers / sizeof *drivers };
static const struct llm_driver *driver;              /* const after load */
static const char *read_dirs[] = {nullptr, nullptr}; /* const after load */

static enum err load(const struct msg_load *m, struct worker_ready *ret_ready,
                     char why[WORKER_WHY_BYTES])
{
    const void *chosen;
    try(driver_choose(m->driver, (const void *const *)drivers, DRIVERS, "language model", why,
                      &chosen));
    driver = chosen;
    const struct llm_load request = {m->model_dir, m->model, m->options, m->threads, m->sha256};
    struct llm_loaded loaded;
    try(driver->load(&request, &loaded, why));
    stream_use(driver, loaded.tools);
    read_dirs[0] = driver->read_dir ? driver->read_dir() : nullptr;
    *ret_ready = (struct worker_ready){
        .driver = driver->name,
        .model = loaded.model,
        .languages = loaded.languages,
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

int main(int argc, char **argv)
{
    /* A thread waits for the tokens of its answer: one for each. */
    static const struct worker_role role = {
        .name = "llm",
        .max_threads = LLM_SLOTS_MAX,
        .max_streams = LLM_SLOTS_MAX,
        .read_dirs = read_dirs,
        .load = load,
        .start = start,
        .unload = unload,
        .open = stream_open,
        .message = stream_message,
        .close = stream_close,
    };
    bool embeds = worker_take_flag(&argc, argv, "--embed");
    return worker_main(embeds ? &embed_role : &role, argc, argv);
}
