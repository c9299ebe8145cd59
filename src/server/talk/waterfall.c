// SPDX-License-Identifier: Apache-2.0
#include "server/talk/waterfall.h"

struct histogram stage_seconds[STAGE_COUNT];

static const char *const label[STAGE_COUNT] = {
#define X(name, text) [name] = text,
    STAGE_TABLE(X)
#undef X
};

const char *stage_label(enum stage s)
{
    return label[s];
}

void waterfall_start(struct waterfall *w, uint64_t now_us)
{
    *w = (struct waterfall){.zero_us = now_us};
}

void waterfall_open(struct waterfall *w, enum stage s, uint64_t now_us)
{
    if (!w->stage[s].from_us)
        w->stage[s].from_us = now_us;
}

void waterfall_close(struct waterfall *w, enum stage s, uint64_t now_us)
{
    if (!w->stage[s].from_us || w->stage[s].to_us)
        return;
    w->stage[s].to_us = now_us;
    histogram_observe_us(&stage_seconds[s], now_us - w->stage[s].from_us);
}

static double since_zero_ms(const struct waterfall *w, uint64_t us)
{
    return (double)((int64_t)us - (int64_t)w->zero_us) / 1000.0;
}

double waterfall_first_token_ms(const struct waterfall *w)
{
    uint64_t at = w->stage[STAGE_ANSWER].to_us;
    return at ? since_zero_ms(w, at) : -1;
}

double waterfall_first_audio_ms(const struct waterfall *w)
{
    uint64_t at = w->stage[STAGE_SYNTHESIZE].to_us;
    return at ? since_zero_ms(w, at) : -1;
}

static void put_ms(struct json_out *j, const char *key, double ms)
{
    json_key(j, key);
    if (ms < 0)
        json_put_null(j);
    else
        json_put_num(j, ms);
}

void waterfall_json(const struct waterfall *w, uint64_t now_us, struct json_out *j)
{
    json_obj(j);
    json_key(j, "stages");
    json_arr(j);
    for (int s = 0; s < STAGE_COUNT; s++) {
        if (!w->stage[s].to_us)
            continue;
        json_obj(j);
        json_kstr(j, "name", str_of(label[s]));
        json_knum(j, "start_ms", since_zero_ms(w, w->stage[s].from_us));
        json_knum(j, "ms", (double)(w->stage[s].to_us - w->stage[s].from_us) / 1000.0);
        json_end(j);
    }
    json_end(j);
    put_ms(j, "first_token_ms", waterfall_first_token_ms(w));
    put_ms(j, "first_audio_ms", waterfall_first_audio_ms(w));
    if (w->ahead_us)
        json_knum(j, "ahead_ms", -since_zero_ms(w, w->ahead_us));
    json_knum(j, "total_ms", since_zero_ms(w, now_us));
    json_end(j);
}
