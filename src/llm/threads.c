// SPDX-License-Identifier: Apache-2.0
#include "llm/threads.h"

#include "base/check.h"

enum {
    CROWDED_PERCENT = 70, /* of a step's time computing, or less: somebody else was */
    CROWDED_STEPS = 3,    /* so many in a row are no chance */
    TRIAL_STEPS = 3,
    BETTER_PERCENT = 90,    /* of the usual time: fewer threads are worth it */
    NO_WORSE_PERCENT = 105, /* and one more does no harm; of many it cannot be much of a help */
};
constexpr uint64_t PAUSE_MIN_US = 250000;
constexpr uint64_t PAUSE_MAX_US = 8000000;
constexpr uint64_t IDLE_US = 1000000; /* after that whoever was in the way may have gone */

struct threads threads_of(uint32_t most)
{
    check(most > 0);
    return (struct threads){.now = most, .most = most, .pause_us = PAUSE_MIN_US};
}

static void try_with(struct threads *t, uint32_t threads)
{
    if (!t->before)
        t->before = t->now;
    t->now = threads;
    t->steps = t->crowded = 0;
    t->trial_us = 0;
}

static void learn(struct threads *t, const struct threads_step *step)
{
    if (step->tokens != t->tokens || !t->usual_us)
        t->usual_us = step->wall_us;
    else
        t->usual_us = (3 * t->usual_us + step->wall_us) / 4;
    t->tokens = step->tokens;
}

static void end_trial(struct threads *t, uint64_t now_us)
{
    uint64_t trial_us = t->trial_us / t->steps;
    bool more = t->now > t->before;
    bool better = trial_us * 100 < t->usual_us * (more ? NO_WORSE_PERCENT : BETTER_PERCENT);
    if (better) {
        t->pause_us = PAUSE_MIN_US;
        t->usual_us = trial_us;
    } else {
        t->now = t->before;
    }
    t->next_us = better && more ? now_us : now_us + t->pause_us;
    t->pause_us = 2 * t->pause_us < PAUSE_MAX_US ? 2 * t->pause_us : PAUSE_MAX_US;
    t->before = t->crowded = 0;
}

static void go_on_with_trial(struct threads *t, const struct threads_step *step)
{
    if (step->tokens != t->tokens) { /* nothing to compare with */
        t->now = t->before;
        t->before = 0;
        return;
    }
    bool more = t->now > t->before;
    t->trial_us += step->wall_us;
    if (++t->steps < (more ? 1 : TRIAL_STEPS)) /* more in vain is dear: one step shows it */
        return;
    if (!more && t->crowded > 0 && t->now > 1)
        try_with(t, t->now / 2); /* there are several of them */
    else
        end_trial(t, step->now_us);
}

uint32_t threads_now(struct threads *t, uint64_t now_us)
{
    if (now_us - t->last_us > IDLE_US)
        *t = threads_of(t->most);
    return t->now;
}

void threads_note(struct threads *t, const struct threads_step *step)
{
    if (t->most == 1)
        return;
    t->last_us = step->now_us;
    bool crowded = step->cpu_us * 100 < step->wall_us * CROWDED_PERCENT;
    if (step->tokens == 0) { /* as long as many of the others; no part of a trial */
        if (!t->before)
            t->crowded = crowded ? CROWDED_STEPS : 0;
        return;
    }
    t->crowded = crowded ? t->crowded + 1 : 0;
    if (t->before) {
        go_on_with_trial(t, step);
        return;
    }
    learn(t, step);
    bool due = step->now_us >= t->next_us;
    if (due && t->now > 1 && t->crowded >= CROWDED_STEPS)
        try_with(t, t->now / 2);
    else if (due && t->now < t->most && !crowded)
        try_with(t, t->now + 1);
}
