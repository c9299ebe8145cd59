// SPDX-License-Identifier: Apache-2.0
/*
 * The files of voices, before ONNX Runtime sees them: sound ones pass and are cut where they should be; of those that are cut
 * short, changed, or ask for what no voice needs none passes, and none is read beyond its end.
 */
#include "tts/onnx/onnx_check.h"

#include <stdlib.h>

#include "alloc_fault.h"
#include "kokoro_write.h"
#include "onnx_write.h"
#include "tts/onnx/protobuf.h"
#include "tts/piper/cut.h"
#include "unit.h"
#include "voice_write.h"

static struct buf file; /* a tiny voice */
static char why[ONNX_WHY_BYTES];
static struct onnx_facts facts;

static int make(void **)
{
    struct voice_shape shape = voice_tiny_made();
    voice_write_onnx(&shape, &file);
    return 0;
}

static int unmake(void **)
{
    buf_finish(&file);
    return 0;
}

static enum err check_of(struct str bytes)
{
    why[0] = 0;
    return onnx_check(bytes, &facts, why);
}

static void expect_refusal(struct str bytes, const char *says)
{
    if (check_of(bytes) != ERR_INVALID || !strstr(why, says))
        fail_msg("\"%s\" instead of \"%s\"", why, says);
}

static void voices_pass(void **)
{
    assert_ok(check_of(buf_str(&file)));
    assert_false(facts.has_speakers);
    struct voice_shape shape = voice_tiny_made();
    autobuf several = {};
    shape.speakers = 3;
    voice_write_onnx(&shape, &several);
    assert_ok(check_of(buf_str(&several)));
    assert_true(facts.has_speakers);
}

/* In a copy of its own, so that reading beyond its end shows. */
static enum err check_copy(struct str bytes)
{
    char *copy = malloc(bytes.n + (bytes.n == 0));
    assert_non_null(copy);
    if (bytes.n > 0)
        memcpy(copy, bytes.p, bytes.n);
    enum err err = check_of((struct str){copy, bytes.n});
    free(copy);
    return err;
}

static void a_file_that_is_cut_is_refused(void **)
{
    for (size_t n = 0; n < file.n; n += n < 2000 || n > file.n - 2000 ? 1 : 997)
        if (check_copy(str_sub(buf_str(&file), 0, n)) != ERR_INVALID || !why[0])
            fail_msg("%zu of %zu bytes pass", n, file.n);
}

/* A changed byte may be one of a weight; but whatever it is, nothing else than the file is read. */
static void a_changed_byte_does_no_harm(void **)
{
    struct graph g;
    struct cut cut;
    for (size_t i = 0; i < file.n; i += i < 20000 ? 7 : 4001) {
        char was = file.p[i];
        file.p[i] ^= (char)(1 << i % 8);
        enum err err = check_copy(buf_str(&file));
        assert_true(err == OK || (err == ERR_INVALID && why[0]));
        if (err == OK && graph_read(buf_str(&file), &g) == OK) {
            if (cut_find(&g, &cut) == OK)
                cut_finish(&cut);
            graph_finish(&g);
        }
        file.p[i] = was;
    }
}

/* --- what no voice needs --- */

/* The tiny voice with further bytes in its graph, or in the model. */
static void with(struct str in_graph, struct str in_model, struct buf *into)
{
    struct protobuf_field f;
    struct str rest = buf_str(&file);
    into->cap = 1 << 24;
    buf_clear(into);
    while (protobuf_next(&rest, &f)) {
        if (f.number != MODEL_GRAPH) {
            assert_ok(buf_add(into, f.whole));
            continue;
        }
        assert_ok(protobuf_put_head(into, MODEL_GRAPH, f.bytes.n + in_graph.n));
        assert_ok(buf_add(into, f.bytes));
        assert_ok(buf_add(into, in_graph));
    }
    assert_ok(buf_add(into, in_model));
}

static void put_tensor(struct buf *into, uint32_t field, struct str body)
{
    assert_ok(protobuf_put_bytes(into, field, body));
}

static void tensors_are_of_their_shape(void **)
{
    static const struct {
        struct str tensor;
        const char *says;
    } rows[] = {
        /* dims, data_type, name "q", raw_data */
        {S("\x08\x02\x10\x01\x42\x01q\x4a\x08........"), nullptr},
        {S("\x0a\x02\x01\x02\x10\x01\x42\x01q\x4a\x08........"), nullptr}, /* packed */
        {S("\x10\x01\x42\x01q\x4a\x04...."), nullptr},                     /* no dims: one number */
        {S("\x08\x00\x10\x01\x42\x01q\x4a\x00"), nullptr},                 /* none at all */
        {S("\x08\x02\x10\x07\x3a\x02\x01\x02\x42\x01q"), nullptr},         /* int64_data, packed */
        {S("\x08\x02\x10\x07\x38\x01\x38\x02\x42\x01q"), nullptr},         /* one by one */
        {S("\x08\x01\x10\x01\x22\x04....\x42\x01q"), nullptr},             /* float_data */
        {S("\x08\x02\x10\x01\x42\x01q\x4a\x07......."), "not as long as its shape"},
        {S("\x08\x02\x10\x01\x42\x01q\x4a\x09........."), "not as long as its shape"},
        {S("\x08\x02\x10\x01\x42\x01q"), "not as long as its shape"},
        {S("\x08\x02\x10\x07\x3a\x01\x01\x42\x01q"), "not as long as its shape"},
        {S("\x08\x01\x10\x01\x22\x04....\x42\x01q\x4a\x04...."), "not as long as its shape"},
        {S("\x08\x01\x10\x01\x22\x05.....\x42\x01q"), "a tensor that is cut"},
        {S("\x08\x02\x10\x08\x42\x01q\x4a\x08........"),
         "of a kind that no voice needs"}, /* text */
        {S("\x08\x02\x10\x63\x42\x01q\x4a\x08........"), "of a kind that no voice needs"},
        {S("\x08\x02\x42\x01q\x4a\x08........"), "of a kind that no voice needs"},
        {S("\x08\x01\x10\x08\x32\x01x\x42\x01q"), "of a kind that no voice needs"},
        {S("\x08\x01\x10\x01\x1a\x00\x42\x01q\x4a\x04...."),
         "of a kind that no voice needs"}, /* a segment */
        {S("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x10\x01\x42\x01q"), "impossible shape"},
        {S("\x08\x80\x80\x80\x80\x08\x10\x01\x42\x01q"), "impossible shape"},
        {S("\x08\x80\x80\x04\x08\x80\x80\x04\x08\x80\x80\x04\x08\x80\x80\x04\x10\x01\x42\x01q"),
         "impossible shape"},
        {S("\x08\x01\x08\x01\x08\x01\x08\x01\x08\x01\x08\x01\x08\x01\x08\x01\x08\x01\x10\x01\x42\x01q\x4a\x04...."),
         "impossible shape"},
        {S("\x08\x01\x10\x01\x42\x01q\x6a\x00\x70\x01"), "in another file"},
        {S("\x08\x01\x10\x01\x42\x01q\x70\x01"), "in another file"},
        {S("\x08\x01\x10\x01\x42\x01q\x6a\x13\x0a\x08location\x12\x07/etc/it\x4a\x04...."),
         "in another file"},
        {S("\x08\x01\x12\x01.\x42\x01q\x4a\x04...."), "a wrong type"},
        {S("\x08\x01\x10\x01\x42\x02q\xff\x4a\x04...."), "a name that is none"},
        {S("\x08\x01\x10\x01\x42\x02q\x00\x4a\x04...."), "a name that is none"},
        {S("\x08\x01\x10\x01\x42\x01q\x4a\x05...."), "cut or damaged"},
        {S("\x08\x01\x10\x01\x42\x01q\x4a\x04....\x0b"), "cut or damaged"}, /* a group */
    };
    autobuf other = {}, field = BUF(4096), attribute = BUF(4096), node = BUF(4096);
    for (size_t i = 0; i < countof(rows); i++) {
        buf_clear(&field);
        put_tensor(&field, GRAPH_INITIALIZER, rows[i].tensor);
        with(buf_str(&field), S(""), &other);
        if (!rows[i].says)
            assert_ok(check_of(buf_str(&other)));
        else
            expect_refusal(buf_str(&other), rows[i].says);
        /* The same within a node. */
        buf_clear(&attribute);
        buf_clear(&node);
        buf_clear(&field);
        put_tensor(&attribute, ATTRIBUTE_T, rows[i].tensor);
        put_tensor(&node, NODE_ATTRIBUTE, buf_str(&attribute));
        put_tensor(&field, GRAPH_NODE, buf_str(&node));
        with(buf_str(&field), S(""), &other);
        assert_err(check_of(buf_str(&other)), rows[i].says ? ERR_INVALID : OK);
    }
}

static void what_no_voice_needs_is_refused(void **)
{
    static const struct {
        struct str graph, model;
        const char *says;
    } rows[] = {
        {S("\x7a\x00"), S(""), "sparse weights"},
        {S("\x0a\x05\x2a\x03\xb2\x01\x00"), S(""), "sparse weights"},
        {S("\x0a\x05\x2a\x03\xba\x01\x00"), S(""), "sparse weights"},
        {S("\x0a\x0f\x3a\x0d"
           "com.microsoft"),
         S(""), "operators that no voice needs"},
        {S("\x5a\x07\x0a\x05sound"), S(""), "it takes \"sound\""},
        {S("\x5a\x07\x0a\x05input"), S(""), "it takes \"input\""}, /* twice */
        {S(""), S("\x3a\x00"), "several graphs"},
        {S(""), S("\xa2\x01\x00"), "functions of its own"},
        {S(""), S("\xca\x01\x00"), "functions of its own"},
        {S(""), S("\x42\x04\x0a\x00\x10\x11"), "does not say of which ONNX"}, /* two of them */
        {S(""), S("\x42\x04\x0a\x00\x10\x07"), "too old"},
        {S(""), S("\x08\x63"), "too new"},
    };
    autobuf other = {};
    for (size_t i = 0; i < countof(rows); i++) {
        with(rows[i].graph, rows[i].model, &other);
        expect_refusal(buf_str(&other), rows[i].says);
    }
    expect_refusal(S(""), "empty");
    expect_refusal(S("GGUF\3\0\0\0"), "no ONNX file");
    expect_refusal(S("{\"audio\": 1}"), "no ONNX file");
    expect_refusal(S("\x08\x08"), "no ONNX file");
}

static void graphs_within_graphs_are_bounded(void **)
{
    autobuf inner = BUF(1 << 16), outer = BUF(1 << 16), other = {};
    for (int depth = 1; depth <= 8; depth++) {
        autobuf attribute = BUF(1 << 16), node = BUF(1 << 16);
        assert_ok(protobuf_put_bytes(&attribute, ATTRIBUTE_G, buf_str(&inner)));
        assert_ok(protobuf_put_bytes(&node, NODE_ATTRIBUTE, buf_str(&attribute)));
        buf_clear(&outer);
        assert_ok(protobuf_put_bytes(&outer, GRAPH_NODE, buf_str(&node)));
        with(buf_str(&outer), S(""), &other);
        if (depth <= 4)
            assert_ok(check_of(buf_str(&other)));
        else
            expect_refusal(buf_str(&other), "graphs within graphs");
        buf_clear(&inner);
        assert_ok(buf_add(&inner, buf_str(&outer)));
    }
}

struct made_graph {
    struct {
        const char *name;
        enum onnx_element type;
    } input[4];
    const char *output;
    const char *says; /* NULL: it passes */
};

static void make_graph(const struct made_graph *m, struct buf *into)
{
    static struct onnx o;
    int x = -1;
    for (size_t i = 0; i < countof(m->input) && m->input[i].name; i++)
        x = onnx_input(&o, m->input[i].name, m->input[i].type, 1);
    onnx_output(&o, x, m->output, ELEMENT_FLOAT, 1);
    onnx_write(&o, 17, into);
}

static void graphs_are_told_by_what_they_take(void **)
{
    static const enum onnx_element ints = ELEMENT_INT64, floats = ELEMENT_FLOAT;
    static const char other[] = "takes or gives something else", wrong[] = "of a wrong kind";
    const struct made_graph rows[] = {
        {{{"input_lengths", ints}, {"scales", floats}}, "output", other},
        {{{"input", ints}, {"scales", floats}}, "output", other},
        {{{"input", ints}, {"input_lengths", ints}}, "output", other},
        {{{"input", ints}, {"input_lengths", ints}, {"scales", floats}}, "output", nullptr},
        {{{"input", floats}, {"input_lengths", ints}, {"scales", floats}}, "output", wrong},
        {{{"input", ints}, {"input_lengths", ints}, {"scales", ints}}, "output", wrong},
        {{{"tokens", ints}, {"style", floats}, {"speed", floats}}, "audio", nullptr},
        {{{"input_ids", ints}, {"style", floats}, {"speed", ELEMENT_INT32}}, "waveform", nullptr},
        {{{"input_ids", ints}, {"style", floats}, {"speed", ints}}, "waveform", nullptr},
        {{{"input_ids", ints}, {"style", floats}, {"speed", ELEMENT_DOUBLE}}, "waveform", wrong},
        {{{"input_ids", ints}, {"style", ELEMENT_FLOAT16}, {"speed", floats}}, "waveform", wrong},
        {{{"input_ids", ints}, {"style", floats}, {"speed", floats}}, "sound", other},
        {{{"style", floats}, {"speed", floats}}, "waveform", other},
        {{{"tokens", ints}, {"input_ids", ints}, {"style", floats}, {"speed", floats}},
         "audio",
         other},
        {{{"input_ids", ints}, {"speed", floats}}, "waveform", other},
        {{{"tokens", ints}, {"style", floats}, {"speed", floats}, {"sid", ints}}, "audio", other},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        autobuf bytes = BUF(1 << 20);
        make_graph(&rows[i], &bytes);
        if (rows[i].says) {
            expect_refusal(buf_str(&bytes), rows[i].says);
            continue;
        }
        assert_ok(check_of(buf_str(&bytes)));
        bool is_piper = strcmp(rows[i].output, "output") == 0;
        assert_int_equal(facts.kind, is_piper ? ONNX_PIPER : ONNX_KOKORO);
        if (is_piper)
            continue;
        assert_string_equal(facts.tokens, rows[i].input[0].name);
        assert_string_equal(facts.sound, rows[i].output);
        assert_int_equal(facts.speed, rows[i].input[2].type);
    }
}

static void kokoros_pass(void **)
{
    struct kokoro_shape shape = kokoro_tiny_made();
    autobuf bytes = {};
    kokoro_write_onnx(&shape, &bytes);
    assert_ok(check_of(buf_str(&bytes)));
    assert_int_equal(facts.kind, ONNX_KOKORO);
    for (size_t n = 0; n < bytes.n; n += n < 1000 ? 1 : 4999)
        if (check_copy(str_sub(buf_str(&bytes), 0, n)) != ERR_INVALID || !why[0])
            fail_msg("%zu of %zu bytes pass", n, bytes.n);
}

/* Of another domain those that quantised models are made of, and nobody else's by their names. */
static void quantised_operators_pass(void **)
{
    static const struct {
        const char *op, *domain;
        bool passes;
    } rows[] = {{"DynamicQuantizeLSTM", "com.microsoft", true},
                {"MatMulNBits", "com.microsoft", true},
                {"DynamicQuantizeLSTM", "", false},
                {"DynamicQuantizeLSTM", "com.example", false},
                {"Attention", "com.microsoft", false},
                {"Add", "ai.onnx", true}};
    autobuf other = {};
    for (size_t i = 0; i < countof(rows); i++) {
        autobuf node = BUF(200), field = BUF(200);
        assert_ok(protobuf_put_bytes(&node, NODE_OP_TYPE, str_of(rows[i].op)));
        assert_ok(protobuf_put_bytes(&node, NODE_DOMAIN, str_of(rows[i].domain)));
        assert_ok(protobuf_put_bytes(&field, GRAPH_NODE, buf_str(&node)));
        with(buf_str(&field), S(""), &other);
        if (rows[i].passes)
            assert_ok(check_of(buf_str(&other)));
        else
            expect_refusal(buf_str(&other), "operators that no voice needs");
    }
}

/* --- where it is cut --- */

static void expect_cut(const char *name, int speakers, uint32_t hop, uint32_t decoder_around,
                       uint32_t flow_around, const uint32_t *around)
{
    struct voice_shape shape;
    struct graph g;
    struct cut cut;
    autobuf bytes = {};
    assert_true(voice_shape_named(name, &shape));
    shape.speakers = speakers;
    voice_write_onnx(&shape, &bytes);
    assert_ok(graph_read(buf_str(&bytes), &g));
    assert_ok(cut_find(&g, &cut));
    assert_int_equal(cut.channels, shape.hidden);
    assert_int_equal(cut.hop, hop);
    assert_int_equal(cut.beside_n, 1); /* the mask */
    assert_int_equal(cut.decoder_around, decoder_around);
    assert_int_equal(cut.flow_around, flow_around);
    for (size_t i = 0; i < cut.stages_n; i++)
        assert_int_equal(cut.stage[i].around, around[i]);
    assert_int_equal(cut.decoder_takes_speaker, speakers > 1);
    assert_int_equal(cut.flow_takes_speaker, speakers > 1);
    assert_int_equal(cut.text_takes_speaker, speakers > 1);
    for (size_t i = 0; i < g.nodes_n;
         i++) /* each node somewhere, and nothing is computed twice but what the speaker is */
        assert_true(cut.text[i] + cut.flow[i] + cut.decoder[i] == 1 || speakers > 1);
    cut_finish(&cut);
    graph_finish(&g);
}

static void voices_are_cut_where_they_should_be(void **)
{
    /* A medium one's last stage looks at (7 - 1) / 2 · (3 + 12) = 45 samples, and 3 of the last convolution: 12 of those before
     * the stage, and it looks at 1 itself. 45 and these 13 are 8 before the stage above, and so on; the first convolution
     * looks at 3 frames. A high one looks at (11 - 1) / 2 · (1 + 3 + 5 + 3) = 60 in each stage. */
    static const uint32_t medium[] = {8, 9, 13}, high[] = {11, 15, 48, 33};
    expect_cut("tiny", 1, 256, 11, 8, medium);
    expect_cut("tiny", 4, 256, 11, 8, medium);
    expect_cut("medium", 1, 256, 11, 32, medium);
    expect_cut("high", 2, 256, 14, 32, high);
}

static void what_cannot_be_cut_is_told_apart(void **)
{
    struct voice_shape shape = voice_tiny_made();
    struct graph g;
    struct cut cut;
    autobuf bytes = {};
    shape.is_tangled = true;
    voice_write_onnx(&shape, &bytes);
    assert_ok(check_of(buf_str(&bytes)));
    assert_ok(graph_read(buf_str(&bytes), &g));
    assert_err(cut_find(&g, &cut), ERR_UNSUPPORTED);
    graph_finish(&g);
}

static enum err cut_all(void *arg)
{
    struct buf *part = arg;
    struct graph g;
    struct cut cut = {};
    try(graph_read(buf_str(&file), &g));
    enum err err = cut_find(&g, &cut);
    for (enum cut_part p = CUT_TEXT; err == OK && p <= CUT_DECODER; p++) {
        buf_finish(part);
        err = cut_write(&g, &cut, p, part);
    }
    buf_finish(part);
    cut_finish(&cut);
    graph_finish(&g);
    return err;
}

static void memory_may_be_short(void **)
{
    struct buf part = BUF(1 << 24);
    assert_true(torture(cut_all, &part) > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(voices_pass),
        cmocka_unit_test(a_file_that_is_cut_is_refused),
        cmocka_unit_test(a_changed_byte_does_no_harm),
        cmocka_unit_test(tensors_are_of_their_shape),
        cmocka_unit_test(what_no_voice_needs_is_refused),
        cmocka_unit_test(graphs_within_graphs_are_bounded),
        cmocka_unit_test(graphs_are_told_by_what_they_take),
        cmocka_unit_test(kokoros_pass),
        cmocka_unit_test(quantised_operators_pass),
        cmocka_unit_test(voices_are_cut_where_they_should_be),
        cmocka_unit_test(what_cannot_be_cut_is_told_apart),
        cmocka_unit_test(memory_may_be_short),
    };
    return cmocka_run_group_tests(tests, make, unmake);
}
