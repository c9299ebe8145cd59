// SPDX-License-Identifier: Apache-2.0
/* Which model answers after a restart, and how much memory there is for another one. */
#include "answerer_rig.h"
#include "server/answerer/choice.h"
#include "server/models/memory_room.h"

/* --- over a restart --- */

/* As rig_stop(), but what was written stays. */
static void restart(void)
{
    answerer_destroy(rig.a);
    rig.now = (struct answerer_now){};
    settle();
    start_again();
}

static void use(const char *name)
{
    ask(name);
    if (strcmp(name, "quote") != 0) {
        ready(newest());
        warmed(newest(), OK);
    }
    assert_int_equal(rig.end_err, OK);
    pass_ms(100);
}

static const char *who(void)
{
    struct answerer_info info;
    answerer_info(rig.a, &info);
    return info.model;
}

static const char *failed(void)
{
    struct answerer_info info;
    answerer_info(rig.a, &info);
    return info.failed ? info.failed : "";
}

static void test_a_choice_survives(void **)
{
    start_with("one");
    use("two");
    restart();
    assert_string_equal(state(), "loading");
    assert_null(engine_of("one"));
    assert_int_equal(rig.states, 0); /* a server that is not ready yet must not end by a trial */
    ready(engine_of("two"));
    assert_ptr_equal(rig.now.llm, engine_of("two"));
    assert_string_equal(who(), "two");
    assert_true(rig.states > 0);
    use("quote");
    restart();
    assert_string_equal(who(), "quote");
    assert_null(rig.now.llm);
    assert_int_equal(alive(), 0);
    /* Whom the options name is no choice. */
    use("ONE");
    assert_string_equal(who(), "one");
    assert_false(has_choice());
    restart();
    assert_string_equal(engine_of("one")->name, "one");
    assert_string_equal(state(), "none");
}

static void test_the_options_win(void **)
{
    start_with("one");
    use("two");
    rig_conf("llm.model", "three");
    restart();
    assert_string_equal(who(), "three");
    assert_false(has_choice());
    use("two");
    rig_conf("llm.driver", "quote");
    restart();
    assert_string_equal(who(), "quote");
    assert_false(has_choice());
}

static void test_a_choice_that_is_gone(void **)
{
    start_with("one");
    use("two");
    put_file("models/models.lock", "{\"version\":1,\"models\":[" RIG_MODEL("one", "llm") "]}");
    restart();
    assert_string_equal(who(), "one");
    assert_string_equal(failed(), "two");
    ready(engine_of("one"));
    assert_ptr_equal(rig.now.llm, engine_of("one"));
}

static void test_a_choice_that_does_not_load(void **)
{
    start_with("one");
    use("two");
    restart();
    die(engine_of("two"), "this is no model file");
    assert_string_equal(state(), "restoring");
    assert_int_equal(rig.states, 0); /* what is tried only must not end a server by its refusal */
    unsigned told = rig.states;
    ready(engine_of("one"));
    assert_string_equal(failed(), "two");
    assert_true(rig.states > told);
    assert_string_equal(who(), "one");
    assert_int_equal(alive(), 1);
    assert_true(has_choice()); /* the next start tries it again */
    /* To quotes, too. */
    rig_stop();
    start_with("");
    use("two");
    restart();
    die(engine_of("two"), "");
    assert_string_equal(who(), "quote");
    assert_true(rig.now.answers && rig.now.takes_new && !rig.now.llm);
}

static void test_a_file_that_is_none_of_ours(void **)
{
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "{\"llm\":\"two\"}",
        "{\"llm\":\"../two\",\"instead_of\":\"llama one\"}",
        "{\"llm\":\"\",\"instead_of\":\"llama one\"}",
        "{\"llm\":7,\"instead_of\":\"llama one\"}",
        "{\"llm\":\"two\\u0000\",\"instead_of\":\"llama one\"}",
        "{\"llm\":\"vectors\",\"instead_of\":\"llama one\"}",
        "{\"llm\":\"\xff\",\"instead_of\":\"llama one\"}",
    };
    for (size_t i = 0; i < countof(texts); i++) {
        rig_conf("llm.model", "one");
        put_file("models.choice", texts[i]);
        start_again();
        assert_string_equal(who(), "one");
        assert_null(engine_of("two"));
        rig_stop();
    }
    put_file("models.choice", "{\"llm\":\"two\",\"instead_of\":\"llama one\"}");
    start_again();
    assert_non_null(engine_of("two"));
}

static void test_a_choice_that_cannot_be_kept(void **)
{
    char path[100];
    start_with("one");
    snprintf(path, sizeof path, "%s/models.choice", rig.data);
    assert_int_equal(mkdir(path, 0700), 0);
    use("two");
    assert_string_equal(who(), "two"); /* it answers all the same */
    assert_false(rig.end_is_kept);
    assert_int_equal(rmdir(path), 0);
    use("three");
    assert_true(rig.end_is_kept);
}

static enum err write_and_read(void *)
{
    static struct choice c = {.llm = "two", .instead_of = "llama \"one\""}, got;
    try(choice_write(rig.data, &c));
    try(choice_read(rig.data, &got));
    return strcmp(got.llm, c.llm) == 0 && strcmp(got.instead_of, c.instead_of) == 0 ? OK : ERR_IO;
}

static void test_a_choice_short_of_memory(void **)
{
    assert_true(torture(write_and_read, nullptr) > 3);
}

/* --- memory --- */

static void put(const char *file, const char *text)
{
    char path[120];
    for (size_t i = 0; file[i]; i++)
        if (file[i] == '/') {
            snprintf(path, sizeof path, "%s/%.*s", rig.data, (int)i, file);
            (void)mkdir(path, 0700);
        }
    put_file(file, text);
}

#define GROUP "sys/fs/cgroup/a/b/"
#define MIB * (1024ull * 1024)

static void look(uint64_t free_bytes, uint64_t total_bytes)
{
    struct memory_room room;
    memory_room(rig.data, &room);
    assert_int_equal(room.free_bytes, free_bytes);
    assert_int_equal(room.total_bytes, total_bytes);
}

static void test_memory(void **)
{
    look(UINT64_MAX, UINT64_MAX); /* nothing is told */
    put("proc/meminfo", "MemTotal:  8388608 kB\nMemFree: 7 kB\nMemAvailable:  4194304 kB\n");
    look(4096 MIB, 8192 MIB);
    put("proc/self/cgroup", "0::/a/b\n");
    look(4096 MIB, 8192 MIB);
    put(GROUP "memory.max", "max\n");
    look(4096 MIB, 8192 MIB);
    put(GROUP "memory.max", "2147483648\n");
    put(GROUP "memory.current", "1073741824\n");
    put(GROUP "memory.stat", "anon 1\ninactive_file 268435456\nactive_file 268435456\n");
    look(1536 MIB, 2048 MIB); /* its files in the page cache could go */
    put("sys/fs/cgroup/a/memory.max", "3221225472\n");
    put("sys/fs/cgroup/a/memory.current", "2684354560\n");
    look(512 MIB, 2048 MIB); /* what others below the same limit have taken */
    put("sys/fs/cgroup/a/memory.current", "4294967296\n");
    look(0, 2048 MIB);
    /* Version 1, within a container: of the path only the root is there. */
    put("proc/self/cgroup", "9:name=systemd:/\n4:cpu,memoryx:/x\n3:memory:/host/path\n0::/\n");
    put("sys/fs/cgroup/memory/memory.limit_in_bytes", "1073741824\n");
    put("sys/fs/cgroup/memory/memory.usage_in_bytes", "536870912\n");
    put("sys/fs/cgroup/memory/memory.stat", "inactive_file 9\ntotal_inactive_file 268435456\n");
    look(768 MIB, 1024 MIB);
    put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    look(4096 MIB, 8192 MIB);
}

static void test_memory_of_a_process(void **)
{
    put("proc/77/status", "Name:\tx\nVmRSS:\t 9 kB\nRssFile:\t    2048 kB\n");
    assert_int_equal(memory_of_files(rig.data, 77), 2 MIB);
    assert_int_equal(memory_of_files(rig.data, 78), 0);
    assert_true(memory_of_files("", getpid()) > 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_set_up, rig_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_choice_survives),           TEST(test_the_options_win),
        TEST(test_a_choice_that_is_gone),       TEST(test_a_choice_that_does_not_load),
        TEST(test_a_file_that_is_none_of_ours), TEST(test_a_choice_that_cannot_be_kept),
        TEST(test_a_choice_short_of_memory),    TEST(test_memory),
        TEST(test_memory_of_a_process),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
