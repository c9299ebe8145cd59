// SPDX-License-Identifier: Apache-2.0
/* What a language is called in English, in small letters, as OpenAI's verbose_json has it: "german" for "de" or
 * "de-CH" (ISO 639-1; Whisper's languages). The tag itself when it is none of them. Pure. */
#pragma once

#include "base/str.h"

struct str language_name(struct str tag);
/* The other way: "de" for "German", and of a tag its language, "de" for "de-CH". Empty when it is none of them. */
struct str language_code(struct str name);
/* It is written like a tag: letters, digits, and what stands between them in pt-BR and pt_BR. Also "". */
bool language_is_tag(struct str s);
/* Whisper's languages, one after another: false past the last. */
bool language_at(size_t i, struct str *ret_tag);
