// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * A WebSocket by hand, so that a test can also break it: send frames that nobody may send, and vanish in the
 * middle of anything.
 *
 *   const ws = await RawWs.open(server.url, 'voice');
 *   ws.send({ type: 'hello', … });
 *   const ready = await ws.event((e) => e.type === 'ready');
 *   ws.vanish();
 */
import net from 'node:net';

const PATIENCE_MS = 180000;

/** A frame of a client; its mask is all zeros. @param {number} op @param {Buffer} payload @param {{masked?: boolean, says?: number}} [how]
 * says: the length that it tells, when it is not the true one */
export function frame(op, payload, { masked = true, says = payload.length } = {}) {
  const mask = masked ? 0x80 : 0;
  const head = says < 126 ? Buffer.from([0x80 | op, mask | says]) : Buffer.alloc(says < 65536 ? 4 : 10);
  if (says >= 126) {
    head[0] = 0x80 | op;
    head[1] = mask | (says < 65536 ? 126 : 127);
    if (says < 65536) head.writeUInt16BE(says, 2);
    else head.writeBigUInt64BE(BigInt(says), 2);
  }
  return Buffer.concat([head, Buffer.alloc(masked ? 4 : 0), payload]);
}

export class RawWs {
  /** @type {any[]} */
  events = [];
  /** How many messages of sound have come. */
  sounds = 0;
  closed = false;
  #bytes = Buffer.alloc(0);
  #upgraded = false;
  /** @type {(() => void) | null} */
  #wake = null;

  /** @param {string} url of the server @param {string} path */
  constructor(url, path) {
    const { hostname, port } = new URL(url);
    this.socket = net.connect({ host: hostname, port: Number(port), noDelay: true });
    this.socket.on('error', () => {});
    this.socket.on('close', () => ((this.closed = true), this.#wake?.()));
    this.socket.on('data', (bytes) => this.#take(bytes));
    this.socket.write(
      `GET /${path} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n',
    );
  }

  /** @param {string} url @param {string} path */
  static async open(url, path) {
    const ws = new RawWs(url, path);
    await ws.#wait(() => ws.#upgraded, 'an open WebSocket');
    return ws;
  }

  /** @param {Buffer} bytes */
  #take(bytes) {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    if (!this.#upgraded) {
      const end = this.#bytes.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.#upgraded = this.#bytes.toString('latin1', 0, 12) === 'HTTP/1.1 101';
      this.#bytes = this.#bytes.subarray(end + 4);
    }
    while (this.#upgraded && this.#next());
    this.#wake?.();
  }

  /** One frame, if it is there. */
  #next() {
    const b = this.#bytes;
    const short = b.length < 2 ? 0 : b[1];
    const head = short === 127 ? 10 : short === 126 ? 4 : 2;
    if (b.length < head) return false;
    const n = short === 127 ? Number(b.readBigUInt64BE(2)) : short === 126 ? b.readUInt16BE(2) : short;
    if (b.length < head + n) return false;
    const payload = b.subarray(head, head + n);
    if ((b[0] & 15) === 1) this.events.push(JSON.parse(payload.toString()));
    else if ((b[0] & 15) === 2) this.#sound(payload);
    else if ((b[0] & 15) === 8) this.socket.end(frame(8, Buffer.from(payload)));
    else if ((b[0] & 15) === 9) this.raw(frame(10, Buffer.from(payload)));
    this.#bytes = b.subarray(head + n);
    return true;
  }

  /** All of it is heard at once: nobody waits for a loudspeaker. @param {Buffer} payload */
  #sound(payload) {
    this.sounds++;
    this.send({ type: 'played', turn: payload.readUInt32LE(0), ms: 600000 });
  }

  /** @param {() => unknown} check @param {string} what */
  async #wait(check, what) {
    const late = setTimeout(() => this.socket.destroy(), PATIENCE_MS);
    for (;;) {
      const value = check();
      if (value || this.closed) {
        clearTimeout(late);
        if (value) return value;
        throw new Error(`closed instead of ${what}; the last event was ${JSON.stringify(this.events.at(-1))}`);
      }
      await new Promise((resolve) => (this.#wake = () => resolve(null)));
    }
  }

  /** @param {(e: any) => boolean} wanted @param {number} [from] index */
  async event(wanted, from = 0) {
    return /** @type {any} */ (await this.#wait(() => this.events.slice(from).find(wanted), `an event ${wanted}`));
  }

  /** The end of the turn. @param {number} [from] */
  end(from = 0) {
    return this.event((e) => e.type === 'end' || e.type === 'error' || e.type === 'interrupted', from);
  }

  /** @param {object | Buffer} message */
  send(message) {
    this.raw(Buffer.isBuffer(message) ? frame(2, message) : frame(1, Buffer.from(JSON.stringify(message))));
  }

  /** @param {Buffer | string} bytes */
  raw(bytes) {
    if (this.socket.writable) this.socket.write(bytes);
  }

  async close() {
    this.raw(frame(8, Buffer.from([0x03, 0xe8])));
    await this.gone();
  }

  async gone() {
    await this.#wait(() => this.closed, 'its end');
  }

  /** As when a cable is pulled: no close, no end. */
  vanish() {
    this.socket.destroy();
  }
}
