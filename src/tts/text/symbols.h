// SPDX-License-Identifier: Apache-2.0
/*
 * Tables about single code points that hold in every language: which make no sound at all (pictures,
 * boxes, invisible marks), which are letters, which are a pause. How a symbol is said is the
 * language's (tts/text/language.h). Any thread.
 */
#pragma once

#include "base/str.h"

/* What is written for `cp` in speech: a pause, a blank or nothing. False: it is not in the table. */
bool symbol_neutral(uint32_t cp, struct str *ret_text);
/* Emoji, drawings, private use, zero-width and direction marks, variation selectors. */
bool symbol_silent(uint32_t cp);
/* A letter, a digit or a mark on one. */
bool symbol_is_letter(uint32_t cp);
/* The plain quote that a typographic one stands for, or 0. */
char symbol_quote(uint32_t cp);
/* The digit, '+' or '-' that is raised ("²") or lowered ("₂"), or 0. */
char symbol_raised(uint32_t cp);
char symbol_lowered(uint32_t cp);
/* What an HTML entity's name ("amp", "#39", "#x27") stands for, or 0. */
uint32_t symbol_entity(struct str name);
