// SPDX-License-Identifier: Apache-2.0
#include "made_whisper.h"

#include "made_file.h"
#include "unit.h"

const char *made_whisper(struct whisper_shape shape)
{
    const char *path = made_file();
    assert_true(whisper_write(path, &shape));
    return path;
}
