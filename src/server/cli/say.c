// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audio/pcm.h"
#include "base/json.h"
#include "server/cli/connect.h"
#include "server/cli/device.h"
#include "server/cli/file.h"
#include "server/cli/plain.h"
#include "server/cli/sound.h"
#include "wire/language_name.h"

enum { TEXT_MAX = 16 * 1024 };

/* Into a file, or to a loudspeaker. */
struct saying {
    struct device *speaker;
    struct sound_file sound;
    const char *path;
    struct pcm_carry carry;
    struct buf samples, refusal;
    uint64_t samples_n;
    bool opened, broken;
    int status;
};

static enum err pass_on(struct saying *s, struct str s16le)
{
    s->samples_n += s16le.n / sizeof(int16_t);
    if (s->speaker)
        return device_play(s->speaker, (const int16_t *)s16le.p, s16le.n / sizeof(int16_t));
    if (!s->opened) {
        s->opened = true;
        try(sound_open(&s->sound, s->path, PCM_RATE_SPEAK));
    }
    return sound_add(&s->sound, s16le);
}

static enum err on_body(void *arg, struct str bytes)
{
    struct saying *s = arg;
    if (s->status >= 300)
        return buf_add(&s->refusal, bytes);
    buf_clear(&s->samples);
    try(pcm_feed(&s->carry, bytes, &s->samples));
    enum err err = pass_on(s, buf_str(&s->samples));
    s->broken = err != OK;
    return err;
}

/* With --json: what there is of the sound, which itself is not for people's eyes. */
static int report(struct cli *c, const struct saying *s)
{
    autobuf out = BUF(16 * 1024);
    struct json_out j = {.to = &out};
    json_obj(&j);
    if (s->path)
        json_kstr(&j, "file", str_of(s->path));
    json_kint(&j, "rate", PCM_RATE_SPEAK);
    json_kint(&j, "samples", (int64_t)s->samples_n);
    json_knum(&j, "seconds", (double)s->samples_n / PCM_RATE_SPEAK);
    json_end(&j);
    if (json_finish(&j) != OK)
        return cli_no_memory(c);
    printf("%.*s\n", STR_FMT(out));
    return EXIT_OK;
}

/* To the end of what can still be heard. */
static int finish(struct cli *c, struct saying *s)
{
    if (s->speaker && !s->broken && s->samples_n > 0)
        device_drain(s->speaker);
    else if (s->opened)
        s->broken |= sound_close(&s->sound) != OK;
    if (!s->broken)
        return EXIT_OK;
    if (s->speaker)
        return cli_fail(c, "the speaker is gone; connect it and begin again");
    return cli_cannot_write(c, s->path ? s->path : "standard output", s->sound.failure);
}

static int say(struct cli *c, struct connection *k, struct str text, struct device *speaker)
{
    const char *voice = cli_given(c, "voice");
    autobuf body = BUF(2 * TEXT_MAX + 1024);
    struct json_out j = {.to = &body};
    json_obj(&j);
    json_kstr(&j, "text", text);
    json_kstr(&j, "format", S("pcm"));
    if (voice)
        json_kstr(&j, "voice", str_of(voice));
    json_end(&j);
    if (json_finish(&j) != OK)
        return cli_no_memory(c);
    static const char *const headers[] = {"Content-Type: application/json", nullptr};
    const struct client_request r = {
        .method = "POST", .path = "/tts", .headers = headers, .body = buf_str(&body)};
    struct saying s = {.speaker = speaker,
                       .path = cli_given(c, "output"),
                       .samples = BUF(1 << 20),
                       .refusal = BUF(64 * 1024)};
    enum err err = client_do(connection_client(k), &r, on_body, &s, &s.status);
    int code = finish(c, &s);
    if (code == EXIT_OK && err != OK)
        code = cli_fail(c, "the server went away (%s); try again", err_text(err));
    else if (code == EXIT_OK && s.status >= 300)
        code = connection_refused(c, s.status, buf_str(&s.refusal));
    else if (code == EXIT_OK && s.samples_n == 0)
        code =
            cli_fail(c, "there is nothing in it that can be spoken; name a text with words in it");
    else if (code == EXIT_OK && c->json)
        code = report(c, &s);
    buf_finish(&s.samples);
    buf_finish(&s.refusal);
    return code;
}

/* --- which voices there are --- */

static enum err put_voice(const struct json_val *voice, struct str standard, struct buf *into)
{
    struct str name = json_str(json_get(voice, "name")),
               engine = json_str(json_get(voice, "engine"));
    struct str tag = json_str(json_get(voice, "language")), language = language_name(tag);
    try(buf_addf(into, "%-24.*s %-8.*s", STR_FMT(name), STR_FMT(engine.n ? engine : S("remote"))));
    if (tag.n > 0)
        try(buf_addf(into, " %.*s", STR_FMT(tag)));
    if (!str_eq(tag, language))
        try(buf_addf(into, ", %.*s", STR_FMT(language)));
    if (str_eq(name, standard))
        try(buf_add(into, S("; the standard one")));
    return buf_add_byte(into, '\n');
}

static int list(struct cli *c, struct connection *k)
{
    autobuf answer = BUF(1 << 20), lines = BUF(1 << 20);
    struct json_doc *doc;
    struct json_why why;
    int status;
    enum err err = connection_get(k, "/voices", &answer, &status);
    if (err != OK)
        return cli_fail(c, "the server went away (%s); try again", err_text(err));
    if (status >= 300)
        return connection_refused(c, status, buf_str(&answer));
    if (c->json) {
        printf("%.*s\n", STR_FMT(answer));
        return EXIT_OK;
    }
    if (json_parse(buf_str(&answer), &doc, &why) != OK)
        return cli_not_json(c);
    const struct json_val *voices = json_get(json_root(doc), "voices"), *voice;
    struct str none;
    for (size_t i = 0; err == OK && json_next(voices, &i, &none, &voice);)
        err = put_voice(voice, json_str(json_get(json_root(doc), "standard")), &lines);
    json_doc_destroy(doc);
    if (err != OK)
        return cli_no_memory(c);
    plain_print(stdout, buf_str(&lines));
    return EXIT_OK;
}

static int list_voices(struct cli *c)
{
    struct connection *k = nullptr;
    if (c->count > 0 || cli_given(c, "output") || cli_given(c, "voice") || cli_given(c, "speaker"))
        return cli_misuse(c, "--list goes alone; leave the rest out");
    int code = connect_server(c, CONNECT_READY, &k);
    if (code == EXIT_OK)
        code = list(c, k);
    disconnect_server(k);
    return code;
}

int cli_say(struct cli *c)
{
    const char *path = cli_given(c, "output"), *speaker = cli_given(c, "speaker");
    autobuf text = BUF(TEXT_MAX);
    struct connection *k = nullptr;
    struct device *device = nullptr;
    if (cli_given(c, "list"))
        return list_voices(c);
    if (path && speaker)
        return cli_misuse(c, "the sound goes to one place; leave out -o or --speaker");
    bool aloud = speaker || (!path && isatty(STDOUT_FILENO));
    if (c->json && !aloud && (!path || strcmp(path, "-") == 0))
        return cli_misuse(c, "--json and the sound cannot both go to standard output: name a file "
                             "with -o FILE.wav");
    int code = read_operand(c, &text);
    if (code == EXIT_OK && str_trim(buf_str(&text)).n == 0)
        code = cli_misuse(c, "%s", c->command->missing);
    if (code == EXIT_OK && aloud) {
        /* Before the server: without a speaker there is no need for it. */
        code =
            device_open(c, DEVICE_SPEAKER, speaker ? speaker : "default", PCM_RATE_SPEAK, &device);
        if (code != EXIT_OK && !speaker)
            cli_fail(c, "or write it into a file; name one with -o FILE.wav");
    }
    if (code == EXIT_OK)
        code = connect_server(c, CONNECT_READY, &k);
    if (code == EXIT_OK)
        code = say(c, k, buf_str(&text), device);
    device_close(device);
    disconnect_server(k);
    return code;
}
