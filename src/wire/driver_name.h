// SPDX-License-Identifier: Apache-2.0
/* Which of its drivers an engine is asked for (wire: load), by name. Pure. */
#pragma once

#include <stddef.h>

#include "wire/worker.h"

/* The one of that name. Of each, whatever its kind, the first member is `const char *name`. ERR_UNSUPPORTED:
 * there is none; `why` then names those that there are. `kind`: what they are drivers of, such as "speech". */
enum err driver_choose(struct str name, const void *const *drivers, size_t count, const char *kind,
                       char why[WORKER_WHY_BYTES], const void **ret_driver);
