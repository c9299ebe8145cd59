// SPDX-License-Identifier: Apache-2.0
#include "server/cli/show.h"

#include <stdio.h>
#include <unistd.h>

#include "server/cli/cli.h"
#include "server/cli/plain.h"

enum { TEXT_MAX = 1024 * 1024, BAR = 30 };

static void keep(struct buf *b, struct str s)
{
    (void)buf_add(b, s); /* what does not fit was printed already, or is left out of the JSON */
}

static void on_partial(struct show *s, struct str text)
{
    if (s->json || !isatty(STDERR_FILENO))
        return;
    fputs("\r\033[K… ", stderr);
    plain_print(stderr, text);
}

static void on_final(struct show *s, struct str text)
{
    keep(&s->transcript, text);
    if (s->json)
        return;
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
    fputs("You: ", stdout);
    plain_print(stdout, text);
    putchar('\n');
    fflush(stdout);
}

static void on_token(struct show *s, struct str text)
{
    keep(&s->answer, text);
    if (s->json)
        return;
    s->begun = true;
    plain_print(stdout, text);
    fflush(stdout);
}

static void put_citation(struct show *s, const struct json_val *event)
{
    struct json_out j = {.to = &s->citations};
    if (s->citations.n)
        keep(&s->citations, S(","));
    json_obj(&j);
    json_kint(&j, "index", json_int(json_get(event, "index"), 0));
    json_kstr(&j, "title", json_str(json_get(event, "title")));
    json_kstr(&j, "source", json_str(json_get(event, "source")));
    json_kstr(&j, "doc_id", json_str(json_get(event, "doc_id")));
    json_kint(&j, "chunk_id", json_int(json_get(event, "chunk_id"), 0));
    json_kstr(&j, "text", json_str(json_get(event, "text")));
    json_end(&j);
    (void)json_finish(&j);
    struct str title = json_str(json_get(event, "title"));
    struct str source = json_str(json_get(event, "source"));
    (void)buf_addf(&s->sources, "  [%lld] %.*s (%.*s)\n",
                   (long long)json_int(json_get(event, "index"), 0), STR_FMT(title),
                   STR_FMT(source));
}

/* The stages under each other, each where it lay in time. */
static void put_waterfall(struct show *s, const struct json_val *timings)
{
    const struct json_val *stages = json_get(timings, "stages");
    double total = json_num(json_get(timings, "total_ms"), 0);
    struct json_out j = {.to = &s->timings};
    json_obj(&j);
    for (size_t i = 0; i < json_count(stages); i++) {
        const struct json_val *stage = json_at(stages, i);
        struct str name = json_str(json_get(stage, "name"));
        double from = json_num(json_get(stage, "start_ms"), 0);
        double ms = json_num(json_get(stage, "ms"), 0);
        char key[32];
        snprintf(key, sizeof key, "%.*s", (int)(name.n < 31 ? name.n : 31), name.p);
        json_knum(&j, key, ms);
        int start = total > 0 ? (int)(from / total * BAR) : 0;
        int width = total > 0 ? (int)(ms / total * BAR + 0.5) : 0;
        (void)buf_addf(&s->sources, "  %-11s %8.1f ms  %*s", key, ms, start < BAR ? start : BAR,
                       "");
        for (int b = 0; b < (width ? width : 1) && start + b <= BAR; b++)
            (void)buf_add(&s->sources, S("▆"));
        (void)buf_add_byte(&s->sources, '\n');
    }
    json_knum(&j, "total", total);
    const struct json_val *token = json_get(timings, "first_token_ms");
    const struct json_val *audio = json_get(timings, "first_audio_ms");
    json_knum(&j, "first_token", json_num(token, -1));
    json_knum(&j, "first_audio", json_num(audio, -1));
    json_end(&j);
    (void)json_finish(&j);
    if (json_num(audio, -1) >= 0)
        (void)buf_addf(&s->sources, "  first sound %8.1f ms after the end of speech\n",
                       json_num(audio, 0));
}

void show_init(struct show *s, bool json)
{
    *s = (struct show){.json = json,
                       .transcript = BUF(TEXT_MAX),
                       .answer = BUF(TEXT_MAX),
                       .citations = BUF(TEXT_MAX),
                       .timings = BUF(TEXT_MAX),
                       .sources = BUF(TEXT_MAX)};
}

void show_event(struct show *s, const struct json_val *event)
{
    struct str type = json_str(json_get(event, "type"));
    if (str_eq(type, S("partial")))
        on_partial(s, json_str(json_get(event, "text")));
    else if (str_eq(type, S("final")))
        on_final(s, json_str(json_get(event, "text")));
    else if (str_eq(type, S("token")))
        on_token(s, json_str(json_get(event, "content")));
    else if (str_eq(type, S("citation")))
        put_citation(s, event);
    else if (str_eq(type, S("end")))
        put_waterfall(s, json_get(event, "timings"));
}

static int finish_json(struct show *s)
{
    autobuf out = BUF(4 * TEXT_MAX);
    autobuf citations = BUF(TEXT_MAX + 2);
    enum err err = buf_addf(&citations, "[%.*s]", STR_FMT(s->citations));
    struct json_out j = {.to = &out};
    json_obj(&j);
    if (s->transcript.n)
        json_kstr(&j, "transcript", buf_str(&s->transcript));
    json_kstr(&j, "response", buf_str(&s->answer));
    json_key(&j, "citations");
    json_put_raw(&j, buf_str(&citations));
    json_key(&j, "timings_ms");
    json_put_raw(&j, s->timings.n ? buf_str(&s->timings) : S("{}"));
    json_end(&j);
    if (err != OK || json_finish(&j) != OK)
        return EXIT_FAILED;
    printf("%.*s\n", STR_FMT(out));
    return EXIT_OK;
}

int show_finish(struct show *s)
{
    if (s->json)
        return finish_json(s);
    if (s->begun)
        putchar('\n');
    if (s->sources.n) {
        putchar('\n');
        plain_print(stdout, buf_str(&s->sources));
    }
    return EXIT_OK;
}

void show_free(struct show *s)
{
    buf_finish(&s->transcript);
    buf_finish(&s->answer);
    buf_finish(&s->citations);
    buf_finish(&s->timings);
    buf_finish(&s->sources);
}
