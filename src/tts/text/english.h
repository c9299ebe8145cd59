// SPDX-License-Identifier: Apache-2.0
/* The parts of language_english: numbers, tables, and readers that only English has. */
#pragma once

#include "tts/text/language.h"

/* 0 to 999,999,999,999,999 */
void english_cardinal(struct writer *w, uint64_t n);
void english_ordinal(struct writer *w, uint64_t n);
void english_year(struct writer *w, uint32_t year);
void english_date(struct writer *w, const struct date *d);
void english_clock(struct writer *w, const struct clock_time *t);
void english_fraction(struct writer *w, uint64_t top, uint64_t bottom);

bool english_roman(struct reading *r);    /* "Henry VIII", "Chapter IV" */
bool english_capitals(struct reading *r); /* "NASA", "HTTP", "WARNING" */
bool english_greek(struct reading *r);    /* a letter that stands for itself */
bool english_days(struct reading *r);     /* "Mon-Fri" */
bool english_initials(struct reading *r); /* "U.S.", "Ph.D." */

extern const char *const english_months[12];
