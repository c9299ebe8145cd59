// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * What people do with a server, one after another, each on a new connection, with a book of what the
 * server has acknowledged. A flow that came to nothing resolves to the reason; it throws when the server
 * answered what no server should.
 *
 *   const flows = new Flows(server);
 *   assert.equal(await flows.run('chat'), '');
 *   … a restart …
 *   await flows.checkDocuments(other);
 *   flows.checkAnswered(other.data);
 */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SANITIZED } from './scale.js';
import { until } from './server.js';
import { VoiceClient } from './voice.js';

export const SCRIPTED = ['--stt-driver', 'scripted', '--tts-driver', 'scripted', '--llm-driver', 'scripted', '--llm-script', 'text=Yes indeed.',
  '--stt-script', 'text=one two', '--limit-turns', '100000'];
const PATIENCE_MS = 120000;
const TURNS_KEPT = 20; /* HISTORY_ENTRIES_MAX / 2 */
const speech = new Int16Array(1600);

/** A whole answer, on a connection of its own. @typedef {{status: number, body: Buffer}} Answer */
/**
 * @param {string} url @param {string} method @param {object} [body] @param {string} [token] @param {number} [limit_ms]
 * @returns {Promise<Answer>}
 */
export function request(url, method, body, token, limit_ms = PATIENCE_MS) {
  const { request } = url.startsWith('https') ? https : http;
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) };
    const asking = request(url, { method, headers, agent: false, rejectUnauthorized: false, signal: AbortSignal.timeout(limit_ms) }, async (answer) => {
      try {
        const pieces = [];
        for await (const piece of answer) pieces.push(piece);
        resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(pieces) });
      } catch (error) {
        reject(error);
      }
    });
    asking.once('error', reject);
    asking.end(body && JSON.stringify(body));
  });
}

/** Why not; what the server says in its errors has a code and a sentence. @param {Answer} answer @param {number} wanted */
function refusal({ status, body }, wanted) {
  if (status === wanted) return '';
  assert.ok(status >= 400 && status < 600, `status ${status}`);
  const { error } = JSON.parse(body.toString());
  assert.match(error.code, /^\w+$/);
  assert.match(error.message, /\w+ \w+/);
  return `${status} ${error.code}`;
}

/** Open descriptors, or threads. @param {number} pid @param {'fd' | 'task'} what */
export const count = (pid, what) => readdirSync(`/proc/${pid}/${what}`).length;

/** Milliseconds that a process has computed. @param {number} pid */
export function computed(pid) {
  const [user, system] = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ').slice(11, 13);
  return 10 * (Number(user) + Number(system));
}

export class Flows {
  /** Questions that were answered, by session. @type {Map<string, string[]>} */ #answered = new Map();
  /** @type {{token: string, id: string, turns: number} | null} */ #session = null;
  /** Names of documents that were accepted, and their jobs. @type {Map<string, string>} */ #accepted = new Map();
  #read = /** @type {Set<string>} */ (new Set());
  #deleted = /** @type {Set<string>} */ (new Set());
  /** Whose deletion was begun: they may be there or not. */
  #doomed = /** @type {Set<string>} */ (new Set());
  #number = 0;
  patience_ms = PATIENCE_MS; /* with an answer */

  /** @param {{url: string, data: string, pid: number}} server */
  constructor(server) {
    this.server = server;
  }

  /** @param {string} what @param {string} method @param {object} [body] @param {string} [token] @param {number} [limit_ms] */
  call(what, method, body, token, limit_ms = this.patience_ms) {
    return request(this.server.url + what, method, body, token, limit_ms);
  }

  /** @param {'chat' | 'voice' | 'tts' | 'ingest' | 'remove' | 'visit' | 'engine'} flow @returns {Promise<string>} */
  async run(flow) {
    try {
      return await this[flow]();
    } catch (error) {
      const { code, name, message } = /** @type {any} */ (error);
      if (name === 'AssertionError' || name === 'SyntaxError') throw error;
      return `${code ?? name}: ${message}`;
    }
  }

  async visit() {
    return refusal(await this.call('healthz', 'GET'), 200);
  }

  async chat() {
    if (!this.#session || this.#session.turns >= TURNS_KEPT) {
      const begun = await this.call('session', 'POST');
      if (begun.status !== 200 && begun.status !== 201) return refusal(begun, 200);
      const { token, session_id } = JSON.parse(begun.body.toString());
      this.#session = { token, id: session_id, turns: 0 };
    }
    const session = this.#session, message = `question ${this.#number++}`;
    session.turns++;
    const answer = await this.call('chat', 'POST', { message, stream: false, use_rag: true }, session.token);
    const why = refusal(answer, 200);
    if (why) return why;
    assert.match(answer.body.toString(), /Yes indeed\./);
    this.#answered.set(session.id, [...(this.#answered.get(session.id) ?? []), message]);
    return '';
  }

  async voice() {
    const voice = new VoiceClient(this.server.url);
    try {
      const late = AbortSignal.timeout(Math.max(this.patience_ms, SANITIZED ? 12000 : 6000));
      const over = () => late.aborted || voice.closed;
      await until(() => over() || voice.socket.readyState === WebSocket.OPEN, 'a connection');
      if (over()) return `no connection: ${JSON.stringify(voice.closed)}`;
      voice.hurries = true;
      voice.send({ type: 'hello', format: 'pcm_s16le', rate: 16000, output: { format: 'pcm', rate: 22050 }, mode: 'push_to_talk', use_rag: true });
      for (const message of [{ type: 'start' }, speech, { type: 'stop' }]) voice.send(message);
      const ended = () => voice.events.find((e) => ['end', 'error'].includes(e.type));
      await until(() => over() || ended(), 'an end');
      const last = ended();
      if (last?.type !== 'end') return `no end: ${JSON.stringify(last ?? voice.closed)}`;
      assert.equal(voice.events.find((e) => e.type === 'final')?.text, 'one two');
      assert.ok(voice.sound.size > 0, 'no sound');
      return '';
    } finally {
      voice.close();
    }
  }

  async tts() {
    const answer = await this.call('tts', 'POST', { text: 'Good morning.', format: 'wav' });
    const why = refusal(answer, 200);
    if (!why) assert.equal(answer.body.subarray(0, 4).toString(), 'RIFF');
    return why;
  }

  /** @param {string} [text] @returns {Promise<string>} */
  async ingest(text = 'marmalade. '.repeat(400)) {
    const title = `Report ${this.#number++}`;
    const answer = await this.call('rag/ingest', 'POST', { title, text: `# ${title}\n\nIt has ${text}` });
    const why = refusal(answer, 202);
    if (!why) this.#accepted.set(title, JSON.parse(answer.body.toString()).job);
    return why;
  }

  /** An engine is killed, and there is another. */
  async engine() {
    const look = async () => JSON.parse((await this.call('readyz', 'GET')).body.toString()).engines.tts;
    const { pid } = await look();
    if (pid > 1) process.kill(pid, 'SIGKILL');
    const again = async () => {
      const now = await look().catch(() => null);
      return now?.state === 'ready' && now.pid !== pid;
    };
    await until(again, 'another engine', 4000);
    return '';
  }

  async documents() {
    /** @type {any[]} */
    const all = [];
    for (let what = 'rag/documents'; what; ) {
      const answer = await this.call(what, 'GET');
      const why = refusal(answer, 200);
      if (why) throw new Error(why);
      const { documents, next } = JSON.parse(answer.body.toString());
      all.push(...documents);
      what = next?.slice(1);
    }
    return all;
  }

  /** Is there anything to remove? */
  get holds() {
    return this.#accepted.size;
  }

  /** One of the documents that were accepted. @returns {Promise<string>} */
  async remove() {
    const [title] = this.#accepted.keys();
    if (!title) return (await this.ingest()) || this.remove();
    const found = (await this.documents()).find((d) => d.source === title);
    assert.ok(found || this.#doomed.has(title), `${title} was accepted and is not there`);
    if (!found) {
      this.#accepted.delete(title);
      return this.remove();
    }
    this.#doomed.add(title);
    const why = refusal(await this.call(`rag/documents/${found.doc_id}`, 'DELETE'), 204);
    if (!why) {
      this.#accepted.delete(title);
      this.#deleted.add(title);
    }
    return why;
  }

  /** All that was accepted has been read. */
  async settle(patience_ms = 240000) {
    for (const [title, job] of this.#accepted) {
      if (this.#read.has(title)) continue;
      await until(async () => {
        const { status, body } = await this.call(`rag/jobs/${job}`, 'GET').catch(() => ({ status: 0, body: '' }));
        if (status !== 200) return false;
        const { state, error } = JSON.parse(body.toString());
        assert.notEqual(state, 'failed', `${title}: ${error}`);
        return state === 'done';
      }, `the reading of ${title}`, patience_ms);
      this.#read.add(title);
    }
  }

  /** Documents that were acknowledged are there, and whole; the server may be another one by now. @param {{url: string, data: string, pid: number}} server */
  async checkDocuments(server) {
    this.server = server;
    this.#session = null; /* it may be unknown to this one */
    const documents = await this.documents();
    const has = new Map(documents.map((d) => [d.source, d]));
    for (const title of this.#accepted.keys()) {
      assert.ok(has.has(title) || this.#doomed.has(title), `${title} was accepted and is lost`);
      if (this.#read.has(title) && has.has(title)) assert.ok(has.get(title).state === 'done' && has.get(title).chunks > 0, `${title} is half`);
    }
    for (const title of this.#deleted) assert.ok(!has.has(title), `${title} was deleted and is there`);
    await this.settle();
  }

  /** So are the conversations. @param {string} data */
  checkAnswered(data) {
    const db = new DatabaseSync(path.join(data, 'sessions.db'), { readOnly: true });
    try {
      for (const [id, asked] of this.#answered) {
        const said = /** @type {any} */ (db.prepare('SELECT said FROM sessions WHERE id = ?').get(id))?.said ?? '[]';
        const kept = new Set(JSON.parse(said).map((/** @type {any} */ one) => one.text));
        for (const question of asked) assert.ok(kept.has(question), `${question} of ${id} was answered and is lost`);
      }
    } finally {
      db.close();
    }
  }
}
