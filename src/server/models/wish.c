// SPDX-License-Identifier: Apache-2.0
#include "server/models/wish.h"

#include <stdio.h>

#include "base/check.h"

enum { ENDING_MAX = 16 };
static const char VOICE[] = ".onnx", VOICE_MORE[] = ".json";

/* --- what is wanted --- */

/* What stands in a query may be a signature that lets in who knows it: that is no origin to keep. */
static struct str without_query(struct str source)
{
    source.n = str_find_byte(source, '#');
    source.n = str_find_byte(source, '?');
    return source;
}

/* What a voice says of itself lies beside it. */
static enum wish_wrong add_more(const struct wish_words *words, struct wish *w)
{
    struct str from = words->source, path = w->model.file[0].source;
    int with = snprintf(w->more[0], sizeof w->more[0], "%.*s%s%.*s", STR_FMT(path), VOICE_MORE,
                        STR_FMT(str_sub(from, path.n, from.n)));
    int bare = snprintf(w->more[1], sizeof w->more[1], "%.*s%s", STR_FMT(path), VOICE_MORE);
    if (with >= (int)sizeof w->more[0] || bare >= (int)sizeof w->more[1])
        return WISH_SOURCE;
    enum err err = model_source_parse(str_of(w->more[0]), &w->source[1]);
    if (err != OK)
        return err == ERR_NOMEM ? WISH_NOMEM : WISH_SOURCE;
    w->model.file[1] =
        (struct model_file){.source = str_of(w->more[1]), .sha256 = words->more_sha256};
    w->model.file_count = 2;
    return w->source[1].is_hub || words->more_sha256.n ? WISH_GOOD : WISH_MORE_SHA256;
}

/* A source that is in no catalogue: its name and kind by what is said or by its file. */
static enum wish_wrong take_other(const struct wish_words *words, struct wish *w)
{
    enum err err = model_source_parse(words->source, &w->source[0]);
    if (err != OK)
        return err == ERR_NOMEM ? WISH_NOMEM : WISH_SOURCE;
    struct str file = model_source_file(&w->source[0]);
    w->model.file[0] =
        (struct model_file){.source = without_query(words->source), .sha256 = words->sha256};
    w->model.file_count = 1;
    w->model.kind = words->kind.n ? words->kind : S("llm");
    if (!words->kind.n && !str_ends_nocase(file, S(".gguf")))
        return WISH_KIND;
    if (!words->as.n && model_name_of(file, w->name) != OK)
        return WISH_NAME;
    if (!w->source[0].is_hub && !words->sha256.n)
        return WISH_SHA256;
    if (str_eq(w->model.kind, S("tts")) && str_ends_nocase(file, str_of(VOICE)))
        return add_more(words, w);
    return words->more_sha256.n ? WISH_NO_MORE : WISH_GOOD;
}

void wish_expect(struct wish *w, struct str sha256, struct str more_sha256)
{
    struct model *m = &w->model;
    const struct str said[MODEL_FILES_MAX] = {sha256, more_sha256};
    bool is_same = true;
    for (size_t i = 0; i < m->file_count; i++)
        is_same = is_same && (!said[i].n || str_eq(said[i], m->file[i].sha256));
    for (size_t i = 0; i < m->file_count && !is_same; i++) {
        m->file[i].sha256 = said[i];
        m->file[i].size = 0;
    }
    if (!is_same)
        m->revision = S("");
}

static enum wish_wrong take_known(const struct model *known, const struct wish_words *words,
                                  struct wish *w)
{
    w->model = *known;
    snprintf(w->name, sizeof w->name, "%.*s", STR_FMT(known->name));
    if (words->more_sha256.n && known->file_count < 2)
        return WISH_NO_MORE;
    if (words->sha256.n)
        wish_expect(w, words->sha256, words->more_sha256);
    for (size_t i = 0; i < known->file_count; i++) {
        enum err err = model_source_parse(known->file[i].source, &w->source[i]);
        check(err == OK || err == ERR_NOMEM);
        if (err != OK)
            return WISH_NOMEM;
    }
    return WISH_GOOD;
}

enum wish_wrong wish_take(const struct model_list *catalogue, const struct wish_words *words,
                          struct wish *w)
{
    *w = (struct wish){};
    const struct model *known = model_list_find(catalogue, words->source);
    enum wish_wrong wrong = known ? take_known(known, words, w) : take_other(words, w);
    if (words->as.n)
        snprintf(w->name, sizeof w->name, "%.*s", STR_FMT(words->as));
    for (size_t i = 0; i < w->model.file_count; i++)
        if (w->source[i].is_hub && !w->source[i].revision.n)
            w->source[i].revision = w->model.revision;
    return wrong;
}

/* --- its place --- */

static struct str ending_of(struct str file)
{
    size_t at = file.n;
    while (at > 0 && file.p[at - 1] != '.')
        at--;
    return at > 0 ? str_sub(file, at - 1, file.n) : S("");
}

/* Of two files that begin alike, such as x.onnx and x.onnx.json, an engine finds one by the other: so they do here. */
void wish_file(const struct wish *w, size_t i, char into[WISH_FILE_BYTES])
{
    struct str first = model_source_file(&w->source[0]), own = model_source_file(&w->source[i]);
    char name[2 * MODEL_FILE_MAX];
    int n = snprintf(name, sizeof name, "%s%.*s", w->name,
                     STR_FMT(str_sub(ending_of(first), 0, ENDING_MAX)));
    if (!model_file_is_good(str_of(name)))
        n = snprintf(name, sizeof name, "%s", w->name);
    size_t room = sizeof name - (size_t)n;
    if (i > 0 && str_starts(own, first))
        snprintf(name + n, room, "%.*s", STR_FMT(str_sub(own, first.n, own.n)));
    else if (i > 0)
        snprintf(name, sizeof name, "%s-%.*s", w->name, STR_FMT(str_sub(own, 0, MODEL_FILE_MAX)));
    if (!model_file_is_good(str_of(name)))
        snprintf(name, sizeof name, "%s-%zu", w->name, i);
    snprintf(into, WISH_FILE_BYTES, "%.*s/%.*s", STR_FMT(w->model.kind), MODEL_FILE_MAX, name);
}
