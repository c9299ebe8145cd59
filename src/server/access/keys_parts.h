// SPDX-License-Identifier: Apache-2.0
/* What the file of keys and the ring that follows it share. */
#pragma once

#include "server/access/keys.h"

enum { KEYS_PATH_BYTES = 4200 };
enum err keys_path(const char *data, char into[KEYS_PATH_BYTES]);
enum err keys_read_fd(int fd, struct keys *ret_keys);
