// SPDX-License-Identifier: Apache-2.0
#include "server/models/catalogue.h"

#include "base/check.h"

static const char text[] = {
#embed "catalogue.json"
};

enum err catalogue_read(struct model_list *ret_list)
{
    struct model_list_why why;
    enum err err =
        model_list_parse((struct str){text, sizeof text}, LIST_CATALOGUE, ret_list, &why);
    check(err == OK || err == ERR_NOMEM);
    return err;
}

const struct model *catalogue_choose(const struct model_list *l, struct str kind,
                                     uint64_t machine_mib)
{
    const struct model *best = nullptr;
    for (size_t i = 0; i < l->count; i++) {
        const struct model *m = &l->model[i];
        if (str_eq(m->kind, kind) && m->set_mib && (uint64_t)m->set_mib <= machine_mib &&
            (!best || m->set_mib > best->set_mib))
            best = m;
    }
    return best;
}
