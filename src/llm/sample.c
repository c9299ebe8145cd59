// SPDX-License-Identifier: Apache-2.0
#include "llm/sample.h"

#include <llama.h>

#include "base/clock.h"

/* libllama's are of 32 bits, and one of them means chance. */
static uint32_t seed_of(uint64_t seed)
{
    while (seed == 0)
        random_bytes(&seed, sizeof seed);
    uint32_t s = (uint32_t)(seed ^ seed >> 32);
    return s == LLAMA_DEFAULT_SEED ? 1 : s;
}

constexpr float GREEDY_BELOW =
    1e-3f; /* dividing by less overflows, and nothing else was to be had */

static bool add(struct llama_sampler *chain, struct llama_sampler *one)
{
    if (one)
        llama_sampler_chain_add(chain, one);
    return one;
}

enum err sample_create(const struct llm_request *r, struct llama_sampler **ret_sampler)
{
    struct llama_sampler *chain = llama_sampler_chain_init(llama_sampler_chain_default_params());
    if (!chain)
        return ERR_NOMEM;
    bool made;
    if (r->temperature < GREEDY_BELOW)
        made = add(chain, llama_sampler_init_greedy());
    else
        made = (r->top_k == 0 || add(chain, llama_sampler_init_top_k((int32_t)r->top_k))) &&
               add(chain, llama_sampler_init_top_p(r->top_p, 1)) &&
               add(chain, llama_sampler_init_temp(r->temperature)) &&
               add(chain, llama_sampler_init_dist(seed_of(r->seed)));
    if (!made) {
        llama_sampler_free(chain);
        return ERR_NOMEM;
    }
    *ret_sampler = chain;
    return OK;
}
