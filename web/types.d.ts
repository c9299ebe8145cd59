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
/** The conversation to resume: its name, the last event and the binary messages that have arrived. */
interface Place {
  id?: string;
  seq?: number;
  sound?: number;
}

/** The way to the server. What fails throws Trouble. */
interface Link {
  ready: boolean;
  /** What is said from now on belongs to it; '': to a new one. */
  sessionId: string;
  /** A request with the token; one that is not valid any more is replaced, once. */
  request(path: string, init?: RequestInit): Promise<Response>;
  json(path: string, init?: RequestInit): Promise<any>;
  /** The events of the answer. */
  chat(message: string, use_rag: boolean, signal: AbortSignal): AsyncGenerator<TurnEvent>;
  /** Opens the WebSocket and keeps it open. `anew`: with other wishes; what is under way ends. */
  connect(anew?: boolean): Promise<void>;
  /** A JSON message, or samples; during a cut they are kept for later. False: there is nobody to send to. */
  send(message: object | Samples): boolean;
  /** Asks the user for the server's key. */
  askKey?: () => Promise<string>;
  /** What `hello` says about voice and sound. */
  wishes?: () => object;
  onstate?: (state: 'ready' | 'gone' | 'leaving', detail: any) => void;
  onevent?: (event: TurnEvent) => void;
  onsound?: (turn: number, samples: ArrayBuffer) => void;
}
type Phase = 'idle' | 'opening' | 'listening' | 'attending' | 'hearing' | 'thinking' | 'answering' | 'speaking';
