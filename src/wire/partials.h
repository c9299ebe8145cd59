// SPDX-License-Identifier: Apache-2.0
/* What stt_open may ask for in `partials`; msg_table.h says what each brings. */
#pragma once

enum { PARTIALS_NONE, PARTIALS_CHANGES, PARTIALS_PROGRESS, PARTIALS_SETTLED };
