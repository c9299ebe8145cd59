// SPDX-License-Identifier: Apache-2.0
#include "base/conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "alloc_fault.h"
#include "base/mem.h"

#include "unit.h"

/* What the table says must hold together: conf_init() stops the program otherwise. */
static void test_table(void **)
{
    struct conf c;
    size_t count;
    const struct conf_option *o = conf_options(&count);
    assert_ok(conf_init(&c));
    for (size_t i = 0; i < count; i++) {
        char flag[200], env[200];
        conf_flag_name(&o[i], flag, sizeof flag);
        conf_env_name(&o[i], env, sizeof env);
        assert_true(strlen(env) < 80 && o[i].help[0] && o[i].help[strlen(o[i].help) - 1] != '.');
        for (size_t k = 0; k < i; k++) { /* a.b_c and a_b.c would be one flag */
            char other[200];
            conf_flag_name(&o[k], other, sizeof other);
            assert_string_not_equal(flag, other);
        }
        autobuf shown = BUF(4096);
        assert_ok(conf_show(&c, &o[i], &shown));
        assert_str(buf_str(&shown), o[i].kind == CONF_KIND_SECRET ? "(not set)" : o[i].def);
    }
    conf_finish(&c);
    conf_finish(&c);
}

static void test_names(void **)
{
    size_t count;
    const struct conf_option *o = conf_options(&count);
    char flag[64], env[64];
    while (strcmp(o->name, "http.header_ms") != 0)
        o++;
    conf_flag_name(o, flag, sizeof flag);
    conf_env_name(o, env, sizeof env);
    assert_string_equal(flag, "--http-header-ms");
    assert_string_equal(env, "REPARTEE_HTTP_HEADER_MS");
}

static void test_setting(void **)
{
    static const struct {
        const char *name, *value;
        enum err want;
        const char *says;
    } rows[] = {
        {"rag.k", "7", OK, ""},
        {"rag.k", "0", ERR_INVALID, "rag.k must be a whole number from 1 to 50"},
        {"rag.k", "51", ERR_INVALID, "from 1 to 50"},
        {"rag.k", "five", ERR_INVALID, "here: rag.k"},
        {"rag.k", "", ERR_INVALID, ""},
        {"http.idle_ms", "99", ERR_INVALID, "from 100 to 3600000 ms"},
        {"stt.adapt", "Off", OK, ""},
        {"stt.adapt", "YES", OK, ""},
        {"stt.adapt", "0", OK, ""},
        {"stt.adapt", "maybe", ERR_INVALID, "stt.adapt must be on or off"},
        {"log.level", "debug", OK, ""},
        {"log.level", "Debug", ERR_INVALID, "one of error|warn|info|debug"},
        {"log.level", "error|warn", ERR_INVALID, ""},
        {"log.level", "", ERR_INVALID, ""},
        {"persona", "\xc3\xa4 = \"b\"", OK, ""},
        {"persona", "\xff", ERR_INVALID, "not text"},
        {"persona", "", OK, ""},
        {"auth.key", "s3cret", OK, ""},
        {"rag.kk", "1", ERR_UNKNOWN, "there is no option \"rag.kk\"; did you mean \"rag.k\"?"},
        {"loglevel", "info", ERR_UNKNOWN, "did you mean \"log.level\"?"},
        {"llm.drivr", "quote", ERR_UNKNOWN, "did you mean \"llm.driver\"?"},
        {"tts.speaker", "x", ERR_UNKNOWN, ""},
        {"quite.another", "1", ERR_UNKNOWN, "'repartee serve --help' lists them all"},
        {"", "1", ERR_UNKNOWN, ""},
        {"persona_file", "x", ERR_UNKNOWN, ""}, /* only secrets */
        {"_file", "x", ERR_UNKNOWN, ""},
        {"RAG.K", "1", ERR_UNKNOWN, ""},
    };
    struct conf c;
    assert_ok(conf_init(&c));
    for (size_t i = 0; i < countof(rows); i++) {
        struct conf_err why = {};
        enum err err = conf_set(&c, str_of(rows[i].name), str_of(rows[i].value), "here", &why);
        if (err != rows[i].want || !strstr(why.text, rows[i].says) ||
            (err != OK) != (why.text[0] != 0))
            fail_msg("%s = %s: %s, \"%s\"", rows[i].name, rows[i].value, err_code(err), why.text);
    }
    assert_int_equal(c.rag_k, 7);
    assert_false(c.stt_adapt);
    assert_string_equal(c.log_level, "debug");
    assert_string_equal(c.api_key, "s3cret");
    assert_err(conf_set(&c, S("rag.k"), S("1\0"), "here", nullptr), ERR_INVALID);
    assert_err(conf_set(&c, S("persona"), S("a\0b"), "here", nullptr), ERR_INVALID);
    conf_finish(&c);
}

static void test_text(void **)
{
    static const struct {
        const char *text;
        enum err want;
        const char *says;
    } rows[] = {
        {"", OK, ""},
        {"\n\n# a comment\n  # another = 3\n", OK, ""},
        {"rag.k = 9", OK, ""},
        {"\xef\xbb\xbfrag.k=9\r\n\tlog.level\t=\twarn\r\n", OK, ""},
        {"persona = a = b # c", OK, ""},
        {"persona = \"  spaces \\ \"kept\" \"", OK, ""},
        {"rag.k", ERR_SYNTAX, "conf:1: this is no option; write name = value"},
        {"\n\n[http]\n", ERR_SYNTAX, "conf:3: this is no option"},
        {"rag.k = 1\nrag.k = 1000\n", ERR_INVALID, "conf:2: rag.k must be"},
        {"\nrag.j = 1", ERR_UNKNOWN, "conf:2: there is no option \"rag.j\""},
        {"persona = \"open", ERR_SYNTAX, "conf:1: the value does not end with its quotes"},
        {"persona = \"", ERR_SYNTAX, "quotes"},
        {"persona = \"a\" # why", ERR_SYNTAX, "quotes"},
        {"= 3", ERR_UNKNOWN, ""},
        {"=", ERR_UNKNOWN, ""},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct conf c;
        struct conf_err why = {};
        assert_ok(conf_init(&c));
        enum err err = conf_read_text(&c, str_of(rows[i].text), "conf", &why);
        if (err != rows[i].want || !strstr(why.text, rows[i].says))
            fail_msg("row %zu: %s, \"%s\"", i, err_code(err), why.text);
        if (strstr(rows[i].text, "rag.k=9"))
            assert_string_equal(c.log_level, "warn");
        if (strstr(rows[i].text, "kept"))
            assert_string_equal(c.persona, "  spaces \\ \"kept\" ");
        if (strstr(rows[i].text, "# c"))
            assert_string_equal(c.persona, "a = b # c");
        conf_finish(&c);
    }
    struct conf c;
    struct conf_err why;
    autofree char *much = mem_zero(1, 256 * 1024 + 1);
    assert_ok(conf_init(&c));
    assert_err(conf_read_text(&c, (struct str){much, 256 * 1024 + 1}, "conf", &why), ERR_TOOBIG);
    conf_finish(&c);
}

static void write_file(const char *path, struct str text)
{
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_int_equal(fwrite(text.p, 1, text.n, f), text.n);
    assert_int_equal(fclose(f), 0);
}

static void test_files(void **)
{
    char dir[] = "/tmp/repartee-conf-XXXXXX";
    assert_non_null(mkdtemp(dir));
    char path[64], secret[64];
    snprintf(path, sizeof path, "%s/conf", dir);
    snprintf(secret, sizeof secret, "%s/key", dir);
    autobuf text = BUF(1000);
    assert_ok(buf_addf(&text, "auth.key_file = %s\n", secret));
    write_file(path, buf_str(&text));

    static char longest[5000];
    memset(longest, 'x', sizeof longest);
    const struct {
        struct str file;
        enum err want;
        const char *says;
    } rows[] = {
        {S(" s3cret\n\n"), OK, ""},
        {S("two words"), OK, ""},
        {S(""), ERR_INVALID, "is empty"},
        {S(" \n"), ERR_INVALID, "is empty"},
        {S("a\0b"), ERR_INVALID, "is not text"},
        {S("\xff"), ERR_INVALID, "is not text"},
        {{longest, 4095}, OK, ""},
        {{longest, 4096}, ERR_INVALID, "is too long"},
        {{longest, 5000}, ERR_INVALID, "is too long"},
    };
    struct conf c;
    struct conf_err why = {};
    for (size_t i = 0; i < countof(rows); i++) {
        assert_ok(conf_init(&c));
        write_file(secret, rows[i].file);
        assert_err(conf_read_file(&c, path, &why), rows[i].want);
        if (rows[i].want != OK)
            assert_non_null(strstr(why.text, rows[i].says));
        assert_true((c.api_key[0] != 0) == (rows[i].want == OK));
        if (i == 0)
            assert_string_equal(c.api_key, "s3cret");
        autobuf shown = BUF(100);
        size_t count;
        const struct conf_option *o = conf_options(&count);
        while (strcmp(o->name, "auth.key") != 0)
            o++;
        assert_ok(conf_show(&c, o, &shown));
        assert_str(buf_str(&shown), rows[i].want == OK ? "(set)" : "(not set)");
        conf_finish(&c);
    }
    assert_ok(conf_init(&c));
    unlink(secret);
    assert_err(conf_read_file(&c, path, &why), ERR_INVALID);
    assert_non_null(strstr(why.text, "conf:1: the file"));
    assert_non_null(strstr(why.text, "cannot be read (No such file"));
    assert_err(conf_set(&c, S("auth.key_file"), str_of(dir), "here", &why), ERR_INVALID);
    assert_err(conf_read_file(&c, dir, &why), ERR_IO);
    unlink(path);
    rmdir(dir);
    assert_err(conf_read_file(&c, path, &why), ERR_NOTFOUND);
    conf_finish(&c);
}

static void test_environment(void **)
{
    static const struct {
        const char *entry;
        enum err want;
        const char *says;
    } rows[] = {
        {"PATH=/bin", OK, ""},
        {"REPARTEE_RAG_K=9", OK, ""},
        {"REPARTEE_CONFIG=/x", OK, ""},
        {"REPARTEE_MIRROR=x", OK, ""},
        {"REPARTEE_DOCS=", OK, ""},
        {"REPARTEE_HTTP_HEADER_MS=5000", OK, ""},
        {"REPARTEE_RAG_K=x", ERR_INVALID, "REPARTEE_RAG_K: rag.k must be"},
        {"REPARTEE_RAG_KK=9", ERR_UNKNOWN, "did you mean REPARTEE_RAG_K?"},
        {"REPARTEE_SOMETHING_ELSE=9", ERR_UNKNOWN, "lists the options"},
        {"REPARTEE_RAG_K", ERR_INVALID, ""},
        {"REPARTEE_AUTH_KEY_FILE=/nowhere/at/all", ERR_INVALID, "/nowhere/at/all"},
        {"REPARTEE_PERSONA_FILE=x", ERR_UNKNOWN, ""},
        {"REPARTEE_=", ERR_UNKNOWN, ""},
        {"RATE_LIMIT=9", OK, ""},
        {"EMBED_MODEL=e5.gguf", OK, ""},
        {"RATE_LIMIT=", OK, ""},
        {"RATE_LIMIT", OK, ""},
        {"RATE_LIMITS=x", OK, ""},
        {"RATE_LIMIT=60/minute", ERR_INVALID, "RATE_LIMIT: limit.turns must be a whole number"},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        char entry[100];
        snprintf(entry, sizeof entry, "%s", rows[i].entry);
        char *environ_list[] = {entry, nullptr};
        struct conf c;
        struct conf_err why = {};
        assert_ok(conf_init(&c));
        enum err err = conf_read_env(&c, environ_list, &why);
        if (err != rows[i].want || !strstr(why.text, rows[i].says))
            fail_msg("%s: %s, \"%s\"", entry, err_code(err), why.text);
        if (i == 1)
            assert_int_equal(c.rag_k, 9);
        conf_finish(&c);
    }
}

static void test_flags(void **)
{
    static const struct {
        const char *args[8], *rest;
        enum err want;
        const char *says;
    } rows[] = {
        {{"--rag-k=9", "a", "--rag-k", "8", "b"}, "a b", OK, ""},
        {{"--no-stt-adapt", "--metrics-open"}, "", OK, ""},
        {{"--stt-adapt=off"}, "", OK, ""},
        {{"--stt-adapt", "off"}, "off", OK, ""}, /* booleans take no second word */
        {{"--docs=", "x"}, "x", OK, ""},
        {{"x", "--", "--rag-k=9"}, "x -- --rag-k=9", OK, ""},
        {{"-o", "file", "--nothing", "--no-rag-k"}, "-o file --nothing --no-rag-k", OK, ""},
        {{"--persona", "--rag-k=9"}, "", OK, ""}, /* the value, whatever it looks like */
        {{"--rag-k"}, nullptr, ERR_INVALID, "--rag-k needs a value"},
        {{"--rag-k=x"}, nullptr, ERR_INVALID, "--rag-k: rag.k must be"},
        {{"--stt-adapt=2"}, nullptr, ERR_INVALID, "--stt-adapt: stt.adapt must be on or off"},
        {{"--auth-key-file", "/nowhere/at/all"}, nullptr, ERR_INVALID, "/nowhere/at/all"},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        char words[8][40], *argv[10] = {words[0]};
        int argc = 1;
        snprintf(words[0], sizeof words[0], "program");
        for (; argc <= 7 && rows[i].args[argc - 1]; argc++) {
            snprintf(words[argc], sizeof words[argc], "%s", rows[i].args[argc - 1]);
            argv[argc] = words[argc];
        }
        struct conf c;
        struct conf_err why = {};
        assert_ok(conf_init(&c));
        enum err err = conf_read_args(&c, &argc, argv, &why);
        if (err != rows[i].want || !strstr(why.text, rows[i].says))
            fail_msg("row %zu: %s, \"%s\"", i, err_code(err), why.text);
        if (err == OK) {
            autobuf rest = BUF(1000);
            for (int k = 1; k < argc; k++)
                assert_ok(buf_addf(&rest, "%s%s", k > 1 ? " " : "", argv[k]));
            assert_str(buf_str(&rest), rows[i].rest);
            assert_null(argv[argc]);
        }
        if (i == 0)
            assert_int_equal(c.rag_k, 8);
        if (i == 1)
            assert_true(!c.stt_adapt && c.metrics_open);
        conf_finish(&c);
    }
}

static void test_flag_words(void **)
{
    static const struct {
        const char *arg;
        int want;
    } rows[] = {
        {"--listen", 2},
        {"--listen=x", 1},
        {"--stt-adapt", 1},
        {"--no-stt-adapt", 1},
        {"--no-listen", 0},
        {"--lisen=x", 0},
        {"--auth-key-file", 2},
        {"--auth-key-file=x", 1},
        {"--listen-file", 0},
        {"listen", 0},
        {"--", 0},
        {"", 0},
    };
    for (size_t i = 0; i < countof(rows); i++)
        if (conf_flag_words(rows[i].arg) != rows[i].want)
            fail_msg("%s", rows[i].arg);
}

static void test_help(void **)
{
    autobuf help = BUF(1 << 18);
    size_t count;
    const struct conf_option *o = conf_options(&count);
    assert_ok(conf_help(&help));
    for (size_t i = 0; i < count; i++) {
        char flag[100];
        snprintf(flag, sizeof flag, "  ");
        conf_flag_name(&o[i], flag + 2, sizeof flag - 2);
        size_t at = str_find(buf_str(&help), str_of(flag));
        assert_true(at < help.n);
    }
    struct str rest = buf_str(&help), line;
    while (str_cut(&rest, '\n', &line))
        assert_true(line.n <= 80 || str_find(line, S("|")) < line.n);
}

static enum err everything(void *)
{
    struct conf c;
    try(conf_init(&c));
    struct conf_err why;
    char env[] = "REPARTEE_TTS_VOICE=slt", flag[] = "--persona=x", program[] = "p";
    char *environ_list[] = {env, nullptr}, *argv[] = {program, flag, nullptr};
    int argc = 2;
    enum err err = conf_read_text(&c, S("rag.k = 3\ndocs = \"a b\"\n"), "conf", &why);
    if (err == OK)
        err = conf_read_env(&c, environ_list, &why);
    if (err == OK)
        err = conf_read_args(&c, &argc, argv, &why);
    autobuf help = BUF(1 << 18);
    if (err == OK)
        err = conf_help(&help);
    conf_finish(&c);
    return err;
}

static void test_without_memory(void **)
{
    assert_true(torture(everything, nullptr) > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),   cmocka_unit_test(test_names),
        cmocka_unit_test(test_setting), cmocka_unit_test(test_text),
        cmocka_unit_test(test_files),   cmocka_unit_test(test_environment),
        cmocka_unit_test(test_flags),   cmocka_unit_test(test_flag_words),
        cmocka_unit_test(test_help),    cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
