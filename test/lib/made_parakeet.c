// SPDX-License-Identifier: Apache-2.0
#include "made_parakeet.h"

#include "made_file.h"
#include "unit.h"

const char *made_parakeet(struct parakeet_shape shape)
{
    const char *path = made_file();
    assert_true(parakeet_write(path, &shape));
    return path;
}
