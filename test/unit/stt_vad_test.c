// SPDX-License-Identifier: Apache-2.0
/*
 * The two voice detectors behind one face. With a network of random weights: what it says is of the sound alone, however
 * it is mixed with other streams and whoever had its memory before; where there is no room the built-in one listens.
 */
#include "stt/vad.h"

#include "alloc_fault.h"
#include "made_file.h"
#include "silero_write.h"
#include "stt/silero/silero.h"
#include "unit.h"

enum { FRAMES = 100 };

static char why[VAD_WHY_BYTES];

static enum err load(bool is_broken)
{
    const char *path = made_file();
    assert_true(silero_write(path, &(struct silero_shape){{6, 2, 0}, is_broken}));
    why[0] = 0;
    return vad_load(str_of(path), S(""), why);
}

static void make_noise(int16_t frame[VAD_FRAME], uint32_t *x)
{
    for (int i = 0; i < VAD_FRAME; i++) {
        *x = *x * 1664525u + 1013904223u;
        frame[i] = (int16_t)((int32_t)(*x >> 16) % 8000 - 4000);
    }
}

/* A stream, and all that was said of it. */
struct stream {
    struct vad *vad;
    uint32_t seed, n;
    uint8_t likely[FRAMES + VAD_NEWS_MAX];
};

static void take(struct stream *s, const struct vad_news *news)
{
    for (uint32_t i = 0; i < news->n; i++) {
        assert_true(s->n < FRAMES);
        s->likely[s->n++] = news->of[i].likely;
    }
}

static void hear(struct stream *s, uint32_t frames)
{
    int16_t frame[VAD_FRAME];
    struct vad_news news;
    for (uint32_t i = 0; i < frames; i++) {
        make_noise(frame, &s->seed);
        assert_ok(vad_frame(s->vad, frame, &news));
        take(s, &news);
    }
}

static void end(struct stream *s)
{
    struct vad_news news;
    assert_ok(vad_end(s->vad, &news));
    take(s, &news);
    vad_destroy(s->vad);
}

static struct stream begin(uint32_t seed)
{
    struct stream s = {.seed = seed};
    assert_ok(vad_create(&s.vad));
    return s;
}

static struct stream whole(uint32_t seed, uint32_t frames)
{
    struct stream s = begin(seed);
    hear(&s, frames);
    end(&s);
    return s;
}

static void expect_same(const struct stream *a, const struct stream *b)
{
    assert_int_equal(a->n, b->n);
    assert_memory_equal(a->likely, b->likely, a->n);
}

static void each_frame_has_one_verdict(void **)
{
    assert_ok(load(false));
    assert_string_equal(vad_name(), "Silero 6.2.0");
    for (uint32_t frames = 0; frames < 40; frames++) {
        struct stream s = whole(1, frames);
        assert_int_equal(s.n, frames);
    }
    struct stream s = begin(1);
    for (uint32_t i = 1; i <= FRAMES; i++) {
        hear(&s, 1);
        assert_uint_in_range(i - s.n, 0, VAD_NEWS_MAX - 1);
    }
    end(&s);
    vad_unload();
    assert_string_equal(vad_name(), "the built-in detector");
    struct stream builtin = begin(1);
    for (uint32_t i = 1; i <= FRAMES; i++) {
        hear(&builtin, 1);
        assert_int_equal(builtin.n, i);
    }
    end(&builtin);
}

static void a_stream_knows_only_its_own_sound(void **)
{
    assert_ok(load(false));
    struct stream first = whole(1, FRAMES), other = whole(2, FRAMES);
    assert_memory_not_equal(first.likely, other.likely, FRAMES);
    struct stream again = whole(1, FRAMES); /* in the place of the other one */
    expect_same(&first, &again);
    struct stream a = begin(1), b = begin(2);
    for (uint32_t i = 0; i < FRAMES; i += 4) {
        hear(&a, 4);
        hear(&b, 4);
    }
    end(&a);
    end(&b);
    expect_same(&first, &a);
    expect_same(&other, &b);
    /* What came before is remembered. */
    struct stream late = begin(3);
    hear(&late, 64);
    late.seed = 1;
    hear(&late, 20);
    end(&late);
    assert_memory_not_equal(late.likely + 64, first.likely, 20);
    vad_unload();
}

/* The built-in one says at once what it thinks of a frame. */
static bool is_builtin(struct vad *v)
{
    int16_t silence[VAD_FRAME] = {};
    struct vad_news news;
    assert_ok(vad_frame(v, silence, &news));
    return news.n == 1;
}

static void beyond_the_limit_the_builtin_one_listens(void **)
{
    assert_ok(load(false));
    static struct vad *all[SILERO_MAX + 1];
    for (int i = 0; i <= SILERO_MAX; i++)
        assert_ok(vad_create(&all[i]));
    assert_false(is_builtin(all[SILERO_MAX - 1]));
    assert_true(is_builtin(all[SILERO_MAX]));
    vad_destroy(all[0]);
    assert_ok(vad_create(&all[0]));
    assert_false(is_builtin(all[0]));
    for (int i = 0; i <= SILERO_MAX; i++)
        vad_destroy(all[i]);
    vad_unload();
}

static void without_memory_the_builtin_one_listens_or_nobody(void **)
{
    assert_ok(load(false));
    struct vad *kept[4], *v; /* as many as are kept idle */
    for (size_t i = 0; i < countof(kept); i++)
        assert_ok(vad_create(&kept[i]));
    alloc_fault_arm(1); /* the first is the object's own */
    enum err err = vad_create(&v);
    assert_true(alloc_fault_disarm());
    assert_ok(err);
    assert_true(is_builtin(v));
    vad_destroy(v);
    alloc_fault_arm_all(0);
    err = vad_create(&v);
    assert_true(alloc_fault_disarm());
    assert_err(err, ERR_NOMEM);
    for (size_t i = 0; i < countof(kept); i++)
        vad_destroy(kept[i]);
    vad_unload();
}

static void what_cannot_be_evaluated_is_refused(void **)
{
    assert_err(load(true), ERR_INTERNAL);
    assert_non_null(strstr(why, "cannot be evaluated"));
    assert_non_null(strstr(why, "name another with stt.vad, or builtin"));
    assert_string_equal(vad_name(), "the built-in detector");
    static const struct {
        const char *path, *sha256, *says;
        enum err err;
    } rows[] = {
        {"/nowhere", "", "cannot read the voice detector /nowhere", ERR_NOTFOUND},
        {"/dev/null", "", "is no voice detector's file", ERR_INVALID},
        {"/etc/passwd", "", "this is no voice detector's file of whisper.cpp", ERR_INVALID},
        {"/etc/passwd", "0000000000000000000000000000000000000000000000000000000000000000",
         "is not what models.lock says", ERR_INVALID},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        why[0] = 0;
        assert_err(vad_load(str_of(rows[i].path), str_of(rows[i].sha256), why), rows[i].err);
        if (!strstr(why, rows[i].says))
            fail_msg("\"%s\" instead of \"%s\"", why, rows[i].says);
    }
    struct stream s = whole(1, 10); /* it listens all the same */
    assert_int_equal(s.n, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_frame_has_one_verdict),
        cmocka_unit_test(a_stream_knows_only_its_own_sound),
        cmocka_unit_test(beyond_the_limit_the_builtin_one_listens),
        cmocka_unit_test(without_memory_the_builtin_one_listens_or_nobody),
        cmocka_unit_test(what_cannot_be_evaluated_is_refused),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
