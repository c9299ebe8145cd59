// SPDX-License-Identifier: Apache-2.0
#include "server/models/advice.h"

#include <math.h>
#include <stdio.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "server/models/catalogue.h"

/* By how much memory the models of the catalogue need beside their files. */
constexpr double MEMORY_PER_BYTE = 1.35;
enum { MEMORY_LLM_MIB = 500, MEMORY_OTHER_MIB = 100 };
constexpr double OF_BANDWIDTH = 0.75;

/* --- the machine --- */

/* What a container may have, where it has a limit. */
static int64_t group_mib(void)
{
    FILE *f = fopen("/sys/fs/cgroup/memory.max", "re");
    char line[32] = "";
    int64_t bytes;
    if (!f)
        return INT64_MAX;
    bool has = fgets(line, sizeof line, f);
    fclose(f);
    return has && str_to_i64(str_trim(str_of(line)), &bytes) == OK ? bytes >> 20 : INT64_MAX;
}

void advice_look(struct advice_machine *m)
{
    struct sysinfo info;
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    m->cores = n > 0 && n < 1024 ? (uint32_t)n : 1;
    m->memory_mib = 0;
    if (sysinfo(&info) != 0)
        return;
    int64_t all = (int64_t)((uint64_t)info.totalram * info.mem_unit >> 20), group = group_mib();
    m->memory_mib = all < group ? all : group;
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
