// SPDX-License-Identifier: Apache-2.0
#include "wire/inbox.h"

#include <stdlib.h>

#include "unit.h"

/* A frame of tts_text with `n` bytes, or tts_finish, in `out`. */
static struct frame text_frame(struct buf *out, size_t n)
{
    static char text[60000];
    memset(text, 'x', sizeof text);
    struct frame f;
    size_t used;
    buf_clear(out);
    assert_ok(msg_encode(out, MSG_tts_text, 1, &(struct msg_tts_text){{text, n}}));
    assert_ok(frame_next(buf_str(out), &f, &used));
    return f;
}

static struct frame finish_frame(struct buf *out)
{
    struct frame f;
    size_t used;
    buf_clear(out);
    assert_ok(msg_encode(out, MSG_tts_finish, 1, &(struct msg_tts_finish){}));
    assert_ok(frame_next(buf_str(out), &f, &used));
    return f;
}

static void letters_outlive_their_frames(void **)
{
    struct inbox in;
    autobuf out = BUF(1 << 17);
    inbox_init(&in);
    for (size_t n = 1; n <= 3; n++) {
        struct frame f = text_frame(&out, n);
        assert_ok(inbox_post(&in, &f));
        memset(out.p, 0, out.n);
    }
    for (size_t n = 1; n <= 3; n++) {
        struct letter *l = inbox_take(&in);
        assert_int_equal(l->type, MSG_tts_text);
        assert_int_equal(l->msg.tts_text.text.n, n);
        assert_int_equal(l->msg.tts_text.text.p[n - 1], 'x');
        free(l);
    }
    assert_null(inbox_take(&in));
    struct frame f = text_frame(&out, 5); /* and it works again when it has been empty */
    assert_ok(inbox_post(&in, &f));
    inbox_finish(&in);
}

static void no_more_than_was_granted(void **)
{
    struct inbox in;
    autobuf out = BUF(1 << 17);
    inbox_init(&in);
    struct frame f = text_frame(&out, 32764); /* eight of them are the credit */
    for (int i = 0; i < 8; i++)
        assert_ok(inbox_post(&in, &f));
    struct frame one = text_frame(&out, 0);
    assert_err(inbox_post(&in, &one), ERR_SYNTAX);
    for (int i = 0; i < 8; i++)
        free(inbox_take(&in)); /* handled, but not granted anew */
    assert_err(inbox_post(&in, &one), ERR_SYNTAX);
    inbox_pay(&in, 3);
    assert_err(inbox_post(&in, &one), ERR_SYNTAX);
    inbox_pay(&in, 1);
    assert_ok(inbox_post(&in, &one));
    inbox_finish(&in);
}

static void no_more_free_ones_than_64(void **)
{
    struct inbox in;
    autobuf out = BUF(1000);
    inbox_init(&in);
    struct frame f = finish_frame(&out);
    for (int i = 0; i < 64; i++)
        assert_ok(inbox_post(&in, &f));
    assert_err(inbox_post(&in, &f), ERR_SYNTAX);
    free(inbox_take(&in));
    assert_ok(inbox_post(&in, &f));
    inbox_finish(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_outlive_their_frames),
        cmocka_unit_test(no_more_than_was_granted),
        cmocka_unit_test(no_more_free_ones_than_64),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
