// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* What strangers send: each case gets its status or close code, and the server answers the next request. */
import assert from 'node:assert/strict';
import net from 'node:net';
import test from 'node:test';
import { startServer, untilReady } from '../lib/server.js';
import { HELLO, VoiceClient } from '../lib/voice.js';

const SCRIPTED = ['--stt-driver', 'scripted', '--llm-driver', 'scripted', '--tts-driver', 'scripted'];

const PATIENCE_MS = 180000;

/** Is it an answer, and whole? @param {string} answer */
function isWhole(answer) {
  const end = answer.indexOf('\r\n\r\n');
  return end >= 0 && answer.length - end - 4 >= Number(/^content-length: *(\d+)/im.exec(answer.slice(0, end))?.[1] ?? Infinity);
}

/** Sends bytes, resolves with the answer, or what came of one before the end. @param {string} url @param {string|Buffer} bytes @returns {Promise<string>} */
function raw(url, bytes) {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    let answer = '';
    const socket = net.connect(Number(port), hostname, () => socket.write(bytes));
    const done = () => (clearTimeout(late), socket.destroy(), resolve(answer));
    const late = setTimeout(done, PATIENCE_MS);
    socket.on('data', (data) => {
      answer += data.toString('latin1');
      if (isWhole(answer)) done();
    });
    socket.on('close', done);
    socket.on('error', done);
  });
}

const H = 'Host: 127.0.0.1\r\n';
const J = 'Content-Type: application/json\r\n';
/** Raw requests and the status that they must get (RFC 9110: 501 for methods and 505 for versions that nobody knows). @type {[string, string, number][]} */
const REQUESTS = [
  ['no host', 'GET /healthz HTTP/1.1\r\n\r\n', 400],
  ['two hosts', `GET /healthz HTTP/1.1\r\n${H}${H}\r\n`, 400],
  ['foreign host', 'GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n', 403],
  ['foreign origin', `POST /chat HTTP/1.1\r\n${H}Origin: https://evil.example\r\nContent-Length: 2\r\n\r\n{}`, 403],
  ['null origin', `POST /session HTTP/1.1\r\n${H}Origin: null\r\nContent-Length: 2\r\n\r\n{}`, 403],
  ['length and chunks', `POST /chat HTTP/1.1\r\n${H}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
  ['two lengths', `POST /chat HTTP/1.1\r\n${H}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`, 400],
  ['negative length', `POST /chat HTTP/1.1\r\n${H}Content-Length: -1\r\n\r\n`, 400],
  ['length that overflows', `POST /chat HTTP/1.1\r\n${H}Content-Length: 99999999999999999999999\r\n\r\n`, 400],
  ['bare line feeds', 'GET /healthz HTTP/1.1\nHost: 127.0.0.1\n\n', 400],
  ['folded header', `GET /healthz HTTP/1.1\r\n${H}X: a\r\n b\r\n\r\n`, 400],
  ['blank before the colon', 'GET /healthz HTTP/1.1\r\nHost : 127.0.0.1\r\n\r\n', 400],
  ['control byte', `GET /healthz HTTP/1.1\r\n${H}X: a\x01b\r\n\r\n`, 400],
  ['no HTTP', 'hello, is anybody there?\r\n\r\n', 400],
  ['TLS', Buffer.from('16030100a5010000a10303', 'hex').toString('latin1') + '\r\n\r\n', 400],
  ['HTTP/3', `GET / HTTP/3.0\r\n${H}\r\n`, 505],
  ['long header', `GET /healthz HTTP/1.1\r\n${H}X: ${'a'.repeat(20000)}\r\n\r\n`, 431],
  ['many headers', `GET /healthz HTTP/1.1\r\n${H}${'X: a\r\n'.repeat(3000)}\r\n`, 431],
  ['long target', `GET /${'a'.repeat(10000)} HTTP/1.1\r\n${H}\r\n`, 414],
  ['dots in the path', `GET /../etc/passwd HTTP/1.1\r\n${H}\r\n`, 400],
  ['hidden dots', `GET /%2e%2e/etc/passwd HTTP/1.1\r\n${H}\r\n`, 400],
  ['NUL in the path', `GET /%00 HTTP/1.1\r\n${H}\r\n`, 400],
  ['unknown path', `GET /nothing HTTP/1.1\r\n${H}\r\n`, 404],
  ['wrong method', `DELETE /chat HTTP/1.1\r\n${H}\r\n`, 405],
  ['unknown method', `BREW /chat HTTP/1.1\r\n${H}\r\n`, 400],
  ['method of no use', `PROPFIND /chat HTTP/1.1\r\n${H}\r\n`, 405],
  ['body too large', `POST /chat HTTP/1.1\r\n${H}${J}Content-Length: 999999999\r\n\r\n`, 413],
  ['bad chunk', `POST /chat HTTP/1.1\r\n${H}${J}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, 400],
  ['token in the URL', `GET /rag/documents?token=abc HTTP/1.1\r\n${H}\r\n`, 400], /* open to loopback without it */
  ['key in the URL', `GET /voice?a=b&API_KEY=abc HTTP/1.1\r\n${H}Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n`, 400],
  ['no token', `GET /rag/documents HTTP/1.1\r\n${H}Authorization: Basic abc\r\n\r\n`, 401],
  ['forged token', `GET /rag/documents HTTP/1.1\r\n${H}Authorization: Bearer eyJhbGciOiJub25lIn0.e30.\r\n\r\n`, 401],
  ['upgrade without a key', `GET /voice HTTP/1.1\r\n${H}Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n`, 400],
  ['old WebSocket', `GET /voice HTTP/1.1\r\n${H}Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 8\r\n\r\n`, 426],
  ['WebSocket from elsewhere', `GET /voice HTTP/1.1\r\n${H}Origin: https://evil.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n`, 403],
  ['no WebSocket', `GET /voice HTTP/1.1\r\n${H}\r\n`, 400],
];

test('hostile requests @tsan', async (t) => {
  const server = await startServer(t, { args: SCRIPTED });
  await untilReady(server);
  for (const [name, bytes, status] of REQUESTS) {
    await t.test(name, async () => {
      const answer = await raw(server.url, bytes);
      assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `));
      assert.match(answer, /"error":\{"message":"[^"]+/);
      assert.equal((await fetch(server.url + 'healthz')).status, 200);
    });
  }
});

/** JSON bodies, the status, and the field that is named. @type {[string, string, string, number, string|null][]} */
const BODIES = [
  ['/chat', 'empty', '', 400, null],
  ['/chat', 'no JSON', '{"message":', 400, null],
  ['/chat', 'an array', '[]', 400, null],
  ['/chat', 'no message', '{}', 400, 'message'],
  ['/chat', 'a number', '{"message":5}', 400, 'message'],
  ['/chat', 'an empty message', '{"message":""}', 400, 'message'],
  ['/chat', 'blanks', '{"message":"  \\n "}', 400, 'message'],
  ['/chat', 'unknown field', '{"message":"a","colour":"red"}', 400, 'colour'],
  ['/chat', 'a field twice', '{"message":"a","message":"b"}', 400, null],
  ['/chat', 'too deep', '{"message":' + '['.repeat(100) + ']'.repeat(100) + '}', 413, null],
  ['/chat', 'lone surrogate', '{"message":"\\ud800"}', 400, null],
  ['/chat', 'too long', JSON.stringify({ message: 'a'.repeat(17000) }), 400, 'message'],
  ['/chat', 'unknown session', '{"message":"a","session_id":"00112233445566778899aabbccddeeff"}', 404, 'session_id'],
  ['/chat', 'many tokens', '{"message":"a","max_tokens":1e9}', 400, 'max_tokens'],
  ['/chat', 'no tokens', '{"message":"a","max_tokens":0}', 400, 'max_tokens'],
  ['/tts', 'no text', '{}', 400, 'text'],
  ['/tts', 'blank text', '{"text":"   "}', 400, 'text'],
  ['/tts', 'unknown format', '{"text":"a","format":"mp3"}', 400, 'format'],
  ['/tts', 'a rate that Opus has not', '{"text":"a","format":"opus","rate":22050}', 400, 'rate'],
  ['/tts', 'impossible rate', '{"text":"a","rate":1}', 400, 'rate'],
  ['/tts', 'impossible speed', '{"text":"a","speed":1000}', 400, 'speed'],
  ['/rag/query', 'no query', '{}', 400, 'query'],
  ['/rag/query', 'k', '{"query":"a","k":5000}', 400, 'k'],
  ['/rag/ingest', 'no title', '{"text":"a"}', 400, 'title'],
  ['/session', 'a field', '{"admin":true}', 400, 'admin'],
];

test('hostile JSON @tsan', async (t) => {
  const server = await startServer(t, { args: SCRIPTED });
  await untilReady(server);
  for (const [path, name, body, status, param] of BODIES) {
    await t.test(`${path}: ${name}`, async () => {
      const answer = await fetch(server.url + path.slice(1), { method: 'POST', body, headers: { 'Content-Type': 'application/json' } });
      const { error } = await answer.json();
      assert.equal(answer.status, status);
      assert.equal(error.param, param);
      assert.ok(error.message.length > 5 && error.code);
    });
  }
  await t.test('a body that is not UTF-8', async () => {
    const body = Buffer.from([...Buffer.from('{"message":"'), 0xff, 0xfe, ...Buffer.from('"}')]);
    const answer = await fetch(server.url + 'chat', { method: 'POST', body });
    assert.equal(answer.status, 400);
    assert.equal((await answer.json()).error.code, 'invalid_utf8');
  });
});

/** First messages on /voice, and the close code. @type {[string, any, number][]} */
const HELLOS = [
  ['no JSON', 'hello', 1002],
  ['an array', '[]', 1008],
  ['sound first', new Int16Array(10), 1008],
  ['start first', { type: 'start' }, 1008],
  ['unknown type', { type: 'shout' }, 1008],
  ['unknown field', { ...HELLO, admin: true }, 1008],
  ['a forged token', { ...HELLO, token: 'a.b.c' }, 1008],
  ['an unknown session', { ...HELLO, session_id: '00112233445566778899aabbccddeeff' }, 1008],
  ['an impossible rate', { ...HELLO, rate: 1 }, 1008],
  ['an unheard-of eagerness', { ...HELLO, mode: 'hands_free', eagerness: 'soon' }, 1008],
  ['an impossible format', { ...HELLO, format: 'mp3' }, 1008],
  ['a message that is too large', 'x'.repeat(100000), 1009],
];

test('hostile hellos @tsan', async (t) => {
  const server = await startServer(t, { args: SCRIPTED });
  await untilReady(server);
  for (const [name, message, code] of HELLOS) {
    await t.test(name, async () => {
      const voice = new VoiceClient(server.url);
      await voice.opened();
      voice.send(message);
      await new Promise((resolve) => voice.socket.addEventListener('close', resolve));
      assert.equal(voice.closed?.code, code);
    });
  }
  await t.test('nonsense after hello does not end the conversation', async () => {
    const voice = await VoiceClient.open(server.url);
    voice.hurries = true;
    for (const nonsense of ['{', { type: 'hello' }, { type: 'played', turn: -1 }, { type: 'text', text: '' }]) {
      const from = voice.events.length;
      voice.send(nonsense);
      await voice.wait((e) => e.type === 'error', 'an error', from);
    }
    voice.send({ type: 'stop' });
    voice.send({ type: 'cancel' });
    voice.send({ type: 'played', turn: 99, ms: 5 });
    voice.send(new Int16Array(10));
    const from = voice.events.length;
    voice.send({ type: 'text', text: 'hello' });
    assert.equal((await voice.finish(from)).last.type, 'end');
    voice.close();
  });
});
