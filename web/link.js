// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * The way to the server: a session with its short-lived token (kept in memory only), requests, the
 * event stream of /chat and the WebSocket of /voice, which comes back by itself after a cut.
 */
import { Trouble } from '/voice.js';

/** @typedef {import('./types').TurnEvent} TurnEvent */

const GONE = 'The server cannot be reached.';
const REFRESH_AT = 0.8; /* of the token's life */
const BACKOFF_MS = [300, 600, 1200, 2500, 5000, 10000];

/** "too large" → "Too large." @param {string} text */
export function sentence(text) {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : first + '.';
}

/** @param {Response} response */
async function troubleOf(response) {
  const error = (await response.json().catch(() => null))?.error;
  const wait = Number(response.headers.get('Retry-After'));
  const advice = wait > 0 ? ` Try again in ${wait} s.` : '';
  return new Trouble(sentence(error?.message ?? `status ${response.status}`) + advice, error?.code);
}

/** The JSON objects of an event stream. @param {ReadableStream<Uint8Array>} body @returns {AsyncGenerator<TurnEvent>} */
async function* events(body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('data:')) yield JSON.parse(line.slice(5));
  }
}

export class Link {
  /** Asks the user for the server's key. @type {() => Promise<string>} */
  askKey;
  /** @type {(state: 'ready'|'gone'|'leaving', detail: any) => void} */
  onstate;
  /** @type {(event: TurnEvent) => void} */
  onevent;
  /** @type {(turn: number, samples: ArrayBuffer) => void} */
  onsound;
  /** What `hello` says besides the token. @type {() => object} */
  wishes;
  ready = false;
  sessionId = '';
  #token = '';
  /** @type {Promise<void> | null} */
  #beginning = null;
  /** @type {WebSocket | null} */
  #socket = null;
  #attempts = 0;
  #refresh = 0; /* timers */
  #retry = 0;

  /** A new session; the key is asked for when the server wants one. */
  #begin() {
    this.#beginning ??= this.#newSession().finally(() => (this.#beginning = null));
    return this.#beginning;
  }

  async #newSession() {
    let response = await this.#post('/session', '');
    while (response.status === 401) response = await this.#post('/session', await this.askKey());
    if (!response.ok) throw await troubleOf(response);
    const session = await response.json();
    this.sessionId = session.session_id;
    this.#keep(session);
  }

  /** @param {string} path @param {string} bearer */
  #post(path, bearer) {
    const headers = new Headers({ 'Content-Type': 'application/json' });
    if (bearer) headers.set('Authorization', `Bearer ${bearer}`);
    return this.#fetch(path, { method: 'POST', headers, body: '{}' });
  }

  /** @param {string} path @param {RequestInit} init */
  #fetch(path, init) {
    return fetch(path, init).catch((error) => {
      throw error.name === 'AbortError' ? error : new Trouble(GONE);
    });
  }

  /** @param {{token: string, expires_at: number}} session the time in seconds since 1970 */
  #keep({ token, expires_at }) {
    this.#token = token;
    clearTimeout(this.#refresh);
    const life_s = Math.max(10, expires_at - Date.now() / 1000);
    this.#refresh = window.setTimeout(async () => {
      const response = await this.#post('/session/refresh', token).catch(() => null);
      if (response?.ok) this.#keep(await response.json()); /* else the next 401 begins a new session */
    }, life_s * REFRESH_AT * 1000);
  }

  /** A request with the token; a session that has ended is begun anew, once. Throws Trouble.
   * @param {string} path @param {RequestInit} [init] */
  async request(path, init) {
    for (let again = false; ; again = true) {
      if (!this.#token || again) await this.#begin();
      const headers = { ...init?.headers, Authorization: `Bearer ${this.#token}` };
      const response = await this.#fetch(path, { ...init, headers });
      if (response.ok) return response;
      if (response.status !== 401 || again) throw await troubleOf(response);
    }
  }

  /** @param {string} message @param {boolean} use_rag @param {AbortSignal} signal */
  async *chat(message, use_rag, signal) {
    const headers = { 'Content-Type': 'application/json' };
    const body = JSON.stringify({ message, use_rag, stream: true });
    yield* events((await this.request('/chat', { method: 'POST', headers, body, signal })).body);
  }

  /** Opens the WebSocket, anew if there is one, and keeps it open. */
  async connect() {
    clearTimeout(this.#retry);
    const old = this.#socket;
    this.#socket = null;
    this.ready = false;
    old?.close(1000);
    try {
      if (!this.#token) await this.#begin();
    } catch (error) {
      return this.#lost(error);
    }
    if (this.#socket) return; /* somebody was faster */
    const socket = new WebSocket(location.origin.replace('http', 'ws') + '/voice');
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => socket.send(JSON.stringify({ type: 'hello', token: this.#token, ...this.wishes() }));
    socket.onmessage = ({ data }) => socket === this.#socket && this.#receive(data);
    socket.onclose = () => socket === this.#socket && this.#lost(new Trouble(GONE));
    this.#socket = socket;
  }

  /** @param {Trouble} why */
  #lost(why) {
    this.#socket = null;
    this.ready = false;
    clearTimeout(this.#retry);
    const wait_ms = BACKOFF_MS[Math.min(this.#attempts++, BACKOFF_MS.length - 1)] * (0.8 + 0.4 * Math.random());
    if (why.code !== 'key') this.#retry = window.setTimeout(() => this.connect(), wait_ms);
    this.onstate('gone', why.message);
  }

  /** @param {string | ArrayBuffer} data */
  #receive(data) {
    if (typeof data !== 'string') {
      if (data.byteLength > 4) this.onsound(new DataView(data).getUint32(0, true), data.slice(4));
      return;
    }
    const event = JSON.parse(data);
    if (event.type === 'ready') {
      this.ready = true;
      this.#attempts = 0;
      this.onstate('ready', event);
    } else if (event.type === 'going_away') {
      this.onstate('leaving', event);
    } else if (!this.ready && event.type === 'error') {
      this.#token = ''; /* the server closes; the next attempt begins a session */
    } else {
      this.onevent(event);
    }
  }

  /** A JSON message, or samples. False: there is no connection. @param {object | Int16Array<ArrayBuffer>} message */
  send(message) {
    if (!this.ready || this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(message instanceof Int16Array ? message : JSON.stringify(message));
    return true;
  }
}
