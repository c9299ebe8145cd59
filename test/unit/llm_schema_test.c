// SPDX-License-Identifier: Apache-2.0
/* What a schema's grammar lets a model write, asked of libllama's own grammar sampler token by token. */
#include <llama.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gguf_write.h"
#include "llm/schema.h"
#include "unit.h"

static char path[] = "/tmp/llm-schema-XXXXXX";
static struct llama_model *model;
static const struct llama_vocab *vocab;

static int load(void **)
{
    struct gguf_shape tiny = gguf_tiny();
    int fd = mkstemp(path);
    if (fd < 0 || close(fd) != 0 || !gguf_write(path, &tiny))
        return -1;
    struct llama_model_params p = llama_model_default_params();
    p.vocab_only = true;
    llama_backend_init();
    model = llama_model_load_from_file(path, p);
    vocab = model ? llama_model_get_vocab(model) : nullptr;
    return model ? 0 : -1;
}

static int unload(void **)
{
    llama_model_free(model);
    llama_backend_free();
    return unlink(path);
}

static enum err convert(const char *schema, struct grammar *g, char why[LLM_WHY_BYTES])
{
    struct json_doc *doc = nullptr;
    struct json_why bad = {};
    why[0] = 0;
    if (schema && json_parse(str_of(schema), &doc, &bad) != OK)
        fail_msg("%s: %s", schema, bad.text);
    enum err err = grammar_add_schema(g, "root", doc ? json_root(doc) : nullptr, why);
    json_doc_destroy(doc);
    return err == OK ? grammar_finish(g) : err;
}

static bool is_allowed(struct llama_sampler *s, llama_token token)
{
    llama_token_data one = {token, 1, 0};
    llama_token_data_array single = {&one, 1, -1, false};
    llama_sampler_apply(s, &single);
    return isfinite(one.logit);
}

/* The whole text, and then its end. */
static bool lets_write(const struct grammar *g, const char *text)
{
    llama_token token[512];
    struct buf copy = g->text;
    int32_t n =
        llama_tokenize(vocab, text, (int32_t)strlen(text), token, countof(token), false, false);
    assert_true(n > 0);
    struct llama_sampler *s = llama_sampler_init_grammar(vocab, buf_z(&copy), "root");
    if (!s)
        fail_msg("libllama does not read:\n%.*s", STR_FMT(buf_str(&g->text)));
    bool ok = true;
    for (int32_t i = 0; ok && i < n; i++) {
        ok = is_allowed(s, token[i]);
        if (ok)
            llama_sampler_accept(s, token[i]);
    }
    ok = ok && is_allowed(s, llama_vocab_eos(vocab));
    llama_sampler_free(s);
    return ok;
}

static const struct {
    const char *schema;
    const char *good[6], *bad[8];
} rows[] = {
    {nullptr,
     {"{}", "{ }", "{\"a\": [1, -2.5e3, true, null, \"x\\u00e9\\n\"], \"b\": {\"c\": {}}}"},
     {"[]", "1", "{\"a\"}", "{\"a\": 01}", "{\"a\": \"\\ud800\"}", "{\"a\":\"\n\"}", "{,}"}},
    {"{\"type\": \"object\", \"properties\": {\"city\": {\"type\": \"string\"}, \"days\": {\"type\": \"integer\"}},"
     " \"required\": [\"city\", \"days\"], \"additionalProperties\": false, \"title\": \"T\"}",
     {"{\"city\":\"Bern\",\"days\":3}", "{ \"city\" : \"\", \"days\": -12 }"},
     {"{}", "{\"city\":\"Bern\"}", "{\"days\":3,\"city\":\"Bern\"}",
      "{\"city\":\"Bern\",\"days\":3.5}", "{\"city\":\"Bern\",\"days\":3,\"x\":1}",
      "{\"city\":null,\"days\":3}"}},
    {"{\"properties\": {\"a\": {\"type\": \"null\"}, \"b\": {\"type\": \"boolean\"}, \"c\": {\"const\": \"q\\\"\\\\\"}}}",
     {"{}", "{\"a\":null}", "{\"b\":true}", "{\"a\":null,\"c\":\"q\\\"\\\\\"}",
      "{\"b\":false,\"c\":\"q\\\"\\\\\"}", "{\"a\":null,\"b\":true,\"c\":\"q\\\"\\\\\"}"},
     {"{\"b\":true,\"a\":null}", "{,\"a\":null}", "{\"a\":null,}", "{\"a\":null,\"a\":null}",
      "{\"c\":\"q\"}", "{\"d\":1}"}},
    {"{\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"null\"}, \"b\": {\"type\": \"null\"}, \"c\": {\"type\": \"null\"}},"
     " \"required\": [\"b\"]}",
     {"{\"b\":null}", "{\"b\":null,\"a\":null}", "{\"b\":null,\"a\":null,\"c\":null}",
      "{\"b\":null,\"c\":null}"},
     {"{\"a\":null}", "{}", "{\"b\":null,}"}},
    {"{\"enum\": [\"red\", \"light green\", 3, 0.1, null, [1, \"x\"], \"M\\u00fcnchen\"]}",
     {"\"red\"", "\"light green\"", "3", "0.1", "null", "[1,\"x\"]"},
     {"\"blue\"", "\"re\"", "33", "0.10000000000000001", "\"redd\""}},
    {"{\"enum\": [\"M\\u00fcnchen\"]}", {"\"München\""}, {"\"Munchen\""}},
    {"{\"type\": \"array\", \"items\": {\"type\": \"integer\"}, \"minItems\": 1, \"maxItems\": 3}",
     {"[1]", "[1, 2]", "[ 1,2,3 ]"},
     {"[]", "[1,2,3,4]", "[1,]", "[true]", "[1 2]"}},
    {"{\"type\": \"array\", \"items\": {\"type\": \"array\", \"items\": {\"type\": \"string\", \"maxLength\": 2}}}",
     {"[]", "[[]]", "[[\"ab\"],[\"\",\"a\"]]"},
     {"[[\"abc\"]]", "[\"a\"]", "[[]"}},
    {"{\"type\": \"array\", \"items\": false}", {"[]", "[ ]"}, {"[1]"}},
    {"{\"type\": \"array\", \"maxItems\": 1, \"items\": {\"type\": \"null\"}}",
     {"[]", "[null]"},
     {"[null,null]"}},
    {"{\"type\": \"array\", \"prefixItems\": [{\"type\": \"string\"}, {\"type\": \"integer\"}], \"items\": false}",
     {"[\"a\", 1]"},
     {"[]", "[\"a\"]", "[\"a\",1,2]", "[1,\"a\"]"}},
    {"{\"type\": [\"string\", \"null\"], \"minLength\": 1}",
     {"null", "\"a\"", "\"abc\""},
     {"\"\"", "1"}},
    {"{\"type\": \"string\", \"nullable\": true, \"format\": \"date\"}", {"null", "\"x\""}, {"5"}},
    {"{\"anyOf\": [{\"type\": \"integer\"}, {\"type\": \"object\", \"additionalProperties\": {\"type\": \"boolean\"}}]}",
     {"-7", "0", "{}", "{\"x\":true}", "{\"x\":true, \"y\":false}"},
     {"\"7\"", "{\"x\":1}", "00", "-"}},
    {"{\"type\": \"integer\", \"minimum\": 1, \"maximum\": 12}",
     {"1", "9", "12"},
     {"0", "13", "-1", "1.5", "120"}},
    {"{\"type\": \"integer\", \"minimum\": -1, \"exclusiveMaximum\": 2}",
     {"-1", "0", "1"},
     {"2", "-2", "-0"}},
    {"{\"type\": \"integer\", \"minimum\": 18}",
     {"18", "99", "100", "12345"},
     {"17", "9", "0", "-18", "018"}},
    {"{\"type\": \"integer\", \"exclusiveMinimum\": 0}", {"1", "10", "999"}, {"0", "-1"}},
    {"{\"type\": \"integer\", \"minimum\": -9007199254740991, \"maximum\": 9007199254740991}",
     {"-5", "0", "123456789"},
     {"1.5"}},
    {"{\"type\": \"integer\", \"minimum\": -40, \"maximum\": 1000000}",
     {"-40", "0", "7", "999999", "1000000"},
     {"-41", "1000001", "1000000.0", "01"}},
    {"{\"type\": \"array\", \"items\": {\"type\": \"number\", \"exclusiveMinimum\": -1, \"maximum\": 100}}",
     {"[-0.25, 0,99.999 , 100, 100.00]"},
     {"[-1]", "[100.01]", "[1e1]", "[-0]"}},
    {"{\"type\": \"number\", \"minimum\": 0}", {"0", "0.5", "12e3"}, {"-1", ".5", "1."}},
    {"{\"$ref\": \"#/$defs/node\", \"$defs\": {\"node\": {\"type\": \"object\", \"properties\":"
     " {\"next\": {\"anyOf\": [{\"$ref\": \"#/$defs/node\"}, {\"type\": \"null\"}]}}, \"required\": [\"next\"]}}}",
     {"{\"next\":null}", "{\"next\":{\"next\":{\"next\":null}}}"},
     {"{}", "null", "{\"next\":{}}"}},
    {"{\"type\": \"object\", \"properties\": {\"me\": {\"$ref\": \"#\"}}}",
     {"{}", "{\"me\":{\"me\":{}}}"},
     {"{\"me\":1}"}},
    {"{\"minLength\": 2}", {"\"ab\""}, {"\"a\"", "1", "null"}},
    {"{\"additionalProperties\": false}", {"{}"}, {"{\"a\":1}", "5"}},
    {"{\"prefixItems\": [{\"type\": \"null\"}]}", {"[null]"}, {"null", "[]"}},
    {"{\"enum\": [\"a\", \"ab\", \"abc\", \"b\", \"b\u00e4\", \"b\u00e5\", \"a\"]}",
     {"\"a\"", "\"ab\"", "\"abc\"", "\"b\"", "\"bä\"", "\"bå\""},
     {"\"\"", "\"abcd\"", "\"c\"", "\"bö\"", "\"aab\""}},
    {"{\"type\": \"string\", \"enum\": [\"x\"]}", {"\"x\""}, {"\"y\""}},
    /* Alternatives that begin alike: told apart further on. */
    {"{\"anyOf\": [{\"properties\": {\"kind\": {\"const\": \"a\"}, \"x\": {\"type\": \"null\"}}, \"required\": [\"kind\", \"x\"]},"
     " {\"properties\": {\"kind\": {\"const\": \"b\"}, \"y\": {\"type\": \"null\"}}, \"required\": [\"kind\", \"y\"]}]}",
     {"{\"kind\":\"a\",\"x\":null}", "{\"kind\":\"b\",\"y\":null}"},
     {"{\"kind\":\"a\",\"y\":null}", "{\"kind\":\"b\"}"}},
    {"true", {"1", "[{}]"}, {"x"}},
    {"{\"allOf\": [{\"type\": \"null\"}]}", {"null"}, {"1"}},
};

static void what_the_schema_allows_can_be_written_and_nothing_else(void **)
{
    for (size_t i = 0; i < countof(rows); i++) {
        struct grammar g = GRAMMAR;
        char why[LLM_WHY_BYTES];
        if (convert(rows[i].schema, &g, why) != OK)
            fail_msg("%s: %s", rows[i].schema, why);
        for (size_t k = 0; k < countof(rows[i].good) && rows[i].good[k]; k++)
            if (!lets_write(&g, rows[i].good[k]))
                fail_msg("%s does not let write %s:\n%.*s", rows[i].schema, rows[i].good[k],
                         STR_FMT(buf_str(&g.text)));
        for (size_t k = 0; k < countof(rows[i].bad) && rows[i].bad[k]; k++)
            if (lets_write(&g, rows[i].bad[k]))
                fail_msg("%s lets write %s", rows[i].schema, rows[i].bad[k]);
        grammar_free(&g);
    }
}

static void what_cannot_be_honoured_is_refused_by_name(void **)
{
    static const struct {
        const char *schema, *says;
    } refused[] = {
        {"5", "object"},
        {"false", "object"},
        {"{\"type\": \"strin\"}", "type"},
        {"{\"type\": []}", "type"},
        {"{\"type\": \"string\", \"pattern\": \"^a+$\"}", "pattern"},
        {"{\"not\": {}}", "not"},
        {"{\"allOf\": [{}, {}]}", "allOf"},
        {"{\"anyOf\": []}", "alternatives"},
        {"{\"enum\": \"a\"}", "enum"},
        {"{\"required\": [\"a\"]}", "required"},
        {"{\"type\": \"string\", \"enum\": [1]}", "type"},
        {"{\"type\": \"string\", \"minimum\": 1}", "minimum"},
        {"{\"minLength\": 1, \"minimum\": 1}", "several"},
        {"{\"type\": \"object\", \"anyOf\": [{\"type\": \"null\"}]}", "type"},
        {"{\"$ref\": \"#\", \"minLength\": 1}", "minLength"},
        {"{\"prefixItems\": [{}, {}], \"maxItems\": 1}", "number of items"},
        {"{\"$ref\": \"#\"}", "itself"},
        {"{\"anyOf\": [{\"$ref\": \"#/$defs/a\"}], \"$defs\": {\"a\": {\"anyOf\": [{\"$ref\": \"#\"}]}}}",
         "itself"},
        {"{\"anyOf\": [{\"$ref\": \"#/$defs/a\"}, {\"$ref\": \"#/$defs/a\"}], \"$defs\": {\"a\": {\"type\": \"array\", \"items\": {\"$ref\": \"#\"}}}}",
         "hold themselves"},
        {"{\"$ref\": \"#/$defs/none\"}", "$ref"},
        {"{\"$ref\": \"https://example.org/x\"}", "$ref"},
        {"{\"type\": \"object\", \"required\": [\"a\"]}", "required"},
        {"{\"type\": \"integer\", \"minimum\": 5, \"maximum\": 4}", "bounds"},
        {"{\"type\": \"integer\", \"minimum\": \"0\"}", "minimum"},
        {"{\"type\": \"integer\", \"exclusiveMinimum\": 4, \"maximum\": 4}", "bounds"},
        {"{\"type\": \"integer\", \"multipleOf\": 5}", "multipleOf"},
        {"{\"type\": \"number\", \"minimum\": 0.5}", "minimum that is no whole number"},
        {"{\"type\": \"number\", \"exclusiveMaximum\": 0.5, \"minimum\": 0}",
         "exclusiveMaximum that"},
        {"{\"type\": \"number\", \"exclusiveMinimum\": true}", "exclusiveMinimum"},
        {"{\"type\": \"number\", \"minimum\": 3, \"exclusiveMaximum\": 3}", "bounds"},
        {"{\"type\": \"integer\", \"minimum\": 1e30, \"maximum\": 1e30}", "fifteen"},
        {"{\"type\": \"array\", \"minItems\": 3, \"maxItems\": 2}", "minimum"},
        {"{\"type\": \"array\", \"minItems\": -1}", "minItems"},
        {"{\"type\": \"array\", \"minItems\": 5000}", "repetitions"},
        {"{\"type\": \"string\", \"minLength\": 3, \"maxLength\": 2}", "minimum"},
        {"{\"type\": \"array\", \"items\": {\"pattern\": \"x\"}}", "pattern"},
    };
    for (size_t i = 0; i < countof(refused); i++) {
        struct grammar g = GRAMMAR;
        char why[LLM_WHY_BYTES];
        enum err err = convert(refused[i].schema, &g, why);
        if (err != ERR_INVALID || !strstr(why, refused[i].says))
            fail_msg("%s: %s %s", refused[i].schema, err_code(err), why);
        grammar_free(&g);
    }
}

/* --- numbers and their bounds --- */

struct interval {
    double bound[2]; /* NaN: there is none */
    bool exclusive[2];
};

struct sought {
    const char *type, *alphabet;
    size_t longest;
    struct interval in;
    const struct grammar *g;
    size_t found;
};

static bool is_between(double x, const struct interval *in)
{
    bool is_above =
        isnan(in->bound[0]) || x > in->bound[0] || (!in->exclusive[0] && x == in->bound[0]);
    bool is_below =
        isnan(in->bound[1]) || x < in->bound[1] || (!in->exclusive[1] && x == in->bound[1]);
    return is_above && is_below;
}

/* "-"? ( "0" | [1-9] [0-9]* ), a fraction if it may have one, and no -0. */
static bool is_good(const struct sought *w, struct str s)
{
    struct str rest = str_starts(s, S("-")) ? str_sub(s, 1, s.n) : s, fraction = rest, whole = {};
    double x;
    (void)str_cut(&fraction, '.', &whole);
    for (size_t i = 0; i < rest.n; i++)
        if ((rest.p[i] < '0' || rest.p[i] > '9') && i != whole.n)
            return false;
    if (whole.n == 0 || (whole.n > 1 && whole.p[0] == '0') || (whole.n < rest.n && fraction.n == 0))
        return false;
    return str_to_f64(s, &x) == OK && !(x == 0 && rest.n < s.n) && is_between(x, &w->in);
}

/* Every text over the alphabet that begins with `text`, which `s` has been told. */
static void compare_all(struct sought *w, const struct llama_sampler *s, struct buf *text)
{
    bool can_end = text->n > 0 && is_allowed((struct llama_sampler *)s, llama_vocab_eos(vocab));
    if (can_end && !is_good(w, buf_str(text)))
        fail_msg("%.*s may be written by\n%.*s", STR_FMT(buf_str(text)),
                 STR_FMT(buf_str(&w->g->text)));
    w->found += can_end;
    for (const char *c = w->alphabet; text->n < w->longest && *c; c++) {
        llama_token token;
        assert_int_equal(llama_tokenize(vocab, c, 1, &token, 1, false, false), 1);
        if (!is_allowed((struct llama_sampler *)s, token))
            continue;
        struct llama_sampler *next = llama_sampler_clone(s);
        llama_sampler_accept(next, token);
        assert_ok(buf_add_byte(text, *c));
        compare_all(w, next, text);
        text->n--;
        llama_sampler_free(next);
    }
}

/* How many texts over the alphabet are good. */
static size_t count_good(const struct sought *w, struct buf *text)
{
    size_t n = text->n > 0 && is_good(w, buf_str(text));
    for (const char *c = w->alphabet; text->n < w->longest && *c; c++) {
        assert_ok(buf_add_byte(text, *c));
        n += count_good(w, text);
        text->n--;
    }
    return n;
}

static void put_bound(struct buf *schema, const char *keyword, double x)
{
    if (!isnan(x))
        assert_ok(buf_addf(schema, ",\"%s\":%g", keyword, x));
}

static void compare_bounds(struct sought *w)
{
    autobuf schema = BUF(1000), text = BUF(100);
    char why[LLM_WHY_BYTES];
    struct grammar g = GRAMMAR;
    assert_ok(buf_addf(&schema, "{\"type\":\"%s\"", w->type));
    put_bound(&schema, w->in.exclusive[0] ? "exclusiveMinimum" : "minimum", w->in.bound[0]);
    put_bound(&schema, w->in.exclusive[1] ? "exclusiveMaximum" : "maximum", w->in.bound[1]);
    assert_ok(buf_add_byte(&schema, '}'));
    if (convert(buf_z(&schema), &g, why) != OK)
        fail_msg("%s: %s", buf_z(&schema), why);
    assert_true(g.text.n < 6000);
    struct llama_sampler *s = llama_sampler_init_grammar(vocab, buf_z(&g.text), "root");
    assert_non_null(s);
    w->g = &g;
    w->found = 0;
    compare_all(w, s, &text);
    if (w->found != count_good(w, &text))
        fail_msg("%s lets write %zu texts:\n%.*s", buf_z(&schema), w->found,
                 STR_FMT(buf_str(&g.text)));
    llama_sampler_free(s);
    grammar_free(&g);
}

/* Every text of so many signs and digits, also badly written ones. */
static void integers_are_within_their_bounds(void **)
{
    static const struct interval ranges[] = {
        {{0, 5000}, {}},          {{-40, 1000000}, {}}, {{1, 12}, {}},
        {{-1, 2}, {false, true}}, {{-2000, 2000}, {}},  {{-30, 30}, {true, true}},
        {{17, 17}, {}},           {{0, 0}, {}},         {{-999, -10}, {}},
        {{95, 1234}, {}},         {{18, NAN}, {}},      {{NAN, -18}, {}},
        {{NAN, 345}, {}},         {{0, NAN}, {true}},   {{NAN, 0}, {false, true}},
        {{-1, 1000}, {true}},     {{1000, 1099}, {}},   {{109, 1901}, {}},
        {{99, 100}, {}},          {{-0.5, 10.5}, {}},   {{-123456789012, 98}, {}},
    };
    for (size_t i = 0; i < countof(ranges); i++) {
        const struct interval *in = &ranges[i];
        bool is_wide = !(in->bound[0] >= -10000 && in->bound[1] <= 10000);
        struct sought w = {.type = "integer",
                           .alphabet = "-0123456789",
                           .longest = in->bound[0] == -2000 ? 5
                                      : is_wide             ? 3
                                                            : 4,
                           .in = *in};
        compare_bounds(&w);
    }
}

static void numbers_are_within_whole_bounds(void **)
{
    static const struct interval ranges[] = {
        {{0, 1}, {}},
        {{0, 1}, {true, true}},
        {{-1, 1}, {}},
        {{-1, 1}, {true, true}},
        {{0, NAN}, {true}},
        {{NAN, 0}, {}},
        {{NAN, 0}, {false, true}},
        {{-3, 12}, {}},
        {{5, 5}, {}},
        {{-20, -9}, {true}},
        {{99, 102}, {false, true}},
        {{7, NAN}, {}},
        {{2, 3}, {true, true}},
    };
    for (size_t i = 0; i < countof(ranges); i++) {
        struct sought w = {
            .type = "number", .alphabet = "-.0123579", .longest = 4, .in = ranges[i]};
        compare_bounds(&w);
    }
}

/* Deep and wide ones are small grammars, or refused. */
static void size_is_bounded(void **)
{
    autobuf schema = BUF(1 << 20);
    char why[LLM_WHY_BYTES];
    struct grammar deep = GRAMMAR, wide = GRAMMAR, long_ones = GRAMMAR, usual = GRAMMAR;
    for (int i = 0; i < 9; i++)
        assert_ok(buf_add(&schema, S("{\"type\":\"array\",\"items\":{\"anyOf\":[")));
    assert_ok(buf_add(&schema, S("{}")));
    for (int i = 0; i < 9; i++)
        assert_ok(buf_add(&schema, S("]}}")));
    enum err err = convert(buf_z(&schema), &deep, why);
    assert_true(err == OK && deep.text.n < 4096);
    /* Twenty functions of fifteen texts each, and one of 75 that may all be left out. */
    for (int f = 0; f < 21; f++) {
        char name[16];
        snprintf(name, sizeof name, "f%d", f);
        struct json_doc *doc;
        struct json_why bad;
        buf_clear(&schema);
        assert_ok(buf_add(&schema, S("{\"properties\":{")));
        for (int i = 0; i < (f < 20 ? 15 : 75); i++)
            assert_ok(buf_addf(&schema, "%s\"property%d\":{\"type\":\"string\"}", i ? "," : "", i));
        assert_ok(buf_add(&schema, S("}}")));
        assert_ok(json_parse(buf_str(&schema), &doc, &bad));
        assert_ok(grammar_add_schema(&usual, name, json_root(doc), why));
        json_doc_destroy(doc);
    }
    buf_clear(&schema);
    assert_ok(buf_add(&schema, S("{\"properties\":{")));
    for (int i = 0; i < 200; i++)
        assert_ok(buf_addf(&schema, "%s\"property%d\":{}", i ? "," : "", i));
    assert_ok(buf_add(&schema, S("}}")));
    assert_int_equal(convert(buf_z(&schema), &wide, why), ERR_TOOBIG);
    buf_clear(&schema);
    assert_ok(buf_add(&schema, S("{\"anyOf\":[")));
    for (int i = 0; i < 10; i++)
        assert_ok(buf_addf(&schema, "%s{\"type\":\"string\",\"minLength\":900}", i ? "," : ""));
    assert_ok(buf_add(&schema, S("]}")));
    assert_int_equal(convert(buf_z(&schema), &long_ones, why), ERR_INVALID);
    assert_non_null(strstr(why, "repetitions"));
    grammar_free(&deep);
    grammar_free(&usual);
    grammar_free(&wide);
    grammar_free(&long_ones);
}

/* N definitions, each with `pattern` of the next one's name; the last one is a boolean. */
static void chain(struct buf *schema, int n, const char *pattern)
{
    assert_ok(buf_add(schema, S("{\"$ref\":\"#/$defs/a0\",\"$defs\":{")));
    for (int i = 0; i < n; i++) {
        char next[32];
        snprintf(next, sizeof next, "{\"$ref\":\"#/$defs/a%d\"}", i + 1);
        assert_ok(buf_addf(schema, "\"a%d\":", i));
        for (const char *p = pattern; *p; p++)
            assert_ok(*p == '@' ? buf_add(schema, str_of(next)) : buf_add_byte(schema, *p));
        assert_ok(buf_add_byte(schema, ','));
    }
    assert_ok(buf_addf(schema, "\"a%d\":{\"type\":\"boolean\"}}}", n));
}

/* What would cost libllama a time that doubles with each level is refused before it hears of it; the same depth
 * where nothing doubles is not. */
static void what_would_double_with_each_level_is_refused(void **)
{
    static const struct {
        const char *pattern;
        int n;
        enum err err;
    } shapes[] = {
        {"{\"anyOf\":[@,@]}", 60, ERR_INVALID},
        {"{\"anyOf\":[@,{\"type\":\"null\"}]}", 14, OK},
        {"{\"anyOf\":[{\"type\":\"array\",\"items\":@},{\"type\":\"array\",\"items\":@}]}", 10,
         ERR_INVALID},
        {"{\"anyOf\":[{\"type\":\"array\",\"items\":@},{\"type\":\"null\"}]}", 60, OK},
        {"{\"type\":\"array\",\"items\":@}", 90, OK},
        {"{\"type\":\"array\",\"items\":@}", 110, ERR_INVALID},
        {"@", 60, ERR_INVALID},
    };
    for (size_t i = 0; i < countof(shapes); i++) {
        autobuf schema = BUF(1 << 20);
        char why[LLM_WHY_BYTES];
        struct grammar g = GRAMMAR;
        chain(&schema, shapes[i].n, shapes[i].pattern);
        enum err err = convert(buf_z(&schema), &g, why);
        if (err != shapes[i].err)
            fail_msg("%d times %s: %s %s", shapes[i].n, shapes[i].pattern, err_code(err), why);
        if (err == OK)
            assert_false(lets_write(&g, "x"));
        grammar_free(&g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_schema_allows_can_be_written_and_nothing_else),
        cmocka_unit_test(what_cannot_be_honoured_is_refused_by_name),
        cmocka_unit_test(integers_are_within_their_bounds),
        cmocka_unit_test(numbers_are_within_whole_bounds),
        cmocka_unit_test(size_is_bounded),
        cmocka_unit_test(what_would_double_with_each_level_is_refused),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
