// SPDX-License-Identifier: Apache-2.0
/* Kokoros that live as long as the test program that makes them (kokoro_write.h). */
#pragma once

#include "kokoro_write.h"

/* A folder; anybody may read it. */
const char *made_kokoro(struct kokoro_shape shape);
/* Writes a file of such a folder anew, or removes it where there are no bytes. */
void made_kokoro_change(const char *folder, const char *name, struct str bytes);
