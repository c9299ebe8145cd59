// SPDX-License-Identifier: Apache-2.0
#include "stt/segments.h"

#include "base/json.h"

static struct str text_of(const struct stt_result *r, size_t first, size_t last)
{
    size_t end = r->words[last].at + r->words[last].length;
    return str_sub(buf_str(&r->text), r->words[first].at, end);
}

static void put_times(struct json_out *j, uint32_t start_ms, uint32_t end_ms, double confidence)
{
    json_kint(j, "start_ms", start_ms);
    json_kint(j, "end_ms", end_ms);
    json_knum(j, "confidence", confidence);
}

static void put_words(struct json_out *j, const struct stt_result *r, size_t first, size_t last)
{
    json_key(j, "words");
    json_arr(j);
    for (size_t i = first; i <= last; i++) {
        const struct stt_word *w = &r->words[i];
        json_obj(j);
        json_kstr(j, "word", text_of(r, i, i));
        put_times(j, w->start_ms, w->end_ms, (double)w->confidence);
        json_end(j);
    }
    json_end(j);
}

static void put_phrase(struct json_out *j, const struct stt_result *r, size_t first, size_t last,
                       bool words)
{
    double sum = 0;
    for (size_t i = first; i <= last; i++)
        sum += (double)r->words[i].confidence;
    json_obj(j);
    json_kstr(j, "text", text_of(r, first, last));
    put_times(j, r->words[first].start_ms, r->words[last].end_ms, sum / (double)(last - first + 1));
    if (words)
        put_words(j, r, first, last);
    json_end(j);
}

static enum err put_all(const struct stt_result *r, size_t max, bool words, struct buf *into)
{
    struct json_out j = {.to = into};
    size_t begin = into->n;
    json_arr(&j);
    for (size_t first = 0, last; first < r->words_n; first = last + 1) {
        for (last = first; last + 1 < r->words_n; last++)
            if (r->words[last + 1].start_ms >= r->words[last].end_ms + SEGMENTS_PAUSE_MS)
                break;
        put_phrase(&j, r, first, last, words);
        if (into->n - begin > max)
            return ERR_TOOBIG;
    }
    json_end(&j);
    try(json_finish(&j));
    return into->n - begin > max ? ERR_TOOBIG : OK;
}

enum err segments_json(const struct stt_result *result, size_t max, struct buf *into)
{
    size_t begin = into->n;
    for (int words = 1; words >= 0; words--) {
        enum err err = put_all(result, max, words == 1, into);
        if (err != ERR_TOOBIG)
            return err;
        into->n = begin;
    }
    return buf_add(into, S("[]"));
}
