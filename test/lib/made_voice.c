// SPDX-License-Identifier: Apache-2.0
#include "made_voice.h"

#include "made_file.h"
#include "unit.h"

const char *made_voice(struct voice_shape shape)
{
    const char *path = made_file();
    assert_true(voice_write(path, &shape));
    return path;
}
