// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "audio/wav.h"
#include "base/json.h"
#include "base/mem.h"
#include "server/cli/connect.h"
#include "server/cli/file.h"
#include "server/cli/live.h"
#include "server/cli/show.h"
#include "server/cli/sound.h"

enum {
    RECORDING_MAX = 64 * 1024 * 1024,
    SAMPLES_MAX = 64 * 1024 * 1024,
    READ_MS = 30000,
    PIECE = 16 * 1024,
    TURN_BYTES = 4
};

struct talking {
    struct cli *c;
    struct ws_client *ws;
    struct show show;
    struct sound_file sound;
    const char *out;
    uint32_t rate_hz;
    bool opened, over;
    int code;
};

static enum err say(struct talking *t, const char *json)
{
    return ws_client_send(t->ws, WS_TEXT, str_of(json));
}

/* A file plays as fast as it is written: the server need not wait for a speaker. */
static enum err report_played(struct talking *t, uint32_t turn)
{
    char text[96];
    snprintf(text, sizeof text, "{\"type\":\"played\",\"turn\":%u,\"ms\":%llu}", turn,
             (unsigned long long)pcm_samples_to_ms(t->sound.samples, PCM_RATE_SPEAK));
    return say(t, text);
}

static enum err on_sound(struct talking *t, struct str message)
{
    uint32_t turn;
    if (message.n < TURN_BYTES)
        return ERR_SYNTAX;
    memcpy(&turn, message.p, sizeof turn);
    struct str samples = str_sub(message, TURN_BYTES, message.n);
    if (t->out) {
        if (!t->opened && sound_open(&t->sound, t->out, PCM_RATE_SPEAK) != OK)
            return ERR_IO;
        t->opened = true;
        try(sound_add(&t->sound, samples));
    } else {
        t->sound.samples += (uint32_t)(samples.n / sizeof(int16_t));
    }
    return report_played(t, turn);
}

static void on_event(struct talking *t, const struct json_val *event)
{
    struct str type = json_str(json_get(event, "type"));
    if (str_eq(type, S("error"))) {
        struct str message = json_str(json_get(json_get(event, "error"), "message"));
        t->code = cli_fail(t->c, "%.*s", STR_FMT(message));
        t->over = true;
    } else if (str_eq(type, S("end")) || str_eq(type, S("interrupted"))) {
        show_event(&t->show, event);
        t->over = true;
    } else {
        if (str_eq(type, S("final")) && json_str(json_get(event, "text")).n == 0)
            t->code = cli_fail(t->c, "nothing was heard in the recording; is it silent?");
        show_event(&t->show, event);
    }
}

/* One message, if one comes in time. */
static enum err read_one(struct talking *t, uint32_t wait_ms)
{
    struct ws_message m;
    try(ws_client_read(t->ws, wait_ms, &m));
    if (m.op == WS_BINARY)
        return on_sound(t, m.payload);
    if (m.op != WS_TEXT)
        return OK;
    struct json_doc *doc;
    struct json_why why;
    try(json_parse(m.payload, &doc, &why));
    on_event(t, json_root(doc));
    json_doc_destroy(doc);
    return OK;
}

static enum err send_question(struct talking *t, struct str samples)
{
    char hello[192];
    snprintf(hello, sizeof hello,
             "{\"type\":\"hello\",\"format\":\"pcm_s16le\",\"rate\":%u,\"use_rag\":true,"
             "\"output\":{\"format\":\"pcm\",\"rate\":%u}}",
             t->rate_hz, PCM_RATE_SPEAK);
    try(say(t, hello));
    try(say(t, "{\"type\":\"start\"}"));
    for (size_t at = 0; at < samples.n && !t->over; at += PIECE) {
        try(ws_client_send(t->ws, WS_BINARY, str_sub(samples, at, at + PIECE)));
        /* What comes meanwhile is shown at once, and must not fill the socket. */
        enum err err = read_one(t, 0);
        if (err != OK && err != ERR_TIMEOUT)
            return err;
    }
    return say(t, "{\"type\":\"stop\"}");
}

static enum err converse(struct talking *t, struct str samples)
{
    try(send_question(t, samples));
    while (!t->over)
        try(read_one(t, READ_MS));
    return OK;
}

/* The recording's own samples and rate; our own file, so it is read here. */
static int read_question(struct cli *c, const char *path, struct buf *samples, uint32_t *ret_rate)
{
    autobuf file = BUF(RECORDING_MAX);
    int code = read_whole_file(c, path, &file);
    if (code != EXIT_OK)
        return code;
    struct wav_reader *r;
    if (wav_reader_create(&r) != OK)
        return cli_no_memory(c);
    enum err err = wav_feed(r, buf_str(&file), samples);
    if (err == OK)
        err = wav_end(r);
    if (err != OK)
        code = cli_fail(c, "%s: %s%s", path, err == ERR_MEDIA ? wav_errmsg(r) : err_text(err),
                        CLI_CONVERT);
    else
        *ret_rate = wav_rate(r);
    wav_reader_destroy(r);
    return code;
}

static int talk(struct talking *t, struct connection *k, struct str samples)
{
    if (ws_client_open(connection_client(k), "/voice", &t->ws) != OK)
        return cli_fail(t->c, "the server does not take voice connections now; try again");
    enum err err = converse(t, samples);
    ws_client_close(t->ws);
    if (t->opened && sound_close(&t->sound) != OK)
        err = ERR_IO;
    if (t->code != EXIT_OK)
        return t->code;
    if (t->sound.failure)
        return cli_cannot_write(t->c, t->out, t->sound.failure);
    if (err != OK)
        return cli_fail(t->c, "the conversation broke off (%s); try again", err_text(err));
    return show_finish(&t->show);
}

int cli_talk(struct cli *c)
{
    if (c->count == 0 && cli_given(c, "output"))
        return cli_misuse(c, "-o goes with a recording: name a WAV file with the question");
    if (c->count == 0)
        return talk_live(c);
    struct talking t = {.c = c, .out = cli_given(c, "output")};
    show_init(&t.show, c->json);
    autobuf samples = BUF(SAMPLES_MAX);
    struct connection *k = nullptr;
    int code = read_question(c, c->operand[0], &samples, &t.rate_hz);
    if (code == EXIT_OK)
        code = connect_server(c, CONNECT_READY, &k);
    if (code == EXIT_OK)
        code = talk(&t, k, buf_str(&samples));
    disconnect_server(k);
    show_free(&t.show);
    return code;
}
