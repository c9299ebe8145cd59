// SPDX-License-Identifier: Apache-2.0
#include "llm/decode/spin.h"

#include <pthread.h>
#ifdef _OPENMP
#include <omp.h>
#endif

#include "base/check.h"

enum { IDLERS_MAX = 256 };

/* Made by a thread of its own, since a team of OpenMP's lives as long as the thread that made it. */
static struct {
    pthread_t maker;
    bool is_there, cannot_be;
    unsigned count;
    pthread_barrier_t made, over;
} team;

static void *keep_team(void *)
{
#ifdef _OPENMP
#pragma omp parallel num_threads(team.count)
    {
        __asm__ volatile(""); /* a team that does nothing at all is not made */
    }
#endif
    pthread_barrier_wait(&team.made);
    pthread_barrier_wait(&team.over);
    return nullptr;
}

/* So many that with those of a step there are more than cores; the first of a team does not count. 0: too many. */
static unsigned idlers(unsigned threads)
{
#ifdef _OPENMP
    unsigned cores = (unsigned)omp_get_num_procs();
    unsigned n = cores > threads ? cores - threads + 2 : 2;
    return n <= IDLERS_MAX ? n : 0;
#else
    (void)threads;
    return 0;
#endif
}

static void *pass(void *arg)
{
    pthread_mutex_t *gate = arg;
    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
    return nullptr;
}

/* libgomp ends the program where it gets no thread. So as many of our own are there for a moment. */
static bool can_be_made(unsigned count)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_t thread[IDLERS_MAX];
    unsigned n = 0;
    pthread_mutex_lock(&gate);
    while (n < count && pthread_create(&thread[n], nullptr, pass, &gate) == 0)
        n++;
    pthread_mutex_unlock(&gate);
    for (unsigned i = 0; i < n; i++)
        pthread_join(thread[i], nullptr);
    return n == count;
}

static void end_barriers(void)
{
    pthread_barrier_destroy(&team.made);
    pthread_barrier_destroy(&team.over);
}

static void make(unsigned threads)
{
    team.count = idlers(threads);
    if (!team.count || team.cannot_be)
        return;
    team.cannot_be = !can_be_made(team.count);
    if (team.cannot_be)
        return;
    check(pthread_barrier_init(&team.made, nullptr, 2) == 0);
    check(pthread_barrier_init(&team.over, nullptr, 2) == 0);
    team.is_there = pthread_create(&team.maker, nullptr, keep_team, nullptr) == 0;
    team.cannot_be = !team.is_there;
    if (team.is_there)
        pthread_barrier_wait(&team.made);
    else
        end_barriers();
}

static void end(void)
{
    pthread_barrier_wait(&team.over);
    pthread_join(team.maker, nullptr);
    end_barriers();
    team.is_there = false;
}

void spin_shortly(bool shortly, unsigned threads)
{
    if (shortly && !team.is_there)
        make(threads);
    else if (!shortly && team.is_there)
        end();
}
