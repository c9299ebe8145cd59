// SPDX-License-Identifier: Apache-2.0
#include "tts/piper/voice_json.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"

enum { RATE_MIN = 8000, RATE_MAX = 48000 };
static constexpr float SCALE_MAX = 10; /* of noise and length; usual ones are below 2 */
static constexpr float LENGTH_MIN = 0.1f;

struct reader {
    char *why;
    struct voice_json v;
};

__attribute__((format(printf, 2, 3))) static enum err refuse(struct reader *r, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(r->why, VOICE_WHY_BYTES, fmt, ap);
    va_end(ap);
    return ERR_INVALID;
}

/* Absent, or null, which counts as absent. */
static const struct json_val *get(const struct json_val *obj, const char *key)
{
    const struct json_val *v = json_get(obj, key);
    return v && json_typeof(v) != JSON_NULL ? v : nullptr;
}

static enum err get_object(struct reader *r, const struct json_val *obj, const char *key,
                           const struct json_val **ret)
{
    *ret = get(obj, key);
    if (*ret && json_typeof(*ret) != JSON_OBJ)
        return refuse(r, "the voice's \"%s\" is no object", key);
    return OK;
}

static enum err get_scale(struct reader *r, const struct json_val *obj, const char *key,
                          float least, float *into)
{
    const struct json_val *v = get(obj, key);
    double x = v ? json_num(v, NAN) : (double)*into;
    if (!(x >= (double)least && x <= (double)SCALE_MAX))
        return refuse(r, "the voice's \"%s\" must be a number from %g to %g", key, (double)least,
                      (double)SCALE_MAX);
    *into = (float)x;
    return OK;
}

/* Tags become names that are looked up, so nothing but letters, digits and what joins them. */
static enum err get_tag(struct reader *r, const struct json_val *obj, const char *key,
                        char into[VOICE_TAG_BYTES])
{
    const struct json_val *v = get(obj, key);
    if (!v)
        return OK;
    struct str tag = json_str(v);
    bool is_tag = tag.n > 0 && tag.n < VOICE_TAG_BYTES;
    for (size_t i = 0; is_tag && i < tag.n; i++) {
        char c = tag.p[i];
        is_tag = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 c == '-' || c == '_';
        into[i] = c == '_' ? '-' : c;
    }
    if (!is_tag)
        return refuse(r, "the voice's \"%s\" is no tag of a language", key);
    into[tag.n] = '\0';
    return OK;
}

static enum err read_sound(struct reader *r, const struct json_val *root)
{
    const struct json_val *audio, *inference;
    try(get_object(r, root, "audio", &audio));
    int64_t rate = json_int(get(audio, "sample_rate"), 0);
    if (rate < RATE_MIN || rate > RATE_MAX)
        return refuse(r, "the voice's \"sample_rate\" must be %d to %d", RATE_MIN, RATE_MAX);
    r->v.rate_hz = (uint32_t)rate;
    r->v.noise_scale = 0.667f; /* what Piper takes where nothing is said */
    r->v.length_scale = 1;
    r->v.noise_w = 0.8f;
    try(get_object(r, root, "inference", &inference));
    try(get_scale(r, inference, "noise_scale", 0, &r->v.noise_scale));
    try(get_scale(r, inference, "noise_w", 0, &r->v.noise_w));
    return get_scale(r, inference, "length_scale", LENGTH_MIN, &r->v.length_scale);
}

/* --- text to phonemes --- */

static enum err read_kind(struct reader *r, const struct json_val *root)
{
    const struct json_val *kind = get(root, "phoneme_type");
    struct str name = kind ? json_str(kind) : S("espeak");
    if (str_eq(name, S("text")))
        r->v.kind = PHONEMES_TEXT;
    else if (!str_eq(name, S("espeak")))
        return refuse(r, "the voice wants phonemes of the kind \"%.*s\"; there are espeak and text",
                      STR_FMT(str_sub(name, 0, utf8_prefix(name, 40))));
    const struct json_val *map;
    try(get_object(r, root, "phoneme_map", &map));
    if (json_count(map) > 0)
        return refuse(r, "the voice renames phonemes (\"phoneme_map\"), which is not known here");
    return OK;
}

static enum err read_language(struct reader *r, const struct json_val *root)
{
    const struct json_val *espeak, *language;
    char family[VOICE_TAG_BYTES] = "";
    try(get_object(r, root, "espeak", &espeak));
    try(get_tag(r, espeak, "voice", r->v.espeak));
    try(get_object(r, root, "language", &language));
    try(get_tag(r, language, "family", family));
    if (!family[0])
        try(get_tag(r, language, "code", family));
    if (r->v.kind == PHONEMES_ESPEAK && !r->v.espeak[0])
        return refuse(r, "the voice does not name its voice of espeak-ng (\"espeak\", \"voice\")");
    struct str tag = str_of(family[0] ? family : r->v.espeak);
    tag = str_sub(tag, 0, str_find_byte(tag, '-'));
    memcpy(r->v.language, tag.p, tag.n);
    r->v.language[tag.n] = '\0';
    return OK;
}

static enum err read_ids(struct reader *r, struct str name, const struct json_val *ids,
                         int64_t symbols, struct voice_phoneme *p)
{
    size_t count = ids && json_typeof(ids) == JSON_ARR ? json_count(ids) : 0;
    if (count == 0 || count > VOICE_IDS_MAX)
        return refuse(r, "the voice's phoneme \"%.*s\" needs a list of 1 to %d numbers",
                      STR_FMT(str_sub(name, 0, utf8_prefix(name, 16))), VOICE_IDS_MAX);
    for (size_t i = 0; i < count; i++) {
        int64_t id = json_int(json_at(ids, i), -1);
        if (id < 0 || id >= symbols)
            return refuse(r, "the voice's phoneme \"%.*s\" has a number that is none of %lld",
                          STR_FMT(str_sub(name, 0, utf8_prefix(name, 16))), (long long)symbols);
        p->id[i] = (uint16_t)id;
    }
    p->count = (uint16_t)count;
    return OK;
}

static int by_cp(const void *a, const void *b)
{
    const struct voice_phoneme *x = a, *y = b;
    return x->cp < y->cp ? -1 : x->cp > y->cp;
}

/* A phoneme is one code point; a longer name can never be met in a text. */
static enum err read_phonemes(struct reader *r, const struct json_val *root)
{
    const struct json_val *map, *ids;
    struct str name;
    size_t at = 0;
    int64_t symbols = json_int(get(root, "num_symbols"), VOICE_SYMBOLS_MAX);
    try(get_object(r, root, "phoneme_id_map", &map));
    if (json_count(map) == 0 || json_count(map) > VOICE_PHONEMES_MAX)
        return refuse(r, "the voice needs 1 to %d phonemes in \"phoneme_id_map\"",
                      VOICE_PHONEMES_MAX);
    if (symbols < 1 || symbols > VOICE_SYMBOLS_MAX)
        return refuse(r, "the voice's \"num_symbols\" must be 1 to %d", VOICE_SYMBOLS_MAX);
    r->v.phonemes = mem_zero(json_count(map), sizeof *r->v.phonemes);
    if (!r->v.phonemes)
        return ERR_NOMEM;
    while (json_next(map, &at, &name, &ids)) {
        struct voice_phoneme p = {};
        try(read_ids(r, name, ids, symbols, &p));
        if (name.n > 0 && utf8_next(name, &p.cp) == name.n)
            r->v.phonemes[r->v.phonemes_n++] = p;
    }
    qsort(r->v.phonemes, r->v.phonemes_n, sizeof *r->v.phonemes, by_cp);
    static const char framing[] = "_^$";
    for (size_t i = 0; i < sizeof framing - 1; i++)
        if (!voice_json_phoneme(&r->v, (uint32_t)framing[i]))
            return refuse(r, "the voice lacks the phoneme \"%c\"", framing[i]);
    return OK;
}

const struct voice_phoneme *voice_json_phoneme(const struct voice_json *v, uint32_t cp)
{
    const struct voice_phoneme key = {.cp = cp};
    return v->phonemes_n ? bsearch(&key, v->phonemes, v->phonemes_n, sizeof key, by_cp) : nullptr;
}

/* --- speakers --- */

static bool is_good_name(struct str name)
{
    if (name.n == 0 || name.n >= VOICE_NAME_BYTES)
        return false;
    for (size_t i = 0; i < name.n; i++)
        if ((unsigned char)name.p[i] < ' ' || name.p[i] == ',' || name.p[i] == 0x7f)
            return false;
    return true;
}

static enum err name_speakers(struct reader *r, const struct json_val *map)
{
    const struct json_val *number;
    struct str name;
    size_t at = 0;
    for (uint32_t i = 0; i < r->v.speakers_n; i++) {
        r->v.speakers[i].id = i;
        snprintf(r->v.speakers[i].name, VOICE_NAME_BYTES, "%u", i);
    }
    while (json_next(map, &at, &name, &number)) {
        int64_t id = json_int(number, -1);
        if (id < 0 || id >= r->v.speakers_n)
            return refuse(r, "the voice's speaker \"%.*s\" has a number that is none of %u",
                          STR_FMT(str_sub(name, 0, utf8_prefix(name, 40))), r->v.speakers_n);
        if (is_good_name(name))
            snprintf(r->v.speakers[id].name, VOICE_NAME_BYTES, "%.*s", STR_FMT(name));
    }
    return OK;
}

static enum err read_speakers(struct reader *r, const struct json_val *root)
{
    const struct json_val *map;
    int64_t count = json_int(get(root, "num_speakers"), get(root, "num_speakers") ? -1 : 1);
    if (count < 1 || count > VOICE_SPEAKERS_MAX)
        return refuse(r, "the voice's \"num_speakers\" must be 1 to %d", VOICE_SPEAKERS_MAX);
    r->v.speakers_n = (uint32_t)count;
    if (count == 1)
        return OK;
    try(get_object(r, root, "speaker_id_map", &map));
    r->v.speakers = mem_zero((size_t)count, sizeof *r->v.speakers);
    return r->v.speakers ? name_speakers(r, map) : ERR_NOMEM;
}

/* --- the file --- */

static enum err read_all(struct reader *r, const struct json_val *root)
{
    if (json_typeof(root) != JSON_OBJ)
        return refuse(r, "the voice's .onnx.json is no object");
    try(read_sound(r, root));
    try(read_kind(r, root));
    try(read_language(r, root));
    try(read_phonemes(r, root));
    return read_speakers(r, root);
}

void voice_json_finish(struct voice_json *v)
{
    free(v->speakers);
    free(v->phonemes);
    *v = (struct voice_json){};
}

enum err voice_json_read(struct str text, struct voice_json *ret_v, char why[VOICE_WHY_BYTES])
{
    struct reader r = {.why = why};
    struct json_doc *doc;
    struct json_why json = {};
    if (text.n > VOICE_JSON_BYTES)
        return refuse(&r, "the voice's .onnx.json is larger than 1 MiB");
    enum err err = json_parse_wide(text, VOICE_SPEAKERS_MAX, &doc, &json);
    if (err == ERR_NOMEM)
        return err;
    if (err != OK)
        return refuse(&r, "the voice's .onnx.json cannot be read: %.160s", json.text);
    err = read_all(&r, json_root(doc));
    json_doc_destroy(doc);
    if (err == OK)
        *ret_v = r.v;
    else
        voice_json_finish(&r.v);
    return err;
}
