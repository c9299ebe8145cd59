// SPDX-License-Identifier: Apache-2.0
/* What the server says and what the page's parts tell each other, for @ts-check. Not part of the page. */

interface Citation {
  index: number;
  doc_id: string;
  chunk_id: number;
  title: string;
  text: string;
  source: string;
}

interface Timings {
  stages: { name: string; start_ms: number; ms: number }[];
  first_token_ms: number | null;
  first_audio_ms: number | null;
  total_ms: number;
}

/** One event of a turn, from /chat or /voice; which fields it has depends on its type. */
interface TurnEvent extends Citation {
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

interface StoredDocument {
  doc_id: string;
  title: string;
  source: string;
  state: string;
  bytes: number;
  chunks: number;
  shared: boolean;
  note?: string;
}

interface Engine {
  driver: string;
  state: string;
  model?: string;
}

/** Samples of the microphone, 16 kHz int16. */
type Samples = Int16Array<ArrayBuffer>;
/** 20 ms of the microphone, and how loud they are (0 … 1). */
type OnFrame = (frame: Samples, level: number) => void;
/** What stands for [n] in an answer, if anything. */
type Cite = (n: number) => Node | null;
type OnState = (state: 'ready' | 'gone' | 'leaving', detail: any) => void;
type Phase = 'idle' | 'opening' | 'listening' | 'attending' | 'hearing' | 'thinking' | 'answering' | 'speaking';
