// SPDX-License-Identifier: Apache-2.0
#include "server/models/model_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/models/catalogue.h"
#include "server/models/hub.h"
#include "server/models/models_dir.h"
#include "unit.h"

#define SHA "abababababababababababababababababababababababababababababababab"
#define COMMIT "c0ffee0000c0ffee0000c0ffee0000c0ffee0000"

static void test_sources(void **)
{
    static const struct {
        const char *text, *url, *file; /* url NULL: refused */
    } rows[] = {
        {"hf:a/b:c.gguf", "https://h/a/b/resolve/main/c.gguf", "c.gguf"},
        {"hf:a/b@v1.0:d/c.gguf", "https://h/a/b/resolve/v1.0/d/c.gguf", "c.gguf"},
        {"https://x.org/y/z.gguf?a=b/c#d", "https://x.org/y/z.gguf?a=b/c#d", "z.gguf"},
        {"https://x.org", "https://x.org", ""},
        {"hf:a/b", nullptr, ""},
        {"hf:a:c", nullptr, ""},
        {"hf:/b:c", nullptr, ""},
        {"hf:a/:c", nullptr, ""},
        {"hf:a/b/c:d", nullptr, ""},
        {"hf:a/b:", nullptr, ""},
        {"hf:a/b@:c", nullptr, ""},
        {"hf:a/b:../c", nullptr, ""},
        {"hf:a/b:c/", nullptr, ""},
        {"hf:a/b:c d", nullptr, ""},
        {"hf:a/..:c", nullptr, ""},
        {"ftp://x/y", nullptr, ""},
        {"https://", nullptr, ""},
        {"https://user@x/y", nullptr, ""},
        {"https://x/y z", nullptr, ""},
        {"", nullptr, ""},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct model_source s;
        autobuf url = BUF(1000);
        enum err err = model_source_parse(str_of(rows[i].text), &s);
        if ((err == OK) != (rows[i].url != nullptr))
            fail_msg("%s: %s", rows[i].text, err_code(err));
        if (err != OK)
            continue;
        assert_ok(model_source_url(&s, "https://h/", &url));
        assert_string_equal(buf_z(&url), rows[i].url);
        assert_true(str_eq(model_source_file(&s), str_of(rows[i].file)));
    }
}

static void test_names(void **)
{
    char name[MODEL_NAME_MAX + 1];
    assert_ok(model_name_of(S("Llama-3.2-1B-Q4_K_M.gguf"), name));
    assert_string_equal(name, "llama-3.2-1b-q4_k_m");
    assert_ok(model_name_of(S("plain"), name));
    assert_string_equal(name, "plain");
    static const char *const bad[] = {"",        ".gguf",    "..",           "a b.gguf",
                                      "-x.gguf", "a/b.gguf", "\xc3\xa4.gguf"};
    for (size_t i = 0; i < countof(bad); i++)
        assert_err(model_name_of(str_of(bad[i]), name), ERR_INVALID);
}

static enum err parse(const char *models, enum model_list_use use, struct model_list *l,
                      struct model_list_why *why)
{
    autobuf text = BUF(4096);
    *why = (struct model_list_why){};
    assert_ok(buf_addf(&text, "{\"version\":1,\"models\":[%s]}", models));
    return model_list_parse(buf_str(&text), use, l, why);
}

#define FILE_OF(file)                                                                              \
    "{\"file\":\"" file "\",\"size\":5,\"sha256\":\"" SHA "\",\"source\":\"hf:a/b:x.gguf\"}"
#define MODEL(name, more)                                                                          \
    "{\"name\":\"" name                                                                             \
    "\",\"kind\":\"llm\",\"file\":\"llm/x.gguf\",\"size\":5,\"sha256\":\"" SHA                       \
    "\",\"source\":\"hf:a/b:x.gguf\"" more "}"
#define NAMED(name) MODEL(name, "")
#define GOOD NAMED("x")
#define WITH_MORE(files) MODEL("x", ",\"more\":[" files "]")

static void test_list(void **)
{
    static const struct {
        const char *models, *says;
    } rows[] = {
        {GOOD "," GOOD, "model 2, name: there are two of it"},
        {"5", ""},
        {"{}", "model 1, name"},
        {"{\"name\":\"x\",\"kind\":\"dog\",\"source\":\"hf:a/b:c\"}", "model 1, kind"},
        {"{\"name\":\"x\",\"kind\":\"llm\",\"source\":\"hf:a/b:c\"}", "model 1, sha256"},
        {"{\"name\":\"x\",\"kind\":\"llm\",\"source\":\"hf:a/b:c\",\"sha256\":\"" SHA "\"}",
         "model 1, size"},
        {"{\"name\":\"x\",\"kind\":\"llm\",\"source\":\"hf:a/b:c\",\"sha256\":\"" SHA
         "\",\"size\":5,\"file\":\"stt/x\"}",
         "model 1, file"},
        {"{\"name\":\"x\",\"kind\":\"llm\",\"source\":\"hf:a/b:c\",\"sha256\":\"" SHA
         "\",\"size\":5,\"file\":\"llm/..\"}",
         "model 1, file"},
        {"{\"name\":\"x\",\"kind\":\"llm\",\"source\":\"hf:a/b:c\",\"revision\":\"main\"}",
         "model 1, revision"},
        {GOOD "," NAMED("y"), "model 2, file: there are two of it"},
        {WITH_MORE(FILE_OF("llm/x.gguf")), "model 1, file: there are two of it"},
        {WITH_MORE(FILE_OF("stt/y")), "model 1, file"},
        {WITH_MORE(FILE_OF("llm/../y")), "model 1, file"},
        {WITH_MORE("{\"source\":\"hf:a/b:c\",\"file\":\"llm/y\"}"), "model 1, sha256"},
        {WITH_MORE("{\"file\":\"llm/y\"}"), "model 1, more"},
        {WITH_MORE("5"), "model 1, more"},
        {WITH_MORE("1,2,3,4"), "model 1, more: it holds too many files"},
    };
    struct model_list l;
    struct model_list_why why;
    assert_ok(parse(GOOD, LIST_LOCK, &l, &why));
    assert_true(model_list_find(&l, S("X")) == &l.model[0]);
    autobuf again = BUF(4096);
    struct model more = l.model[0];
    more.name = S("y");
    more.revision = S(COMMIT);
    more.is_leaving = true;
    more.file[0].file = S("llm/y.gguf");
    more.file[1] = more.file[0];
    more.file[1].file = S("llm/y.gguf.json");
    more.file[1].size = 7;
    more.file_count = 2;
    assert_ok(model_list_print(&l, nullptr, &more, &again));
    struct model_list two;
    assert_ok(model_list_parse(buf_str(&again), LIST_LOCK, &two, &why));
    assert_int_equal(two.count, 2);
    assert_int_equal(model_size(&two.model[0]), 5);
    assert_int_equal(model_size(&two.model[1]), 12);
    assert_true(two.model[1].is_leaving && !two.model[0].is_leaving);
    assert_true(str_eq(two.model[1].file[1].file, S("llm/y.gguf.json")));
    assert_true(str_eq(two.model[1].revision, S(COMMIT)));
    buf_clear(&again);
    assert_ok(model_list_print(&two, &two.model[0], nullptr, &again));
    model_list_free(&two);
    assert_ok(model_list_parse(buf_str(&again), LIST_LOCK, &two, &why));
    assert_int_equal(two.count, 1);
    model_list_free(&two);
    model_list_free(&l);
    for (size_t i = 0; i < countof(rows); i++) {
        enum err err = parse(rows[i].models, LIST_LOCK, &l, &why);
        if (err != ERR_SYNTAX || !str_starts(str_of(why.text), str_of(rows[i].says)))
            fail_msg("row %zu: %s, %s", i, err_code(err), why.text);
    }
}

static void test_damage(void **)
{
    char folder[] = "/tmp/models-XXXXXX", holder[MODELS_HOLDER_BYTES], path[64];
    struct models_dir d;
    struct model_list l, after;
    struct model_list_why why;
    assert_non_null(mkdtemp(folder));
    assert_ok(models_dir_init(&d, folder, ""));
    assert_ok(models_dir_lock(&d, "test", holder));
    assert_ok(parse(GOOD, LIST_LOCK, &l, &why));
    assert_ok(models_dir_add(&d, &l.model[0], &why));
    struct model wrong = l.model[0];
    wrong.file[0].size = 0;
    assert_err(models_dir_add(&d, &wrong, &why), ERR_INVALID);
    assert_true(str_starts(str_of(why.text), S("model 1, size")));
    assert_ok(models_dir_read(&d, &after, &why));
    assert_int_equal(after.model[0].file[0].size, 5);
    model_list_free(&after);
    model_list_free(&l);
    models_dir_unlock(&d);
    static const char *const names[] = {"models.lock", ".lock", ""};
    for (size_t i = 0; i < countof(names); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        assert_int_equal(remove(path), 0);
    }
}

static void test_catalogue(void **)
{
    struct model_list l;
    assert_ok(catalogue_read(&l));
    for (size_t i = 0; i < l.count; i++) {
        const struct model *m = &l.model[i];
        assert_true(m->licence.n && m->memory_mib);
        for (size_t f = 0; f < m->file_count; f++) {
            const struct model_file *file = &m->file[f];
            assert_true(str_starts(file->source, S("hf:")));
            assert_true(!file->sha256.n == !file->size && !file->sha256.n == !m->revision.n);
        }
        bool is_voice = str_ends(m->file[0].source, S(".onnx")) && str_eq(m->kind, S("tts"));
        assert_true(!is_voice ||
                    (m->file_count == 2 && str_starts(m->file[1].source, m->file[0].source) &&
                     str_ends(m->file[1].source, S(".onnx.json"))));
        const struct model *instead = m->is_gated ? model_list_find(&l, m->instead) : nullptr;
        assert_true(m->is_gated ? instead && !instead->is_gated : !m->instead.n);
        assert_false(m->set_mib && m->is_gated);
    }
    assert_null(catalogue_choose(&l, S("llm"), 1000));
    assert_true(str_eq(catalogue_choose(&l, S("llm"), 4000)->name, S("qwen2.5-0.5b")));
    assert_true(str_eq(catalogue_choose(&l, S("llm"), 64000)->name, S("qwen2.5-1.5b")));
    assert_true(str_eq(catalogue_choose(&l, S("embed"), 64000)->name, S("e5-small-v2")));
    assert_true(str_eq(catalogue_choose(&l, S("stt"), 64000)->name, S("whisper-base.en")));
    assert_true(str_eq(catalogue_choose(&l, S("vad"), 64000)->name, S("silero-v6.2.0")));
    assert_true(str_eq(catalogue_choose(&l, S("tts"), 64000)->name, S("en_US-ljspeech-medium")));
    assert_null(catalogue_choose(&l, S("tts"), 1500));
    model_list_free(&l);
}

static void test_headers(void **)
{
    static const struct {
        const char *text;
        int64_t from, total; /* from -1: none */
    } rows[] = {
        {"bytes 5-9/10", 5, 10},
        {"bytes 0-0/1", 0, 1},
        {"bytes 5-9/*", 5, 0},
        {"bytes 5-10/10", -1, 0},
        {"bytes 9-5/10", -1, 0},
        {"bytes */10", -1, 0},
        {"bytes -5-9/10", -1, 0},
        {"bytes 5-9", -1, 0},
        {"", -1, 0},
        {"bytes 5-9/99999999999999999999", -1, 0},
        {"bytes +5-9/10", -1, 0},
        {"items 5-9/10", -1, 0},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        int64_t from = -1, total = 0;
        bool is = content_range_read(str_of(rows[i].text), &from, &total);
        if (is != (rows[i].from >= 0) || from != rows[i].from || total != rows[i].total)
            fail_msg("%s: %d %lld %lld", rows[i].text, is, (long long)from, (long long)total);
    }
    struct hub_facts f;
    hub_facts_read(&(struct hub_headers){S("\"" SHA "\""), S(" 17 "), S(COMMIT), S("\"x\"")}, &f);
    assert_string_equal(f.sha256, SHA);
    assert_string_equal(f.commit, COMMIT);
    assert_int_equal(f.size, 17);
    hub_facts_read(&(struct hub_headers){S("W/\"" SHA "\""), S("-17"), S("main"), S("")}, &f);
    assert_true(!f.sha256[0] && !f.git[0] && !f.commit[0] && f.size == 0);
    /* What lies in Git itself has its name there. */
    static const struct {
        const char *linked, *etag;
        bool is;
    } names[] = {
        {"", "\"" COMMIT "\"", true},
        {"", "W/\"" COMMIT "\"", true},
        {"\"" COMMIT "\"", "\"x\"", true},
        {"\"" SHA "\"", "\"" COMMIT "\"", false},
        {"", "\"" SHA "\"", false},
        {"", "\"" COMMIT "0\"", false},
        {"", "", false},
    };
    for (size_t i = 0; i < countof(names); i++) {
        hub_facts_read(&(struct hub_headers){.linked_etag = str_of(names[i].linked),
                                             .etag = str_of(names[i].etag)},
                       &f);
        if (strcmp(f.git, names[i].is ? COMMIT : "") != 0)
            fail_msg("%s %s: %s", names[i].linked, names[i].etag, f.git);
    }
    assert_int_equal(header_number(S("Wed, 21 Oct 2026 07:28:00 GMT"), 1), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sources),   cmocka_unit_test(test_names),
        cmocka_unit_test(test_list),      cmocka_unit_test(test_damage),
        cmocka_unit_test(test_catalogue), cmocka_unit_test(test_headers),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
