// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * What visitors do in a session, from its beginning to its end, well or badly; each a function of the server.
 * Those who behave complain when they get no answer; of the others nothing is expected but that they can be borne.
 */
import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { RawWs, frame } from './raw-ws.js';
import { HELLO } from './voice.js';

/** @typedef {{url: string}} Server */
/** @typedef {(server: Server, number: number) => Promise<unknown>} Visit */

const SPEECH = Buffer.alloc(6400, 'ab'); /* 200 ms, not silent */
const PIECE = 640;
const PATIENCE_MS = 180000;

/** One request in a connection of its own. @param {Server} server @param {string} method @param {string} path
 * @param {{token?: string, json?: any, body?: Buffer | string, type?: string}} [what]
 * @returns {Promise<{status: number, text: string}>} */
function request(server, method, path, { token, json, body, type = 'application/json' } = {}) {
  const sent = json === undefined ? body : JSON.stringify(json);
  const headers = {
    ...(token ? { Authorization: `Bearer ${token}` } : {}),
    ...(sent === undefined ? {} : { 'Content-Type': type, 'Content-Length': Buffer.byteLength(sent) }),
  };
  return new Promise((resolve, reject) => {
    http
      .request(server.url + path, { method, headers, agent: false }, async (answer) => {
        const parts = [];
        for await (const part of answer) parts.push(part);
        resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(parts).toString('latin1') });
      })
      .once('error', reject)
      .end(sent);
  });
}

/** @param {Server} server @returns {Promise<{token: string, session_id: string}>} */
async function begin(server) {
  const { status, text } = await request(server, 'POST', 'session', { json: {} });
  assert.equal(status, 200, text);
  return JSON.parse(text);
}

/** Half of them say good-bye, and again when the server is too busy to forget them now; the others are left. @param {Server} server @param {string} token @param {number} number */
async function end(server, token, number) {
  if (number % 2 === 0) return;
  for (const late = Date.now() + PATIENCE_MS; Date.now() < late; ) {
    const { status, text } = await request(server, 'DELETE', 'session', { token });
    if (status === 204) return;
    assert.equal(status, 503, text);
    await sleep(50);
  }
  assert.fail('a session that cannot be ended');
}

/** @param {Server} server @param {object} [hello] */
async function call(server, hello) {
  const ws = await RawWs.open(server.url, 'voice');
  ws.send({ ...HELLO, ...hello });
  return { ws, ready: await ws.event((e) => e.type === 'ready') };
}

/** @param {RawWs} ws @param {number} [bytes] */
function speak(ws, bytes = SPEECH.length) {
  ws.send({ type: 'start' });
  for (let at = 0; at < bytes; at += PIECE) ws.send(SPEECH.subarray(at, at + PIECE));
  ws.send({ type: 'stop' });
}

/** @param {Buffer} samples at 16 kHz */
function wavOf(samples) {
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + samples.length, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(16000, 24);
  head.writeUInt32LE(32000, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36);
  head.writeUInt32LE(samples.length, 40);
  return Buffer.concat([head, samples]);
}

/** @type {Record<string, Visit>} */
export const good = {
  async chat(server, number) {
    const { token } = await begin(server);
    for (const stream of [true, false]) {
      const { status, text } = await request(server, 'POST', 'chat', { token, json: { message: `question ${number}`, stream } });
      assert.equal(status, 200, text);
      assert.match(text, stream ? /"type":"end"/ : /"response":"Yes/);
    }
    await end(server, token, number);
  },
  async typed(server, number) {
    const { token } = await begin(server);
    const { ws } = await call(server, { token });
    ws.send({ type: 'text', text: `question ${number}` });
    assert.equal((await ws.end()).type, 'end');
    await ws.close();
    await end(server, token, number);
  },
  async spoken(server, number) {
    const { ws } = await call(server);
    for (let turn = 0; turn < 2; turn++) {
      const from = ws.events.length;
      speak(ws);
      const last = await ws.end(from);
      assert.equal(last.type, 'end', JSON.stringify(last));
    }
    assert.ok(ws.sounds > 0);
    await ws.close();
  },
  async opus(server, number) {
    const { token } = await begin(server);
    const { ws } = await call(server, { token, output: { format: 'opus' } });
    speak(ws);
    assert.equal((await ws.end()).type, 'end');
    await ws.close();
    await end(server, token, number);
  },
  async handsFree(server) {
    const { ws } = await call(server, { mode: 'hands_free' });
    speak(ws, 3200);
    const from = ws.events.length;
    ws.send({ type: 'text', text: 'and now?' });
    await ws.end(from);
    await ws.close();
  },
  async tts(server, number) {
    const { token } = await begin(server);
    const { status, text } = await request(server, 'POST', 'tts', { token, json: { text: 'Hello.' } });
    assert.ok(status === 200 && text.length > 2000, `${status} ${text.slice(0, 200)}`);
    await end(server, token, number);
  },
  async stt(server, number) {
    const { token } = await begin(server);
    const { status, text } = await request(server, 'POST', 'stt', { token, body: wavOf(SPEECH), type: 'audio/wav' });
    assert.ok(status === 200 && /one two three/.test(text), `${status} ${text}`);
    await end(server, token, number);
  },
  async resumed(server) {
    const first = await call(server, { resume: {} });
    first.ws.send({ type: 'text', text: 'a question' });
    await first.ws.event((e) => e.type === 'token');
    const { events, sounds } = first.ws;
    first.ws.vanish();
    const place = { id: first.ready.resume.id, seq: events.at(-1).seq, sound: sounds };
    const second = await call(server, { session_id: first.ready.session_id, resume: place });
    assert.ok(second.ready.resume.resumed);
    if (!events.some((e) => e.type === 'end')) assert.equal((await second.ws.end()).type, 'end');
    await second.ws.close();
  },
  async document(server, number) {
    const { status, text } = await request(server, 'POST', 'rag/ingest', {
      json: { title: `note ${number}.md`, text: `# Note ${number}\n\nThe gizmo of day ${number} weighs ${number} grams.` },
    });
    assert.equal(status, 202, text);
    const { job } = JSON.parse(text);
    let state;
    for (const late = Date.now() + PATIENCE_MS; Date.now() < late; ) {
      state = JSON.parse((await request(server, 'GET', `rag/jobs/${job}`)).text);
      if (state.state === 'done') break;
      await sleep(10);
    }
    assert.equal(state.state, 'done', JSON.stringify(state));
    const { documents } = JSON.parse((await request(server, 'GET', 'rag/documents?limit=10000')).text);
    const mine = documents.find((/** @type {any} */ d) => d.source === `note ${number}.md`);
    assert.ok(mine, JSON.stringify(documents));
    assert.equal((await request(server, 'DELETE', `rag/documents/${mine.doc_id}`)).status, 204);
  },
};

/** A connection that says `bytes`; gone is when the server has closed it. @param {Server} server @param {string} bytes */
async function say(server, bytes) {
  const { hostname, port } = new URL(server.url);
  const socket = net.connect({ host: hostname, port: Number(port) });
  socket.on('error', () => {});
  socket.write(bytes.replace(/^(\w+ \S+ HTTP\/1\.1\r\n)/, `$1Host: ${hostname}:${port}\r\n`));
  const gone = new Promise((resolve) => socket.once('close', () => resolve(null)));
  await new Promise((resolve) => socket.once('connect', () => resolve(null)).once('close', () => resolve(null)));
  return { socket, gone };
}

const JSON_HEAD = 'Content-Type: application/json\r\n';

/** @type {Record<string, Visit>} */
export const bad = {
  async leavesInTheAnswer(server) {
    const { socket } = await say(server, `POST /chat HTTP/1.1\r\n${JSON_HEAD}Content-Length: 16\r\n\r\n{"message":"go"}`);
    await new Promise((resolve) => socket.once('data', () => resolve(null)).once('close', () => resolve(null)));
    socket.destroy();
  },
  async talksGarbage(server, number) {
    const { token } = await begin(server);
    const { status } = await request(server, 'POST', 'chat', { token, body: `{"message":[${'['.repeat(number % 5000)}` });
    assert.equal(status, 400);
    const { socket, gone } = await say(server, '\x16\x03\x01garbage\r\n\r\n');
    socket.resume();
    await gone;
  },
  async uploadsHalf(server, number) {
    const { path, type } = number % 4 < 2 ? { path: '/stt', type: 'audio/wav' } : { path: '/rag/ingest', type: 'multipart/form-data; boundary=x' };
    const part = '--x\r\nContent-Disposition: form-data; name="file"; filename="a.md"\r\n\r\nhalf a document';
    const { socket } = await say(server, `POST ${path} HTTP/1.1\r\nContent-Type: ${type}\r\nContent-Length: 100000\r\n\r\n${part}`);
    await sleep(20);
    socket.destroy();
  },
  /* Half a request, and then nothing: the deadline ends it. */
  async neverCloses(server) {
    const { socket, gone } = await say(server, 'POST /chat HTTP/1.1\r\nX-Slow: ');
    socket.resume();
    await gone;
  },
  async sendsTooMuch(server, number) {
    const { ws } = await call(server);
    ws.raw(number % 4 < 2 ? frame(2, Buffer.alloc(70000)) : frame(1, Buffer.from('{'), { says: 2 ** 40 }));
    await ws.gone();
  },
  async sendsUnmasked(server) {
    const { ws } = await call(server);
    ws.raw(frame(1, Buffer.from('{"type":"start"}'), { masked: false }));
    await ws.gone();
  },
  /* Sound before hello; then everything at the wrong time. */
  async isOutOfOrder(server) {
    const early = await RawWs.open(server.url, 'voice');
    early.send(SPEECH);
    await early.gone();
    const { ws } = await call(server);
    for (const type of ['stop', 'cancel', 'start', 'start', 'hello', 'nothing', 'text', 'stop', 'stop', 'cancel']) ws.send({ type });
    ws.send({ type: 'played', turn: 1000000, ms: 1000000 });
    ws.send({ type: 'received', seq: 1000000, sound: 1000000 });
    ws.send({ type: 'text', text: 'hello?' });
    await ws.event((e) => e.type === 'end').catch(() => {});
    ws.vanish();
  },
  /* Nobody comes back to this call. */
  async isCutOff(server, number) {
    const { ws } = await call(server, { resume: {}, mode: number % 4 < 2 ? 'push_to_talk' : 'hands_free' });
    speak(ws);
    await sleep(number % 50);
    ws.vanish();
  },
  async doesNotRead(server) {
    const { socket } = await say(server, '');
    socket.pause();
    const { host } = new URL(server.url);
    socket.write(`GET /app.js HTTP/1.1\r\nHost: ${host}\r\n\r\n`.repeat(100));
    await sleep(200);
    socket.destroy();
  },
  /* Gone before anything was said, or half way into the handshake. */
  async vanishes(server) {
    const ws = new RawWs(server.url, 'voice');
    await sleep(1);
    ws.vanish();
    (await say(server, 'GET /voice HTTP/1.1\r\nUpgr')).socket.destroy();
  },
};
