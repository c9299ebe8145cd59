// SPDX-License-Identifier: Apache-2.0
/* What the files of models need of the disk. */
#pragma once

#include "base/err.h"

/* The names in it are there after a power failure, too. */
enum err disk_sync_folder(const char *path);
