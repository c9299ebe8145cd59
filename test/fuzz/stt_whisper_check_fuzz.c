// SPDX-License-Identifier: Apache-2.0
/* The filters, 64 KB that are not looked at, are put in here, so that an input holds what matters. */
#include "stt/whisper/whisper_check.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "fuzz.h"

enum { HEAD = 14 * 4, FILTERS = 80 * 201 * 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[WHISPER_WHY_BYTES] = "";
    struct whisper_facts facts;
    size_t head = size < HEAD ? size : HEAD, filters = size < HEAD ? 0 : FILTERS;
    char *file = calloc(1, size + filters + 1);
    if (!file)
        return 0;
    if (size) {
        memcpy(file, data, head);
        memcpy(file + head + filters, data + head, size - head);
    }
    enum err err = whisper_check((struct str){file, size + filters}, &facts, why);
    check(err == OK ? !why[0] : err == ERR_INVALID && why[0]);
    free(file);
    return 0;
}
