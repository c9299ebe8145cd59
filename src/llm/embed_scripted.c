// SPDX-License-Identifier: Apache-2.0
/*
 * An embedding model for tests: a vector counts the letters of its text, and on demand it has the faults of
 * real ones. Options: those of wire/script.h (a call is a request; a step is a text, and the end is one
 * more), and
 *
 *     slots=4       requests at once
 *     dimensions=8  of a vector; letters beyond share them
 *     broken=1      vectors are all zero; 2: infinite
 */
#include <math.h>

#include "base/check.h"
#include "base/clock.h"
#include "llm/embed.h"
#include "wire/script.h"

enum { SLOTS = 4, DIMENSIONS = 26 };

static struct script script;
static uint32_t slots, dimensions, broken; /* const after load */

static enum err scripted_load(const struct llm_load *load, struct embed_loaded *ret_loaded,
                              char why[LLM_WHY_BYTES])
{
    static const struct script_word words[] = {{"slots", .number = &slots},
                                               {"dimensions", .number = &dimensions},
                                               {"broken", .number = &broken}};
    slots = SLOTS;
    dimensions = DIMENSIONS;
    try(script_parse(&script, load->options, words, sizeof words / sizeof *words, why));
    if (slots == 0 || slots > EMBED_SLOTS_MAX || dimensions == 0 ||
        dimensions > EMBED_DIMENSIONS_MAX)
        return ERR_INVALID;
    *ret_loaded = (struct embed_loaded){
        .model = "script", .notes = "for tests", .slots = slots, .dimensions = dimensions};
    return OK;
}

/* Tokens are letters. */
static uint32_t count_letters(const struct embed_input *in, float *numbers)
{
    check(dimensions > 0); /* load saw to it */
    size_t n = in->token ? in->count : in->text.n;
    for (uint32_t i = 0; i < dimensions; i++)
        numbers[i] = 0;
    numbers[0] = 1;
    for (size_t i = 0; i < n; i++) {
        uint32_t letter = in->token ? (uint32_t)in->token[i] : (unsigned char)in->text.p[i];
        numbers[letter % dimensions]++;
    }
    for (uint32_t i = 0; i < dimensions && broken; i++)
        numbers[i] = broken == 1 ? 0 : INFINITY;
    return (uint32_t)n;
}

static enum err scripted_embed(const struct embed_request *r, struct embed_result *ret_result)
{
    struct script_call call = script_begin(&script);
    struct embed_result result = {};
    uint64_t began_us = clock_us();
    float numbers[EMBED_DIMENSIONS_MAX];
    bool wanted = true;
    for (size_t i = 0; i < r->count && wanted; i++) {
        try(script_step(&script, &call, r->stopped, r->arg, r->why));
        result.tokens += count_letters(&r->input[i], numbers);
        wanted = r->vector(r->arg, numbers);
    }
    try(script_step(&script, &call, r->stopped, r->arg, r->why));
    result.compute_us = clock_us() - began_us;
    *ret_result = result;
    return OK;
}

const struct embed_driver embed_scripted = {
    .name = "scripted",
    .load = scripted_load,
    .embed = scripted_embed,
};
