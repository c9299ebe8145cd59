// SPDX-License-Identifier: Apache-2.0
#include "read/html_tree.h"

#include <stdio.h>

#include "base/clock.h"
#include "read/html_role.h"
#include "read/html_style.h"
#include "read/outline.h"

enum { WALK_MS = 7000, LOOK_AT_CLOCK = 64 };

struct walk {
    struct outline out;
    struct document *doc;
    unsigned tables; /* open data tables; rows of others are just blocks */
    size_t h1_from;  /* where the first <h1>'s text begins, while it is open */
    bool in_h1, had_h1, had_title;
    uint64_t until;    /* by then all elements must have been matched with the page's style rules */
    unsigned elements; /* so far */
    const lxb_dom_node_t *judged; /* whose own texts are known to be shown or not */
    bool judged_hidden;
};

static struct str text_of(const lxb_dom_node_t *node)
{
    const lexbor_str_t *data = &((const lxb_dom_character_data_t *)node)->data;
    return (struct str){(const char *)data->data, data->length};
}

/* All text below a <title>, which by the rules has text children only. */
static void take_title(struct walk *w, lxb_dom_node_t *title)
{
    if (w->had_title)
        return;
    w->had_title = true;
    buf_clear(&w->doc->title);
    for (lxb_dom_node_t *c = title->first_child; c != nullptr; c = c->next) {
        struct str s = c->type == LXB_DOM_NODE_TYPE_TEXT ? text_of(c) : S("");
        s = str_sub(s, 0, utf8_prefix(s, DOCUMENT_TITLE_MAX * 2));
        if (w->out.err == OK && w->doc->title.n == 0)
            w->out.err = buf_add(&w->doc->title, s);
    }
}

static uint32_t first_number(lxb_dom_node_t *list)
{
    struct str v;
    int64_t n;
    if (html_attribute(list, S("start"), &v) && str_to_i64(str_trim(v), &n) == OK && n > 0 &&
        n < 1000000)
        return (uint32_t)n;
    return 1;
}

static void line_break(struct walk *w, lxb_dom_node_t *node)
{
    (void)node;
    outline_break(&w->out);
}

static void block(struct walk *w, lxb_dom_node_t *node)
{
    (void)node;
    outline_block(&w->out);
}

static void paragraph(struct walk *w, lxb_dom_node_t *node)
{
    (void)node;
    outline_paragraph(&w->out);
}

static void heading(struct walk *w, lxb_dom_node_t *node)
{
    outline_heading(&w->out, (unsigned)(node->local_name - LXB_TAG_H1) + 1);
    if (node->local_name == LXB_TAG_H1 && !w->had_h1) {
        w->in_h1 = w->had_h1 = true;
        w->h1_from = w->out.into->n;
    }
}

/* The first <h1> is the title of a page that has no <title>. */
static void heading_end(struct walk *w, lxb_dom_node_t *node)
{
    outline_heading_end(&w->out);
    if (!w->in_h1 || node->local_name != LXB_TAG_H1)
        return;
    w->in_h1 = false;
    struct str h1 = str_trim(str_sub(buf_str(w->out.into), w->h1_from, w->out.into->n));
    if (str_starts(h1, S("# ")))
        h1 = str_sub(h1, 2, h1.n);
    if (w->out.err == OK && w->doc->title.n == 0)
        w->out.err = buf_add(&w->doc->title, str_sub(h1, 0, utf8_prefix(h1, DOCUMENT_TITLE_MAX)));
}

static void list(struct walk *w, lxb_dom_node_t *node)
{
    bool numbered = node->local_name == LXB_TAG_OL;
    outline_list(&w->out, numbered, numbered ? first_number(node) : 0);
}

static void list_end(struct walk *w, lxb_dom_node_t *node)
{
    (void)node;
    outline_list_end(&w->out);
}

static void item(struct walk *w, lxb_dom_node_t *node)
{
    (void)node;
    outline_item(&w->out);
}

static void item_end(struct walk *w, lxb_dom_node_t *node)
{
    (void)node;
    outline_item_end(&w->out);
}

/* A table's `user` remembers that it counts as data. */
static void table(struct walk *w, lxb_dom_node_t *node)
{
    outline_paragraph(&w->out);
    if (html_is_data_table(node)) {
        node->user = w;
        w->tables++;
    }
}

static void table_end(struct walk *w, lxb_dom_node_t *node)
{
    w->tables -= node->user == w;
    outline_paragraph(&w->out);
}

static void row(struct walk *w, lxb_dom_node_t *node)
{
    (void)node;
    if (w->tables > 0)
        outline_row(&w->out);
    else
        outline_block(&w->out);
}

static void row_end(struct walk *w, lxb_dom_node_t *node)
{
    (void)node;
    if (w->tables > 0)
        outline_row_end(&w->out);
    else
        outline_block(&w->out);
}

static void cell(struct walk *w, lxb_dom_node_t *node)
{
    (void)node;
    if (w->tables > 0)
        outline_cell(&w->out);
    else
        outline_block(&w->out);
}

static void term(struct walk *w, lxb_dom_node_t *node)
{
    (void)node;
    outline_term(&w->out);
}

static void term_end(struct walk *w, lxb_dom_node_t *node)
{
    (void)node;
    outline_term_end(&w->out);
}

static void meaning(struct walk *w, lxb_dom_node_t *node)
{
    (void)node;
    outline_meaning(&w->out);
}

static void meaning_end(struct walk *w, lxb_dom_node_t *node)
{
    (void)node;
    outline_meaning_end(&w->out);
}

static void pre(struct walk *w, lxb_dom_node_t *node)
{
    (void)node;
    outline_pre(&w->out);
}

static void pre_end(struct walk *w, lxb_dom_node_t *node)
{
    (void)node;
    outline_pre_end(&w->out);
}

static const struct {
    void (*enter)(struct walk *w, lxb_dom_node_t *node);
    void (*leave)(struct walk *w, lxb_dom_node_t *node);
} acts[] = {
    [INLINE] = {},
    [SKIP] = {},
    [TITLE] = {},
    [BREAK] = {line_break, nullptr},
    [BLOCK] = {block, block},
    [PARAGRAPH] = {paragraph, paragraph},
    [HEADING] = {heading, heading_end},
    [LIST] = {list, list_end},
    [ITEM] = {item, item_end},
    [TABLE] = {table, table_end},
    [ROW] = {row, row_end},
    [CELL] = {cell, block},
    [TERM] = {term, term_end},
    [MEANING] = {meaning, meaning_end},
    [PRE] = {pre, pre_end},
};

static enum err apply_styles(struct walk *w, lxb_dom_node_t *element)
{
    if (++w->elements % LOOK_AT_CLOCK == 0 && clock_cpu_ms() > w->until) {
        snprintf(w->doc->why, sizeof w->doc->why, "the page's style rules take too long to apply");
        return ERR_TIMEOUT;
    }
    return html_style_apply(element);
}

/* Remembered, because it asks all elements above: many texts below one deep element must cost no more. */
static bool text_is_hidden(struct walk *w, const lxb_dom_node_t *parent)
{
    if (parent != w->judged) {
        w->judged = parent;
        w->judged_hidden = html_style_hides_text(parent);
    }
    return w->judged_hidden;
}

/* Deals with a node's beginning. True: its children are to be read, and its end is to be told. */
static bool enter(struct walk *w, lxb_dom_node_t *node)
{
    if (node->type == LXB_DOM_NODE_TYPE_TEXT || node->type == LXB_DOM_NODE_TYPE_CDATA_SECTION) {
        if (text_is_hidden(w, node->parent))
            w->doc->hidden += str_trim(text_of(node)).n > 0;
        else
            outline_text(&w->out, text_of(node));
        return false;
    }
    if (node->type == LXB_DOM_NODE_TYPE_COMMENT) {
        w->doc->hidden += str_trim(text_of(node)).n > 0;
        return false;
    }
    if (node->type != LXB_DOM_NODE_TYPE_ELEMENT)
        return node->type == LXB_DOM_NODE_TYPE_DOCUMENT;
    enum html_role role = html_role_of(node);
    if (role == TITLE)
        take_title(w, node);
    if (role == TITLE || role == SKIP)
        return false;
    if (w->out.err == OK)
        w->out.err = apply_styles(w, node);
    if (html_is_hidden(node) || html_style_hides(node)) {
        w->doc->hidden += node->first_child != nullptr;
        return false;
    }
    if (acts[role].enter != nullptr)
        acts[role].enter(w, node);
    return true;
}

static void leave(struct walk *w, lxb_dom_node_t *node)
{
    if (node->type != LXB_DOM_NODE_TYPE_ELEMENT)
        return;
    enum html_role role = html_role_of(node);
    if (acts[role].leave != nullptr)
        acts[role].leave(w, node);
}

enum err html_read_tree(lxb_dom_node_t *root, struct document *doc)
{
    struct walk w = {.out = {.into = &doc->text}, .doc = doc, .until = clock_cpu_ms() + WALK_MS};
    lxb_dom_node_t *node = root;
    while (w.out.err == OK) {
        if (enter(&w, node)) {
            if (node->first_child != nullptr) {
                node = node->first_child;
                continue;
            }
            leave(&w, node);
        }
        while (node != root && node->next == nullptr) {
            node = node->parent;
            leave(&w, node);
        }
        if (node == root)
            break;
        node = node->next;
    }
    return w.out.err;
}
