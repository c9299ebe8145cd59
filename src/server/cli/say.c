// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audio/pcm.h"
#include "base/json.h"
#include "server/cli/connect.h"
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

/* The status is known only after the request, so a refusal is told by its first byte: sound that
 * begins with '{' would be a sample of 8827 in a fade-in, and /tts begins with silence. */
static enum err on_body(void *arg, struct str bytes)
{
    struct saying *s = arg;
    if (!s->opened && bytes.n && bytes.p[0] == '{')
        s->refusal.n = 0;
    if (s->refusal.n || (!s->opened && bytes.n && bytes.p[0] == '{'))
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

struct say_options {
    const char *out, *voice;
    struct buf text;
};

static int read_options(struct cli *c, struct say_options *o)
{
    for (int i = 1; i < c->argc; i++) {
        const char *arg = c->argv[i];
        if (strcmp(arg, "-o") == 0 || strcmp(arg, "--voice") == 0) {
            if (++i == c->argc)
                return cli_misuse(c, "%s needs a value", arg);
            *(arg[1] == 'o' ? &o->out : &o->voice) = c->argv[i];
            continue;
        }
        if ((o->text.n && buf_add_byte(&o->text, ' ') != OK) ||
            buf_add(&o->text, str_of(arg)) != OK)
            return cli_misuse(c, "the text is longer than %d characters", TEXT_MAX);
    }
    if (str_trim(buf_str(&o->text)).n == 0)
        return cli_misuse(c, "what shall be said?");
    if (!o->out && isatty(STDOUT_FILENO))
        return cli_misuse(c, "sound is not for terminals: name a file with -o FILE.wav");
    return EXIT_OK;
}

static int say(struct cli *c, struct connection *k, const struct say_options *o)
{
    autobuf body = BUF(2 * TEXT_MAX + 1024);
    struct json_out j = {.to = &body};
    json_obj(&j);
    json_kstr(&j, "text", buf_str(&o->text));
    json_kstr(&j, "format", S("pcm"));
    if (o->voice)
        json_kstr(&j, "voice", str_of(o->voice));
    json_end(&j);
    if (json_finish(&j) != OK)
        return cli_fail(c, "there is not enough memory");
    static const char *const headers[] = {"Content-Type: application/json", nullptr};
    const struct client_request r = {
        .method = "POST", .path = "/tts", .headers = headers, .body = buf_str(&body)};
    struct saying s = {.path = o->out, .samples = BUF(1 << 20), .refusal = BUF(64 * 1024)};
    enum err err = client_do(connection_client(k), &r, on_body, &s, &s.status);
    if (s.opened && sound_close(&s.sound) != OK)
        s.broken = true;
    int code = EXIT_OK;
    if (s.broken)
        code = cli_fail(c, "%s cannot be written: %s", o->out ? o->out : "standard output",
                        strerror(errno));
    else if (err != OK)
        code = cli_fail(c, "the server went away (%s); try again", err_text(err));
    else if (s.status >= 300)
        code = connection_refused(c, s.status, buf_str(&s.refusal));
    buf_finish(&s.samples);
    buf_finish(&s.refusal);
    return code;
}

int cli_say(struct cli *c)
{
    struct say_options o = {.text = BUF(TEXT_MAX)};
    struct connection *k = nullptr;
    int code = read_options(c, &o);
    if (code == EXIT_OK)
        code = connect_server(c, CONNECT_READY, &k);
    if (code == EXIT_OK)
        code = say(c, k, &o);
    disconnect_server(k);
    buf_finish(&o.text);
    return code;
}
