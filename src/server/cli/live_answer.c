// SPDX-License-Identifier: Apache-2.0
/* What the server sends: shown as it comes, and played. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audio/pcm.h"
#include "base/json.h"
#include "server/cli/device.h"
#include "server/cli/live_parts.h"
#include "server/cli/plain.h"
#include "server/cli/terminal.h"

enum { QUEUE_MAX = 8 * 1024 * 1024, HEARD_MAX = 4096, TURN_BYTES = 4, REPORT_MS = 100, BAR = 8 };
static const float quiet = 0.25f; /* while the user may be speaking */

void live_init(struct live *l)
{
    show_init(&l->show, l->c->json);
    l->queue = BUF(QUEUE_MAX);
    l->heard = BUF(HEARD_MAX);
    l->status = BUF(HEARD_MAX);
}

void live_free(struct live *l)
{
    show_free(&l->show);
    buf_finish(&l->queue);
    buf_finish(&l->heard);
    buf_finish(&l->status);
}

/* --- sound --- */

void live_hush(struct live *l)
{
    buf_clear(&l->queue);
    l->over_turn = l->turn;
    l->complete = true;
    l->volume = 1;
    device_drop(l->speaker);
}

enum err live_sound(struct live *l, struct str message)
{
    uint32_t turn;
    if (message.n < TURN_BYTES)
        return ERR_SYNTAX;
    memcpy(&turn, message.p, sizeof turn);
    if (turn <= l->over_turn)
        return OK; /* on its way when it was interrupted */
    return buf_add(&l->queue, str_sub(message, TURN_BYTES, message.n));
}

/* How much of the turn has been heard: what the history of an interrupted answer keeps. */
static enum err report(struct live *l)
{
    uint64_t waiting = device_waiting(l->speaker);
    uint64_t ms =
        pcm_samples_to_ms(l->written > waiting ? l->written - waiting : 0, PCM_RATE_SPEAK);
    if (ms < l->reported_ms + REPORT_MS || l->turn <= l->over_turn)
        return OK;
    l->reported_ms = ms;
    char text[96];
    snprintf(text, sizeof text, "{\"type\":\"played\",\"turn\":%u,\"ms\":%llu}", l->turn,
             (unsigned long long)ms);
    return ws_client_send(l->ws, WS_TEXT, str_of(text));
}

enum err live_play(struct live *l)
{
    while (l->queue.n >= sizeof(int16_t)) {
        int16_t samples[1024];
        size_t n = l->queue.n / sizeof *samples, written;
        n = n < 1024 ? n : 1024;
        memcpy(samples, l->queue.p, n * sizeof *samples);
        for (size_t i = 0; i < n && l->volume < 1; i++)
            samples[i] = (int16_t)((float)samples[i] * l->volume);
        if (device_write(l->speaker, samples, n, &written) != OK) {
            l->trouble = "the speaker is gone; connect it and begin again";
            return ERR_IO;
        }
        l->written += written;
        buf_eat(&l->queue, written * sizeof *samples);
        if (written < n)
            break;
    }
    if (l->complete && l->queue.n == 0)
        device_finish(l->speaker);
    return report(l);
}

/* --- events --- */

/* The turn is over: its sources and the waterfall, and a fresh start. */
static void finish_turn(struct live *l, const struct json_val *event)
{
    show_event(&l->show, event);
    int code = show_finish(&l->show);
    fflush(stdout);
    l->code = l->code == EXIT_OK ? code : l->code;
    show_free(&l->show);
    show_init(&l->show, l->c->json);
    l->awaited = false;
}

static void on_event(struct live *l, struct str type, const struct json_val *event)
{
    uint32_t turn = (uint32_t)json_int(json_get(event, "turn"), 0);
    if (str_eq(type, S("partial"))) {
        struct str text = json_str(json_get(event, "text"));
        buf_clear(&l->heard);
        (void)buf_add(&l->heard,
                      str_sub(text, text.n > HEARD_MAX ? text.n - HEARD_MAX : 0, text.n));
        return;
    }
    live_clear(l);
    if (str_eq(type, S("final")))
        buf_clear(&l->heard);
    if (str_eq(type, S("audio_start"))) {
        l->turn = turn;
        l->written = l->reported_ms = 0;
        l->complete = false;
    } else if (str_eq(type, S("audio_end"))) {
        l->complete = true;
    } else if (str_eq(type, S("duck"))) {
        l->volume = quiet;
    } else if (str_eq(type, S("resumed"))) {
        l->volume = 1;
    } else if (str_eq(type, S("interrupted"))) {
        if (turn == l->turn && turn > l->over_turn)
            live_hush(l);
        finish_turn(l, event);
    } else if (str_eq(type, S("end"))) {
        finish_turn(l, event);
    } else if (str_eq(type, S("error"))) {
        cli_fail(l->c, "%.*s", STR_FMT(json_str(json_get(json_get(event, "error"), "message"))));
        finish_turn(l, event);
    } else if (str_eq(type, S("going_away"))) {
        l->trouble = "the server is shutting down; start it again with repartee serve";
    } else if (str_eq(type, S("final")) && json_str(json_get(event, "text")).n == 0) {
        cli_fail(l->c, "nothing was heard; speak nearer to the microphone, or choose another with "
                       "--microphone");
    } else {
        show_event(&l->show, event);
    }
}

enum err live_message(struct live *l, struct str json)
{
    struct json_doc *doc;
    struct json_why why;
    try(json_parse(json, &doc, &why));
    on_event(l, json_str(json_get(json_root(doc), "type")), json_root(doc));
    json_doc_destroy(doc);
    return OK;
}

/* --- the status line --- */

void live_clear(struct live *l)
{
    if (l->status.n)
        fputs("\r\033[K", stderr);
    buf_clear(&l->status);
}

/* The last words that fit into `room` bytes. */
static struct str tail(struct str text, size_t room)
{
    size_t from = text.n > room ? text.n - room : 0;
    while (from < text.n && (text.p[from] & 0xC0) == 0x80)
        from++;
    return str_sub(text, from, text.n);
}

static enum err compose(const struct live *l, struct buf *into)
{
    static const char full[] = "########", empty[] = "--------";
    size_t width = terminal_width(), taken = BAR + 4;
    struct str heard = tail(buf_str(&l->heard), width > taken ? width - taken : 0);
    if (l->recording) {
        double loud = l->level > 1 ? 20 * log10(l->level / 32768) : -90; /* dB below full scale */
        int n = loud < -50 ? 0 : (int)((loud + 50) / 5);
        n = n < BAR ? n : BAR;
        try(buf_addf(into, "[%.*s%.*s] ", n, full, BAR - n, empty));
        return buf_add(into, heard);
    }
    if (l->awaited)
        return heard.n ? buf_addf(into, "... %.*s", STR_FMT(heard)) : OK;
    return buf_addf(into, "%.*s", (int)(width > 1 ? width - 1 : 0),
                    "Press the space bar, speak, press it again. Escape: be silent. q: end.");
}

void live_draw(struct live *l)
{
    if (l->c->json || !isatty(STDERR_FILENO) || l->show.begun)
        return;
    autobuf line = BUF(HEARD_MAX);
    if (compose(l, &line) != OK || str_eq(buf_str(&line), buf_str(&l->status)))
        return;
    fputs("\r\033[K", stderr);
    plain_print(stderr, buf_str(&line));
    buf_clear(&l->status);
    (void)buf_add(&l->status, buf_str(&line));
}
