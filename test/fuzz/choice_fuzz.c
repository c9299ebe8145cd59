// SPDX-License-Identifier: Apache-2.0
/* Whatever models.choice holds: what is taken from it is a name, and what the options said. */
#include "base/check.h"
#include "fuzz.h"
#include "server/answerer/choice.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct choice c;
    if (choice_parse((struct str){(const char *)bytes, size}, &c) != OK)
        return 0;
    check(model_name_is_good(str_of(c.llm)));
    check(strlen(c.instead_of) < CHOICE_TOLD_BYTES);
    return 0;
}
