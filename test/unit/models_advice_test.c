// SPDX-License-Identifier: Apache-2.0
#include "server/models/advice.h"

#include "server/loop/loop.h"
#include "server/models/bandwidth.h"
#include "server/models/catalogue.h"
#include "server/models/memory_room.h"
#include "server/models/wish.h"
#include "unit.h"

static struct model_list catalogue;

static int begin(void **)
{
    return catalogue_read(&catalogue) == OK ? 0 : 1;
}

static int finish(void **)
{
    model_list_free(&catalogue);
    return 0;
}

static const struct model *known(const char *name)
{
    const struct model *m = model_list_find(&catalogue, str_of(name));
    assert_non_null(m);
    return m;
}

static void speed_follows_from_what_memory_gives(void **)
{
    static const struct {
        const char *name;
        double bytes_s, tokens_s;
    } rows[] = {
        {"llama-3.1-8b", 37e9, 5.6}, {"llama-3.2-1b", 37e9, 34}, {"qwen2.5-0.5b", 371e9, 570},
        {"llama-3.1-8b", 1e9, 0.15}, {"llama-3.1-8b", 0, 0}, /* not known */
        {"e5-small-v2", 37e9, 0},                            /* it writes nothing */
        {"gemma-3-1b", 37e9, 0},                             /* nobody knows its size */
    };
    for (size_t i = 0; i < countof(rows); i++) {
        const struct advice_machine m = {.memory_mib = 8000, .read_bytes_s = rows[i].bytes_s};
        struct advice a = advice_on(&m, &catalogue, known(rows[i].name));
        assert_float_equal(a.tokens_s, rows[i].tokens_s, 1e-9);
    }
}

static void what_fits_and_suits(void **)
{
    static const struct {
        int64_t memory_mib;
        const char *name;
        bool fits, suits;
    } rows[] = {
        {900, "qwen2.5-0.5b", false, false},  {1200, "qwen2.5-0.5b", true, false},
        {1500, "qwen2.5-0.5b", true, true},   {1500, "qwen2.5-1.5b", false, false},
        {6000, "qwen2.5-0.5b", true, false},  {6000, "qwen2.5-1.5b", true, true},
        {6000, "llama-3.1-8b", false, false}, {64000, "llama-3.1-8b", true, false},
        {6000, "e5-small-v2", true, true},    {0, "e5-small-v2", false, false},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        const struct advice_machine m = {.memory_mib = rows[i].memory_mib};
        struct advice a = advice_on(&m, &catalogue, known(rows[i].name));
        if (a.fits != rows[i].fits || a.suits != rows[i].suits)
            fail_msg("%s with %lld", rows[i].name, (long long)rows[i].memory_mib);
    }
    /* A file of one's own by that name is another model, and what it needs is told by its size. */
    const struct advice_machine m = {.memory_mib = 6000};
    struct model own = *known("qwen2.5-1.5b");
    own.source = S("hf:a/b:c.gguf");
    own.memory_mib = 0;
    struct advice a = advice_on(&m, &catalogue, &own);
    assert_false(a.suits);
    assert_int_in_range(a.memory_mib, 1800, 2200);
}

static void all_models_once(void **)
{
    struct model there[] = {*known("llama-3.1-8b"), *known("qwen2.5-0.5b"), *known("gemma-3-1b")};
    there[1].source = S("hf:a/b:c.gguf");
    there[2].name = S("mine");
    const struct model_list installed = {.model = there, .count = countof(there)};
    struct advice_item item;
    size_t iter = 0, count = 0;
    while (advice_next(&catalogue, &installed, &iter, &item)) {
        count++;
        bool is_mine = str_eq(item.is->name, S("mine"));
        bool is_there = is_mine || str_eq(item.is->name, S("llama-3.1-8b")) ||
                        str_eq(item.is->name, S("qwen2.5-0.5b"));
        assert_int_equal(item.installed != nullptr, is_there);
        assert_int_equal(item.known == nullptr, is_mine);
        if (str_eq(item.is->name, S("qwen2.5-0.5b")))
            assert_ptr_equal(item.is, &there[1]); /* another file by that name */
        if (str_eq(item.is->name, S("llama-3.1-8b")))
            assert_ptr_equal(item.is, known("llama-3.1-8b"));
    }
    assert_int_equal(count, catalogue.count + 1);
}

static void wishes(void **)
{
    static const char SHA[] = "abababababababababababababababababababababababababababababababab";
    static const struct {
        const char *source, *sha256, *kind, *as;
        enum wish_wrong wrong;
        const char *name, *model_kind, *model_source;
    } rows[] = {
        {"LLAMA-3.1-8b", "", "", "", WISH_GOOD, "llama-3.1-8b", "llm", nullptr},
        {"llama-3.1-8b", SHA, "", "big", WISH_GOOD, "big", "llm", nullptr},
        {"hf:a/b:c.gguf", "", "", "", WISH_GOOD, "c", "llm", "hf:a/b:c.gguf"},
        {"hf:a/b:c.bin", "", "", "", WISH_KIND, "", "", nullptr},
        {"hf:a/b:c.bin", "", "stt", "d", WISH_GOOD, "d", "stt", "hf:a/b:c.bin"},
        {"https://h/c.gguf?sig=x", SHA, "", "", WISH_GOOD, "c", "llm", "https://h/c.gguf"},
        {"https://h/c.gguf", "", "", "", WISH_SHA256, "", "", nullptr},
        {"hf:a/b:c.bin", "", "", "d", WISH_KIND, "", "", nullptr},
        {"https://h/a%20b.gguf", SHA, "", "", WISH_NAME, "", "", nullptr},
        {"lama", "", "", "", WISH_SOURCE, "", "", nullptr},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct wish w;
        const struct wish_words words = {str_of(rows[i].source), str_of(rows[i].sha256),
                                         str_of(rows[i].kind), str_of(rows[i].as)};
        if (wish_take(&catalogue, &words, &w) != rows[i].wrong)
            fail_msg("%s", rows[i].source);
        if (rows[i].wrong != WISH_GOOD)
            continue;
        assert_string_equal(w.name, rows[i].name);
        assert_str(w.model.kind, rows[i].model_kind);
        if (rows[i].model_source)
            assert_str(w.model.source, rows[i].model_source);
        if (rows[i].sha256[0])
            assert_str(w.model.sha256, SHA);
    }
}

/* No number is right everywhere; one that no machine has is wrong. */
static void memory_is_measured(void **)
{
    struct memory_room room;
    memory_room("", &room);
    double bytes_s = bandwidth_now(2);
    bool is_short = room.free_bytes < (uint64_t)8 << 30;
    assert_true((is_short && bytes_s == 0) || (bytes_s > 1e7 && bytes_s < 1e14));
}

static void on_told(void *, double)
{
    fail_msg("nobody wants to know");
}

static void a_measurement_may_be_left(void **)
{
    struct loop *loop;
    struct bandwidth *b;
    assert_ok(loop_create(&loop));
    assert_ok(bandwidth_measure(loop, 3, on_told, nullptr, &b));
    bandwidth_end(b);
    bandwidth_end(nullptr);
    loop_step(loop, 0);
    loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(speed_follows_from_what_memory_gives),
        cmocka_unit_test(what_fits_and_suits),
        cmocka_unit_test(all_models_once),
        cmocka_unit_test(wishes),
        cmocka_unit_test(memory_is_measured),
        cmocka_unit_test(a_measurement_may_be_left),
    };
    return cmocka_run_group_tests(tests, begin, finish);
}
