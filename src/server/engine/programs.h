// SPDX-License-Identifier: Apache-2.0
/* Where the programs around the server are, and the environment that they get. */
#pragma once

#include "base/err.h"

/* The path of repartee-ROLE, which lies beside the running program. Owned by the caller. */
enum err program_path(const char *role, char **ret_path);
/* A clean environment for the program of a role: nothing of the server's is inherited. Lives for ever. */
const char *const *program_env(const char *role);
