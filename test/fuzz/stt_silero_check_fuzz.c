// SPDX-License-Identifier: Apache-2.0
/* The weights, 0.9 MB that are not looked at, are put in here behind each head of a tensor, so that an input holds what
 * matters. */
#include "stt/silero/silero_check.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "fuzz.h"

enum { HEAD = 8 + 10 + 22 * 4, TENSOR = 12, NAME_MAX_BYTES = 64, WEIGHTS_MAX = 1 << 20 };

static uint32_t number(struct str s, size_t at)
{
    uint32_t n = 0;
    if (at + sizeof n <= s.n)
        memcpy(&n, s.p + at, sizeof n);
    return n;
}

/* The length of a tensor's head at the front of the input, and how many bytes of weights follow. */
static size_t tensor_head(struct str s, size_t *ret_weights)
{
    uint32_t dims = number(s, 0), name = number(s, 4);
    size_t n = number(s, 8) == 1 ? 2 : 4;
    for (uint32_t i = 0; i < dims && i < 3; i++) {
        uint32_t size = number(s, TENSOR + 4 * i);
        n = size < WEIGHTS_MAX && n * size < WEIGHTS_MAX ? n * size : 0;
    }
    *ret_weights = n;
    return TENSOR + 4 * (size_t)(dims < 3 ? dims : 3) +
           (name < NAME_MAX_BYTES ? name : NAME_MAX_BYTES);
}

static void put(struct buf *file, struct str bytes)
{
    if (buf_add(file, bytes) != OK)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char zeros[WEIGHTS_MAX];
    static struct buf file = BUF(64 << 20);
    char why[SILERO_WHY_BYTES] = "";
    struct silero_facts facts;
    struct str rest = {(const char *)data, size < 4096 ? size : 4096};
    buf_clear(&file);
    put(&file, str_sub(rest, 0, HEAD));
    rest = str_sub(rest, HEAD, rest.n);
    while (rest.n > 0) {
        size_t weights, head = tensor_head(rest, &weights);
        put(&file, str_sub(rest, 0, head));
        if (head <= rest.n)
            put(&file, (struct str){zeros, weights});
        rest = str_sub(rest, head, rest.n);
    }
    enum err err = silero_check(buf_str(&file), &facts, why);
    check(err == OK ? !why[0] : err == ERR_INVALID && why[0]);
    return 0;
}
