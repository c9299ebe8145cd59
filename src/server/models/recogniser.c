// SPDX-License-Identifier: Apache-2.0
#include "server/models/recogniser.h"

#include <fcntl.h>
#include <unistd.h>

enum { TOKENS_MAX = 8192 };

bool recogniser_head_is_parakeet(struct str head)
{
    if (head.n < RECOGNISER_HEAD || !str_starts(head, S("lmgg")))
        return false;
    const unsigned char *b = (const unsigned char *)head.p + 4;
    uint32_t tokens =
        (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
    return tokens >= 1 && tokens <= TOKENS_MAX;
}

bool recogniser_is_parakeet(const char *path)
{
    char head[RECOGNISER_HEAD];
    int fd = path[0] ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;
    if (fd < 0)
        return false;
    ssize_t n = read(fd, head, sizeof head);
    close(fd);
    return n == (ssize_t)sizeof head &&
           recogniser_head_is_parakeet((struct str){head, sizeof head});
}
