// SPDX-License-Identifier: Apache-2.0
#include "stt/segments.h"

#include <math.h>

#include "stt/window/repeat.h"
#include "wire/spoken_word.h"

enum { WORDS_BYTES = SEGMENTS_MAX_WORDS * SPOKEN_WORD_BYTES };

struct span {
    size_t first, last; /* words, both of them in it */
};

static uint32_t gap_after(const struct stt_result *r, size_t word)
{
    uint32_t end = r->words[word].end_ms, next = r->words[word + 1].start_ms;
    return next > end ? next - end : 0;
}

/* Where a span that is too long is cut: in its later half, where the gap is the longest. */
static size_t longest_gap(const struct stt_result *r, struct span s)
{
    size_t best = s.last - 1;
    for (size_t i = s.first + (s.last - s.first) / 2; i < s.last; i++)
        if (gap_after(r, i) > gap_after(r, best))
            best = i;
    return best;
}

static bool is_long(const struct stt_result *r, struct span s)
{
    return s.last - s.first >= SEGMENTS_MAX_WORDS ||
           r->words[s.last].end_ms > r->words[s.first].start_ms + SEGMENTS_MAX_MS;
}

/* The span that begins with a word and goes on until a pause, or to `end` at most. */
static struct span span_from(const struct stt_result *r, size_t first, size_t end, bool pauses)
{
    struct span s = {first, first};
    while (s.last + 1 < end && !(pauses && gap_after(r, s.last) >= SEGMENTS_PAUSE_MS)) {
        s.last++;
        if (is_long(r, s)) {
            s.last = longest_gap(r, s);
            break;
        }
    }
    return s;
}

static struct str text_of(const struct stt_result *r, struct span s)
{
    size_t end = r->words[s.last].at + r->words[s.last].length;
    return str_sub(buf_str(&r->text), r->words[s.first].at, end);
}

static enum err put_words(const struct stt_result *r, struct span s, bool timed, struct buf *into)
{
    for (size_t i = s.first; i <= s.last; i++) {
        const struct stt_word *w = &r->words[i];
        const struct spoken_word word = {.at = w->at - r->words[s.first].at,
                                         .length = w->length,
                                         .start_ms = timed ? w->start_ms : 0,
                                         .end_ms = timed ? w->end_ms : 0,
                                         .confidence = w->confidence};
        try(spoken_word_put(into, &word));
    }
    return OK;
}

/* Of a recogniser that knows words, not tokens. */
static float mean_logprob(const struct stt_result *r, struct span s)
{
    const float least = 1e-4f;
    float sum = 0;
    for (size_t i = s.first; i <= s.last; i++)
        sum += logf(r->words[i].confidence > least ? r->words[i].confidence : least);
    return sum / (float)(s.last - s.first + 1);
}

enum err segments_tell(const struct stt_result *r, bool timed,
                       enum err (*tell)(void *arg, const struct msg_stt_segment *segment),
                       void *arg)
{
    autobuf words = BUF(WORDS_BYTES);
    size_t part = 0, token = 0;
    struct span s;
    for (size_t first = 0; first < r->words_n; first = s.last + 1) {
        const struct stt_part *p = part < r->parts_n ? &r->parts[part] : nullptr;
        s = span_from(r, first, p ? p->words_end : r->words_n, !p);
        buf_clear(&words);
        try(put_words(r, s, timed, &words));
        struct msg_stt_segment segment = {.start_ms = r->words[s.first].start_ms,
                                          .end_ms = r->words[s.last].end_ms,
                                          .logprob = p ? p->logprob : mean_logprob(r, s),
                                          .no_speech = p ? p->no_speech : 0,
                                          .compression = repeat_compression(text_of(r, s)),
                                          .text = text_of(r, s),
                                          .words = buf_str(&words)};
        if (p && s.last + 1 == p->words_end) { /* whose tokens are not cut */
            segment.tokens = (struct str){(const char *)(r->tokens + token),
                                          (p->tokens_end - token) * sizeof *r->tokens};
            token = p->tokens_end;
            part++;
        }
        try(tell(arg, &segment));
    }
    return OK;
}
