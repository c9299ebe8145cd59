// SPDX-License-Identifier: Apache-2.0
/* Whatever the file of keys holds: what is taken from it can be named, and there are not too many. */
#include "base/check.h"
#include "fuzz.h"
#include "server/access/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct keys k;
    if (keys_parse((struct str){(const char *)bytes, size}, &k) != OK)
        return 0;
    check(k.count <= KEYS_MAX);
    for (size_t i = 0; i < k.count; i++)
        check(key_name_is_good(str_of(k.key[i].name)));
    keys_free(&k);
    return 0;
}
