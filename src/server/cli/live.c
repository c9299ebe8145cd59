// SPDX-License-Identifier: Apache-2.0
#include "server/cli/live.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audio/pcm.h"
#include "base/json.h"
#include "server/cli/connect.h"
#include "server/cli/device.h"
#include "server/cli/live_parts.h"
#include "server/cli/terminal.h"

enum { FDS_MAX = 16, TICK_MS = 50, FRAME = PCM_RATE_RECOGNISE / 50, READS_MAX = 25, ESCAPE = 27 };

/* --- microphone --- */

static enum err say(struct live *l, const char *json)
{
    return ws_client_send(l->ws, WS_TEXT, str_of(json));
}

/* What has been recorded goes out in pieces of 20 ms. */
static enum err listen(struct live *l)
{
    for (int i = 0; i < READS_MAX && l->recording; i++) {
        int16_t samples[FRAME];
        size_t n;
        enum err err = device_read(l->microphone, samples, FRAME, &n);
        if (err != OK) {
            l->trouble = "the microphone is gone; connect it and begin again";
            return err;
        }
        if (n == 0)
            break;
        l->level = pcm_rms(samples, n);
        try(ws_client_send(l->ws, WS_BINARY,
                           (struct str){(const char *)samples, n * sizeof *samples}));
        if (n < FRAME)
            break;
    }
    return OK;
}

static enum err begin(struct live *l)
{
    live_hush(l);
    if (device_start(l->microphone) != OK) {
        l->trouble = "the microphone does not start; is it connected?";
        return ERR_IO;
    }
    l->recording = true;
    l->heard.n = 0;
    l->awaited = true;
    return say(l, "{\"type\":\"start\"}");
}

static enum err end(struct live *l)
{
    try(listen(l)); /* what was said just before the key */
    l->recording = false;
    device_stop(l->microphone);
    return say(l, "{\"type\":\"stop\"}");
}

/* --- keys and signals --- */

static enum err press(struct live *l, char key)
{
    switch (key) {
    case 'q':
    case 4: /* Ctrl-D */
        l->over = true;
        return OK;
    case ESCAPE:
        live_hush(l);
        return say(l, "{\"type\":\"cancel\"}");
    case ' ':
    case '\n':
    case '\r':
        if (l->hands_free)
            return OK;
        return l->recording ? end(l) : begin(l);
    default:
        return OK;
    }
}

static enum err press_all(struct live *l)
{
    char keys[64];
    int n = terminal_keys(keys, sizeof keys);
    if (n < 0)
        l->over = true;
    /* An arrow or the like begins with Escape and means nothing here. */
    if (n > 1 && keys[0] == ESCAPE)
        return OK;
    for (int i = 0; i < n && !l->over; i++)
        try(press(l, keys[i]));
    return OK;
}

static void on_signal(struct live *l)
{
    int number = terminal_signal();
    if (number == SIGTSTP) {
        live_clear(l);
        terminal_suspend();
    } else if (number) {
        l->over = true;
    }
}

/* --- the loop --- */

static enum err read_server(struct live *l)
{
    for (;;) {
        struct ws_message m;
        enum err err = ws_client_read(l->ws, 0, &m);
        if (err == ERR_TIMEOUT)
            return OK;
        try(err);
        try(m.op == WS_BINARY ? live_sound(l, m.payload) : live_message(l, m.payload));
    }
}

static enum err step(struct live *l)
{
    struct pollfd p[FDS_MAX] = {{.fd = STDIN_FILENO, .events = POLLIN},
                                {.fd = terminal_signals(), .events = POLLIN},
                                {.fd = ws_client_fd(l->ws), .events = POLLIN}};
    unsigned n = 3;
    if (l->recording)
        n += device_fds(l->microphone, p + n, FDS_MAX - n);
    if (l->queue.n)
        n += device_fds(l->speaker, p + n, FDS_MAX - n);
    (void)poll(p, n, TICK_MS);
    if (p[1].revents)
        on_signal(l);
    if (p[0].revents & (POLLHUP | POLLERR | POLLNVAL))
        l->over = true; /* the terminal has gone; not everybody in it is sent SIGHUP */
    else if (p[0].revents)
        try(press_all(l));
    try(read_server(l));
    try(listen(l));
    try(live_play(l));
    live_draw(l);
    return OK;
}

static enum err converse(struct live *l)
{
    char hello[256];
    snprintf(hello, sizeof hello,
             "{\"type\":\"hello\",\"format\":\"pcm_s16le\",\"rate\":%u,\"use_rag\":true,"
             "\"output\":{\"format\":\"pcm\",\"rate\":%u},\"mode\":\"%s\"}",
             PCM_RATE_RECOGNISE, PCM_RATE_SPEAK, l->hands_free ? "hands_free" : "push_to_talk");
    try(say(l, hello));
    if (l->hands_free)
        try(begin(l));
    while (!l->over)
        try(step(l));
    return OK;
}

static int talk(struct live *l, struct connection *k)
{
    if (ws_client_open(connection_client(k), "/voice", &l->ws) != OK)
        return cli_fail(l->c, "the server does not take voice connections now; try again");
    if (!terminal_enter())
        return cli_fail(l->c,
                        "the terminal cannot be used; give a recording: repartee talk FILE.wav");
    enum err err = converse(l);
    live_clear(l);
    terminal_leave();
    ws_client_close(l->ws);
    if (l->show.begun && !l->c->json)
        putchar('\n');
    if (err == OK)
        return l->code;
    return cli_fail(l->c, "%s",
                    l->trouble ? l->trouble : "the server went away; start it again, or try again");
}

int talk_live(struct cli *c)
{
    const char *microphone = cli_given(c, "microphone"), *speaker = cli_given(c, "speaker");
    if (!isatty(STDIN_FILENO))
        return cli_misuse(c,
                          "live talk needs a terminal; name a WAV file with the question instead");
    struct live l = {.c = c, .volume = 1};
    struct connection *k = nullptr;
    live_init(&l);
    /* The devices first: without them there is no need for a server. */
    int code = device_open(c, DEVICE_MICROPHONE, microphone ? microphone : "default",
                           PCM_RATE_RECOGNISE, &l.microphone);
    if (code == EXIT_OK)
        code = device_open(c, DEVICE_SPEAKER, speaker ? speaker : "default", PCM_RATE_SPEAK,
                           &l.speaker);
    if (code == EXIT_OK)
        code = connect_server(c, CONNECT_READY, &k);
    if (code == EXIT_OK)
        code = talk(&l, k);
    device_close(l.microphone);
    device_close(l.speaker);
    disconnect_server(k);
    live_free(&l);
    return code;
}
