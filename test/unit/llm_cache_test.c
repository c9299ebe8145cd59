// SPDX-License-Identifier: Apache-2.0
#include "llm/cache.h"

#include "unit.h"

static struct cache c;

static void set_up(size_t sequences)
{
    assert_ok(cache_init(&c, sequences));
}

/* Tokens are letters; what stands before a bar is open. */
static struct cache_plan take(const char *session, const char *prompt)
{
    int32_t token[64];
    struct prompt_tokens p = {.token = token};
    struct cache_plan plan;
    for (const char *at = prompt; *at; at++) {
        if (*at == '|')
            p.open = p.count;
        else
            token[p.count++] = (unsigned char)*at;
    }
    assert_ok(cache_take(&c, str_of(session), &p, &plan));
    size_t had = c.sequence[plan.sequence].count;
    size_t open = p.open > had ? p.open - had : 0;
    assert_ok(cache_add(&c, plan.sequence, token + had, open, true));
    assert_ok(cache_add(&c, plan.sequence, token + had + open, p.count - had - open, false));
    return plan;
}

static void answer(struct cache_plan plan, const char *letters)
{
    for (const char *at = letters; *at; at++)
        assert_ok(cache_add(&c, plan.sequence, &(int32_t){(unsigned char)*at}, 1, false));
    cache_release(&c, plan.sequence);
}

static void a_conversation_goes_on_where_it_was(void **)
{
    set_up(4);
    struct cache_plan first = take("ann", "SYSTEMsystem|hello");
    assert_int_equal(first.keep + first.copied, 0);
    answer(first, "HI");
    struct cache_plan second = take("ann", "SYSTEMsystem|helloHImore");
    assert_int_equal(second.sequence, first.sequence);
    assert_int_equal(second.keep, strlen("SYSTEMsystemhelloHI"));
    assert_int_equal(second.copied, 0);
    answer(second, "");
    /* The same again: its last token has to be computed for an answer to begin. */
    assert_int_equal(take("ann", "SYSTEMsystem|helloHImore").keep,
                     strlen("SYSTEMsystemhelloHImor"));
    cache_finish(&c);
}

static void one_person_s_conversations_leave_one_another_alone(void **)
{
    set_up(4);
    answer(take("ann", "SYSTEMsystem|about cats and dogs"), "");
    answer(take("ann", "SYSTEMsystem|of the weather in May"), "");
    for (int i = 0; i < 3; i++) {
        struct cache_plan cats = take("ann", "SYSTEMsystem|about cats and dogs, please");
        assert_true(cats.keep >= strlen("SYSTEMsystemabout cats and dogs"));
        answer(cats, "");
        struct cache_plan weather = take("ann", "SYSTEMsystem|of the weather in May, please");
        assert_true(weather.keep >= strlen("SYSTEMsystemof the weather in May"));
        assert_int_not_equal(weather.sequence, cats.sequence);
        answer(weather, "");
    }
    cache_finish(&c);
}

static void only_what_is_open_is_shared(void **)
{
    set_up(4);
    struct cache_plan ann = take("ann", "SYSTEMsystem|secret one");
    struct cache_plan bob = take("bob", "SYSTEMsystem|secret two");
    assert_int_not_equal(bob.sequence, ann.sequence);
    assert_int_equal(bob.from, ann.sequence);
    assert_int_equal(bob.copied, strlen("SYSTEMsystem"));
    assert_int_equal(bob.keep, 0);
    answer(ann, "");
    answer(bob, "");
    /* Nobody's session shares with nobody's session no more than that. */
    struct cache_plan none = take("", "SYSTEMsystem|secret one");
    assert_int_equal(none.keep + none.copied, strlen("SYSTEMsystem"));
    answer(none, "");
    none = take("", "SYSTEMsystem|secret one");
    assert_int_equal(none.keep + none.copied, strlen("SYSTEMsystem"));
    cache_finish(&c);
}

static void the_longest_unused_makes_room(void **)
{
    set_up(2);
    struct cache_plan ann = take("ann", "|aaaa"), bob = take("bob", "|bbbb");
    answer(bob, "");
    answer(ann, "");
    struct cache_plan cyd = take("cyd", "|cccc");
    assert_int_equal(cyd.sequence, bob.sequence);
    struct prompt_tokens p = {.token = (int32_t[]){1}, .count = 1};
    struct cache_plan plan;
    assert_int_equal(take("ann", "|aaaab").keep, 4);
    assert_int_equal(cache_take(&c, S("dan"), &p, &plan), ERR_BUSY);
    size_t forgotten;
    assert_false(cache_oldest_idle(&c, false, &forgotten));
    cache_release(&c, cyd.sequence);
    assert_true(cache_oldest_idle(&c, false, &forgotten));
    assert_int_equal(forgotten, cyd.sequence);
    cache_forget(&c, forgotten);
    assert_int_equal(c.sequence[forgotten].count, 0);
    assert_int_equal(c.sequence[ann.sequence].count, 5);
    cache_finish(&c);
}

static void who_is_away_is_found_but_lies_in_nobody_s_way(void **)
{
    set_up(4);
    size_t oldest;
    struct cache_plan ann = take("ann", "SYSTEMsystem|aaaa");
    assert_int_equal(cache_idle(&c), 0);
    answer(ann, "A");
    answer(take("bob", "SYSTEMsystem|bbbb"), "");
    assert_int_equal(cache_idle(&c), 2);
    assert_true(cache_oldest_idle(&c, false, &oldest));
    assert_int_equal(oldest, ann.sequence);
    c.sequence[ann.sequence].away = true;
    assert_int_equal(cache_idle(&c), 1);
    assert_true(cache_oldest_idle(&c, true, &oldest));
    assert_int_equal(oldest, ann.sequence);
    /* Of two beginnings that are as long the one that is there is copied. */
    struct cache_plan cyd = take("cyd", "SYSTEMsystem|cccc");
    assert_int_equal(cyd.copied, strlen("SYSTEMsystem"));
    assert_int_not_equal(cyd.from, ann.sequence);
    assert_int_equal(take("ann", "SYSTEMsystem|aaaaAmore").keep, strlen("SYSTEMsystemaaaaA"));
    cache_finish(&c);
}

static void what_the_memory_lost_is_computed_again(void **)
{
    set_up(1);
    struct cache_plan plan = take("ann", "SYSTEM|hello");
    answer(plan, "");
    plan = take("ann", "SYSTEM|hello!");
    cache_cut(&c, plan.sequence, 0);
    answer(plan, "");
    assert_int_equal(take("ann", "SYSTEM|hello").keep, 0);
    cache_finish(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_conversation_goes_on_where_it_was),
        cmocka_unit_test(one_person_s_conversations_leave_one_another_alone),
        cmocka_unit_test(only_what_is_open_is_shared),
        cmocka_unit_test(the_longest_unused_makes_room),
        cmocka_unit_test(who_is_away_is_found_but_lies_in_nobody_s_way),
        cmocka_unit_test(what_the_memory_lost_is_computed_again),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
