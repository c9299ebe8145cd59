// SPDX-License-Identifier: Apache-2.0
/*
 * WebSocket frames as strangers send them (test/data/hostile/ws-frames.txt): what the owner sees, what is sent back, and whether
 * the connection is open for a next message, waits for the rest of this one, or is closed, with the code
 * that the owner hears. Given whole, byte by byte, and a text alone also in fragments of one byte.
 */
#include "net_table.h"

/* A frame as a table has it: "text-/1@16!:payload". */
struct frame {
    uint8_t op, rsv;
    bool fin, masked;
    unsigned length_bytes; /* 0: as short as it goes */
    struct str payload;    /* not yet bytes */
};

static const uint8_t masks[][4] = {{0x37, 0xfa, 0x21, 0x3d}, {0xff, 0, 0x80, 0x7f}, {0, 0, 0, 0}};

static const char *const op_names[] = {"cont", "text", "binary", "op3",  "op4",  "op5",
                                       "op6",  "op7",  "close",  "ping", "pong", "op11",
                                       "op12", "op13", "op14",   "op15"};

static bool cut_start(struct str *s, struct str start)
{
    bool starts = str_starts(*s, start);
    if (starts)
        *s = str_sub(*s, start.n, s->n);
    return starts;
}

static struct frame read_frame(struct str token)
{
    size_t colon = str_find_byte(token, ':'), longest = 0;
    struct frame f = {.fin = true, .masked = true, .payload = str_sub(token, colon + 1, token.n)};
    struct str head = str_sub(token, 0, colon);
    for (unsigned op = 0; op < countof(op_names); op++)
        if (str_starts(head, str_of(op_names[op])) && strlen(op_names[op]) > longest) {
            f.op = (uint8_t)op;
            longest = strlen(op_names[op]);
        }
    if (longest == 0 || colon == token.n)
        fail_msg("no frame: %.*s", STR_FMT(token));
    head = str_sub(head, longest, head.n);
    while (head.n > 0) {
        if (cut_start(&head, S("-")))
            f.fin = false;
        else if (cut_start(&head, S("!")))
            f.masked = false;
        else if (cut_start(&head, S("@16")))
            f.length_bytes = 2;
        else if (cut_start(&head, S("@64")))
            f.length_bytes = 8;
        else if (cut_start(&head, S("/1")))
            f.rsv |= 0x40;
        else if (cut_start(&head, S("/2")))
            f.rsv |= 0x20;
        else if (cut_start(&head, S("/3")))
            f.rsv |= 0x10;
        else
            fail_msg("no mark of a frame: %.*s", STR_FMT(head));
    }
    return f;
}

/* "1000:reason" of a close frame. */
static void put_close(struct str text, struct buf *payload)
{
    size_t colon = str_find_byte(text, ':');
    int64_t code;
    if (str_to_i64(str_sub(text, 0, colon), &code) == OK) {
        assert_ok(buf_add_byte(payload, (char)(code >> 8)));
        assert_ok(buf_add_byte(payload, (char)code));
        text = str_sub(text, colon + 1, text.n);
    }
    table_bytes(text, payload);
}

static void put_frame(const struct frame *f, struct str payload, const uint8_t mask[4],
                      struct buf *into)
{
    unsigned more = f->length_bytes     ? f->length_bytes
                    : payload.n < 126   ? 0
                    : payload.n < 65536 ? 2
                                        : 8;
    size_t short_length = more == 0 ? payload.n : more == 2 ? 126 : 127;
    assert_ok(buf_add_byte(into, (char)((f->fin ? 0x80 : 0) | f->rsv | f->op)));
    assert_ok(buf_add_byte(into, (char)((f->masked ? 0x80 : 0) | short_length)));
    for (unsigned i = 0; i < more; i++)
        assert_ok(buf_add_byte(into, (char)((uint64_t)payload.n >> 8 * (more - 1 - i))));
    if (f->masked)
        assert_ok(buf_add(into, (struct str){(const char *)mask, 4}));
    size_t at = into->n;
    assert_ok(buf_add(into, payload));
    if (f->masked && payload.n > 0)
        ws_mask(into->p + at, payload.n, mask);
}

static void put_fragments(const struct frame *f, struct str payload, struct buf *into)
{
    struct frame part = *f;
    for (size_t i = 0; i < payload.n; i++) {
        part.op = i == 0 ? f->op : 0;
        part.fin = i + 1 == payload.n;
        put_frame(&part, str_sub(payload, i, i + 1), masks[i % countof(masks)], into);
    }
}

/* Frames with blanks between; what begins with a backslash is bytes. False: it cannot be fragmented. */
static bool put_frames(struct str text, unsigned mask, bool fragmented, struct buf *into)
{
    struct str token;
    bool alone = str_find_byte(text, ' ') == text.n;
    while (str_cut(&text, ' ', &token)) {
        if (token.n == 0 || token.p[0] == '\\') {
            table_bytes(token, into);
            continue;
        }
        struct frame f = read_frame(token);
        autobuf payload = BUF(1 << 20);
        if (f.op == WS_CLOSE)
            put_close(f.payload, &payload);
        else
            table_bytes(f.payload, &payload);
        if (!fragmented) {
            put_frame(&f, buf_str(&payload), masks[mask], into);
            continue;
        }
        bool plain = f.fin && f.masked && f.rsv == 0 && f.length_bytes == 0;
        if (!alone || !plain || f.op != WS_TEXT || payload.n < 2)
            return false;
        put_fragments(&f, buf_str(&payload), into);
    }
    return !fragmented || alone;
}

/* What the server sends is never masked, and never long here. */
static void put_sent(struct str sent, struct buf *into)
{
    while (sent.n >= 2) {
        uint8_t op = sent.p[0] & 0x0f, n = (uint8_t)sent.p[1];
        struct str payload = str_sub(sent, 2, 2 + (size_t)n);
        if (n > 125 || payload.n < n || ((uint8_t)sent.p[0] & 0xf0) != 0x80)
            fail_msg("the server sent a frame that begins with %02x %02x", (uint8_t)sent.p[0], n);
        assert_ok(buf_addf(into, " %s(", op_names[op]));
        if (op == WS_CLOSE && n >= 2) {
            assert_ok(buf_addf(into, "%u",
                               (unsigned)((uint8_t)payload.p[0] << 8 | (uint8_t)payload.p[1])));
            payload = str_sub(payload, 2, payload.n);
        }
        table_text(payload, into);
        assert_ok(buf_add(into, S(")")));
        sent = str_sub(sent, 2 + (size_t)n, sent.n);
    }
    assert_int_equal(sent.n, 0);
}

static bool is_open(struct peer *p)
{
    buf_clear(&owner.seen);
    peer_send(p, S("\x81\x85\0\0\0\0probe"));
    table_settle(p);
    return str_eq(buf_str(&owner.seen), S(" text(probe)"));
}

static void begin(struct peer *p)
{
    peer_send(
        p, S("GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
    table_settle(p);
    assert_true(peer_has(p, "HTTP/1.1 101 "));
    buf_clear(&p->in);
    buf_clear(&owner.seen);
}

static void run_way(const struct table_case *c, const char *way, struct str bytes, size_t step)
{
    autobuf got = BUF(1 << 16);
    struct peer p = table_peer(false);
    begin(&p);
    table_send(&p, bytes, step, step);
    struct str seen = str_sub(buf_str(&owner.seen), 1, owner.seen.n);
    assert_ok(buf_add(&got, seen));
    assert_ok(buf_add(&got, seen.n > 0 ? S(" ->") : S("->")));
    put_sent(buf_str(&p.in), &got);
    if (p.ended)
        assert_ok(buf_addf(&got, " closed %u", owner.closed));
    else
        assert_ok(buf_add(&got, is_open(&p) ? S(" open") : S(" waits")));
    peer_close(&p);
    loop_step(loop, 0);
    table_compare(c->name, way, buf_str(&got), c->want);
}

static void run_case(const struct table_case *c)
{
    autobuf whole = BUF(1 << 20), bytewise = BUF(1 << 20), fragments = BUF(1 << 20);
    put_frames(c->text, 0, false, &whole);
    put_frames(c->text, 1, false, &bytewise);
    run_way(c, "whole", buf_str(&whole), whole.n > 0 ? whole.n : 1);
    run_way(c, "byte by byte", buf_str(&bytewise), 1);
    if (put_frames(c->text, 0, true, &fragments))
        run_way(c, "in fragments", buf_str(&fragments), fragments.n);
}

static void frames_come_to_what_the_rfc_says(void **)
{
    assert_true(table_run("ws-frames.txt", run_case) >= 250);
    assert_int_equal(front_stats(front)->websockets_now, 0);
}

/* One frame through a decoder, in pieces of `step`. */
static enum err decode_frame(const struct frame *f, struct str payload, size_t step,
                             struct ws_message *m)
{
    autobuf bytes = BUF(64);
    struct ws_decoder d;
    enum err err = OK;
    put_frame(f, payload, masks[0], &bytes);
    ws_decoder_init(&d, true, MESSAGE_MAX);
    for (struct str rest = buf_str(&bytes); rest.n > 0 && err == OK;) {
        struct str piece = str_sub(rest, 0, step);
        size_t had = piece.n;
        err = ws_decode(&d, &piece, m);
        rest = str_sub(rest, had - piece.n, rest.n);
    }
    ws_decoder_finish(&d);
    return err;
}

/* RFC 6455, 7.4, with the codes that IANA has registered since: 1012 to 1014. */
static bool code_may_be_sent(unsigned code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

static void every_close_code_has_its_class(void **)
{
    static const struct frame f = {.op = WS_CLOSE, .fin = true, .masked = true};
    for (unsigned code = 0; code <= UINT16_MAX; code++)
        for (size_t step = 1; step <= 64; step += 63) {
            const char payload[] = {(char)(code >> 8), (char)code};
            struct ws_message m = {};
            enum err err = decode_frame(&f, (struct str){payload, 2}, step, &m);
            assert_err(err, code_may_be_sent(code) ? OK : ERR_SYNTAX);
            if (err == OK)
                assert_int_equal(m.code, code);
        }
}

/* Every beginning of two bytes, with continuations behind: the incremental check is the whole one's. */
static void every_character_is_judged_alike(void **)
{
    static const struct frame f = {.op = WS_TEXT, .fin = true, .masked = true};
    for (unsigned two = 0; two <= UINT16_MAX; two++)
        for (size_t n = 2; n <= 4; n++) {
            const char text[] = {(char)(two >> 8), (char)two, (char)0x80, (char)0xbf};
            struct ws_message m = {};
            enum err err = decode_frame(&f, (struct str){text, n}, 1, &m);
            assert_err(err, utf8_valid((struct str){text, n}) ? OK : ERR_UTF8);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(frames_come_to_what_the_rfc_says, table_begin,
                                        table_finish),
        cmocka_unit_test(every_close_code_has_its_class),
        cmocka_unit_test(every_character_is_judged_alike),
    };
    return cmocka_run_group_tests_name("net/ws table", tests, nullptr, nullptr);
}
