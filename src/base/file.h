// SPDX-License-Identifier: Apache-2.0
/* Files that are there whole or not at all. */
#pragma once

#include <sys/stat.h>

#include "base/err.h"
#include "base/str.h"

/* `bytes` in the place of what `path` holds: whoever reads it sees one of them whole, also after a power failure once
 * its folder has been synced. `path` with ".new" behind it is used meanwhile; one writer at a time. */
enum err file_replace(const char *path, mode_t mode, struct str bytes);
/* The same without waiting for the disk: a power failure soon afterwards may leave an empty file. For what can be done
 * without, and is written where nobody may wait. */
enum err file_replace_soon(const char *path, mode_t mode, struct str bytes);
