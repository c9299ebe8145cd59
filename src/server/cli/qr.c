// SPDX-License-Identifier: Apache-2.0
#include "server/cli/qr.h"

#include <errno.h>
#include <qrencode.h>

enum { QUIET = 4 }; /* white modules on every side: ISO/IEC 18004 asks for them */

/* Of the 256 colours these two are the same under every theme. */
static const char black_on_white[] = "\x1b[38;5;16;48;5;231m", as_before[] = "\x1b[0m\n";

static bool dark(const QRcode *code, int x, int y)
{
    return x >= 0 && y >= 0 && x < code->width && y < code->width &&
           (code->data[y * code->width + x] & 1) != 0;
}

static enum err draw_line(const QRcode *code, int y, struct buf *into)
{
    static const char *const blocks[] = {" ", "▄", "▀", "█"}; /* upper half: 2, lower half: 1 */
    try(buf_add(into, str_of(black_on_white)));
    for (int x = -QUIET; x < code->width + QUIET; x++)
        try(buf_add(into, str_of(blocks[2 * dark(code, x, y) + dark(code, x, y + 1)])));
    return buf_add(into, str_of(as_before));
}

enum err qr_draw(const char *text, struct buf *into, unsigned *ret_columns)
{
    /* A screen loses no modules to dirt, so the least redundancy: larger modules. */
    QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
    if (!code)
        return errno == ERANGE ? ERR_TOOBIG : ERR_NOMEM;
    enum err err = OK;
    for (int y = -QUIET; err == OK && y < code->width + QUIET; y += 2)
        err = draw_line(code, y, into);
    *ret_columns = (unsigned)code->width + 2 * QUIET;
    QRcode_free(code);
    return err;
}
