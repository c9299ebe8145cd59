// SPDX-License-Identifier: Apache-2.0
#include "llm/decode/room.h"
#include "unit.h"

constexpr uint64_t MIB = 1u << 20;
/* Llama 3.1 8B at Q4_K_M. */
enum { LARGE_MIB = 4693, LARGE_TOKEN = 128 * 1024 };

static const struct {
    uint64_t room_mib, model_mib, token_bytes;
    uint32_t slots, context; /* wished for */
    uint32_t fit_slots, fit_context;
    bool fits;
} cases[] = {
    {24000, LARGE_MIB, LARGE_TOKEN, 4, 8192, 4, 8192, true},
    {12288, LARGE_MIB, LARGE_TOKEN, 4, 8192, 4, 8192, true},
    {8192, LARGE_MIB, LARGE_TOKEN, 4, 8192, 4, 6400, true}, /* 25,944 tokens */
    {6144, LARGE_MIB, LARGE_TOKEN, 4, 8192, 2, 4608, true}, /* 9,560 */
    {5500, LARGE_MIB, LARGE_TOKEN, 4, 8192, 1, 4352, true}, /* 4,408 */
    {5100, LARGE_MIB, LARGE_TOKEN, 4, 8192, 1, 1024, true}, /* 1,208 */
    {5000, LARGE_MIB, LARGE_TOKEN, 4, 8192, 1, 256, false},
    {3000, LARGE_MIB, LARGE_TOKEN, 4, 8192, 1, 0, false},
    {0, LARGE_MIB, LARGE_TOKEN, 1, 8192, 1, 0, false},
    {1536, 100, 23040, 4, 8192, 4, 8192, true},
    {512, 100, 23040, 4, 2048, 2, 2048, true}, /* what was trained for is good */
    {512, 100, 23040, 64, 8192, 1, 6912, true},
    {512, 100, 0, 4, 8192, 4, 8192, true}, /* a model that remembers states */
    {512, 100, 1024, 4, 512, 4, 512, true},
};

static void what_there_is_room_for(void **)
{
    for (size_t i = 0; i < countof(cases); i++) {
        const struct room room = {cases[i].room_mib * MIB, cases[i].model_mib * MIB,
                                  cases[i].token_bytes};
        uint32_t slots = cases[i].slots, context = cases[i].context;
        bool fits = room_fit(&room, &slots, &context);
        if (fits != cases[i].fits || slots != cases[i].fit_slots || context != cases[i].fit_context)
            fail_msg("case %zu: %s with %u answers of %u tokens", i, fits ? "fits" : "does not fit",
                     slots, context);
    }
}

/* Whatever fits needs no more than there is, and more room never brings less. */
static void it_is_monotonous(void **)
{
    uint64_t before = 0;
    for (uint64_t mib = 0; mib < 16000; mib += 7) {
        const struct room room = {mib * MIB, LARGE_MIB * MIB, LARGE_TOKEN};
        uint32_t slots = 4, context = 8192;
        bool fits = room_fit(&room, &slots, &context);
        uint64_t tokens = (uint64_t)slots * context;
        assert_true(!fits || room.model_bytes + tokens * LARGE_TOKEN < room.bytes);
        assert_true(!fits || room_least_bytes(&room) <= room.bytes);
        if (fits && context < 8192 && slots == 4)
            assert_true(tokens >= before);
        before = slots == 4 ? tokens : 0;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_there_is_room_for),
        cmocka_unit_test(it_is_monotonous),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
