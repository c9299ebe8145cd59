// SPDX-License-Identifier: Apache-2.0
/* The built-in voices keep their names beside those of a model. Main thread, after the load of tts_builtin. */
#pragma once

enum { BUILTIN_NAME_BYTES = 64 };

/* What a model's voice is called: `name`, or MODEL-NAME, which is put into `room`, where a built-in voice has that name. */
const char *builtin_other_name(const char *name, const char *model, char room[BUILTIN_NAME_BYTES]);
