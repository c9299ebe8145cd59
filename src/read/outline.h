// SPDX-License-Identifier: Apache-2.0
/*
 * Writes plain text with the structure of a page: the caller says what begins and ends, the outline
 * decides about blanks, line ends and marks. Whatever is owed to the next text (a blank, line ends, a
 * heading's or an item's mark) is written when that text comes, so empty blocks leave no trace.
 * Nesting is counted, never recursed into; below OUTLINE_DEPTH levels lists no longer indent.
 *
 *     outline_heading(&o, 2); outline_text(&o, S(" The   voice ")); outline_heading_end(&o);
 *
 * Errors (ERR_NOMEM, ERR_TOOBIG of the target) stick: ask o.err once, at the end. One thread.
 */
#pragma once

#include "base/str.h"

enum { OUTLINE_DEPTH = 32, OUTLINE_MARK_BYTES = 2 * OUTLINE_DEPTH + 24 };

struct outline {
    struct buf *into;
    enum err err;
    uint8_t newlines;              /* line ends owed before the next text: 0, 1 or 2 */
    bool blank;                    /* a blank is owed */
    char mark[OUTLINE_MARK_BYTES]; /* the mark that is owed */
    size_t mark_n;
    unsigned pre;                    /* depth of preformatted text */
    unsigned lists;                  /* depth of lists; may exceed OUTLINE_DEPTH */
    unsigned rows;                   /* inside rows of data tables: line ends become blanks */
    bool row_used;                   /* the row has a cell */
    size_t term_from, term_to;       /* the last term's text, to be followed by its meaning */
    size_t stay_at;                  /* a text that begins here begins no line; 0: none */
    uint32_t numbers[OUTLINE_DEPTH]; /* next number of each open list, 0: bulleted */
};

void outline_text(struct outline *o, struct str text);   /* UTF-8; runs of blanks count as one */
void outline_break(struct outline *o);                   /* a new line, also within a paragraph */
void outline_block(struct outline *o);                   /* what follows begins on its own line */
void outline_paragraph(struct outline *o);               /* … after a blank line */
void outline_heading(struct outline *o, unsigned level); /* 1..6 */
void outline_heading_end(struct outline *o);
void outline_list(struct outline *o, bool numbered, uint32_t first);
void outline_list_end(struct outline *o);
void outline_item(struct outline *o);
void outline_item_end(struct outline *o);
/* A term and what it means, as the item "- term: meaning"; further meanings begin lines. */
void outline_term(struct outline *o);
void outline_term_end(struct outline *o);
void outline_meaning(struct outline *o);
void outline_meaning_end(struct outline *o);
void outline_row(struct outline *o);
void outline_cell(struct outline *o);
void outline_row_end(struct outline *o);
void outline_pre(struct outline *o);
void outline_pre_end(struct outline *o);
