// SPDX-License-Identifier: Apache-2.0
#include "server/models/advice.h"

#include <math.h>

#include "base/cores.h"
#include "base/memory_room.h"
#include "server/models/catalogue.h"

/* By how much memory the models of the catalogue need beside their files. */
constexpr double MEMORY_PER_BYTE = 1.35;
enum { MEMORY_LLM_MIB = 500, MEMORY_OTHER_MIB = 100 };
constexpr double OF_BANDWIDTH = 0.75;

/* --- the machine --- */

void advice_look(struct advice_machine *m)
{
    struct memory_room room;
    m->cores = cores_online();
    memory_room("", &room);
    m->memory_mib = room.total_bytes == UINT64_MAX ? 0 : (int64_t)(room.total_bytes >> 20);
}

uint32_t advice_threads(const struct advice_machine *m, int64_t configured)
{
    return configured > 0 ? (uint32_t)configured : m->cores;
}

/* --- one model --- */

static int64_t memory_of(const struct model *m)
{
    int64_t size = model_size(m);
    if (m->memory_mib || !size)
        return m->memory_mib;
    bool is_llm = str_eq(m->kind, S("llm"));
    return (int64_t)((double)size * MEMORY_PER_BYTE / (1 << 20)) +
           (is_llm ? MEMORY_LLM_MIB : MEMORY_OTHER_MIB);
}

/* Two digits: more would claim more than is known. */
static double rounded(double x)
{
    if (!(x > 0) || !isfinite(x))
        return 0;
    double unit = pow(10, floor(log10(x)) - 1);
    return round(x / unit) * unit;
}

static bool is_same(const struct model *a, const struct model *b)
{
    return str_eq(a->file[0].source, b->file[0].source);
}

struct advice advice_on(const struct advice_machine *m, const struct model_list *catalogue,
                        const struct model *model)
{
    struct advice a = {.memory_mib = memory_of(model)};
    uint64_t machine_mib = (uint64_t)m->memory_mib;
    const struct model *best = catalogue_choose(catalogue, model->kind, machine_mib);
    a.fits = a.memory_mib <= m->memory_mib;
    a.suits = best && str_eq(best->name, model->name) && is_same(best, model);
    int64_t size = model_size(model);
    if (str_eq(model->kind, S("llm")) && size)
        a.tokens_s = rounded(m->read_bytes_s * OF_BANDWIDTH / (double)size);
    return a;
}

/* --- all of them --- */

bool advice_next(const struct model_list *catalogue, const struct model_list *installed,
                 size_t *iter, struct advice_item *ret_item)
{
    if (*iter < catalogue->count) {
        const struct model *known = &catalogue->model[(*iter)++];
        const struct model *there = model_list_find(installed, known->name);
        *ret_item =
            (struct advice_item){known, there, !there || is_same(there, known) ? known : there};
        return true;
    }
    while (*iter < catalogue->count + installed->count) {
        const struct model *there = &installed->model[(*iter)++ - catalogue->count];
        if (model_list_find(catalogue, there->name))
            continue;
        *ret_item = (struct advice_item){nullptr, there, there};
        return true;
    }
    return false;
}
