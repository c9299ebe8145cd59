// SPDX-License-Identifier: Apache-2.0
/* What the server says and what the page's parts tell each other, for tsc. Not part of the page. */

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
  ahead_ms?: number;
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

/** A turn as it is kept in the browser. */
interface KeptTurn {
  question: string;
  /** The answer so far. */
  text: string;
  /** How much of the answer was heard, when it was interrupted. */
  heard?: string;
  citations: Pick<Citation, 'index' | 'title' | 'text' | 'source'>[];
}

interface TurnWishes {
  /** For screen readers. */
  announce: (words: string) => void;
  /** The answer is heard: a screen reader would only talk over it. */
  aloud: boolean;
  onover: (turn: Turn) => void;
  /** It takes more room. */
  grown: () => void;
}

interface Turn extends KeptTurn {
  aloud: boolean;
  over: boolean;
  element: HTMLElement;
  /** What is heard so far; `stable` is the part that will stay. */
  partial(text: string, stable: string): void;
  /** The answer is awaited. */
  ask(question: string): void;
  citation(citation: KeptTurn['citations'][0]): void;
  token(text: string): void;
  end(timings: Timings): void;
  /** From the end of speech to the loudspeaker, as measured here. */
  heardAfter(ms: number): void;
  /** The part of the answer that was not heard is shown paler. */
  interrupted(heard: string): void;
  fail(message: string): void;
  /** One of an earlier visit. */
  restore(kept: KeptTurn): void;
}

/** A conversation, and the session in which it goes on. */
interface Kept {
  session: string;
  turns: KeptTurn[];
}

/** To the node `capture`: a microphone was connected; an utterance begins, with the 200 ms before it; it ends. */
type ToCapture = 'arm' | 'start' | 'stop';

/** After `arm`, when the microphone delivers; 20 ms of sound and how loud they are (0 … 1); after the last of them. */
type FromCapture = { open: true } | { frame: Samples; level: number } | { stopped: true };

/** To the node `player`: int16 samples at the context's rate; no more will come; silence now. */
type ToPlayer = Samples | 'finish' | 'clear';

/** The first sample is on its way; so many were played since the last `clear`, now and then and after the last. */
type FromPlayer = { started: true } | { played: number; drained?: true };

interface Microphone {
  /** Asks for it, unless it is open. Throws Trouble. `echoCancellation`: whoever holds the button has silenced the answer, and needs none. */
  open(echoCancellation?: boolean): Promise<void>;
  /** Frames of 16 kHz sound, from 200 ms ago on. */
  begin(each: (frame: Samples, level: number) => void): void;
  /** Resolves when the last frame has been handed over. */
  end(): Promise<void>;
  /** Lets the device go: the browser's recording sign goes out. */
  close(): void;
  /** The device has disappeared. */
  onlost?: () => void;
}

/** Plays the answer's samples, one turn at a time. */
interface Loudspeaker {
  /** What is being played, or -1. */
  turn: number;
  playedMs: number;
  /** Call it on a press: browsers allow sound only then. */
  unlock(hz: number): void;
  begin(turn: number, hz: number): void;
  /** Int16 samples, little-endian. */
  push(turn: number, samples: ArrayBuffer): void;
  finish(): void;
  /** Softly while somebody speaks, until it is known whether he means it. */
  duck(softly: boolean): void;
  /** Silence, at once. */
  clear(): void;
  /** The first sample is on its way; it is heard so many ms later. */
  onstart?: (late_ms: number) => void;
  /** So many ms have been heard. */
  onplayed?: (ms: number) => void;
  /** The last sample has been played. */
  ondrained?: () => void;
}

/** What GET /voices says. */
interface Voice {
  name: string;
  engine?: string;
  language?: string;
  remote?: boolean;
}
interface VoiceList {
  standard: string;
  voices: Voice[];
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

/** One that is here, or can be had. */
interface Model {
  name: string;
  /** llm, stt, tts, vad or embed. */
  kind: string;
  /** Bytes; 0: not known. */
  size: number;
  /** Of whose sizes that is the sum. */
  files?: { name: string; size: number; sha256: string }[];
  licence: string;
  languages: string;
  /** 0: not known. */
  memory_mib: number;
  source: string;
  installed: boolean;
  /** It is in the catalogue. */
  known: boolean;
  gated: boolean;
  /** One like it that is not gated, or ''. */
  instead: string;
  in_use: boolean;
  /** This machine has the memory for it. */
  fits: boolean;
  /** It is of the small set for this machine. */
  suits: boolean;
  tokens_per_second: number | null;
}

/** GET /models. */
interface Shelf {
  machine: { memory_mib: number; cores: number; disk_free: number };
  answers: {
    driver: string;
    model: string;
    change: { to: string; state: string } | null;
    failed: { model: string; message: string } | null;
  };
  models: Model[];
  /** `total` 0: not known. */
  pulls: { name: string; done: number; total: number }[];
}

/** A download under way, in bytes. */
interface PullNow {
  done: number;
  total: number;
  /** A second; 0: not known yet. */
  rate: number;
  samples: { at: number; done: number }[];
  /** How many parts of it a screen reader has been told of. */
  part: number;
  /** The server tells this page of it. */
  isFollowed: boolean;
  /** The connection was lost before its end. */
  isLost: boolean;
  /** The server does not tell this page of it, which has to ask. */
  isApart: boolean;
  isCancelled: boolean;
}

/** What goes on with a model. */
interface Course {
  isOperator: boolean;
  pull?: PullNow;
  change: Shelf['answers']['change'];
  trouble?: string;
}

/** How its row looks; '' is not shown. */
interface ModelView {
  isNow: boolean;
  /** Beside its name. */
  mark: string;
  facts: (string | number)[];
  note: string;
  action: string;
  isMain: boolean;
  isBusy: boolean;
  isRemovable: boolean;
  pull?: PullNow;
  trouble: string;
}

/** Samples of the microphone, 16 kHz int16. */
type Samples = Int16Array<ArrayBuffer>;
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
  /** The server forgets the session and what was said in it. */
  end(sessionId: string): Promise<void>;
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

/* What the audio thread has. */
declare const sampleRate: number;
declare class AudioWorkletProcessor {
  port: MessagePort;
}
declare function registerProcessor(name: string, kind: typeof AudioWorkletProcessor): void;
