// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * The way to the server: a session with its short-lived token (kept in memory only), requests, the
 * event stream of /chat and the WebSocket of /voice. After a cut that comes back by itself and goes on
 * where it was: both sides count what has arrived, and what has not is sent again.
 */
import { Trouble } from '/voice.js';

const GONE = 'The server cannot be reached.';
const REFRESH_AT = 0.8; /* of the token's life */
const BACKOFF_MS = [300, 600, 1200, 2500, 5000, 10000];
const KEPT = 3000; /* messages for a server that is away: a minute of sound */
const THANKS_EVERY = 50; /* binary messages */
const NOWHERE = { id: undefined, seq: undefined, sound: undefined };
const JSON_TYPE = { 'Content-Type': 'application/json' };

/** "too large" → "Too large." @param {string} text */
export function sentence(text) {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : first + '.';
}

async function troubleOf(response) {
  const error = (await response.json().catch(() => null))?.error;
  const wait = Number(response.headers.get('Retry-After'));
  const advice = wait > 0 ? ` Try again in ${wait} s.` : '';
  return new Trouble(sentence(error?.message ?? `status ${response.status}`) + advice, error?.code);
}

/** The JSON objects of an event stream. @returns {AsyncGenerator<TurnEvent>} */
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
  askKey; /* asks the user for the server's */
  /** @type {OnState} */
  onstate;
  /** @type {(event: TurnEvent) => void} */
  onevent;
  /** @type {(turn: number, samples: ArrayBuffer) => void} */
  onsound;
  wishes; /* tells what `hello` says about voice and sound */
  ready = false;
  sessionId = '';
  #token = '';
  #beginning = null;
  #socket = null;
  #attempts = 0;
  #refresh = 0; /* timers */
  #retry = 0;
  /* The conversation to resume: its name, the last event and the binary messages that have arrived. */
  #place = NOWHERE;
  #sent = []; /* messages that may not have arrived */
  #arrived = 0; /* how many have, and were let go of */

  /** A new token; the key is asked for when the server wants one. */
  #begin() {
    this.#beginning ??= this.#newSession().finally(() => (this.#beginning = null));
    return this.#beginning;
  }

  async #newSession() {
    let response = await this.#post('/session', '');
    while (response.status === 401) response = await this.#post('/session', await this.askKey());
    if (!response.ok) throw await troubleOf(response);
    const session = await response.json();
    this.sessionId ||= session.session_id;
    this.#keep(session);
  }

  #post(path, bearer) {
    const headers = { ...JSON_TYPE, ...(bearer && { Authorization: `Bearer ${bearer}` }) };
    return this.#fetch(path, { method: 'POST', headers, body: '{}' });
  }

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
      if (response?.ok) this.#keep(await response.json()); /* else the next 401 asks for another */
    }, life_s * REFRESH_AT * 1000);
  }

  /** A request with the token; one that is not valid any more is replaced, once. Throws Trouble.
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

  async json(path, init) {
    return (await this.request(path, init)).json();
  }

  async *chat(message, use_rag, signal) {
    const body = JSON.stringify({ message, use_rag, stream: true, session_id: this.sessionId });
    yield* events((await this.request('/chat', { method: 'POST', headers: JSON_TYPE, body, signal })).body);
  }

  /** Opens the WebSocket and keeps it open. @param {boolean} [anew] with other wishes: what is under way ends */
  async connect(anew = false) {
    clearTimeout(this.#retry);
    if (anew) {
      this.#forget();
      this.#socket?.close(1000);
      this.#socket = null;
    } else if (this.#socket) return;
    this.ready = false;
    try {
      if (!this.#token) await this.#begin();
    } catch (error) {
      return this.#lost(error);
    }
    if (this.#socket) return; /* somebody was faster */
    const socket = new WebSocket(location.origin.replace('http', 'ws') + '/voice');
    socket.binaryType = 'arraybuffer';
    const who = { token: this.#token, session_id: this.sessionId, resume: this.#place };
    socket.onopen = () => socket.send(JSON.stringify({ type: 'hello', ...who, ...this.wishes() }));
    socket.onmessage = ({ data }) => socket === this.#socket && this.#receive(data);
    socket.onclose = () => socket === this.#socket && this.#lost(new Trouble(GONE));
    this.#socket = socket;
  }

  #lost(why) {
    this.#socket = null;
    this.ready = false;
    const wait_ms = BACKOFF_MS[Math.min(this.#attempts++, BACKOFF_MS.length - 1)] * (0.8 + 0.4 * Math.random());
    if (why.code !== 'key') this.#retry = window.setTimeout(() => this.connect(), wait_ms);
    this.onstate('gone', why.message);
  }

  /** Nothing is left to be resumed. */
  #forget() {
    this.#place = NOWHERE;
    this.#sent = [];
    this.#arrived = 0;
  }

  /** @param {number} count messages that the server has */
  #letGo(count) {
    this.#sent.splice(0, count - this.#arrived);
    this.#arrived = count;
  }

  #receive(data) {
    if (typeof data !== 'string') {
      if (++this.#place.sound % THANKS_EVERY === 0) this.send({ type: 'received', seq: this.#place.seq, sound: this.#place.sound });
      this.onsound(new DataView(data).getUint32(0, true), data.slice(4));
      return;
    }
    const event = JSON.parse(data);
    if (this.ready && event.seq) this.#place.seq = event.seq;
    if (event.type === 'ready') this.#begun(event);
    else if (event.type === 'received') this.#letGo(event.messages);
    else if (event.type === 'going_away') this.onstate('leaving', event);
    else if (this.ready || event.type !== 'error') this.onevent(event);
    else if (event.error.code === 'not_found') this.sessionId = ''; /* the session has ended: another one */
    else this.#token = ''; /* the server closes; the next attempt has a new one */
  }

  #begun(event) {
    const { id, resumed, received } = event.resume;
    if (resumed) this.#letGo(received);
    else this.#forget();
    this.#place = { id, seq: event.seq, sound: resumed ? this.#place.sound : 0 };
    this.sessionId = event.session_id;
    this.ready = true;
    this.#attempts = 0;
    for (const message of this.#sent) this.#socket.send(message);
    this.onstate('ready', event);
  }

  /** A JSON message, or samples; during a cut they are kept for later. False: there is nobody to send to.
   * @param {object | Samples} message */
  send(message) {
    if (this.#sent.length >= KEPT) this.#forget();
    if (!this.#place.id) return false;
    const data = message instanceof Int16Array ? message : JSON.stringify(message);
    this.#sent.push(data);
    if (this.ready && this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(data);
    return true;
  }
}
