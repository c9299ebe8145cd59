// SPDX-License-Identifier: Apache-2.0
/* The landing page, embedded when the program is built. */
#include <stdio.h>

#include "server/api/route.h"

static const char index_html[] = {
#embed "index.html"
};
static const char app_js[] = {
#embed "app.js"
};
static const char history_js[] = {
#embed "history.js"
};
static const char link_js[] = {
#embed "link.js"
};
static const char model_row_js[] = {
#embed "model-row.js"
};
static const char models_js[] = {
#embed "models.js"
};
static const char panels_js[] = {
#embed "panels.js"
};
static const char view_js[] = {
#embed "view.js"
};
static const char voice_js[] = {
#embed "voice.js"
};
static const char voices_js[] = {
#embed "voices.js"
};
static const char worklet_js[] = {
#embed "worklet.js"
};
static const char models_css[] = {
#embed "models.css"
};
static const char style_css[] = {
#embed "style.css"
};
static const char favicon_svg[] = {
#embed "favicon.svg"
};

#define HTML "text/html; charset=utf-8"
#define STYLE "text/css; charset=utf-8"
#define SCRIPT "text/javascript; charset=utf-8"

static const struct {
    const char *path, *type, *bytes;
    size_t n;
} files[] = {
    {"/", HTML, index_html, sizeof index_html},
    {"/app.js", SCRIPT, app_js, sizeof app_js},
    {"/history.js", SCRIPT, history_js, sizeof history_js},
    {"/link.js", SCRIPT, link_js, sizeof link_js},
    {"/model-row.js", SCRIPT, model_row_js, sizeof model_row_js},
    {"/models.js", SCRIPT, models_js, sizeof models_js},
    {"/panels.js", SCRIPT, panels_js, sizeof panels_js},
    {"/view.js", SCRIPT, view_js, sizeof view_js},
    {"/voice.js", SCRIPT, voice_js, sizeof voice_js},
    {"/voices.js", SCRIPT, voices_js, sizeof voices_js},
    {"/worklet.js", SCRIPT, worklet_js, sizeof worklet_js},
    {"/models.css", STYLE, models_css, sizeof models_css},
    {"/style.css", STYLE, style_css, sizeof style_css},
    {"/favicon.svg", "image/svg+xml", favicon_svg, sizeof favicon_svg},
};

/* Nothing from elsewhere, nothing inline: what a model says can start no script (TRUST R11). */
static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; media-src 'self' blob:; worker-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'";

/* A hash of the contents: the browser asks again after every start, and gets 304 when it
 * has the same file. */
static void etag_of(struct str bytes, char into[24])
{
    snprintf(into, 24, "\"%016llx\"", (unsigned long long)str_hash(bytes));
}

void handle_page(struct server *s, struct exchange *x, const struct principal *who, struct str id)
{
    (void)s, (void)who, (void)id;
    const struct http_head *head = exchange_head(x);
    size_t i = 0;
    while (!str_eq(head->path, str_of(files[i].path)))
        i++; /* the route table holds the same paths */
    struct str bytes = {files[i].bytes, files[i].n};
    char etag[24];
    etag_of(bytes, etag);
    enum err err = exchange_set(x, "ETag", str_of(etag));
    if (err == OK)
        err = exchange_set(x, "Cache-Control", S("no-cache"));
    if (err == OK)
        err = exchange_set(x, "Content-Security-Policy", str_of(policy));
    if (err != OK)
        exchange_error(x, err, nullptr, nullptr);
    else if (str_eq(http_value(head, "if-none-match"), str_of(etag)))
        exchange_reply(x, 304, nullptr, S(""));
    else
        exchange_reply(x, 200, files[i].type, bytes);
}
