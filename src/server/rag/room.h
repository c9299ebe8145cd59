// SPDX-License-Identifier: Apache-2.0
/*
 * Room on the disk of the data folder. SQLite needs some even to delete and to open a file, so a reserve
 * is kept: a full disk must not keep people from making room on it. Any thread.
 */
#pragma once

#include <stdint.h>

constexpr uint64_t ROOM_RESERVE = 1024 * 1024;

/* Bytes that may still be written there; UINT64_MAX: nobody can tell. */
uint64_t room_free(const char *folder);
bool room_is_reserved(const char *folder);
/* Makes FOLDER/reserve, unless it is there or too little would be left beside it. */
void room_reserve(const char *folder);
/* Gives it to whoever writes next. */
void room_give_reserve(const char *folder);
