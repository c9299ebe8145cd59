// SPDX-License-Identifier: Apache-2.0
#include "server/models/bandwidth.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "server/loop/lane.h"
#include "server/models/memory_room.h"

enum { THREADS_MAX = 16, GOES = 3, GO_US = 10000, MEET_MAX_US = 300000, PIECE = 256 * 1024 };
constexpr uint64_t ALL_MIN = 64 << 20;
constexpr uint64_t ALL_MAX = 512 << 20;

struct reader {
    struct lane_job job;
    struct lane *lane;
    struct bandwidth *all;
    uint64_t us[GOES], bytes[GOES]; /* lane, then loop */
    bool has_memory;                /* the same */
};
struct bandwidth {
    bandwidth_fn fn; /* NULL: nobody wants to know any more */
    void *arg;
    struct deferred told; /* not from inside a lane's callback: its lanes end then */
    uint32_t count, done;
    uint64_t each_bytes; /* const after creation */
    atomic_uint met[GOES + 1];
    struct reader reader[THREADS_MAX];
};

/* --- on the lanes --- */

/* Those who read begin together; who waits in vain goes on alone. */
static void meet(struct bandwidth *b, unsigned go)
{
    uint64_t late = clock_us() + MEET_MAX_US;
    atomic_fetch_add(&b->met[go], 1);
    while (atomic_load(&b->met[go]) < b->count && clock_us() < late)
        sched_yield();
}

static uint64_t sum_of(const uint64_t *p, size_t count)
{
    uint64_t a = 0, b = 0, c = 0, d = 0;
    for (size_t i = 0; i + 4 <= count; i += 4) {
        a += p[i];
        b += p[i + 1];
        c += p[i + 2];
        d += p[i + 3];
    }
    return a + b + c + d;
}

/* Of this thread: while somebody else has its core, nothing is read, which says nothing of the memory. */
static uint64_t computed_us(void)
{
    struct timespec t;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) != 0)
        return clock_us();
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void read_for_a_while(struct reader *r, unsigned go, const char *memory)
{
    volatile uint64_t keep = 0; /* else nothing would be read */
    size_t at = 0, all = r->all->each_bytes;
    uint64_t from = computed_us(), now = from;
    while (now - from < GO_US) {
        keep = keep + sum_of((const uint64_t *)(const void *)(memory + at), PIECE / 8);
        at = at + PIECE < all ? at + PIECE : 0;
        r->bytes[go] += PIECE;
        now = computed_us();
    }
    r->us[go] = now - from;
}

static void run(struct lane_job *job)
{
    struct reader *r = (struct reader *)job;
    size_t all = r->all->each_bytes;
    char *memory = mmap(nullptr, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    r->has_memory = memory != MAP_FAILED;
    if (r->has_memory)
        memset(memory, 1, all); /* else all of it is the same page of zeros */
    for (unsigned go = 0; go < GOES; go++) {
        meet(r->all, go);
        if (r->has_memory)
            read_for_a_while(r, go, memory);
    }
    if (r->has_memory)
        munmap(memory, all);
}

/* --- on the loop --- */

static double result(const struct bandwidth *b)
{
    double best = 0;
    for (unsigned go = 0; go < GOES; go++) {
        double sum = 0;
        for (uint32_t i = 0; i < b->count; i++) {
            const struct reader *r = &b->reader[i];
            if (!r->has_memory)
                return 0;
            sum += r->us[go] ? (double)r->bytes[go] * 1e6 / (double)r->us[go] : 0;
        }
        best = sum > best ? sum : best;
    }
    return best;
}

static void tell(void *arg)
{
    struct bandwidth *b = arg;
    b->fn(b->arg, result(b));
}

static void done(struct lane_job *job)
{
    struct bandwidth *b = ((struct reader *)job)->all;
    if (++b->done == b->count && b->fn)
        deferred_call(&b->told);
}

/* 0: there is too little to spare. */
static uint64_t bytes_for_all(void)
{
    long cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
    uint64_t bytes = cache > 0 ? 2 * (uint64_t)cache : ALL_MIN;
    bytes = bytes < ALL_MIN ? ALL_MIN : bytes > ALL_MAX ? ALL_MAX : bytes;
    struct memory_room room;
    memory_room("", &room);
    return bytes <= room.free_bytes / 8 ? bytes : 0;
}

enum err bandwidth_measure(struct loop *loop, uint32_t threads, bandwidth_fn fn, void *arg,
                           struct bandwidth **ret_b)
{
    struct bandwidth *b = mem_zero(1, sizeof *b);
    if (!b)
        return ERR_NOMEM;
    b->fn = fn;
    b->arg = arg;
    deferred_init(&b->told, loop, tell, b);
    uint32_t wanted = threads < 1 ? 1 : threads > THREADS_MAX ? THREADS_MAX : threads;
    uint64_t all = bytes_for_all();
    b->each_bytes = all / wanted / PIECE * PIECE;
    enum err err = OK;
    for (uint32_t i = 0; all && i < wanted && err == OK; i++)
        err = lane_create(loop, "bandwidth", 1, &b->reader[i].lane);
    b->count = all && err == OK ? wanted : 0;
    for (uint32_t i = 0; i < b->count && err == OK; i++) {
        struct reader *r = &b->reader[i];
        r->all = b;
        r->job = (struct lane_job){.run = run, .done = done};
        err = lane_post(r->lane, &r->job);
    }
    if (err != OK) {
        bandwidth_end(b);
        return err;
    }
    if (b->count == 0)
        deferred_call(&b->told);
    *ret_b = b;
    return OK;
}

void bandwidth_end(struct bandwidth *b)
{
    if (!b)
        return;
    b->fn = nullptr;
    for (uint32_t i = 0; i < THREADS_MAX; i++)
        lane_destroy(b->reader[i].lane);
    deferred_cancel(&b->told);
    free(b);
}

/* --- for commands --- */

struct wait {
    struct loop *loop;
    double bytes_s;
};

static void on_told(void *arg, double bytes_s)
{
    struct wait *w = arg;
    w->bytes_s = bytes_s;
    loop_stop(w->loop);
}

double bandwidth_now(uint32_t threads)
{
    struct wait w = {};
    struct bandwidth *b = nullptr;
    if (loop_create(&w.loop) != OK)
        return 0;
    if (bandwidth_measure(w.loop, threads, on_told, &w, &b) == OK)
        loop_run(w.loop);
    bandwidth_end(b);
    loop_destroy(w.loop);
    return w.bytes_s;
}
