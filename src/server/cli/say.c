// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audio/pcm.h"
#include "base/json.h"
#include "server/cli/connect.h"
#include "server/cli/file.h"
#include "server/cli/sound.h"

enum { TEXT_MAX = 16 * 1024 };

struct saying {
    struct sound_file sound;
    const char *path;
    struct pcm_carry carry;
    struct buf samples, refusal;
    bool opened, broken;
    int status;
};

static enum err on_body(void *arg, struct str bytes)
{
    struct saying *s = arg;
    if (s->status >= 300)
        return buf_add(&s->refusal, bytes);
    if (!s->opened) {
        s->opened = true;
        if (sound_open(&s->sound, s->path, PCM_RATE_SPEAK) != OK) {
            s->broken = true;
            return ERR_IO;
        }
    }
    buf_clear(&s->samples);
    try(pcm_feed(&s->carry, bytes, &s->samples));
    if (sound_add(&s->sound, buf_str(&s->samples)) != OK) {
        s->broken = true;
        return ERR_IO;
    }
    return OK;
}

/* With --json: what the file holds, since the sound itself is not for people's eyes. */
static int report(struct cli *c, const struct saying *s)
{
    autobuf out = BUF(16 * 1024);
    struct json_out j = {.to = &out};
    json_obj(&j);
    json_kstr(&j, "file", str_of(s->path));
    json_kint(&j, "rate", PCM_RATE_SPEAK);
    json_kint(&j, "samples", s->sound.samples);
    json_knum(&j, "seconds", (double)s->sound.samples / PCM_RATE_SPEAK);
    json_end(&j);
    if (json_finish(&j) != OK)
        return cli_no_memory(c);
    printf("%.*s\n", STR_FMT(out));
    return EXIT_OK;
}

static int say(struct cli *c, struct connection *k, struct str text, const char *path)
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
    struct saying s = {.path = path, .samples = BUF(1 << 20), .refusal = BUF(64 * 1024)};
    enum err err = client_do(connection_client(k), &r, on_body, &s, &s.status);
    if (s.opened && sound_close(&s.sound) != OK)
        s.broken = true;
    int code = EXIT_OK;
    if (s.broken)
        code = cli_cannot_write(c, path ? path : "standard output", s.sound.failure);
    else if (err != OK)
        code = cli_fail(c, "the server went away (%s); try again", err_text(err));
    else if (s.status >= 300)
        code = connection_refused(c, s.status, buf_str(&s.refusal));
    else if (c->json)
        code = report(c, &s);
    buf_finish(&s.samples);
    buf_finish(&s.refusal);
    return code;
}

int cli_say(struct cli *c)
{
    const char *path = cli_given(c, "output");
    autobuf text = BUF(TEXT_MAX);
    struct connection *k = nullptr;
    if (!path && isatty(STDOUT_FILENO))
        return cli_misuse(c, "sound is not for terminals: name a file with -o FILE.wav");
    if (c->json && (!path || strcmp(path, "-") == 0))
        return cli_misuse(c, "--json and the sound cannot both go to standard output: name a file "
                             "with -o FILE.wav");
    int code = read_operand(c, &text);
    if (code == EXIT_OK && str_trim(buf_str(&text)).n == 0)
        code = cli_misuse(c, "%s", c->command->missing);
    if (code == EXIT_OK)
        code = connect_server(c, CONNECT_READY, &k);
    if (code == EXIT_OK)
        code = say(c, k, buf_str(&text), path);
    disconnect_server(k);
    return code;
}
