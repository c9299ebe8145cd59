// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * The Wyoming protocol's client end, for what well-behaved clients never do; and the protocol's own client for all
 * else (wyoming_peer.py).
 *
 *   const peer = await Wyoming.open(wyomingOf(server));
 *   peer.send('transcribe', { language: 'en' });
 *   const { data } = await peer.wait('transcript');
 */
import { execFile } from 'node:child_process';
import net from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';

export const LISTEN = ['--wyoming-listen', '127.0.0.1:0'];

/** Where it listens. @param {{log: () => string}} server */
export function wyomingOf(server) {
  const address = /Wyoming is spoken on (\S+)/.exec(server.log())?.[1];
  if (!address) throw new Error(`it does not listen:\n${server.log()}`);
  return address;
}

/** What the protocol's own client tells. @param {{log: () => string}} server @param {...string} command */
export async function python(server, ...command) {
  const { stdout } = await promisify(execFile)('python3', [path.join(import.meta.dirname, 'wyoming_peer.py'), `tcp://${wyomingOf(server)}`, ...command], { maxBuffer: 1 << 24 });
  return JSON.parse(stdout);
}

/** @typedef {{type: string, data: any, payload: Buffer}} Event */

/** @param {string} type @param {object} [data] @param {Uint8Array} [payload] */
export function eventBytes(type, data, payload) {
  const fields = data ? Buffer.from(JSON.stringify(data)) : Buffer.alloc(0);
  const head = { type, ...(data && { data_length: fields.length }), ...(payload && { payload_length: payload.length }) };
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), fields, payload ?? Buffer.alloc(0)]);
}

export class Wyoming {
  /** @type {Event[]} */
  events = [];
  ended = false;
  #rest = Buffer.alloc(0);
  #seen = 0;
  /** @type {() => void} */
  #wake = () => {};

  /** @param {net.Socket} socket */
  constructor(socket) {
    this.socket = socket;
    socket.on('data', (bytes) => this.#take(bytes));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.ended = true;
      this.#wake();
    });
  }

  /** @param {string} address @param {string} [localAddress] whence @returns {Promise<Wyoming>} */
  static open(address, localAddress) {
    const { hostname, port } = new URL(`tcp://${address}`);
    return new Promise((resolve, reject) => {
      const socket = net.connect({ port: Number(port), host: hostname, localAddress }, () => resolve(new Wyoming(socket)));
      socket.once('error', reject);
    });
  }

  #take(/** @type {Buffer} */ bytes) {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    for (let end; (end = this.#rest.indexOf('\n') + 1) > 0; ) {
      const head = JSON.parse(this.#rest.toString('utf8', 0, end));
      const data = end + (head.data_length ?? 0), payload = data + (head.payload_length ?? 0);
      if (this.#rest.length < payload) break;
      this.events.push({ type: head.type, data: data > end ? JSON.parse(this.#rest.toString('utf8', end, data)) : {}, payload: this.#rest.subarray(data, payload) });
      this.#rest = this.#rest.subarray(payload);
    }
    this.#wake();
  }

  /** @param {string} type @param {object} [data] @param {Uint8Array} [payload] */
  send(type, data, payload) {
    this.socket.write(eventBytes(type, data, payload));
  }

  /** So much sound. @param {number} ms @param {{rate?: number, channels?: number}} [format] */
  sound(ms, { rate = 16000, channels = 1 } = {}) {
    this.send('audio-chunk', { rate, width: 2, channels, timestamp: null }, new Uint8Array((ms * rate * 2 * channels) / 1000).fill(7));
  }

  /** The next event of this type that nobody has waited for; others before it are passed over, but for errors. @param {string} type @returns {Promise<Event>} */
  async wait(type) {
    for (;;) {
      while (this.#seen < this.events.length) {
        const event = this.events[this.#seen++];
        if (event.type === type) return event;
        if (event.type === 'error') throw new Error(`instead of ${type}: ${JSON.stringify(event.data)}`);
      }
      if (this.ended) throw new Error(`it has ended, after ${this.events.map((e) => `${e.type} ${JSON.stringify(e.data).slice(0, 100)}`).join(', ')}`);
      await new Promise((resolve) => (this.#wake = () => resolve(null)));
    }
  }

  /** The end of the connection. @returns {Promise<Event[]>} all that came */
  async end() {
    while (!this.ended) await new Promise((resolve) => (this.#wake = () => resolve(null)));
    return this.events;
  }

  close() {
    this.socket.destroy();
  }
}
