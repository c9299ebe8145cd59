// SPDX-License-Identifier: Apache-2.0
/* The first byte chooses the size of the pieces; one piece must come to the same as many. What is understood is written
 * anew, and understood again. */
#include "base/check.h"
#include "fuzz.h"
#include "server/net/wyoming.h"

struct sum {
    unsigned events;
    enum err err;
    uint64_t hash;
};

static const struct wyoming_limits limits = {.line = 4096, .data = 2048, .payload = 8192};

static void add(struct sum *sum, struct str bytes)
{
    for (size_t i = 0; i < bytes.n; i++)
        sum->hash = (sum->hash ^ (unsigned char)bytes.p[i]) * 1099511628211u;
    sum->hash = (sum->hash ^ bytes.n) * 1099511628211u;
}

static void look(struct sum *sum, const struct wyoming_event *e)
{
    struct {
        struct str text;
        int64_t rate;
    } into = {.rate = -1};
    static const struct json_field fields[] = {
        {"text", JSON_STR, 0, .max = 1000},
        {"rate", JSON_INT, 16, .min = 8000, .max = 48000},
    };
    static_assert(sizeof(struct str) == 16);
    struct json_why why = {};
    check(e->type.n > 0 && e->type.n <= WYOMING_TYPE_MAX && utf8_valid(e->type));
    check(e->payload.n <= limits.payload);
    add(sum, e->type);
    add(sum, e->payload);
    sum->hash ^= (unsigned)wyoming_read(e, fields, 2, &into, &why);
    add(sum, into.text);
    check(into.rate == -1 || (into.rate >= 8000 && into.rate <= 48000));
}

/* As a peer would send it, with all fields after the line. */
static void write_anew(struct buf *to, const struct wyoming_event *e)
{
    autobuf data = BUF(1 << 16);
    struct json_out j = {.to = &data};
    char type[WYOMING_TYPE_MAX + 1] = {};
    memcpy(type, e->type.p, e->type.n);
    if (e->inner)
        json_put_val(&j, e->inner);
    check(!e->inner || json_finish(&j) == OK);
    if (data.n <= limits.data && strlen(type) == e->type.n &&
        wyoming_head(to, type, buf_str(&data), e->payload.n) == OK)
        check(buf_add(to, e->payload) == OK);
}

static struct sum run(struct str bytes, size_t step, struct buf *anew)
{
    struct sum sum = {};
    struct wyoming_decoder d;
    wyoming_decoder_init(&d, &limits);
    while (sum.err == OK) {
        struct str piece = str_sub(bytes, 0, step);
        size_t had = piece.n;
        struct wyoming_event e;
        bool is_whole = false;
        sum.err = wyoming_decode(&d, &piece, &is_whole, &e);
        bytes = str_sub(bytes, had - piece.n, bytes.n);
        if (sum.err != OK || (!is_whole && bytes.n == 0))
            break;
        check(is_whole || piece.n == 0);
        if (!is_whole)
            continue;
        sum.events++;
        look(&sum, &e);
        if (anew)
            write_anew(anew, &e);
    }
    wyoming_decoder_finish(&d);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct str bytes = {(const char *)data + 1, size - 1};
    autobuf anew = BUF(1 << 24);
    struct sum whole = run(bytes, SIZE_MAX, &anew), pieces = run(bytes, 1 + data[0] % 64, nullptr);
    check(whole.events == pieces.events && whole.err == pieces.err && whole.hash == pieces.hash);
    check(run(buf_str(&anew), SIZE_MAX, nullptr).err == OK);
    return 0;
}
