// SPDX-License-Identifier: Apache-2.0
#include "server/api/voice_about.h"

#include <stdio.h>

/* "en_US-lessac-medium" → "en-US"; false: its name does not say. */
static bool language_of_model(struct str model, char into[VOICE_LANGUAGE_BYTES])
{
    size_t n = str_find_byte(model, '-');
    if (n == model.n || n < 2 || n >= VOICE_LANGUAGE_BYTES || str_find_byte(model, '_') > n)
        return false;
    for (size_t i = 0; i < n; i++)
        into[i] = (char)(model.p[i] == '_' ? '-' : model.p[i]);
    into[n] = '\0';
    return true;
}

/* "af_heart" → "en-US": the first letter of a Kokoro's voice says it. */
static bool language_of_kokoro(struct str voice, char into[VOICE_LANGUAGE_BYTES])
{
    static const struct {
        char letter;
        const char *tag;
    } tags[] = {{'a', "en-US"}, {'b', "en-GB"}, {'e', "es"},   {'f', "fr-FR"},
                {'h', "hi"},    {'i', "it"},    {'p', "pt-BR"}};
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        if (voice.n > 2 && voice.p[2] == '_' && voice.p[0] == tags[i].letter) {
            snprintf(into, VOICE_LANGUAGE_BYTES, "%s", tags[i].tag);
            return true;
        }
    return false;
}

/* espeak-ng's voices have a language's name; flite's are English; a model's and its speakers' are of its language. */
void voice_about(const struct engine_info *tts, struct str name, struct voice_about *ret_about)
{
    *ret_about = (struct voice_about){.engine = tts->driver, .language = "en"};
    if (str_listed(S("slt,rms,awb,kal"), name)) {
        ret_about->engine = "flite";
    } else if (str_listed(str_of(tts->languages), name)) {
        ret_about->engine = "espeak";
        snprintf(ret_about->language, sizeof ret_about->language, "%.*s", STR_FMT(name));
    } else if (strcmp(tts->driver, "kokoro") == 0) {
        (void)language_of_kokoro(name, ret_about->language);
    } else if (language_of_model(str_file_name(str_of(tts->model)), ret_about->language)) {
        ret_about->engine = "piper";
    }
}
