// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * The server's end of the engine protocol in JavaScript: starts an engine program and talks to it.
 * Messages are known from src/wire/msg_table.h itself. Files cannot be passed from here; for
 * repartee-read there is engine_peer.c.
 *
 *   const tts = await Engine.start(t, 'tts', { driver: 'builtin' });
 *   tts.send('tts_open', 1, { voice: 'rms', rate_hz: 16000 });
 *   for await (const m of tts.stream(1)) if (m.name === 'audio') …m.samples…
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';

const HEADER = 12;
const root = path.join(import.meta.dirname, '../..');

/** @typedef {{name: string, type: number, fields: {kind: string, name: string}[]}} Kind */
/** @type {Map<string | number, Kind>} */
const kinds = new Map();
for (const [, name, type, fields] of readFileSync(path.join(root, 'src/wire/msg_table.h'), 'utf8').matchAll(
  /^MSG\((\w+),\s*(0x[0-9a-f]+),\s*\w,\s*(.*)\)$/gm,
)) {
  const list = [...fields.matchAll(/(U32|U64|F32|STR|BYTES)\(\w+, (\w+)\)/g)];
  const kind = { name, type: Number(type), fields: list.map(([, k, n]) => ({ kind: k, name: n })) };
  kinds.set(name, kind).set(kind.type, kind);
}

/** @param {string} name @param {number} stream @param {Record<string, any>} values */
function encode(name, stream, values) {
  const kind = kinds.get(name);
  assert.ok(kind, `there is no message ${name}`);
  const parts = kind.fields.map((field) => {
    const value = values[field.name];
    const bytes = Buffer.alloc(field.kind === 'U64' ? 8 : 4);
    if (field.kind === 'U64') bytes.writeBigUInt64LE(BigInt(value ?? 0));
    else if (field.kind === 'F32') bytes.writeFloatLE(value ?? 0);
    else if (field.kind === 'U32') bytes.writeUInt32LE(value ?? 0);
    else {
      const text = Buffer.from(value ?? '');
      bytes.writeUInt32LE(text.length);
      return Buffer.concat([bytes, text]);
    }
    return bytes;
  });
  const payload = Buffer.concat(parts);
  const head = Buffer.alloc(HEADER);
  head.writeUInt32LE(payload.length, 0);
  head.writeUInt16LE(kind.type, 4);
  head.writeUInt32LE(stream, 8);
  return Buffer.concat([head, payload]);
}

/** @param {Buffer} frame @returns {Record<string, any>} */
function decode(frame) {
  const kind = kinds.get(frame.readUInt16LE(4));
  assert.ok(kind, 'a message that is not in the table');
  /** @type {Record<string, any>} */
  const message = { name: kind.name, stream: frame.readUInt32LE(8), at: performance.now() };
  let at = HEADER;
  for (const { kind: k, name } of kind.fields) {
    if (k === 'U64') message[name] = Number(frame.readBigUInt64LE(at));
    else if (k === 'F32') message[name] = frame.readFloatLE(at);
    else message[name] = frame.readUInt32LE(at);
    at += k === 'U64' ? 8 : 4;
    if (k !== 'STR' && k !== 'BYTES') continue;
    const bytes = frame.subarray(at, at + message[name]);
    at += bytes.length;
    message[name] = k === 'STR' ? bytes.toString() : Buffer.from(bytes);
  }
  assert.equal(at, frame.length);
  return message;
}

export class Engine {
  /** @type {Record<string, any>[]} */ #heard = [];
  /** @type {(() => void) | null} */ #wake = null;
  #rest = Buffer.alloc(0);
  ended = false;

  /** @param {import('node:child_process').ChildProcess} child */
  constructor(child) {
    this.child = child;
    this.socket = /** @type {import('node:net').Socket} */ (child.stdio[3]);
    this.socket.on('data', (bytes) => this.#take(bytes));
    for (const event of ['end', 'error', 'close']) this.socket.on(event, () => this.#over());
  }

  /**
   * Starts repartee-ROLE of the build under test, loads the driver, ends it with the test.
   * @param {{after: (f: () => any) => void} | null} t @param {string} role
   * @param {{driver: string, model?: string, options?: string, threads?: number, vad?: string, vad_sha256?: string}} load
   * @param {NodeJS.ProcessEnv} [env] beside this process's
   */
  static async start(t, role, load, env) {
    const program = path.join(process.env.TEST_BUILD ?? path.join(root, 'build'), `repartee-${role}`);
    const child = spawn(program, ['--fd', '3'], { stdio: ['ignore', 'inherit', 'inherit', 'pipe'], env: { ...process.env, ...env } });
    const engine = new Engine(child);
    t?.after(() => engine.stop());
    assert.equal((await engine.next()).name, 'hello');
    engine.send('load', 0, { threads: 2, ...load });
    do engine.ready = await engine.next();
    while (engine.ready.name === 'tts_voices');
    assert.equal(engine.ready.name, 'ready', engine.ready.text);
    return engine;
  }
  /** @type {Record<string, any>} */ ready = {};

  /** @param {string} name @param {number} stream @param {Record<string, any>} [values] */
  send(name, stream, values = {}) {
    this.socket.write(encode(name, stream, values));
  }

  /** The next message of any stream; sound and text are paid for at once. */
  async next() {
    while (this.#heard.length === 0) {
      assert.ok(!this.ended, 'the engine has gone');
      await new Promise((resolve) => (this.#wake = () => resolve(null)));
    }
    return /** @type {Record<string, any>} */ (this.#heard.shift());
  }

  /** Everything of one stream up to its end; others' messages are dropped. @param {number} id */
  async *stream(id) {
    for (;;) {
      const message = await this.next();
      if (message.stream !== id) continue;
      yield message;
      if (/^(fail|\w+_done|stt_final)$/.test(message.name)) return;
    }
  }

  async stop() {
    this.socket.destroy();
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
    return this.child.signalCode ?? this.child.exitCode;
  }

  /** @param {Buffer} bytes */
  #take(bytes) {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= HEADER && this.#rest.length >= HEADER + this.#rest.readUInt32LE(0)) {
      const n = HEADER + this.#rest.readUInt32LE(0);
      const message = decode(this.#rest.subarray(0, n));
      this.#rest = this.#rest.subarray(n);
      if (message.name === 'audio') this.send('credit', message.stream, { bytes: n - HEADER });
      this.#heard.push(message);
    }
    this.#wake?.();
  }

  #over() {
    this.ended = true;
    this.#wake?.();
  }
}
