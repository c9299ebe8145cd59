// SPDX-License-Identifier: Apache-2.0
/*
 * `repartee talk` without a recording: a conversation by the machine's own microphone and loudspeaker.
 * Push-to-talk by a key that begins and one that ends (a terminal does not tell how long a key is
 * held), or hands-free, where the server finds the utterances.
 */
#pragma once

#include "server/cli/cli.h"

int talk_live(struct cli *c); /* an exit code */
