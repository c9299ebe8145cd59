// SPDX-License-Identifier: Apache-2.0
#include "llm/decode/threads.h"

#include "base/check.h"

enum {
    LOST_PERCENT =
        20, /* of a core's time that the threads did not get in a step: somebody may have had it */
    CROWDED_PERCENT = 45, /* of so many steps in a row: somebody had it */
    CROWDED_STEPS = 3,
    TRIAL_STEPS = 3,
    BETTER_PERCENT = 90,    /* of the usual time: fewer threads are worth it */
    NO_WORSE_PERCENT = 105, /* and one more does no harm; of many it cannot be much of a help */
    FEW = 4, /* threads; one more of them is faster even when all of them sleep at barriers */
    STALLED_TIMES = 2, /* as long as usual, and crowded: one such step is enough */
};
constexpr uint64_t PAUSE_MIN_US = 1000000; /* one more in vain is dear */
constexpr uint64_t TELLING_US = 25000;     /* a shorter prompt tells too little */
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
        t->alone = !more && t->now == t->most; /* it was a false alarm */
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
        t->alone = false;
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

/* Who is tried in vain stalls all, for a whole slice of the kernel's time at each barrier if they wait awake. */
static bool is_trial_of_few_more(const struct threads *t)
{
    return t->before && t->now > t->before && t->now <= FEW;
}

struct threads_use threads_use(struct threads *t, bool reads, uint64_t now_us)
{
    bool alone = t->alone;
    if (now_us - t->last_us > IDLE_US) {
        *t = threads_of(t->most);
        t->alone = alone; /* as likely as not, and a prompt shows it soon */
    }
    uint32_t count = reads ? t->most : t->now;
    bool awake = t->alone || count < t->most;
    t->use = (struct threads_use){count, .awake = awake && !is_trial_of_few_more(t)};
    return t->use;
}

static int64_t lost_us(const struct threads *t, const struct threads_step *step)
{
    return (int64_t)(step->wall_us * t->use.count) - (int64_t)step->cpu_us;
}

static bool is_over(int64_t lost_us, uint64_t wall_us, int percent)
{
    return lost_us * 100 > (int64_t)wall_us * percent;
}

static bool has_stalled(const struct threads *t, const struct threads_step *step)
{
    return step->tokens && step->tokens == t->tokens && t->usual_us &&
           step->wall_us > STALLED_TIMES * t->usual_us &&
           is_over(lost_us(t, step), step->wall_us, CROWDED_PERCENT);
}

/* Of several steps of answers in a row. Each one's figure is rough, since the kernel books what a thread on another core
 * has had some milliseconds later. */
static void count_crowded(struct threads *t, const struct threads_step *step)
{
    int64_t lost = lost_us(t, step);
    if (has_stalled(t, step)) {
        t->crowded = CROWDED_STEPS;
        return;
    }
    if (!is_over(lost, step->wall_us, LOST_PERCENT)) {
        t->crowded = 0;
        return;
    }
    t->row_lost_us = t->crowded ? t->row_lost_us + lost : lost;
    t->row_us = t->crowded ? t->row_us + step->wall_us : step->wall_us;
    if (++t->crowded == CROWDED_STEPS && !is_over(t->row_lost_us, t->row_us, CROWDED_PERCENT))
        t->crowded = 0;
}

/* Threads of an answer that sleep at its barriers lose time without anybody else, and tell nothing. */
static void judge(struct threads *t, const struct threads_step *step)
{
    if (step->reads && step->wall_us >= TELLING_US)
        t->crowded = is_over(lost_us(t, step), step->wall_us, CROWDED_PERCENT) ? CROWDED_STEPS : 0;
    else if (!step->reads && t->use.awake)
        count_crowded(t, step);
    else
        return;
    if (t->crowded >= CROWDED_STEPS)
        t->alone = false;
    else if (step->reads)
        t->alone = true;
}

static void try_something(struct threads *t)
{
    if (t->now > 1 && t->crowded >= CROWDED_STEPS) {
        try_with(t, t->now / 2);
    } else if (t->now < t->most && t->crowded == 0) {
        try_with(t, t->now + 1);
        t->alone = t->now == t->most; /* as far as the trial goes */
    } else if (t->now == t->most) {
        t->alone = true;
    }
}

void threads_note(struct threads *t, const struct threads_step *step)
{
    if (t->most == 1)
        return;
    t->last_us = step->now_us;
    if (step->tokens == 0) { /* no part of a trial */
        if (!t->before)
            judge(t, step);
        return;
    }
    judge(t, step);
    if (t->before) {
        go_on_with_trial(t, step);
        return;
    }
    learn(t, step);
    if (step->now_us >= t->next_us)
        try_something(t);
}
