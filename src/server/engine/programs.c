// SPDX-License-Identifier: Apache-2.0
#include "server/engine/programs.h"

#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#define COMMON                                                                                     \
    "PATH=/usr/bin:/bin", "LANG=C.UTF-8", "OPENBLAS_NUM_THREADS=1", "GGML_NO_BACKTRACE=1",         \
        GLIBC_TUNABLES, nullptr
/* Dozens of threads that share the same streams: what glibc keeps for each of them grows for days. */
#define GLIBC_TUNABLES "GLIBC_TUNABLES=glibc.malloc.tcache_count=0:glibc.malloc.arena_max=1"

/* libgomp spins at barriers for 300,000 rounds and so starves whoever else computes. */
static const char *const sparing[] = {"GOMP_SPINCOUNT=3000", COMMON};
/* Who watches for others himself (llm/decode/spin.h). */
static const char *const watching[] = {COMMON};

const char *const *program_env(const char *role)
{
    return strcmp(role, "llm") == 0 ? watching : sparing;
}

enum err program_path(const char *role, char **ret_path)
{
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0)
        return ERR_IO;
    while (n > 0 && self[n - 1] != '/')
        n--;
    autobuf path = BUF(sizeof self + 256);
    try(buf_add(&path, (struct str){self, (size_t)n}));
    try(buf_addf(&path, "repartee-%s", role));
    *ret_path = mem_strdup(buf_str(&path));
    return *ret_path ? OK : ERR_NOMEM;
}
