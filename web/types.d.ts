// SPDX-License-Identifier: Apache-2.0
/* What the server says, for @ts-check. Not part of the page. */

export interface Citation {
  index: number;
  doc_id: string;
  chunk_id: number;
  title: string;
  text: string;
  source: string;
}

export interface Timings {
  stages: { name: string; start_ms: number; ms: number }[];
  first_token_ms: number | null;
  first_audio_ms: number | null;
  total_ms: number;
}

/** One event of a turn, from /chat or /voice; which fields it has depends on its type. */
export interface TurnEvent extends Citation {
  type: string;
  seq?: number;
  turn?: number;
  stable: string;
  content: string;
  heard: string;
  rate: number;
  timings: Timings;
  error: { message: string; code: string };
}

export interface Document {
  doc_id: string;
  title: string;
  source: string;
  state: string;
  bytes: number;
  chunks: number;
  shared: boolean;
}

export interface Engine {
  driver: string;
  state: string;
  model?: string;
}
