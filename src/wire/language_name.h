// SPDX-License-Identifier: Apache-2.0
/* What a language is called in English, in small letters, as OpenAI's verbose_json has it: "german" for "de" or
 * "de-CH" (ISO 639-1; Whisper's languages). The tag itself when it is none of them. Pure. */
#pragma once

#include "base/str.h"

struct str language_name(struct str tag);
/* The other way: "de" for "German", and of a tag its language, "de" for "de-CH". Empty when it is none of them. */
struct str language_code(struct str name);
