// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * What a server is asked for, each as one small thing with a known outcome, so that a test can have anything
 * fail while it happens. A flow ends in one of three ways: it answers just as ever, it is refused properly
 * (Refused: the server is short of something and says so, or closes the connection), or it is wrong, which is
 * any other error.
 */
import assert from 'node:assert/strict';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { repartee } from './cli.js';
import { until } from './server.js';
import { HELLO } from './voice.js';

/** The server could not do it, and that is clear to the client. */
export class Refused extends Error {}

/** Codes that do not blame the client. */
const SHORTAGE = new Set(['overloaded', 'engine_unavailable', 'server_timeout', 'model_changing', 'out_of_memory', 'io_error', 'internal', 'disk_full']);
/* A TLS library that is short of memory in a handshake gives all kinds of reasons. */
const CLOSED = /ECONNRESET|EPIPE|EPROTO|SSL routines|socket hang up|aborted|disconnected/;

/** @param {any} error of the body @param {string} where */
export function refuse(error, where) {
  assert.ok(error?.message && error.code, `${where}: an error that says nothing: ${JSON.stringify(error)}`);
  if (SHORTAGE.has(error.code)) throw new Refused(error.code);
  throw new Error(`${where}: ${error.code}: ${error.message}`);
}

/** @typedef {{status: number, headers: http.IncomingHttpHeaders, bytes: Buffer, text: string, json: any}} Answer */

/**
 * One request over a connection of its own. Resolves to an answer below 400, or of the `status` that is wanted.
 * @param {{url: string}} server @param {string} what "GET /path"
 * @param {{body?: string | Buffer | object, type?: string, headers?: Record<string, string>, status?: number, agent?: http.Agent}} [options]
 * @returns {Promise<Answer>}
 */
export function ask(server, what, { body, type, headers = {}, status, agent } = {}) {
  const [method, path] = what.split(' ');
  /** @type {string | Buffer | undefined} */
  const bytes = typeof body === 'object' && !Buffer.isBuffer(body) ? JSON.stringify(body) : body;
  const url = new URL(path, server.url);
  const all = {
    ...(bytes !== undefined && { 'Content-Type': type ?? 'application/json', 'Content-Length': String(Buffer.byteLength(bytes)) }),
    ...headers,
  };
  const options = { method, headers: all, agent: agent ?? false, rejectUnauthorized: false };
  return new Promise((resolve, reject) => {
    const broken = (/** @type {any} */ error) =>
      reject(CLOSED.test(`${error.code} ${error.message}`) ? new Refused('closed') : error);
    const request = (url.protocol === 'https:' ? https : http).request(url, options, (answer) => {
      /** @type {Buffer[]} */
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('error', broken);
      answer.on('end', () => {
        const bytes = Buffer.concat(parts), text = bytes.toString(), code = answer.statusCode ?? 0;
        const isJson = answer.headers['content-type'] === 'application/json';
        try {
          const json = isJson ? JSON.parse(text) : undefined;
          if (code >= 400 && code !== status) refuse(json?.error, `${what} ${code} ${text}`);
          if (status) assert.equal(code, status, text);
          resolve({ status: code, headers: answer.headers, bytes, text, json });
        } catch (error) {
          reject(error);
        }
      });
    });
    request.on('error', broken);
    request.end(bytes);
  });
}

/** The events of a stream; it must end as it should. @param {Answer} answer */
export function eventsOf(answer) {
  const events = answer.text.split('\n').filter((line) => line.startsWith('data: ')).map((line) => JSON.parse(line.slice(6)));
  const last = events.at(-1);
  if (last?.type === 'error') refuse(last.error, 'stream');
  return events;
}

/** @param {any[]} events */
export const answerOf = (events) => events.filter((e) => e.type === 'token').map((e) => e.content).join('');

/** A form with one file. @param {string} name @param {string | Buffer} content @param {Record<string, string>} [fields] in front of it */
export function form(name, content, fields = {}) {
  const edge = 'a-line-that-is-not-in-it';
  const others = Object.entries(fields).map(([field, value]) => `--${edge}\r\nContent-Disposition: form-data; name="${field}"\r\n\r\n${value}\r\n`);
  const head = `${others.join('')}--${edge}\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\n\r\n`;
  return { body: Buffer.concat([Buffer.from(head), Buffer.from(content), Buffer.from(`\r\n--${edge}--\r\n`)]), type: `multipart/form-data; boundary=${edge}` };
}

/** What comes back for these bytes until the server closes. @param {{url: string}} server @param {string} bytes @returns {Promise<string>} */
export function raw(server, bytes) {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve) => {
    let text = '';
    const socket = net.connect(Number(port), hostname, () => socket.write(bytes));
    socket.on('data', (part) => (text += part));
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
  });
}

/** A conversation over WS /voice that waits for nothing but messages. */
export class Talk {
  /** @type {any[]} */
  events = [];
  sounds = 0;
  /** @type {string | null} */
  over = null;
  /** @type {{wanted: (e: any) => boolean, from: number, resolve: (e: any) => void, reject: (e: Error) => void} | null} */
  #waiter = null;

  /** @param {string} url @param {object} hello */
  constructor(url, hello) {
    this.socket = new WebSocket(url.replace('http', 'ws') + 'voice');
    this.socket.binaryType = 'arraybuffer';
    this.socket.onopen = () => this.send({ ...HELLO, output: { format: 'pcm', rate: 16000 }, ...hello });
    this.socket.onmessage = ({ data }) => this.#take(data);
    this.socket.onerror = () => {};
    this.socket.onclose = ({ code, reason }) => {
      this.over = `${code} ${reason}`;
      this.#look();
    };
  }

  /** @param {{url: string}} server @param {object} [hello] */
  static async open(server, hello = {}) {
    const talk = new Talk(server.url, hello);
    talk.ready = await talk.wait((e) => e.type === 'ready');
    return talk;
  }
  /** @type {any} */
  ready = null;

  #take(/** @type {string | ArrayBuffer} */ data) {
    if (typeof data !== 'string') {
      this.sounds++;
      /* Everything counts as heard when it comes. */
      if (this.hurries) this.send({ type: 'played', turn: new DataView(data).getUint32(0, true), ms: 600000 });
      return;
    }
    this.events.push(JSON.parse(data));
    this.#look();
  }
  hurries = true;

  #look() {
    const w = this.#waiter;
    if (!w) return;
    try {
      for (; w.from < this.events.length; w.from++) {
        const e = this.events[w.from];
        if (w.wanted(e)) {
          this.#waiter = null;
          return w.resolve(e);
        }
        if (e.type === 'error') refuse(e.error, '/voice');
      }
      if (this.over?.startsWith('1008')) throw new Error(`closed: ${this.over}`);
      if (this.over) throw new Refused('closed');
    } catch (error) {
      this.#waiter = null;
      w.reject(/** @type {Error} */ (error));
    }
  }

  /** The first such event after number `from`. @param {(e: any) => boolean} wanted @param {number} [from] @returns {Promise<any>} */
  wait(wanted, from = 0) {
    return new Promise((resolve, reject) => {
      this.#waiter = { wanted, from, resolve, reject };
      this.#look();
    });
  }

  /** @param {object} message */
  send(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(ArrayBuffer.isView(message) ? /** @type {any} */ (message) : JSON.stringify(message));
  }

  /** The answer of the turn that begins after event number `from`. @param {number} from */
  async answer(from) {
    await this.wait((e) => e.type === 'end', from);
    const numbers = this.events.map((e) => e.seq).filter((seq) => seq !== undefined);
    assert.deepEqual(numbers, numbers.map((_, i) => numbers[0] + i), 'each event comes once');
    return answerOf(this.events.slice(from));
  }

  async close() {
    this.socket.close();
    if (!this.over) await new Promise((resolve) => this.socket.addEventListener('close', resolve, { once: true }));
  }
}

/** One that is closed whatever happens. @template T @param {{url: string}} server @param {object} hello @param {(talk: Talk) => Promise<T>} body */
export async function talking(server, hello, body) {
  const talk = new Talk(server.url, hello);
  try {
    talk.ready = await talk.wait((e) => e.type === 'ready');
    return await body(talk);
  } finally {
    talk.socket.close();
  }
}

/** Waits until the job of an ingestion is done. @param {{url: string, shim?: {pass: (ms: number) => void}}} server @param {string} job */
export function jobDone(server, job) {
  return until(async () => {
    const { state } = (await ask(server, `GET /rag/jobs/${job}`)).json;
    assert.notEqual(state, 'failed', 'an accepted document failed');
    if (state !== 'done') server.shim?.pass(20); /* it may have been put off */
    return state === 'done';
  }, `job ${job}`);
}

/** The documents whose title is just this. @param {{url: string}} server @param {string} title */
export async function documents(server, title) {
  return (await ask(server, 'GET /rag/documents')).json.documents.filter((/** @type {any} */ d) => d.title === title);
}

/** `repartee ask`. @param {{data: string}} server @param {string} question */
export async function askByCommand(server, question) {
  const { code, out, err } = await repartee(['ask', question, '--data', server.data]);
  if (code === 0) return out;
  assert.ok(err.trim(), `ended with ${code} and without a word`);
  throw new Refused(err);
}
