// SPDX-License-Identifier: Apache-2.0
/* POST /tts and /synthesize: text in, chunked sound out, the first piece as soon as the first clause
 * is ready. A client that reads slowly slows the synthesiser down. */
#include "audio/opus_out.h"
#include "audio/wav.h"
#include "base/conf.h"
#include "base/json.h"
#include "server/api/admit.h"
#include "server/api/route.h"
#include "server/api/speaking.h"

enum { BODY_MAX = 128 * 1024, TEXT_MAX = 16 * 1024 };

struct synthesis {
    struct server *server;
    struct exchange *x;
    struct principal who;
    struct speaking *speaking;
    enum format : uint8_t { FORMAT_PCM, FORMAT_WAV, FORMAT_OPUS } format;
    uint32_t rate_hz;
};

static void synthesis_free(struct synthesis *y)
{
    speaking_destroy(y->speaking);
    free(y);
}

static void fail(struct synthesis *y, enum err err, const char *message, const char *param)
{
    if (exchange_begun(y->x))
        exchange_abort(y->x); /* the status is out already: a cut body says that it is not whole */
    else
        exchange_error(y->x, err, message, param);
    synthesis_free(y);
}

static void begin_response(struct synthesis *y)
{
    static const char *const types[] = {"audio/pcm", "audio/wav", "audio/ogg; codecs=opus"};
    exchange_begin(y->x, 200, types[y->format]);
    if (y->format == FORMAT_WAV) {
        uint8_t header[WAV_HEADER_BYTES];
        wav_header(header, y->rate_hz, UINT32_MAX);
        (void)exchange_write(y->x, (struct str){(const char *)header, sizeof header});
    }
}

static enum err on_sound(void *arg, struct str bytes)
{
    struct synthesis *y = arg;
    if (!exchange_begun(y->x))
        begin_response(y);
    return exchange_write(y->x, bytes) <= EXCHANGE_QUEUE ? OK : ERR_AGAIN;
}

static void on_writable(struct exchange *x, void *arg)
{
    (void)x;
    struct synthesis *y = arg;
    speaking_resume(y->speaking);
}

static void on_ended(void *arg, enum err err, const char *sentence)
{
    struct synthesis *y = arg;
    if (err != OK) {
        fail(y, err, sentence, nullptr);
        return;
    }
    if (!exchange_begun(y->x))
        begin_response(y); /* nothing of the text can be spoken */
    exchange_end(y->x);
    synthesis_free(y);
}

struct tts_request {
    struct str text, voice, format;
    int64_t rate;
    double speed;
};

static enum err begin(struct synthesis *y, const struct tts_request *r)
{
    static const struct speaking_events events = {.sound = on_sound, .ended = on_ended};
    const struct speaking_wish wish = {.text = r->text,
                                       .voice = r->voice,
                                       .format = y->format == FORMAT_OPUS ? S("ogg") : S("pcm"),
                                       .rate_hz = y->rate_hz,
                                       .speed = r->speed};
    try(admit_request(y->server, &y->who, y->x));
    return speaking_begin(y->server, &wish, &events, y, &y->speaking);
}

/* Who names no format in the request may name one as HTTP does. */
static enum format choose_format(struct str named, struct str accept)
{
    if (str_eq(named, S("opus")) || (named.n == 0 && str_starts(accept, S("audio/ogg"))))
        return FORMAT_OPUS;
    if (str_eq(named, S("wav")) || (named.n == 0 && str_starts(accept, S("audio/wav"))))
        return FORMAT_WAV;
    return FORMAT_PCM;
}

static enum err choose(struct synthesis *y, const struct tts_request *r, struct json_why *why)
{
    y->format = choose_format(r->format, http_value(exchange_head(y->x), "accept"));
    bool opus = y->format == FORMAT_OPUS;
    y->rate_hz = r->rate ? (uint32_t)r->rate : opus ? OPUS_OUT_RATE : PCM_RATE_SPEAK;
    if (opus && !opus_out_has_rate(y->rate_hz)) {
        *why = (struct json_why){OPUS_OUT_RATES, "rate"};
        return ERR_INVALID;
    }
    if (str_trim(r->text).n == 0) {
        *why = (struct json_why){"text holds nothing to speak", "text"};
        return ERR_INVALID;
    }
    return OK;
}

static void on_request(struct exchange *x, void *arg, struct str body)
{
    (void)x;
    struct synthesis *y = arg;
    static const struct json_field fields[] = {
        {"text", JSON_STR, offsetof(struct tts_request, text), .required = true, .min = 1,
         .max = TEXT_MAX},
        {"voice", JSON_STR, offsetof(struct tts_request, voice), .max = 64},
        {"format", JSON_STR, offsetof(struct tts_request, format), .one_of = "pcm|wav|opus"},
        {"rate", JSON_INT, offsetof(struct tts_request, rate), .min = PCM_RATE_MIN,
         .max = PCM_RATE_MAX},
        {"speed", JSON_NUM, offsetof(struct tts_request, speed), .min = 0.25, .max = 4},
    };
    struct tts_request r = {.speed = 1};
    struct json_doc *doc = nullptr;
    struct json_why why = {};
    enum err err = json_parse(body, &doc, &why);
    if (err == OK)
        err = json_read(json_root(doc), fields, sizeof fields / sizeof *fields, JSON_STRICT, &r,
                        &why);
    if (err == OK)
        err = choose(y, &r, &why);
    if (err == OK)
        err = begin(y, &r);
    json_doc_destroy(doc);
    if (err != OK)
        fail(y, err, why.text[0] ? why.text : nullptr, why.param[0] ? why.param : nullptr);
}

static void on_gone(struct exchange *x, void *arg)
{
    (void)x;
    synthesis_free(arg);
}

void handle_tts(struct server *s, struct exchange *x, const struct principal *who, struct str id)
{
    (void)id;
    static const struct exchange_events events = {
        .on_request = on_request, .on_gone = on_gone, .on_writable = on_writable};
    struct synthesis *y = mem_zero(1, sizeof *y);
    if (!y) {
        exchange_error(x, ERR_NOMEM, nullptr, nullptr);
        return;
    }
    y->server = s;
    y->x = x;
    y->who = *who;
    exchange_read_body(x, BODY_MAX, &events, y);
}
