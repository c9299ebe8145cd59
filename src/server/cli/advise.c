// SPDX-License-Identifier: Apache-2.0
#include "server/cli/advise.h"

#include <stdio.h>

#include "server/models/bandwidth.h"

void advise_measure(const struct conf *conf, struct advice_machine *m)
{
    *m = (struct advice_machine){};
    advice_look(m);
    m->read_bytes_s = bandwidth_now(advice_threads(m, conf->llm_threads));
}

void advise_words(const struct advice *a, char into[64])
{
    if (!a->fits)
        snprintf(into, 64, "too large for this machine");
    else if (a->tokens_s > 0)
        snprintf(into, 64, "about %.*f tokens a second", a->tokens_s < 10, a->tokens_s);
    else
        into[0] = 0;
}

void advise_put(struct json_out *j, const struct advice *a)
{
    json_kint(j, "memory_mib", a->memory_mib);
    json_kbool(j, "fits", a->fits);
    json_kbool(j, "suits", a->suits);
    json_key(j, "tokens_per_second");
    if (a->tokens_s > 0)
        json_put_num(j, a->tokens_s);
    else
        json_put_null(j);
}
