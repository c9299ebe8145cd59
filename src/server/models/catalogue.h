// SPDX-License-Identifier: Apache-2.0
/*
 * The models that are known by name (catalogue.json, part of the program), of kinds for which there is an engine.
 * Sizes and hashes stand there only where several independent places agree on them; else the hub is asked. The licence
 * of a voice is what its card says of the recordings, and which voice it was tuned from.
 */
#pragma once

#include "server/models/model_list.h"

/* The caller frees with model_list_free. ERR_NOMEM. */
enum err catalogue_read(struct model_list *ret_list);
/* Of a kind the best model of the small set that a machine with so much memory has room for; NULL: none. */
const struct model *catalogue_choose(const struct model_list *l, struct str kind,
                                     uint64_t machine_mib);
