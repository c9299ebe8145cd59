// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * A client of WS /voice that comes back after every cut: it keeps what it has sent until the server has it, and
 * says how much it has got. Complains when anything is lost or comes twice.
 */
import { until } from './server.js';
import { HELLO } from './voice.js';

export class ResumingClient {
  /** @type {any[]} */
  events = [];
  /** All messages of sound, in order. @type {Uint8Array[]} */
  sounds = [];
  /** @type {string[]} */
  complaints = [];
  cuts = 0;
  over = false;
  closed = null; /* it comes back */
  #seq = 0;
  #id = '';
  #session = '';
  /** What was sent; the first `#gone` have been let go of. @type {(string | Uint8Array<ArrayBuffer>)[]} */
  #sent = [];
  #gone = 0;
  #ready = false;
  /** @type {WebSocket | null} */
  #socket = null;

  /** @param {string} url @param {object} [hello] */
  constructor(url, hello = {}) {
    this.url = url.replace('http', 'ws') + 'voice';
    this.hello = { ...HELLO, ...hello };
    this.#connect();
  }

  #connect() {
    const socket = (this.#socket = new WebSocket(this.url));
    socket.binaryType = 'arraybuffer';
    const known = this.#id ? { session_id: this.#session, resume: { id: this.#id, seq: this.#seq, sound: this.sounds.length } } : { resume: {} };
    socket.onopen = () => socket.send(JSON.stringify({ ...this.hello, ...known }));
    socket.onmessage = ({ data }) => socket === this.#socket && this.#take(data);
    socket.onerror = () => {};
    socket.onclose = ({ code, reason }) => {
      if (this.over || socket !== this.#socket) return;
      this.#ready = false;
      this.cuts++;
      if (code !== 1006) this.complaints.push(`closed with ${code} ${reason}`);
      else setTimeout(() => this.over || this.#connect(), 5);
    };
  }

  /** @param {string | ArrayBuffer} data */
  #take(data) {
    if (typeof data !== 'string') {
      this.sounds.push(new Uint8Array(data));
      if (this.onsound) this.onsound(new DataView(data).getUint32(0, true));
      return;
    }
    const event = JSON.parse(data);
    if (event.type === 'ready') return this.#begin(event);
    if (event.type === 'received') return this.#forget(event.messages);
    if (event.seq !== ++this.#seq) this.complaints.push(`event ${event.seq} came as number ${this.#seq}`);
    this.events.push(event);
  }

  #begin(ready) {
    if (this.#id) {
      if (!ready.resume.resumed) this.complaints.push('not resumed');
      if (ready.resume.id !== this.#id || ready.seq !== this.#seq) this.complaints.push(JSON.stringify(ready));
    } else {
      this.#seq = ready.seq;
    }
    this.#id = ready.resume.id;
    this.#session = ready.session_id;
    this.#forget(ready.resume.received);
    this.#ready = true;
    for (const message of this.#sent) this.#socket?.send(message);
  }

  /** @param {number} received messages that the server has */
  #forget(received) {
    if (received < this.#gone || received > this.#gone + this.#sent.length) this.complaints.push(`received ${received}`);
    this.#sent.splice(0, received - this.#gone);
    this.#gone = received;
  }

  /** Called for each message of sound. @type {((turn: number) => void) | null} */
  onsound = null;

  /** @param {object | Int16Array<ArrayBuffer>} message */
  send(message) {
    const data = message instanceof Int16Array ? new Uint8Array(message.buffer, message.byteOffset, message.byteLength) : JSON.stringify(message);
    this.#sent.push(data);
    if (this.#ready && this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(data);
  }

  /** What has arrived is not needed any more. */
  acknowledge() {
    this.send({ type: 'received', seq: this.#seq, sound: this.sounds.length });
  }

  /** What it would say to resume. */
  get place() {
    return { id: this.#id, seq: this.#seq, sound: this.sounds.length, session_id: this.#session };
  }

  /** @param {(e: any) => boolean} wanted @param {string} what @param {number} [from] */
  wait(wanted, what, from = 0) {
    return until(() => {
      if (this.complaints.length) throw new Error(this.complaints.join('; '));
      return this.events.slice(from).find(wanted);
    }, what, 60000);
  }

  /** The sound of a turn as one. @param {number} turn */
  soundOf(turn) {
    return Buffer.concat(this.sounds.filter((s) => new DataView(s.buffer).getUint32(0, true) === turn).map((s) => s.subarray(4)));
  }

  close() {
    this.over = true;
    this.#socket?.close();
  }
}
