// SPDX-License-Identifier: Apache-2.0
/*
 * The text of a style sheet, put in order for lexbor's parser, which passes over at-rules and stumbles over
 * a few things that browsers read. Pure; any thread.
 */
#pragma once

#include "base/str.h"

enum { CSS_SCREEN_WIDTH = 1280, CSS_SCREEN_HEIGHT = 800 /* pixels */ };

/* Appends `css`: comments are blanks; the rules inside of @media that hold for a screen of that size, of
 * @supports, @layer and @container stand free, for lexbor drops all that is in an at-rule. ERR_NOMEM,
 * ERR_TOOBIG. */
enum err css_put_in_order(struct str css, struct buf *into);
/* Does a list of media queries hold for that screen? What is not understood does. */
bool css_media_holds(struct str queries);
