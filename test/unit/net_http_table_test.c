// SPDX-License-Identifier: Apache-2.0
/*
 * HTTP/1.1 as strangers send it (test/data/hostile/http-*.txt): what the owner sees, the statuses, and whether the connection is
 * open for a next request, waits for the rest of this one, or is closed. Given whole, byte by byte, and
 * cut at every place. "open" is proved by one more request, which must be seen as just that.
 */
#include "net_table.h"

enum { SHORT = 200 };
#define PROBE "GET /probe HTTP/1.1\r\nHost: x\r\n\r\n"

/* Answers begin where the last one ended, so the words stand nowhere else. */
static void put_statuses(struct str answers, struct buf *into)
{
    for (size_t at; (at = str_find(answers, S("HTTP/1.1 "))) < answers.n;) {
        assert_ok(buf_add_byte(into, ' '));
        assert_ok(buf_add(into, str_sub(answers, at + 9, at + 12)));
        answers = str_sub(answers, at + 12, answers.n);
    }
}

/* One more request: is it seen as the next one? */
static bool is_open(struct peer *p)
{
    if (owner.reading)
        return false;
    buf_clear(&owner.seen);
    buf_clear(&p->in);
    peer_send(p, S(PROBE));
    table_settle(p);
    return str_eq(buf_str(&owner.seen), S("GET /probe")) && peer_count(p, "HTTP/1.1 200") == 1;
}

static void put_end(struct peer *p, struct buf *into)
{
    bool told = peer_has(p, "Connection: close\r\n");
    if (p->ended)
        assert_ok(buf_add(into, told ? S(" closed") : S(" closed untold")));
    else
        assert_ok(buf_add(into, is_open(p) ? S(" open") : S(" waits")));
}

static void run_way(const char *name, const char *way, struct str bytes, struct str want,
                    size_t first, size_t step)
{
    autobuf got = BUF(1 << 16);
    struct peer p = table_peer((first & 1) != 0);
    table_send(&p, bytes, first, step);
    if (owner.reading)
        note(" ...");
    assert_ok(buf_add(&got, buf_str(&owner.seen)));
    assert_ok(buf_add(&got, owner.seen.n > 0 ? S(" ->") : S("->")));
    put_statuses(buf_str(&p.in), &got);
    put_end(&p, &got);
    peer_close(&p);
    loop_step(loop, 0);
    table_compare(name, way, buf_str(&got), want);
}

static void run_case(const struct table_case *c)
{
    autobuf bytes = BUF(1 << 20);
    table_bytes(c->text, &bytes);
    run_way(c->name, "whole", buf_str(&bytes), c->want, bytes.n, 1);
    run_way(c->name, "byte by byte", buf_str(&bytes), c->want, 1, 1);
    for (size_t cut = 1; !c->one_of_many && bytes.n <= SHORT && cut < bytes.n; cut++) {
        char way[32];
        snprintf(way, sizeof way, "cut at %zu", cut);
        run_way(c->name, way, buf_str(&bytes), c->want, cut, bytes.n);
    }
}

static void heads_have_one_meaning(void **)
{
    assert_true(table_run("http-head.txt", run_case) >= 200);
}

static void messages_have_one_end(void **)
{
    assert_true(table_run("http-body.txt", run_case) >= 200);
    assert_int_equal(front_stats(front)->requests_now, 0);
    assert_int_equal(front_stats(front)->body_bytes_now, 0);
}

static void handshakes_are_the_rfcs(void **)
{
    assert_true(table_run("ws-handshake.txt", run_case) >= 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(heads_have_one_meaning, table_begin, table_finish),
        cmocka_unit_test_setup_teardown(messages_have_one_end, table_begin, table_finish),
        cmocka_unit_test_setup_teardown(handshakes_are_the_rfcs, table_begin, table_finish),
    };
    return cmocka_run_group_tests_name("net/http table", tests, nullptr, nullptr);
}
