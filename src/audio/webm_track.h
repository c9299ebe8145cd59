// SPDX-License-Identifier: Apache-2.0
/*
 * The numbers of EBML (RFC 8794), and the Tracks element of a Matroska file (RFC 9559), which is
 * small and comes whole: which of its tracks is Opus. Pure; shared by webm.c alone.
 */
#pragma once

#include "base/str.h"

enum { EBML_HEAD_MAX = 12 }; /* an identifier of 4 bytes, a size of 8 */
constexpr uint64_t EBML_UNKNOWN = UINT64_MAX;

struct ebml_head {
    uint32_t id;
    uint64_t size; /* of the content; EBML_UNKNOWN */
    size_t bytes;  /* of the head itself */
};

/* The head at the front of `bytes`. ERR_AGAIN: it needs more bytes; ERR_SYNTAX. */
enum err ebml_head(struct str bytes, struct ebml_head *ret_head);
/* A number of 1 to 8 bytes that says its own length, as in a block's track. Same errors. */
enum err ebml_vint(struct str bytes, uint64_t *ret_value, size_t *ret_bytes);
/* The element at the front of `rest`, which holds whole ones; cut off with its content. ERR_SYNTAX. */
enum err ebml_next(struct str *rest, uint32_t *ret_id, struct str *ret_content);
/* An unsigned integer of at most 8 bytes. */
enum err ebml_uint(struct str content, uint64_t *ret_value);

struct webm_track {
    uint64_t number; /* what its blocks carry */
    struct str head; /* "OpusHead…", a slice of `tracks` */
};
/* The first Opus track. ERR_NOTFOUND: there is none; ERR_UNSUPPORTED: it is compressed or encrypted;
 * ERR_SYNTAX. */
enum err webm_find_track(struct str tracks, struct webm_track *ret_track);
