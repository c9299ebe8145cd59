// SPDX-License-Identifier: Apache-2.0
#include "server/engine/remote/transcript.h"

#include "base/json.h"
#include "wire/language_name.h"
#include "wire/spoken_word.h"

enum {
    FRAME_MAX =
        WIRE_PAYLOAD_MAX - 1024, /* of a segment's text and words; words behind them have no time */
    MARKER_MAX = 64,             /* bytes of a [marker] */
    APART_MAX = 200,             /* bytes from a word to the next one in their list */
};

/* --- text --- */

/* Of a marker such as [BLANK_AUDIO] at the front of s; 0: there is none. */
static size_t marker_bytes(struct str s, char open, char close)
{
    size_t n = s.n && s.p[0] == open ? str_find_byte(str_sub(s, 0, MARKER_MAX), close) : s.n;
    return n < s.n && n < MARKER_MAX ? n + 1 : 0;
}

/* Nothing but (music) and the like. What stands in parentheses among words was said. */
static bool is_noise(struct str s)
{
    for (s = str_trim(s); s.n;) {
        size_t n = marker_bytes(s, '(', ')');
        if (!n)
            return false;
        s = str_trim(str_sub(s, n, s.n));
    }
    return true;
}

static bool is_blank(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7f;
}

enum err remote_transcript_words(struct str s, struct buf *into)
{
    size_t before = into->n;
    bool is_apart = into->n > 0;
    while (s.n) {
        size_t marker = marker_bytes(s, '[', ']');
        if (marker || is_blank(s.p[0])) {
            is_apart = into->n > 0;
            s = str_sub(s, marker ? marker : 1, s.n);
            continue;
        }
        if (is_apart)
            try(buf_add_byte(into, ' '));
        is_apart = false;
        try(buf_add_byte(into, s.p[0]));
        s = str_sub(s, 1, s.n);
    }
    if (is_noise(str_sub(buf_str(into), before, into->n)))
        into->n = before;
    return OK;
}

static const struct json_val *list_of(const struct json_val *in, const char *name)
{
    const struct json_val *list = json_get(in, name);
    return list && json_typeof(list) == JSON_ARR ? list : nullptr;
}

static enum err read_text(const struct json_val *root, struct buf *text)
{
    const struct json_val *whole = json_get(root, "text"), *segments = list_of(root, "segments");
    const struct json_val *one;
    if (whole && json_typeof(whole) == JSON_STR)
        return remote_transcript_words(json_str(whole), text);
    if (!segments || whole)
        return ERR_SYNTAX;
    for (size_t iter = 0; json_next(segments, &iter, nullptr, &one);)
        try(remote_transcript_words(json_str(json_get(one, "text")), text));
    return OK;
}

enum err remote_transcript_read(struct str body, struct remote_transcript *ret_t)
{
    struct remote_transcript t = {.text = BUF(REMOTE_TRANSCRIPT_MAX)};
    enum err err = json_parse(body, &t.doc, nullptr);
    if (err != OK)
        return err == ERR_NOMEM ? err : ERR_SYNTAX;
    err = read_text(json_root(t.doc), &t.text);
    if (err != OK)
        remote_transcript_finish(&t);
    else
        *ret_t = t;
    return err;
}

void remote_transcript_finish(struct remote_transcript *t)
{
    json_doc_destroy(t->doc);
    t->doc = nullptr;
    buf_finish(&t->text);
}

struct str remote_transcript_language(const struct remote_transcript *t)
{
    return language_code(json_str(json_get(json_root(t->doc), "language")));
}

/* --- segments --- */

/* One segment after another, and the words of all, where they are not told with each. */
struct telling {
    const struct remote_transcript_wish *wish;
    enum err (*tell)(void *arg, const struct msg_stt_segment *segment);
    void *arg;
    const struct json_val *all_words;
    size_t word_iter;
    const struct json_val *next_word; /* of all_words, not told yet */
    bool has_times;                   /* a word has been told with its time */
    struct buf text, words;
};

static uint32_t ms_of(const struct telling *g, const struct json_val *seconds)
{
    double s = json_num(seconds, 0), most = (double)g->wish->audio_ms / 1000;
    return s > 0 ? (uint32_t)((s < most ? s : most) * 1000 + 0.5) : 0; /* no number is not */
}

static float measure_of(const struct json_val *v)
{
    double x = json_num(v, 0);
    return x > -1e6 && x < 1e6 ? (float)x : 0;
}

/* Looks for the word behind those before it; one that does not stand there has no time. */
static enum err put_word(struct telling *g, const struct json_val *word, size_t *at)
{
    struct str name = str_trim(json_str(json_get(word, "word"))), text = buf_str(&g->text);
    struct str near = str_sub(text, *at, *at + name.n + APART_MAX);
    size_t place = str_find(near, name);
    if (!name.n || place >= near.n || g->text.n + g->words.n + SPOKEN_WORD_BYTES > FRAME_MAX)
        return OK;
    place += *at;
    uint32_t start = ms_of(g, json_get(word, "start")), end = ms_of(g, json_get(word, "end"));
    float sure = measure_of(json_get(word, "probability"));
    *at = place + name.n;
    g->has_times = true;
    return spoken_word_put(&g->words,
                           &(struct spoken_word){.at = (uint32_t)place,
                                                 .length = (uint32_t)name.n,
                                                 .start_ms = start,
                                                 .end_ms = end > start ? end : start,
                                                 .confidence = sure > 0 && sure <= 1 ? sure : 0});
}

static enum err put_words(struct telling *g, const struct json_val *segment, uint32_t end_ms)
{
    const struct json_val *own = list_of(segment, "words"), *word;
    size_t at = 0;
    for (size_t iter = 0; own && json_next(own, &iter, nullptr, &word);)
        try(put_word(g, word, &at));
    if (own || !g->all_words)
        return OK;
    while (g->next_word && ms_of(g, json_get(g->next_word, "start")) < end_ms) {
        try(put_word(g, g->next_word, &at));
        if (!json_next(g->all_words, &g->word_iter, nullptr, &g->next_word))
            g->next_word = nullptr;
    }
    return OK;
}

static enum err tell_segment(struct telling *g, const struct json_val *segment)
{
    uint32_t start = ms_of(g, json_get(segment, "start")), end = ms_of(g, json_get(segment, "end"));
    end = end > start ? end : start;
    buf_clear(&g->text);
    buf_clear(&g->words);
    try(remote_transcript_words(json_str(json_get(segment, "text")), &g->text));
    if (!g->text.n)
        return OK;
    try(put_words(g, segment, end));
    return g->tell(g->arg, &(struct msg_stt_segment){
                               .start_ms = start,
                               .end_ms = end,
                               .logprob = measure_of(json_get(segment, "avg_logprob")),
                               .no_speech = measure_of(json_get(segment, "no_speech_prob")),
                               .compression = measure_of(json_get(segment, "compression_ratio")),
                               .text = buf_str(&g->text),
                               .words = buf_str(&g->words)});
}

/* All of the text as one. */
static enum err tell_whole(struct telling *g, struct str text)
{
    try(buf_add(&g->text, text));
    try(put_words(g, nullptr, UINT32_MAX));
    return g->tell(g->arg, &(struct msg_stt_segment){.end_ms = g->wish->audio_ms,
                                                     .text = buf_str(&g->text),
                                                     .words = buf_str(&g->words)});
}

static enum err tell_all(struct telling *g, const struct remote_transcript *t)
{
    const struct json_val *root = json_root(t->doc), *segments = list_of(root, "segments"), *one;
    g->all_words = list_of(root, "words");
    if (g->all_words && !json_next(g->all_words, &g->word_iter, nullptr, &g->next_word))
        g->next_word = nullptr;
    if (!t->text.n)
        return OK;
    if (!segments || !json_count(segments))
        try(tell_whole(g, buf_str(&t->text)));
    for (size_t iter = 0; segments && json_next(segments, &iter, nullptr, &one);)
        try(tell_segment(g, one));
    return g->wish->needs_times && !g->has_times ? ERR_INVALID : OK;
}

enum err remote_transcript_tell(const struct remote_transcript *t,
                                const struct remote_transcript_wish *wish,
                                enum err (*tell)(void *arg, const struct msg_stt_segment *segment),
                                void *arg)
{
    struct telling g = {.wish = wish,
                        .tell = tell,
                        .arg = arg,
                        .text = BUF(REMOTE_TRANSCRIPT_MAX),
                        .words = BUF(FRAME_MAX)};
    enum err err = tell_all(&g, t);
    buf_finish(&g.text);
    buf_finish(&g.words);
    return err;
}
