// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * A client of WS /voice that keeps everything it is told, in order and with its time of arrival.
 *
 *   const voice = await VoiceClient.open(server.url);
 *   const turn = await voice.talk(samples, { realtime: true });
 */
import { until } from './server.js';

/** @typedef {{type: string, seq: number, turn?: number, at: number, [field: string]: any}} Event */

export const HELLO = {
  type: 'hello',
  format: 'pcm_s16le',
  rate: 16000,
  output: { format: 'pcm', rate: 22050 },
  mode: 'push_to_talk',
  use_rag: true,
};
const FRAME = 320; /* 20 ms at 16 kHz */
const PATIENCE_MS = 180000;

export class VoiceClient {
  /** @type {Event[]} */
  events = [];
  /** Sound by turn. @type {Map<number, Int16Array[]>} */
  sound = new Map();
  /** The same for a client that asked for Opus: its packets. @type {Map<number, Uint8Array<ArrayBuffer>[]>} */
  packets = new Map();
  coded = false;
  /** Everything counts as heard when it comes: nobody waits for the loudspeaker. */
  hurries = false;
  /** @type {{code: number, reason: string} | null} */
  closed = null;

  /** @param {string} url of the server */
  constructor(url) {
    this.socket = new WebSocket(url.replace('http', 'ws') + 'voice');
    this.socket.binaryType = 'arraybuffer';
    this.socket.onmessage = ({ data }) => this.#take(data);
    this.socket.onclose = ({ code, reason }) => (this.closed = { code, reason });
    this.socket.onerror = () => {};
  }

  /** A connection that is ready. @param {string} url @param {object} [hello] */
  static async open(url, hello = {}) {
    const voice = new VoiceClient(url);
    await voice.opened();
    voice.coded = /** @type {any} */ (hello).output?.format === 'opus';
    voice.send({ ...HELLO, ...hello });
    await voice.wait((e) => e.type === 'ready', 'ready');
    return voice;
  }

  async opened() {
    await until(() => this.socket.readyState !== WebSocket.CONNECTING, 'a connection');
  }

  #take(data) {
    if (typeof data === 'string') {
      this.events.push({ ...JSON.parse(data), at: performance.now() });
      return;
    }
    const turn = new DataView(data).getUint32(0, true);
    const add = (/** @type {Map<number, any[]>} */ to, part) => to.set(turn, [...(to.get(turn) ?? []), part]);
    if (this.coded) add(this.packets, new Uint8Array(data.slice(4)));
    else add(this.sound, new Int16Array(data.slice(4)));
    if (this.hurries) this.send({ type: 'played', turn, ms: 600000 });
  }

  /** @param {any} message an object is sent as JSON; text and bytes as they are */
  send(message) {
    const ready = typeof message === 'string' || ArrayBuffer.isView(message);
    this.socket.send(ready ? /** @type {any} */ (message) : JSON.stringify(message));
  }

  /** @param {(e: Event) => boolean} wanted @param {string} what @param {number} [from] index */
  async wait(wanted, what, from = 0) {
    const check = () => this.events.slice(from).find(wanted) ?? (this.closed ? { type: 'closed' } : null);
    const event = await until(check, what, PATIENCE_MS);
    if (event.type === 'closed') throw new Error(`closed (${this.closed?.code} ${this.closed?.reason}) instead of ${what}`);
    return /** @type {Event} */ (event);
  }

  /** Pushes to talk, and returns the turn's events up to its end. @param {Int16Array<ArrayBuffer>} samples
   * @param {{realtime?: boolean, until?: () => Promise<unknown>}} [options] until: what is waited for before the button is let go */
  async talk(samples, { realtime = false, until: held } = {}) {
    const from = this.events.length;
    const begun = performance.now();
    this.send({ type: 'start' });
    for (let at = 0; at < samples.length; at += FRAME) {
      this.send(samples.subarray(at, at + FRAME));
      const early = (at / 16000) * 1000 - (performance.now() - begun);
      if (realtime && early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    }
    await held?.();
    const stopped = performance.now();
    this.send({ type: 'stop' });
    return { ...(await this.finish(from)), begun, stopped };
  }

  /** Waits for the end of the turn that was begun after event number `from`. @param {number} from */
  async finish(from) {
    const over = (/** @type {Event} */ e) => ['end', 'error', 'interrupted'].includes(e.type);
    const last = await this.wait(over, 'the end of the turn', from);
    const events = this.events.slice(from);
    const parts = this.sound.get(last.turn ?? -1) ?? [];
    const sound = new Int16Array(parts.reduce((n, part) => n + part.length, 0));
    parts.reduce((at, part) => (sound.set(part, at), at + part.length), 0);
    return {
      last,
      events,
      sound,
      partials: events.filter((e) => e.type === 'partial'),
      heard: events.find((e) => e.type === 'final')?.text ?? '',
      citations: events.filter((e) => e.type === 'citation'),
      answer: events.filter((e) => e.type === 'token').map((e) => e.content).join(''),
    };
  }

  close() {
    this.socket.close();
  }
}

/** An open microphone: what is said, else silence, 50 frames a second of real time. */
export class Microphone {
  #begun = performance.now();
  #sent = 0; /* frames */
  #queue = /** @type {{samples: Int16Array<ArrayBuffer>, at: number, said: (ms: number) => void}[]} */ ([]);
  /** What is mixed into every frame: an echo, or noise. @type {(frame: Int16Array, number: number) => void} */
  mix = () => {};

  /** @param {{closed: any, send: (message: any) => void}} voice */
  constructor(voice) {
    this.voice = voice;
    this.timer = setInterval(() => this.#send(), 10);
    voice.send({ type: 'start' });
  }

  #send() {
    if (this.voice.closed) return this.close();
    for (; this.#sent * 20 < performance.now() - this.#begun; this.#sent++) {
      const frame = new Int16Array(FRAME);
      const now = this.#queue[0];
      if (now) {
        frame.set(now.samples.subarray(now.at, now.at + FRAME));
        now.at += FRAME;
        if (now.at >= now.samples.length) this.#queue.shift()?.said(this.ms + 20);
      }
      this.mix(frame, this.#sent);
      this.voice.send(frame);
    }
  }

  /** How much was sent. */
  get ms() {
    return this.#sent * 20;
  }

  /** Resolves, with the microphone's time, once it was said. @param {Int16Array<ArrayBuffer>} samples */
  say(samples) {
    return new Promise((/** @type {(ms: number) => void} */ said) => this.#queue.push({ samples, at: 0, said }));
  }

  /** @param {number} ms */
  pause(ms) {
    return this.say(new Int16Array(ms * 16));
  }

  /** Time stands still for it until `done` has. @param {() => Promise<unknown>} done */
  async held(done) {
    clearInterval(this.timer);
    const since = performance.now();
    await done();
    this.#begun += performance.now() - since;
    this.timer = setInterval(() => this.#send(), 10);
  }

  close() {
    clearInterval(this.timer);
  }
}
