// SPDX-License-Identifier: Apache-2.0
/* A certificate or a key as a file. */
#pragma once

#include "base/err.h"
#include "base/str.h"

enum { PEM_FILE_MAX = 1024 * 1024 };
/* Appends the whole file; `into` has a cap of PEM_FILE_MAX. ERR_NOTFOUND: there is none. */
enum err pem_file_read(const char *path, struct buf *into);
