// SPDX-License-Identifier: Apache-2.0
/* What repartee-llm does with --embed: vectors of texts. */
#pragma once

#include "wire/worker.h"

extern const struct worker_role embed_role;
