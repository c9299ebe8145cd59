// SPDX-License-Identifier: Apache-2.0
#include "server/models/wish.h"

#include <stdio.h>

#include "base/check.h"

/* What stands in a query may be a signature that lets in who knows it: that is no origin to keep. */
static struct str without_query(struct str source)
{
    source.n = str_find_byte(source, '#');
    source.n = str_find_byte(source, '?');
    return source;
}

/* A source that is in no catalogue: its name and kind by what is said or by its file. */
static enum wish_wrong take_other(const struct wish_words *words, struct wish *w)
{
    enum err err = model_source_parse(words->source, &w->source);
    if (err != OK)
        return err == ERR_NOMEM ? WISH_NOMEM : WISH_SOURCE;
    struct str file = model_source_file(&w->source);
    w->model.source = without_query(words->source);
    w->model.kind = words->kind.n ? words->kind : S("llm");
    if (!words->kind.n && !str_ends_nocase(file, S(".gguf")))
        return WISH_KIND;
    if (!words->as.n && model_name_of(file, w->name) != OK)
        return WISH_NAME;
    return w->source.is_hub || w->model.sha256.n ? WISH_GOOD : WISH_SHA256;
}

void wish_expect(struct wish *w, struct str sha256)
{
    if (str_eq(w->model.sha256, sha256))
        return;
    w->model.sha256 = sha256;
    w->model.size = 0;
    w->model.revision = S("");
}

enum wish_wrong wish_take(const struct model_list *catalogue, const struct wish_words *words,
                          struct wish *w)
{
    *w = (struct wish){.model.sha256 = words->sha256};
    const struct model *known = model_list_find(catalogue, words->source);
    enum wish_wrong wrong = WISH_GOOD;
    if (known) {
        w->model = *known;
        if (words->sha256.n)
            wish_expect(w, words->sha256);
        enum err err = model_source_parse(known->source, &w->source);
        check(err == OK || err == ERR_NOMEM);
        wrong = err == OK ? WISH_GOOD : WISH_NOMEM;
        snprintf(w->name, sizeof w->name, "%.*s", STR_FMT(known->name));
    } else {
        wrong = take_other(words, w);
    }
    if (words->as.n)
        snprintf(w->name, sizeof w->name, "%.*s", STR_FMT(words->as));
    if (w->source.is_hub && !w->source.revision.n)
        w->source.revision = w->model.revision;
    return wrong;
}
