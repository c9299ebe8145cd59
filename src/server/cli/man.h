// SPDX-License-Identifier: Apache-2.0
/*
 * The manual pages, made from the tables of commands and options by the build: `repartee help --man 1`
 * prints repartee.1, `--man 5` repartee.conf.5. In mdoc(7), which man-db, groff and mandoc read.
 */
#pragma once

/* To standard output; an exit code. */
int man_page(const char *section);
