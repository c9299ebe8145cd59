// SPDX-License-Identifier: Apache-2.0
#include "llm/sample.h"

#include <llama.h>

#include "base/clock.h"

static uint32_t seed_of(uint64_t seed)
{
    uint32_t s = (uint32_t)(seed ^ seed >> 32);
    while (s == 0 || s == LLAMA_DEFAULT_SEED)
        random_bytes(&s, sizeof s);
    return s;
}

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
    if (r->temperature == 0)
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
