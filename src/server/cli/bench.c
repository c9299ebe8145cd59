// SPDX-License-Identifier: Apache-2.0
/* How long a person waits on this machine: what `repartee bench` measures, from outside, as a client. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audio/wav.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "server/cli/connect.h"
#include "server/cli/progress.h"

enum {
    ROUNDS = 10,
    ROUNDS_MAX = 1000,
    BODY_MAX = 16 * 1024 * 1024,
    PATIENCE_S = 90, /* for a server that limits how often one may ask */
    PIECE_MS = 100,  /* of a question that is spoken at a speaker's pace */
    ANSWER_MS = 60000,
};

static const char question[] = "How do I add documents?";
/* 120 characters. */
static const char sentence[] = "The meeting begins at nine in the large room, and everybody who "
                               "wants to speak may do so for five minutes, one by one.";
static_assert(sizeof sentence - 1 >= 110 && sizeof sentence - 1 <= 125);

enum row { FIRST_WORD, ANSWER, FIRST_SOUND, SPEECH, HEARD, VOICE, ROWS };
static const struct {
    const char *name, *text, *unit;
} rows[ROWS] = {
    [FIRST_WORD] = {"first_word", "typed question, to the first word", "ms"},
    [ANSWER] = {"answer", "typed question, to the end of the answer", "ms"},
    [FIRST_SOUND] = {"first_sound", "text of 120 characters, to its first sound", "ms"},
    [SPEECH] = {"speech", "the same, whole: time of work per time of sound", "x"},
    [HEARD] = {"heard", "recorded question, to its words", "ms"},
    [VOICE] = {"voice", "spoken question, from its end to the first sound", "ms"},
};

struct bench {
    struct cli *c;
    struct connection *k;
    struct buf recording; /* WAV of the question */
    uint32_t rounds, count;
    double value[ROWS][ROUNDS_MAX];
};

static void note(struct bench *b, enum row row, double value)
{
    b->value[row][b->count] = value;
}

static double ms_since(uint64_t from_us, uint64_t at_us)
{
    return (double)(at_us - from_us) / 1000;
}

/* --- requests --- */

struct reply {
    uint64_t begun_us, first_us, done_us; /* the first word or byte; 0: there was none */
    bool is_turn;                         /* a stream of events */
    struct sse_reader events;
    struct buf body;
    int status;
};

static void reply_finish(struct reply *r)
{
    sse_reader_finish(&r->events);
    buf_finish(&r->body);
}

static enum err on_event(void *arg, struct str data)
{
    struct reply *r = arg;
    struct json_doc *doc;
    struct json_why why;
    try(json_parse(data, &doc, &why));
    struct str type = json_str(json_get(json_root(doc), "type"));
    if (!r->first_us && str_eq(type, S("token")))
        r->first_us = clock_us();
    enum err err = str_eq(type, S("error")) ? ERR_ENGINE : OK;
    json_doc_destroy(doc);
    return err;
}

static enum err on_body(void *arg, struct str bytes)
{
    struct reply *r = arg;
    if (r->is_turn && r->status < 300)
        return sse_reader_feed(&r->events, bytes, on_event, r);
    if (!r->first_us)
        r->first_us = clock_us();
    return buf_add(&r->body, bytes);
}

static enum err post_once(struct bench *b, const char *path, const char *type, struct str body,
                          struct reply *r)
{
    char header[64];
    snprintf(header, sizeof header, "Content-Type: %s", type);
    const char *const headers[] = {header, nullptr};
    const struct client_request request = {
        .method = "POST", .path = path, .headers = headers, .body = body};
    reply_finish(r);
    *r = (struct reply){.is_turn = r->is_turn, .body = BUF(BODY_MAX), .begun_us = clock_us()};
    enum err err = client_do(connection_client(b->k), &request, on_body, r, &r->status);
    r->done_us = clock_us();
    return err;
}

static int post(struct bench *b, const char *path, const char *type, struct str body,
                struct reply *r)
{
    for (int waited = 0;; waited++) {
        enum err err = post_once(b, path, type, body, r);
        if (err != OK)
            return cli_fail(b->c, "the server broke off (%s); try again", err_text(err));
        if (r->status < 300)
            break;
        if (r->status != 429 || waited == PATIENCE_S)
            return connection_refused(b->c, r->status, buf_str(&r->body));
        sleep(1);
    }
    return r->first_us ? EXIT_OK : cli_fail(b->c, "the server answered with nothing; try again");
}

static int type_question(struct bench *b)
{
    char body[128];
    snprintf(body, sizeof body, "{\"message\":\"%s\",\"stream\":true,\"use_rag\":true}", question);
    struct reply r = {.is_turn = true};
    int code = post(b, "/chat", "application/json", str_of(body), &r);
    note(b, FIRST_WORD, ms_since(r.begun_us, r.first_us));
    note(b, ANSWER, ms_since(r.begun_us, r.done_us));
    reply_finish(&r);
    return code;
}

static int speak(struct bench *b, const char *text, struct reply *r)
{
    char body[256];
    snprintf(body, sizeof body, "{\"text\":\"%s\",\"format\":\"pcm\"}", text);
    return post(b, "/tts", "application/json", str_of(body), r);
}

static int speak_sentence(struct bench *b)
{
    struct reply r = {};
    int code = speak(b, sentence, &r);
    uint64_t samples = r.body.n / sizeof(int16_t);
    double sound_ms = (double)pcm_samples_to_ms(samples, PCM_RATE_SPEAK);
    note(b, FIRST_SOUND, ms_since(r.begun_us, r.first_us));
    note(b, SPEECH, sound_ms > 0 ? ms_since(r.begun_us, r.done_us) / sound_ms : 0);
    reply_finish(&r);
    return code;
}

static int hear(struct bench *b)
{
    struct reply r = {};
    int code = post(b, "/stt", "audio/wav", buf_str(&b->recording), &r);
    note(b, HEARD, ms_since(r.begun_us, r.done_us));
    reply_finish(&r);
    return code;
}

/* The spoken question is made by the server's own voice. */
static int record_question(struct bench *b)
{
    struct reply r = {};
    uint8_t header[WAV_HEADER_BYTES];
    int code = speak(b, question, &r);
    wav_header(header, PCM_RATE_SPEAK, (uint32_t)(r.body.n / sizeof(int16_t)));
    b->recording = BUF(BODY_MAX + sizeof header);
    if (code == EXIT_OK &&
        (buf_add(&b->recording, (struct str){(char *)header, sizeof header}) != OK ||
         buf_add(&b->recording, buf_str(&r.body)) != OK))
        code = cli_no_memory(b->c);
    reply_finish(&r);
    return code;
}

/* --- a spoken turn --- */

struct call {
    struct bench *b;
    struct ws_client *ws;
    uint64_t stopped_us, first_us;
    bool over, limited, failed;
};

static enum err say(struct call *call, const char *json)
{
    return ws_client_send(call->ws, WS_TEXT, str_of(json));
}

static void on_call_event(struct call *call, const struct json_val *event)
{
    struct str type = json_str(json_get(event, "type"));
    const struct json_val *error = json_get(event, "error");
    call->over = call->over || str_eq(type, S("end")) || str_eq(type, S("error")) ||
                 str_eq(type, S("interrupted"));
    if (!str_eq(type, S("error")))
        return;
    call->limited = str_eq(json_str(json_get(error, "code")), S("rate_limited"));
    call->failed = !call->limited;
    if (call->failed)
        cli_fail(call->b->c, "%.*s", STR_FMT(json_str(json_get(error, "message"))));
}

/* Nobody listens: all that comes is played at once. */
static enum err on_call_sound(struct call *call, struct str message)
{
    uint32_t turn;
    char played[96];
    if (message.n < sizeof turn)
        return ERR_SYNTAX;
    memcpy(&turn, message.p, sizeof turn);
    if (!call->first_us)
        call->first_us = clock_us();
    snprintf(played, sizeof played, "{\"type\":\"played\",\"turn\":%u,\"ms\":%d}", turn, 600000);
    return say(call, played);
}

/* What comes until then. */
static enum err follow(struct call *call, uint64_t until_us)
{
    for (uint64_t now = clock_us(); !call->over && now < until_us; now = clock_us()) {
        struct ws_message m;
        struct json_doc *doc;
        struct json_why why;
        enum err err = ws_client_read(call->ws, (uint32_t)((until_us - now) / 1000), &m);
        if (err == ERR_TIMEOUT)
            continue;
        try(err);
        if (m.op == WS_BINARY)
            try(on_call_sound(call, m.payload));
        if (m.op != WS_TEXT)
            continue;
        try(json_parse(m.payload, &doc, &why));
        on_call_event(call, json_root(doc));
        json_doc_destroy(doc);
    }
    return OK;
}

static enum err converse(struct call *call, struct str sound)
{
    char hello[192];
    size_t piece = pcm_ms_to_samples(PIECE_MS, PCM_RATE_SPEAK) * sizeof(int16_t);
    snprintf(hello, sizeof hello,
             "{\"type\":\"hello\",\"format\":\"pcm_s16le\",\"rate\":%u,\"use_rag\":true,"
             "\"output\":{\"format\":\"pcm\",\"rate\":%u}}",
             PCM_RATE_SPEAK, PCM_RATE_SPEAK);
    try(say(call, hello));
    try(say(call, "{\"type\":\"start\"}"));
    uint64_t due = clock_us();
    for (size_t at = 0; at < sound.n && !call->over; at += piece) {
        try(ws_client_send(call->ws, WS_BINARY, str_sub(sound, at, at + piece)));
        due += PIECE_MS * 1000;
        try(follow(call, due));
    }
    call->stopped_us = clock_us();
    try(say(call, "{\"type\":\"stop\"}"));
    try(follow(call, call->stopped_us + ANSWER_MS * 1000));
    return call->over ? OK : ERR_TIMEOUT;
}

static int spoken_turn(struct bench *b, struct call *call)
{
    struct str sound = str_sub(buf_str(&b->recording), WAV_HEADER_BYTES, b->recording.n);
    *call = (struct call){.b = b};
    if (ws_client_open(connection_client(b->k), "/voice", &call->ws) != OK)
        return cli_fail(b->c, "the server does not take voice connections now; try again");
    enum err err = converse(call, sound);
    ws_client_close(call->ws);
    if (err != OK)
        return cli_fail(b->c, "the spoken turn broke off (%s); try again", err_text(err));
    return call->failed ? EXIT_FAILED : EXIT_OK;
}

static int speak_question(struct bench *b)
{
    struct call call;
    int code = spoken_turn(b, &call);
    for (int waited = 0; code == EXIT_OK && call.limited; waited++) {
        if (waited == PATIENCE_S)
            return cli_fail(b->c, "the server takes no more turns (limit.turns); try again later");
        sleep(1);
        code = spoken_turn(b, &call);
    }
    if (code == EXIT_OK && !call.first_us)
        code = cli_fail(b->c, "the spoken question was not answered; ask 'repartee doctor'");
    note(b, VOICE, ms_since(call.stopped_us, call.first_us));
    return code;
}

/* --- the table --- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(const struct bench *b, enum row row, double share)
{
    size_t at = (size_t)ceil(share * b->count);
    return b->value[row][at ? at - 1 : 0];
}

static int print_json(const struct bench *b)
{
    autobuf out = BUF(16 * 1024);
    struct json_out j = {.to = &out};
    json_obj(&j);
    json_kint(&j, "rounds", b->count);
    for (int row = 0; row < ROWS; row++) {
        json_key(&j, rows[row].name);
        json_obj(&j);
        json_kstr(&j, "unit", str_of(rows[row].unit));
        json_knum(&j, "median", quantile(b, row, 0.5));
        json_knum(&j, "p99", quantile(b, row, 0.99));
        json_end(&j);
    }
    json_end(&j);
    if (json_finish(&j) != OK)
        return cli_no_memory(b->c);
    printf("%.*s\n", STR_FMT(out));
    return EXIT_OK;
}

static int print(struct bench *b)
{
    for (int row = 0; row < ROWS; row++)
        qsort(b->value[row], b->count, sizeof(double), by_value);
    if (b->c->json)
        return print_json(b);
    printf("%-56s %10s    %10s\n", "", "median", "p99");
    for (int row = 0; row < ROWS; row++)
        printf("%-56s %10.*f %-2s %10.*f %s\n", rows[row].text, rows[row].unit[0] == 'x' ? 3 : 1,
               quantile(b, row, 0.5), rows[row].unit, rows[row].unit[0] == 'x' ? 3 : 1,
               quantile(b, row, 0.99), rows[row].unit);
    return EXIT_OK;
}

static int round_trip(struct bench *b)
{
    static int (*const steps[])(struct bench *b) = {type_question, speak_sentence, hear,
                                                    speak_question};
    int code = EXIT_OK;
    for (size_t i = 0; code == EXIT_OK && i < sizeof steps / sizeof *steps; i++)
        code = steps[i](b);
    return code;
}

static int run(struct bench *b)
{
    struct progress p;
    progress_begin(&p, b->c->json || !isatty(STDERR_FILENO));
    int code = record_question(b);
    /* The first round warms up; its values are overwritten. */
    for (uint32_t i = 0; code == EXIT_OK && i <= b->rounds; i++) {
        progress_show(&p, i, b->rounds + 1, "measuring", false);
        b->count = i ? i - 1 : 0;
        code = round_trip(b);
    }
    progress_clear(&p);
    b->count = b->rounds;
    return code == EXIT_OK ? print(b) : code;
}

int cli_bench(struct cli *c)
{
    const char *rounds = cli_given(c, "rounds");
    int64_t n = ROUNDS;
    if (rounds && (str_to_i64(str_of(rounds), &n) != OK || n < 1 || n > ROUNDS_MAX))
        return cli_misuse(c, "--rounds must be a whole number from 1 to %d", ROUNDS_MAX);
    struct bench *b = mem_zero(1, sizeof *b);
    if (!b)
        return cli_no_memory(c);
    b->c = c;
    b->rounds = (uint32_t)n;
    int code = connect_server(c, CONNECT_READY, &b->k);
    if (code == EXIT_OK)
        code = run(b);
    disconnect_server(b->k);
    buf_finish(&b->recording);
    free(b);
    return code;
}
