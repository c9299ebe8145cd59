// SPDX-License-Identifier: Apache-2.0
/* What the two halves of a live conversation share: live.c records and waits, live_answer.c shows and
 * plays what the server sends. */
#pragma once

#include "server/cli/cli.h"
#include "server/cli/show.h"
#include "server/net/client.h"

struct device;

struct live {
    struct cli *c;
    struct ws_client *ws;
    struct device *microphone, *speaker;
    bool hands_free, recording, over;
    bool awaited; /* a turn was begun and has not ended */
    int code;
    const char *trouble; /* why it broke off; NULL: the server */

    struct show show;
    struct buf heard;  /* the latest partial */
    struct buf status; /* the line as it was drawn last */
    double level;      /* of the microphone, 0..32768 */

    /* The answer's sound. */
    struct buf queue; /* s16le that the speaker has no room for yet */
    float volume;
    bool complete;                 /* no more will come of it */
    uint32_t turn, over_turn;      /* whose it is; up to which sound is to be dropped */
    uint64_t written, reported_ms; /* samples of the turn; what the server was told */
};

void live_init(struct live *l);
void live_free(struct live *l);
enum err live_message(struct live *l, struct str json);
enum err live_sound(struct live *l, struct str message);
enum err live_play(struct live *l);
/* The answer that is being spoken falls silent at once. */
void live_hush(struct live *l);
/* The status line: what is recorded or heard, and which key does what. */
void live_draw(struct live *l);
void live_clear(struct live *l);
