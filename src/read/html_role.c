// SPDX-License-Identifier: Apache-2.0
#include "read/html_role.h"

#include <lexbor/html/html.h>

enum { TABLE_LOOK_NODES = 20000 };

/* What elements of the HTML namespace mean to a reader; all others stand in the line. */
static const enum html_role roles[LXB_TAG__LAST_ENTRY] = {
    [LXB_TAG_SCRIPT] = SKIP,
    [LXB_TAG_STYLE] = SKIP,
    [LXB_TAG_TEMPLATE] = SKIP,
    [LXB_TAG_NOSCRIPT] = SKIP,
    [LXB_TAG_IFRAME] = SKIP,
    [LXB_TAG_OBJECT] = SKIP,
    [LXB_TAG_AUDIO] = SKIP,
    [LXB_TAG_VIDEO] = SKIP,
    [LXB_TAG_CANVAS] = SKIP,
    [LXB_TAG_NOEMBED] = SKIP,
    [LXB_TAG_NOFRAMES] = SKIP,
    [LXB_TAG_DATALIST] = SKIP,
    [LXB_TAG_SELECT] = SKIP,
    [LXB_TAG_PROGRESS] = SKIP,
    [LXB_TAG_METER] = SKIP,
    [LXB_TAG_RP] = SKIP,
    [LXB_TAG_TITLE] = TITLE,
    [LXB_TAG_BR] = BREAK,
    [LXB_TAG_P] = PARAGRAPH,
    [LXB_TAG_BLOCKQUOTE] = PARAGRAPH,
    [LXB_TAG_DL] = PARAGRAPH,
    [LXB_TAG_HR] = PARAGRAPH,
    [LXB_TAG_FIGURE] = PARAGRAPH,
    [LXB_TAG_SECTION] = PARAGRAPH,
    [LXB_TAG_ARTICLE] = PARAGRAPH,
    [LXB_TAG_ASIDE] = PARAGRAPH,
    [LXB_TAG_NAV] = PARAGRAPH,
    [LXB_TAG_HEADER] = PARAGRAPH,
    [LXB_TAG_FOOTER] = PARAGRAPH,
    [LXB_TAG_MAIN] = PARAGRAPH,
    [LXB_TAG_FORM] = PARAGRAPH,
    [LXB_TAG_FIELDSET] = PARAGRAPH,
    [LXB_TAG_DETAILS] = PARAGRAPH,
    [LXB_TAG_DIV] = BLOCK,
    [LXB_TAG_ADDRESS] = BLOCK,
    [LXB_TAG_DD] = MEANING,
    [LXB_TAG_DT] = TERM,
    [LXB_TAG_FIGCAPTION] = BLOCK,
    [LXB_TAG_SUMMARY] = BLOCK,
    [LXB_TAG_LEGEND] = BLOCK,
    [LXB_TAG_CENTER] = BLOCK,
    [LXB_TAG_CAPTION] = BLOCK,
    [LXB_TAG_BODY] = BLOCK,
    [LXB_TAG_H1] = HEADING,
    [LXB_TAG_H2] = HEADING,
    [LXB_TAG_H3] = HEADING,
    [LXB_TAG_H4] = HEADING,
    [LXB_TAG_H5] = HEADING,
    [LXB_TAG_H6] = HEADING,
    [LXB_TAG_UL] = LIST,
    [LXB_TAG_MENU] = LIST,
    [LXB_TAG_OL] = LIST,
    [LXB_TAG_LI] = ITEM,
    [LXB_TAG_TABLE] = TABLE,
    [LXB_TAG_TR] = ROW,
    [LXB_TAG_TD] = CELL,
    [LXB_TAG_TH] = CELL,
    [LXB_TAG_PRE] = PRE,
    [LXB_TAG_LISTING] = PRE,
    [LXB_TAG_TEXTAREA] = PRE,
};

/* Of a formula the source, which is not shown. */
static bool is_annotation(const lxb_dom_node_t *node)
{
    struct str name;
    name.p = (const char *)lxb_dom_element_local_name((lxb_dom_element_t *)node, &name.n);
    return name.p != nullptr &&
           (str_eq(name, S("annotation")) || str_eq(name, S("annotation-xml")));
}

enum html_role html_role_of(const lxb_dom_node_t *node)
{
    if (node->ns == LXB_NS_SVG)
        return SKIP;
    if (node->ns == LXB_NS_MATH && is_annotation(node))
        return SKIP;
    if (node->ns != LXB_NS_HTML || node->local_name >= LXB_TAG__LAST_ENTRY)
        return INLINE;
    return roles[node->local_name];
}

bool html_attribute(lxb_dom_node_t *element, struct str name, struct str *ret_value)
{
    const lxb_dom_attr_t *attr = lxb_dom_element_attr_by_name(lxb_dom_interface_element(element),
                                                              (const lxb_char_t *)name.p, name.n);
    if (attr == nullptr)
        return false;
    if (attr->value == nullptr) /* <p hidden> */
        *ret_value = S("");
    else
        *ret_value = (struct str){(const char *)attr->value->data, attr->value->length};
    return true;
}

/* What stands in an element beside the template of its shadow tree is not shown by itself. */
static bool has_shadow(const lxb_dom_node_t *node)
{
    struct str v;
    for (lxb_dom_node_t *c = node->first_child; c != nullptr; c = c->next)
        if (c->local_name == LXB_TAG_TEMPLATE && c->type == LXB_DOM_NODE_TYPE_ELEMENT &&
            html_attribute(c, S("shadowrootmode"), &v))
            return true;
    return false;
}

bool html_is_hidden(lxb_dom_node_t *node)
{
    struct str v;
    if (html_attribute(node, S("hidden"), &v))
        return true;
    if (html_attribute(node, S("aria-hidden"), &v) && str_eq_nocase(str_trim(v), S("true")))
        return true;
    if (html_attribute(node, S("popover"), &v) || has_shadow(node))
        return true;
    return node->local_name == LXB_TAG_DIALOG && !html_attribute(node, S("open"), &v);
}

/* The next node in document order that is not below `node`, within `root`. */
static lxb_dom_node_t *after(lxb_dom_node_t *node, const lxb_dom_node_t *root)
{
    while (node != root && node->next == nullptr)
        node = node->parent;
    return node == root ? nullptr : node->next;
}

bool html_is_data_table(lxb_dom_node_t *table)
{
    lxb_dom_node_t *node = table->first_child;
    for (unsigned looked = 0; node != nullptr && looked < TABLE_LOOK_NODES; looked++) {
        if (node->type == LXB_DOM_NODE_TYPE_ELEMENT) {
            enum html_role role = html_role_of(node);
            if (role == TABLE || role == HEADING)
                return false;
        }
        node = node->first_child != nullptr ? node->first_child : after(node, table);
    }
    return true;
}
