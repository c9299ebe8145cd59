// SPDX-License-Identifier: Apache-2.0
#include "read/html_style.h"

#include <lexbor/style/style.h>

#include "base/str.h"
#include "read/html_css.h"
#include "read/html_role.h"

enum {
    SHEETS_MAX = 4 << 20, /* bytes of all sheets of a page; one with more is refused */
    FAR = -900,           /* pixels: no screen scrolls there */
    FAR_EM = -56,
    FAR_SCREENS = -100 /* the same in widths of a letter, in hundredths of a screen */
};

/* Nobody sees a text that is fainter (of 1), or smaller in letters of the text around it and in pixels. */
static const double FAINT = 0.05, SMALL = 0.1, SMALL_PIXELS = 1;

/* The properties that are looked at. Rules without any are dropped, because each rule is tried on
 * each element. */
static const uintptr_t properties[] = {
    LXB_CSS_PROPERTY_DISPLAY,    LXB_CSS_PROPERTY_VISIBILITY,  LXB_CSS_PROPERTY_OPACITY,
    LXB_CSS_PROPERTY_POSITION,   LXB_CSS_PROPERTY_FONT_SIZE,   LXB_CSS_PROPERTY_TEXT_INDENT,
    LXB_CSS_PROPERTY_LEFT,       LXB_CSS_PROPERTY_TOP,         LXB_CSS_PROPERTY_RIGHT,
    LXB_CSS_PROPERTY_BOTTOM,     LXB_CSS_PROPERTY_WIDTH,       LXB_CSS_PROPERTY_HEIGHT,
    LXB_CSS_PROPERTY_MAX_WIDTH,  LXB_CSS_PROPERTY_MAX_HEIGHT,  LXB_CSS_PROPERTY_OVERFLOW_X,
    LXB_CSS_PROPERTY_OVERFLOW_Y, LXB_CSS_PROPERTY_MARGIN_LEFT, LXB_CSS_PROPERTY_MARGIN_TOP,
};

/* Those that lexbor does not know and keeps as text. */
static const struct {
    struct str name;
    const char *values[4]; /* what hides begins with one of these */
} texts[] = {
    {{"overflow", 8}, {}}, /* see is_shut */
    {{"clip", 4}, {"rect(0", "rect(1px"}},
    {{"clip-path", 9}, {"inset(50%", "inset(100%", "circle(0"}},
    {{"content-visibility", 18}, {"hidden"}},
    {{"scale", 5}, {"0"}},
    {{"transform", 9}, {"scale(0", "scalex(0", "scaley(0"}},
};

static struct str str_from(const lexbor_str_t *s)
{
    return (struct str){(const char *)s->data, s->length};
}

/* --- sheets --- */

static bool has_text(const lxb_css_rule_declaration_list_t *list)
{
    for (const lxb_css_rule_t *r = list->first; r != nullptr; r = r->next) {
        const lxb_css_rule_declaration_t *d = (const lxb_css_rule_declaration_t *)r;
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
            if (d->type == LXB_CSS_PROPERTY__CUSTOM &&
                str_eq_nocase(str_from(&d->u.custom->name), texts[i].name))
                return true;
    }
    return false;
}

static bool matters(const lxb_css_rule_t *rule)
{
    if (rule->type != LXB_CSS_RULE_STYLE)
        return false;
    const lxb_css_rule_declaration_list_t *list =
        ((const lxb_css_rule_style_t *)rule)->declarations;
    for (const lxb_css_rule_t *r = list ? list->first : nullptr; r != nullptr; r = r->next)
        for (size_t i = 0; i < sizeof properties / sizeof *properties; i++)
            if (((const lxb_css_rule_declaration_t *)r)->type == properties[i])
                return true;
    return list && has_text(list);
}

/* Unlinked only: the memory is the page's and goes with it. */
static void drop_what_does_not_matter(lxb_css_rule_list_t *list)
{
    for (lxb_css_rule_t *rule = list->first, *next; rule != nullptr; rule = next) {
        next = rule->next;
        if (matters(rule))
            continue;
        *(rule->prev ? &rule->prev->next : &list->first) = next;
        *(next ? &next->prev : &list->last) = rule->prev;
    }
}

static bool is_for_screens(lxb_dom_node_t *style)
{
    struct str media;
    return !html_attribute(style, S("media"), &media) || css_media_holds(media);
}

static enum err read_sheet(lxb_dom_document_t *page, struct str text)
{
    autobuf css = BUF(2 * SHEETS_MAX);
    try(css_put_in_order(text, &css));
    lxb_css_stylesheet_t *sheet = lxb_css_stylesheet_create(page->css->memory);
    if (sheet == nullptr)
        return ERR_NOMEM;
    if (lxb_css_stylesheet_parse(sheet, page->css->parser, (const lxb_char_t *)css.p, css.n) !=
            LXB_STATUS_OK ||
        lxb_dom_document_stylesheet_add(page, sheet) != LXB_STATUS_OK)
        return ERR_NOMEM;
    if (sheet->root != nullptr && sheet->root->type == LXB_CSS_RULE_LIST)
        drop_what_does_not_matter(lxb_css_rule_list(sheet->root));
    return OK;
}

struct reading {
    lxb_dom_document_t *page;
    size_t bytes;
    enum err err;
};

static lexbor_action_t on_node(lxb_dom_node_t *node, void *arg)
{
    struct reading *r = arg;
    if (node->type != LXB_DOM_NODE_TYPE_ELEMENT || node->local_name != LXB_TAG_STYLE ||
        !is_for_screens(node))
        return LEXBOR_ACTION_OK;
    struct str css = {};
    css.p = (const char *)lxb_dom_node_text_content(node, &css.n);
    if (css.p == nullptr)
        return LEXBOR_ACTION_OK; /* empty */
    r->bytes += css.n;
    r->err = r->bytes <= SHEETS_MAX ? read_sheet(r->page, css) : ERR_TOOBIG;
    lxb_dom_document_destroy_text(r->page, (lxb_char_t *)css.p);
    return r->err == OK ? LEXBOR_ACTION_OK : LEXBOR_ACTION_STOP;
}

enum err html_style_open(lxb_html_document_t *page)
{
    struct reading r = {.page = lxb_dom_interface_document(page)};
    if (lxb_dom_document_css_init(r.page, false) != LXB_STATUS_OK)
        return ERR_NOMEM;
    lxb_dom_node_simple_walk(lxb_dom_interface_node(page), on_node, &r);
    return r.err;
}

void html_style_close(lxb_html_document_t *page)
{
    if (lxb_dom_interface_document(page)->css != nullptr)
        lxb_dom_document_css_destroy(lxb_dom_interface_document(page));
}

enum err html_style_apply(lxb_dom_node_t *element)
{
    lxb_dom_element_t *e = lxb_dom_interface_element(element);
    if (lxb_dom_document_element_styles_attach(e) != LXB_STATUS_OK)
        return ERR_NOMEM;
    struct str own;
    if (!html_attribute(element, S("style"), &own) || own.n == 0)
        return OK;
    autobuf css = BUF(2 * own.n);
    try(css_put_in_order(own, &css));
    return lxb_dom_element_style_parse(e, (const lxb_char_t *)css.p, css.n) == LXB_STATUS_OK
               ? OK
               : ERR_NOMEM;
}

/* --- elements --- */

/* What the cascade left of a property; NULL: nothing is said here. */
static const void *said(const lxb_dom_node_t *element, uintptr_t property)
{
    const lxb_css_rule_declaration_t *d =
        lxb_dom_element_style_by_id((const lxb_dom_element_t *)element, property);
    return d != nullptr ? d->u.user : nullptr;
}

/* Left of or above the page. */
static bool is_length_far(const lxb_css_value_length_percentage_t *v)
{
    if (v == nullptr || v->type != LXB_CSS_VALUE__LENGTH)
        return false;
    unsigned unit = v->u.length.unit; /* of the type that has all kinds of them */
    int far = unit < LXB_CSS_UNIT_RELATIVE__BEGIN ? FAR
              : unit < LXB_CSS_UNIT_VB            ? FAR_EM
                                                  : FAR_SCREENS;
    return v->u.length.num <= far;
}

static bool is_far(const lxb_css_value_length_percentage_t *v)
{
    return v != nullptr && v->type == LXB_CSS_VALUE__PERCENTAGE ? v->u.percentage.num <= FAR_SCREENS
                                                                : is_length_far(v);
}

/* Does a property that is kept as text say one of `values`? */
static bool says(const lxb_dom_node_t *element, struct str property, const char *const *values,
                 size_t count)
{
    const lxb_css_rule_declaration_t *d = lxb_dom_element_style_by_name(
        (const lxb_dom_element_t *)element, (const lxb_char_t *)property.p, property.n);
    if (d == nullptr || d->type != LXB_CSS_PROPERTY__CUSTOM)
        return false;
    struct str value = str_trim(str_from(&d->u.custom->value));
    for (size_t i = 0; i < count && values[i] != nullptr; i++) {
        size_t n = strlen(values[i]);
        bool begins = str_eq_nocase(str_sub(value, 0, n), str_of(values[i]));
        if (begins && (value.n == n || value.p[n] != '.'))
            return true; /* "scale(0)", not "scale(0.5)" */
    }
    return false;
}

static bool is_nothing(const lxb_css_value_length_percentage_t *v)
{
    if (v == nullptr)
        return false;
    if (v->type == LXB_CSS_VALUE__PERCENTAGE)
        return v->u.percentage.num <= 0;
    unsigned unit = v->u.length.unit;
    bool pixel = unit == LXB_CSS_UNIT_PX && v->u.length.num <= 1;
    return v->type == LXB_CSS_VALUE__NUMBER ||
           (v->type == LXB_CSS_VALUE__LENGTH && (pixel || v->u.length.num <= 0));
}

/* A box without room, of which nothing hangs out. */
static bool is_shut(const lxb_dom_node_t *element)
{
    static const uintptr_t sizes[] = {LXB_CSS_PROPERTY_WIDTH, LXB_CSS_PROPERTY_HEIGHT,
                                      LXB_CSS_PROPERTY_MAX_WIDTH, LXB_CSS_PROPERTY_MAX_HEIGHT};
    static const char *const cut[] = {"hidden", "clip"};
    const lxb_css_property_overflow_x_t *x = said(element, LXB_CSS_PROPERTY_OVERFLOW_X);
    const lxb_css_property_overflow_y_t *y = said(element, LXB_CSS_PROPERTY_OVERFLOW_Y);
    if (!says(element, S("overflow"), cut, 2) &&
        (x == nullptr ||
         (x->type != LXB_CSS_OVERFLOW_X_HIDDEN && x->type != LXB_CSS_OVERFLOW_X_CLIP)) &&
        (y == nullptr ||
         (y->type != LXB_CSS_OVERFLOW_Y_HIDDEN && y->type != LXB_CSS_OVERFLOW_Y_CLIP)))
        return false;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (is_nothing(said(element, sizes[i])))
            return true;
    return false;
}

static bool is_off_screen(const lxb_dom_node_t *element)
{
    static const uintptr_t sides[] = {LXB_CSS_PROPERTY_LEFT, LXB_CSS_PROPERTY_TOP,
                                      LXB_CSS_PROPERTY_RIGHT, LXB_CSS_PROPERTY_BOTTOM};
    const lxb_css_property_text_indent_t *indent = said(element, LXB_CSS_PROPERTY_TEXT_INDENT);
    if (indent != nullptr && is_far(&indent->length))
        return true;
    const lxb_css_property_position_t *position = said(element, LXB_CSS_PROPERTY_POSITION);
    if (is_length_far(said(element, LXB_CSS_PROPERTY_MARGIN_LEFT)) ||
        is_length_far(said(element, LXB_CSS_PROPERTY_MARGIN_TOP)))
        return true;
    if (position == nullptr ||
        (position->type != LXB_CSS_POSITION_ABSOLUTE && position->type != LXB_CSS_POSITION_FIXED &&
         position->type != LXB_CSS_POSITION_RELATIVE))
        return false;
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++)
        if (is_far(said(element, sides[i])))
            return true;
    return false;
}

bool html_style_hides(const lxb_dom_node_t *element)
{
    const lxb_css_property_display_t *display = said(element, LXB_CSS_PROPERTY_DISPLAY);
    const lxb_css_property_opacity_t *opacity = said(element, LXB_CSS_PROPERTY_OPACITY);
    if (display != nullptr && display->a == LXB_CSS_DISPLAY_NONE)
        return true;
    if (opacity != nullptr && opacity->type == LXB_CSS_VALUE__NUMBER &&
        opacity->u.number.num < FAINT)
        return true;
    if (opacity != nullptr && opacity->type == LXB_CSS_VALUE__PERCENTAGE &&
        opacity->u.percentage.num < FAINT * 100)
        return true;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (says(element, texts[i].name, texts[i].values, sizeof texts[i].values / sizeof(char *)))
            return true;
    return is_shut(element) || is_off_screen(element);
}

enum size { OPEN, NOTHING, SOMETHING };

/* OPEN: it depends on the element above. */
static enum size size_of(const lxb_css_property_font_size_t *said)
{
    if (said == nullptr)
        return OPEN;
    const lxb_css_value_length_percentage_t *v = &said->length;
    if (said->type == LXB_CSS_VALUE__PERCENTAGE)
        return v->u.percentage.num < SMALL * 100 ? NOTHING : OPEN;
    if (said->type != LXB_CSS_VALUE__LENGTH)
        return said->type == LXB_CSS_FONT_SIZE_LARGER || said->type == LXB_CSS_FONT_SIZE_SMALLER ||
                       said->type == LXB_CSS_VALUE_INHERIT || said->type == LXB_CSS_VALUE_UNSET
                   ? OPEN
                   : SOMETHING;
    unsigned unit = v->u.length.unit; /* of the type that has all kinds of them */
    bool relative = unit >= LXB_CSS_UNIT_RELATIVE__BEGIN;
    if (v->u.length.num < (relative ? SMALL : unit == LXB_CSS_UNIT_PX ? SMALL_PIXELS : SMALL / 10))
        return NOTHING;
    return unit == LXB_CSS_UNIT_EM || unit == LXB_CSS_UNIT_EX || unit == LXB_CSS_UNIT_CH
               ? OPEN
               : SOMETHING;
}

bool html_style_hides_text(const lxb_dom_node_t *element)
{
    enum size size = OPEN;
    const lxb_css_property_visibility_t *visibility = nullptr;
    for (; element != nullptr && element->type == LXB_DOM_NODE_TYPE_ELEMENT;
         element = element->parent) {
        if (size == OPEN)
            size = size_of(said(element, LXB_CSS_PROPERTY_FONT_SIZE));
        if (visibility == nullptr || visibility->type == LXB_CSS_VALUE_INHERIT ||
            visibility->type == LXB_CSS_VALUE_UNSET)
            visibility = said(element, LXB_CSS_PROPERTY_VISIBILITY);
    }
    return size == NOTHING ||
           (visibility != nullptr && (visibility->type == LXB_CSS_VISIBILITY_HIDDEN ||
                                      visibility->type == LXB_CSS_VISIBILITY_COLLAPSE));
}
