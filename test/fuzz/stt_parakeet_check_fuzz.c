// SPDX-License-Identifier: Apache-2.0
/* The filters and the window of the least model, 10 KB that are not looked at, are put in here, so that an input holds what
 * matters. */
#include "stt/parakeet/parakeet_check.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "fuzz.h"

enum { HEAD = 18 * 4, FILTERS = 8 * 257 * 4, COUNT = 4, WINDOW = 400 * 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[PARAKEET_WHY_BYTES] = "";
    struct parakeet_facts facts;
    bool has_all = size >= HEAD + COUNT;
    size_t head = has_all ? HEAD : size, more = has_all ? FILTERS + WINDOW : 0;
    char *file = calloc(1, size + more + 1);
    if (!file)
        return 0;
    if (size)
        memcpy(file, data, head);
    if (has_all) {
        memcpy(file + HEAD + FILTERS, data + HEAD, COUNT);
        memcpy(file + HEAD + more + COUNT, data + HEAD + COUNT, size - HEAD - COUNT);
    }
    enum err err = parakeet_check((struct str){file, size + more}, &facts, why);
    check(err == OK ? !why[0] : err == ERR_INVALID && why[0]);
    free(file);
    return 0;
}
