// SPDX-License-Identifier: Apache-2.0
/*
 * What a machine can do with a model, for everybody who asks: the commands doctor, models and pull, and GET /models.
 *
 * How fast a language model writes is estimated. For each token all of its weights are read once, and on an ordinary
 * processor little else takes as long: so in a second it writes about as many tokens as its file fits into what the
 * machine reads from memory in that time (models/bandwidth.h), times 0.75. That is what was measured: on two cores
 * that read 22.5 GB/s, a model of 846 MB (1B at Q4_0) wrote 19 to 20 tokens a second. It is what the processor does,
 * alone and at the beginning of a conversation; with a graphics card it may be much more. Pure, but for what is asked
 * of the system.
 */
#pragma once

#include "server/models/model_list.h"

struct advice_machine {
    int64_t
        memory_mib; /* of the machine, or what the narrowest control group may have; 0: not known */
    uint32_t cores;
    double read_bytes_s; /* from memory; 0: not known */
};
struct advice {
    int64_t memory_mib; /* that the model needs: of the catalogue, else by its size */
    bool fits;          /* the machine has so much */
    bool suits;         /* it belongs to the small set for this machine */
    double tokens_s;    /* 0: not known, or it writes none */
};

/* Memory and cores; read_bytes_s is left alone. */
void advice_look(struct advice_machine *m);
/* What the engine may use, by llm.threads: 0 is all cores. */
uint32_t advice_threads(const struct advice_machine *m, int64_t configured);
struct advice advice_on(const struct advice_machine *m, const struct model_list *catalogue,
                        const struct model *model);

/* A model that is there, or that can be had, or both: `is` is what is known best. */
struct advice_item {
    const struct model *known, *installed; /* NULL: is not */
    const struct model *is; /* of what it is and needs: the catalogue's, if it is the same file */
};
/* First the catalogue's, in its order, then the others that are there. *iter starts at 0. */
bool advice_next(const struct model_list *catalogue, const struct model_list *installed,
                 size_t *iter, struct advice_item *ret_item);
