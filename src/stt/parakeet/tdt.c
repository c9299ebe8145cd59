// SPDX-License-Identifier: Apache-2.0
#include "stt/parakeet/tdt.h"

#include <math.h>
#include <parakeet.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "stt/libwhisper.h"
#include "stt/parakeet/parakeet_check.h"
#include "stt/window/repeat.h"
#include "stt/window/window.h"

static_assert((int)PARAKEET_SAMPLE_RATE == (int)HEARER_RATE_HZ &&
              (int)PARAKEET_WHY_BYTES == (int)HEARER_WHY_BYTES);

enum { SAMPLES_MAX = WINDOW_FRAMES_MAX * WINDOW_FRAME, EDGE_MS = 20 };
static constexpr float GUESS = -1.5f; /* mean log-probability: less than a quarter for each token */

struct spoken {
    int32_t token;
    uint32_t frame, frames;
    float logprob;
};

struct hearer_lane {
    struct parakeet_state *state;
    float *samples;                /* SAMPLES_MAX */
    const struct hearing *hearing; /* during a call */
    struct spoken spoken[HEARD_TOKENS_MAX];
    size_t spoken_n;
    bool has_graph; /* there was memory for that of the window */
};

static const char too_little[] = "there is too little memory to hear with this model";
static struct parakeet_context *context; /* const after tdt_open */
static bool is_european;                 /* const after the check */

/* --- the model --- */

static enum err tdt_open(const char *path, char why[HEARER_WHY_BYTES])
{
    libwhisper_begin();
    libwhisper_forget();
    const struct parakeet_context_params p = {.use_gpu = false};
    context = parakeet_init_from_file_with_params_no_state(path, p);
    if (context)
        return OK;
    libwhisper_explain(why, HEARER_WHY_BYTES, "libparakeet cannot load the model");
    return ERR_INVALID;
}

static void tdt_close(void)
{
    parakeet_free(context);
    context = nullptr;
}

/* --- languages --- */

#define LANGUAGES(X)                                                                               \
    X(bg) X(cs) X(da) X(de) X(el) X(en) X(es) X(et) X(fi) X(fr) X(hr) X(hu) X(it) X(lt) X(lv)      \
    X(mt) X(nl) X(pl) X(pt) X(ro) X(ru) X(sk) X(sl) X(sv) X(uk)
enum {
#define X(code) LANGUAGE_##code,
    LANGUAGES(X)
#undef X
        LANGUAGE_COUNT
};
static const char *const languages[] = {
#define X(code) #code,
    LANGUAGES(X)
#undef X
};
static const char all_languages[] =
#define X(code) "," #code
    LANGUAGES(X);
#undef X

static int find_language(struct str tag, bool translate)
{
    struct str rest = tag, first = tag;
    (void)str_cut(&rest, '-', &first);
    int found = HEARER_LANGUAGE_UNKNOWN;
    for (int i = 0; i < LANGUAGE_COUNT; i++)
        if (str_eq_nocase(first, str_of(languages[i])))
            found = i;
    if (str_eq_nocase(tag, S("auto")))
        found = is_european ? HEARER_LANGUAGE_AUTO : LANGUAGE_en;
    bool is_heard = is_european || found == LANGUAGE_en;
    return is_heard && (!translate || found == LANGUAGE_en) ? found : HEARER_LANGUAGE_UNKNOWN;
}

static const char *language_name(int language)
{
    return language < 0 ? "" : languages[language];
}

/* --- lanes --- */

static void tdt_lane_destroy(struct hearer_lane *lane)
{
    if (!lane)
        return;
    parakeet_free_state(lane->state);
    free(lane->samples);
    free(lane);
}

static enum err tdt_lane_create(struct hearer_lane **ret_lane, char why[HEARER_WHY_BYTES])
{
    struct hearer_lane *lane = mem_zero(1, sizeof *lane);
    if (!lane)
        return ERR_NOMEM;
    lane->samples = mem_zero(SAMPLES_MAX, sizeof *lane->samples);
    libwhisper_forget();
    lane->state = lane->samples ? parakeet_init_state(context) : nullptr;
    if (!lane->state) {
        libwhisper_explain(why, HEARER_WHY_BYTES, too_little);
        tdt_lane_destroy(lane);
        return ERR_NOMEM;
    }
    *ret_lane = lane;
    return OK;
}

/* --- text --- */

/* "<unk>", "</s>", "<|startoftranscript|>": nobody has said these. */
static bool is_marker(struct str piece)
{
    return piece.n > 2 && piece.p[0] == '<' && piece.p[piece.n - 1] == '>';
}

static bool is_punctuation(struct str piece)
{
    return piece.n == 1 && strchr(".,!?;:'\"-()[]{}", piece.p[0]);
}

/* Where a word begins the tokens have U+2581. */
static enum err put_piece(struct str piece, struct heard_byte as, struct buf *raw,
                          struct heard_byte *of_bytes)
{
    const struct str blank = S("\u2581");
    for (size_t at = 0; at < piece.n;) {
        bool is_blank = str_starts(str_sub(piece, at, piece.n), blank);
        of_bytes[raw->n] = as;
        try(buf_add_byte(raw, is_blank ? ' ' : piece.p[at]));
        at += is_blank ? blank.n : 1;
    }
    return OK;
}

/* In the window. Punctuation takes no time: it ends with what is before it in its word. 0: nothing is. */
static struct heard_byte time_of(const struct spoken *s, struct str piece, uint32_t window_ms,
                                 uint32_t before_ms)
{
    uint32_t start = s->frame * TDT_FRAME_MS, last = window_ms - EDGE_MS,
             end = start + (s->frames ? s->frames : 1) * TDT_FRAME_MS;
    struct heard_byte as = {.start_ms = start < last ? start : last,
                            .end_ms = end < window_ms ? end : window_ms,
                            .confidence = expf(s->logprob)};
    if (is_punctuation(piece) && before_ms)
        as.end_ms = before_ms;
    return as;
}

/* Two words may come from one frame. */
static void part_words(struct heard *h)
{
    for (size_t i = 0; i + 1 < h->words_n; i++) {
        struct heard_word *w = &h->words[i];
        uint32_t next = w[1].start_ms;
        if (w->end_ms > next && next > w->start_ms)
            w->end_ms = next;
    }
}

/* More than HEARD_TEXT_MAX bytes in a window are no speech, and cut. */
static enum err take_text(const struct hearer_lane *lane, struct heard *h)
{
    autobuf raw = BUF(HEARD_TEXT_MAX);
    autofree struct heard_byte *of_bytes = mem_zero(HEARD_TEXT_MAX, sizeof *of_bytes);
    uint32_t window_ms = (uint32_t)(lane->hearing->count * 1000 / HEARER_RATE_HZ), end_ms = 0;
    double sum = 0;
    if (!of_bytes)
        return ERR_NOMEM;
    for (size_t i = 0; i < lane->spoken_n; i++) {
        const struct spoken *s = &lane->spoken[i];
        struct str piece = str_of(parakeet_token_to_str(context, s->token));
        if (is_marker(piece))
            continue;
        if (piece.n > HEARD_TEXT_MAX - raw.n)
            break;
        bool begins = raw.n == 0 || raw.p[raw.n - 1] == ' ';
        struct heard_byte as = time_of(s, piece, window_ms, begins ? 0 : end_ms);
        try(put_piece(piece, as, &raw, of_bytes));
        end_ms = as.end_ms;
        h->tokens[h->tokens_n++] = s->token;
        sum += (double)s->logprob;
    }
    h->logprob = h->tokens_n ? (float)(sum / (double)h->tokens_n) : 0;
    try(heard_put(h, buf_str(&raw), of_bytes));
    part_words(h);
    return OK;
}

/* --- hearing --- */

static bool is_stopped(void *arg)
{
    const struct hearing *h = ((const struct hearer_lane *)arg)->hearing;
    return h->stopped && h->stopped(h->arg);
}

static bool is_full(const struct hearer_lane *lane)
{
    return lane->spoken_n == HEARD_TOKENS_MAX;
}

static bool is_over(void *arg)
{
    return is_full(arg) || is_stopped(arg);
}

static bool is_meant(void *has_room)
{
    return *(bool *)has_room;
}

static void on_token(struct parakeet_context *, struct parakeet_state *state,
                     const parakeet_token_data *token, void *arg)
{
    struct hearer_lane *lane = arg;
    if (is_full(lane))
        return;
    lane->spoken[lane->spoken_n++] =
        (struct spoken){.token = token->id,
                        .frame = (uint32_t)token->frame_index,
                        .frames = (uint32_t)token->duration_value,
                        /* among the tokens and the blank; the durations stand behind them */
                        .logprob = heard_logprob(parakeet_get_logits_from_state(state),
                                                 parakeet_n_vocab(context) + 1, token->id)};
}

/* The graph is there when it is asked whether the encoder may begin. */
static bool on_graph(struct parakeet_context *, struct parakeet_state *, void *arg)
{
    ((struct hearer_lane *)arg)->has_graph = true;
    return true;
}

static struct parakeet_full_params params_of(struct hearer_lane *lane, uint32_t threads)
{
    struct parakeet_full_params p = parakeet_full_default_params(PARAKEET_SAMPLING_GREEDY);
    p.n_threads = threads ? (int)threads : 1;
    p.no_context = true;
    p.new_token_callback = on_token;
    p.new_token_callback_user_data = lane;
    p.encoder_begin_callback = on_graph;
    p.encoder_begin_callback_user_data = lane;
    p.abort_callback = is_over;
    p.abort_callback_user_data = lane;
    return p;
}

static enum err hear(struct hearer_lane *lane, struct heard *heard)
{
    const struct hearing *h = lane->hearing;
    for (size_t i = 0; i < h->count; i++)
        lane->samples[i] = (float)h->samples[i] / 32768;
    struct parakeet_full_params p = params_of(lane, h->threads);
    if (parakeet_pcm_to_mel_with_state(context, lane->state, lane->samples, (int)h->count, 1) != 0)
        return ERR_INTERNAL;
    int failed = parakeet_full_with_state(context, lane->state, p, nullptr, 0);
    if (is_stopped(lane))
        return ERR_CANCELED;
    if (failed && !is_full(lane))
        return lane->has_graph ? ERR_INTERNAL : ERR_NOMEM;
    heard->language = h->language;
    return take_text(lane, heard);
}

static enum err tdt_hear(struct hearer_lane *lane, const struct hearing *hearing,
                         struct heard *heard, char why[HEARER_WHY_BYTES])
{
    check(hearing->count >= HEARER_SAMPLES_MIN && hearing->count <= SAMPLES_MAX);
    heard_clear(heard);
    lane->hearing = hearing;
    lane->spoken_n = 0;
    lane->has_graph = false;
    libwhisper_expect(is_over, lane);
    libwhisper_forget();
    enum err err = hear(lane, heard);
    libwhisper_expect(nullptr, nullptr);
    if (err == ERR_INTERNAL || err == ERR_NOMEM)
        libwhisper_explain(why, HEARER_WHY_BYTES,
                           err == ERR_NOMEM ? too_little
                                            : "the recogniser cannot evaluate this sound");
    return err;
}

static bool no_encoder(struct parakeet_context *, struct parakeet_state *, void *arg)
{
    *(bool *)arg = true;
    return false;
}

/* It has room for the logits of a whole context, and writes those of one frame. */
static uint64_t vain_bytes(void)
{
    return (uint64_t)parakeet_n_vocab(context) * (uint64_t)parakeet_n_audio_ctx(context) *
           sizeof(float);
}

/* Goes as far as the longest window's graph, whose memory is given back when another length comes. That of 50 s was there
 * when the lane was made, and has become that of the first window. */
static enum err try_longest(struct hearer_lane *lane, char why[HEARER_WHY_BYTES])
{
    bool has_room = false;
    struct parakeet_full_params p = parakeet_full_default_params(PARAKEET_SAMPLING_GREEDY);
    p.encoder_begin_callback = no_encoder;
    p.encoder_begin_callback_user_data = &has_room;
    memset(lane->samples, 0, SAMPLES_MAX * sizeof *lane->samples);
    libwhisper_forget();
    libwhisper_expect(is_meant, &has_room);
    if (parakeet_pcm_to_mel_with_state(context, lane->state, lane->samples, SAMPLES_MAX, 1) == 0)
        (void)parakeet_full_with_state(context, lane->state, p, nullptr, 0); /* as it was told */
    libwhisper_expect(nullptr, nullptr);
    if (!has_room)
        libwhisper_explain(why, HEARER_WHY_BYTES, too_little);
    return has_room ? OK : ERR_NOMEM;
}

/* --- as a hearer --- */

static enum err check_file(struct str file, struct hearer_facts *ret_facts,
                           char why[HEARER_WHY_BYTES])
{
    struct parakeet_facts facts;
    try(parakeet_check(file, &facts, why));
    is_european = facts.european;
    *ret_facts = (struct hearer_facts){.type = facts.type,
                                       .languages = facts.european ? all_languages + 1 : "en",
                                       .knows = facts.european ? "25 languages" : "English only"};
    return OK;
}

static bool sees_whole(size_t)
{
    return true;
}

/* In noise a Parakeet writes little, and is not sure of it. There is no second way to hear, so what it has guessed is
 * dropped. What is no number is doubted. */
static enum guard doubt(const struct heard *h)
{
    if (h->words_n == 0)
        return GUARD_NONE;
    return h->logprob > GUESS ? repeat_found(h) : GUARD_guess;
}

const struct hearer tdt_hearer = {
    .wanted = "a Parakeet model, such as a file ggml-parakeet-tdt-0.6b-v3-q4_0.bin",
    .check = check_file,
    .open = tdt_open,
    .close = tdt_close,
    .lane_create = tdt_lane_create,
    .lane_destroy = tdt_lane_destroy,
    .vain_bytes = vain_bytes,
    .try_longest = try_longest,
    .hear = tdt_hear,
    .language = find_language,
    .language_name = language_name,
    .sees_whole = sees_whole,
    .doubt = doubt,
    .doubt_for_good = doubt,
};
