// SPDX-License-Identifier: Apache-2.0
/* What the files of models need of the disk. */
#pragma once

#include <stdint.h>

#include "base/err.h"

/* For reading: a plain file, nothing that one could wait for. errno says why not (EISDIR: it is no file). */
enum err disk_open_file(const char *path, int *ret_fd, int64_t *ret_size);
/* The names in it are there after a power failure, too. */
enum err disk_sync_folder(const char *path);
