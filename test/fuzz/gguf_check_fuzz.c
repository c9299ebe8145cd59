// SPDX-License-Identifier: Apache-2.0
#include "llm/gguf_check.h"

#include "base/check.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[GGUF_WHY_BYTES] = "";
    struct gguf_facts facts;
    enum err err = gguf_check((struct str){(const char *)data, size}, &facts, why);
    check(err == OK ? !why[0] : err == ERR_INVALID && why[0]);
    return 0;
}
