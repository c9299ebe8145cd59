// SPDX-License-Identifier: Apache-2.0
/*
 * vad_marks [--silero FILE] [--silence MS] SOUND…: where people speak in sounds of bare s16le at 16 kHz, as the engine's
 * detector and the server's ear find it without a button. For each sound a line: its name, then from and to in
 * milliseconds of each utterance.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/talk/ear.h"
#include "stt/vad.h"

enum { START_MS = 140, SILENCE_MS = 500 }; /* as the options are at first */

static void put(struct ear *e, const struct vad_news *news, uint32_t silence_ms)
{
    for (uint32_t i = 0; i < news->n; i++)
        if (ear_frame(e, news->of[i].likely, silence_ms) == EAR_STOPPED)
            printf(" %llu %llu", (unsigned long long)e->from_ms, (unsigned long long)e->voice_ms);
}

static enum err mark(FILE *sound, uint32_t silence_ms)
{
    struct ear ear;
    struct vad *vad;
    struct vad_news news;
    int16_t frame[VAD_FRAME];
    ear_init(&ear, START_MS);
    try(vad_create(&vad));
    enum err err = OK;
    while (err == OK && fread(frame, sizeof *frame, VAD_FRAME, sound) == VAD_FRAME) {
        err = vad_frame(vad, frame, &news);
        if (err == OK)
            put(&ear, &news, silence_ms);
    }
    if (err == OK)
        err = vad_end(vad, &news);
    if (err == OK)
        put(&ear, &news, silence_ms);
    if (err == OK && ear.speaking)
        printf(" %llu %llu", (unsigned long long)ear.from_ms, (unsigned long long)ear.voice_ms);
    vad_destroy(vad);
    return err;
}

int main(int argc, char **argv)
{
    char why[VAD_WHY_BYTES] = "";
    uint32_t silence_ms = SILENCE_MS;
    for (int i = 1; i < argc; i++) {
        if (i + 1 < argc && strcmp(argv[i], "--silero") == 0) {
            if (vad_load(str_of(argv[++i]), S(""), why) != OK) {
                fprintf(stderr, "%s\n", why);
                return 1;
            }
            continue;
        }
        if (i + 1 < argc && strcmp(argv[i], "--silence") == 0) {
            silence_ms = (uint32_t)strtoul(argv[++i], nullptr, 10);
            continue;
        }
        FILE *sound = fopen(argv[i], "re");
        if (!sound) {
            perror(argv[i]);
            return 1;
        }
        printf("%s", argv[i]);
        enum err err = mark(sound, silence_ms);
        fclose(sound);
        printf("\n");
        if (err != OK) {
            fprintf(stderr, "%s: %s\n", argv[i], err_text(err));
            return 1;
        }
    }
    vad_unload();
    return 0;
}
