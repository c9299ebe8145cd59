// SPDX-License-Identifier: Apache-2.0
/* What the two readers of styles share. */
#pragma once

#include "tts/kokoro/styles.h"

bool style_is_name(struct str name);
/* Takes a copy of the numbers. As styles_read_folder; a name that is_name. */
enum err styles_add(struct styles *s, struct str name, struct str bytes,
                    char why[STYLES_WHY_BYTES]);
