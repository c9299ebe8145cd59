// SPDX-License-Identifier: Apache-2.0
/* The names of an option, and which option a name means or was meant to mean. */
#include <ctype.h>
#include <stdio.h>

#include "base/conf_parts.h"

void conf_dotted_name(const struct conf_option *o, char *into, size_t size)
{
    snprintf(into, size, "%s", o->name);
}

static void rename_option(const struct conf_option *o, const char *prefix, char separator,
                          bool upper, char *into, size_t size)
{
    size_t n = (size_t)snprintf(into, size, "%s%s", prefix, o->name);
    for (size_t i = strlen(prefix); i < n && i < size; i++) {
        if (into[i] == '.' || into[i] == '_')
            into[i] = separator;
        if (upper)
            into[i] = (char)toupper((unsigned char)into[i]);
    }
}

void conf_flag_name(const struct conf_option *o, char *into, size_t size)
{
    rename_option(o, "--", '-', false, into, size);
}

void conf_env_name(const struct conf_option *o, char *into, size_t size)
{
    rename_option(o, "REPARTEE_", '_', true, into, size);
}

const char *conf_old_variable(const struct conf_option *o)
{
    static const struct {
        const char *option, *variable;
    } table[] = {
        {"auth.secret", "JWT_SECRET"},    {"embed.model", "EMBED_MODEL"},
        {"http.origins", "CORS_ORIGINS"}, {"limit.turns", "RATE_LIMIT"},
        {"llm.model", "MODEL_NAME"},      {"llm.url", "OPENAI_COMPAT_BASE_URL"},
        {"models.hub", "HF_ENDPOINT"},    {"models.token", "HF_TOKEN"},
        {"stt.model", "WHISPER_MODEL"},   {"tts.model", "PIPER_VOICE"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].option, o->name) == 0)
            return table[i].variable;
    return nullptr;
}

const struct conf_option *conf_find(struct str name, conf_name_fn *name_of, const char *suffix,
                                    bool *ret_file)
{
    size_t count;
    const struct conf_option *o = conf_options(&count);
    bool has_suffix = str_ends(name, str_of(suffix));
    struct str bare = str_sub(name, 0, name.n - (has_suffix ? strlen(suffix) : 0));
    for (size_t i = 0; i < count; i++) {
        char own[CONF_NAME_BYTES];
        name_of(&o[i], own, sizeof own);
        bool whole = str_eq(name, str_of(own));
        if (whole || (o[i].kind == CONF_KIND_SECRET && str_eq(bare, str_of(own)))) {
            *ret_file = !whole;
            return &o[i];
        }
    }
    return nullptr;
}

const struct conf_option *conf_nearest(struct str name, conf_name_fn *name_of)
{
    size_t count, least = name.n / 3 + 2; /* more differences than that are another word */
    const struct conf_option *o = conf_options(&count), *nearest = nullptr;
    for (size_t i = 0; i < count; i++) {
        char own[CONF_NAME_BYTES];
        name_of(&o[i], own, sizeof own);
        size_t d = str_distance(name, str_of(own));
        if (d < least) {
            least = d;
            nearest = &o[i];
        }
    }
    return nearest;
}
