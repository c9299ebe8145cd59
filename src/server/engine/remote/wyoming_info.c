// SPDX-License-Identifier: Apache-2.0
#include "server/engine/remote/wyoming_info.h"

#include "wire/language_name.h"

static const struct json_val *list_of(const struct json_val *in, const char *name)
{
    const struct json_val *list = json_get(in, name);
    return list && json_typeof(list) == JSON_ARR ? list : nullptr;
}

static bool is_name(struct str s)
{
    return s.n && s.n < REMOTE_MODEL_BYTES && str_find_byte(s, 0) == s.n;
}

/* Old servers do not say. */
static bool is_installed(const struct json_val *artifact)
{
    return json_bool(json_get(artifact, "installed"), true);
}

/* Tags that are some, up to the first that there is no room for; shorter ones behind it would stand there by chance. */
static void put_languages(const struct json_val *model, struct wyoming_info *info)
{
    const struct json_val *list = list_of(model, "languages"), *one;
    size_t n = strlen(info->languages);
    for (size_t iter = 0; list && json_next(list, &iter, nullptr, &one);) {
        struct str tag = json_str(one), comma = n ? S(", ") : S("");
        if (!tag.n || !language_is_tag(tag) || str_listed(str_of(info->languages), tag))
            continue;
        if (n + comma.n + tag.n >= sizeof info->languages)
            break;
        memcpy(info->languages + n, comma.p, comma.n);
        memcpy(info->languages + n + comma.n, tag.p, tag.n);
        n += comma.n + tag.n;
        info->languages[n] = 0;
    }
}

static void put_models(const struct json_val *program, struct str wanted, struct wyoming_info *info)
{
    const struct json_val *list = list_of(program, "models"), *model;
    struct remote_models *m = &info->models;
    for (size_t iter = 0; list && json_next(list, &iter, nullptr, &model);) {
        struct str name = json_str(json_get(model, "name"));
        if (!is_name(name) || !is_installed(model))
            continue;
        m->count++;
        said_name(m->names, name);
        if (wanted.n && !str_eq(name, wanted))
            continue;
        put_languages(model, info);
        said_line(name, m->name, sizeof m->name);
    }
}

/* The first program that has what is wanted. */
static bool put_program(const struct json_val *program, struct str wanted,
                        struct wyoming_info *info)
{
    struct str name = json_str(json_get(program, "name"));
    if (json_typeof(program) != JSON_OBJ || !is_installed(program))
        return false;
    info->has_recogniser = true;
    info->tells_partials = json_bool(json_get(program, "supports_transcript_streaming"), false);
    size_t before = info->models.count;
    put_models(program, wanted, info);
    if (!wanted.n && info->models.count != before + 1)
        said_line(is_name(name) ? name : S("recogniser"), info->models.name,
                  sizeof info->models.name);
    return info->models.name[0];
}

enum err wyoming_info_read(const struct wyoming_event *event, struct str wanted,
                           struct wyoming_info *ret_info)
{
    const struct json_val *list = nullptr, *program;
    static const struct json_field fields[] = {{"asr", JSON_ARR, 0}};
    struct json_why why;
    struct wyoming_info info = {};
    if (!str_eq(event->type, S("info")) || wyoming_read(event, fields, 1, &list, &why) != OK)
        return ERR_SYNTAX;
    for (size_t iter = 0; list && json_next(list, &iter, nullptr, &program);)
        if (put_program(program, wanted, &info))
            break;
    *ret_info = info;
    return OK;
}
