// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* Keys with names: made, listed, revoked while a server runs; each sees its own documents only. */
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { repartee } from '../lib/cli.js';
import { startServer, temporaryFolder, until, untilReady } from '../lib/server.js';
import { HELLO, VoiceClient } from '../lib/voice.js';

const QUIET = ['--stt-driver', 'scripted', '--tts-driver', 'scripted'];

/** @param {string} data @param {string} name */
async function create(data, name) {
  const { code, out, err } = await repartee(['key', 'create', name, '--data', data]);
  assert.equal(code, 0, err);
  assert.match(err, /shown only now/);
  assert.match(out, /^repartee_[\w-]{43}\n$/);
  return out.trim();
}

/** @param {string} key @param {RequestInit} [init] */
const by = (key, init = {}) => ({ ...init, headers: { ...(key && { Authorization: `Bearer ${key}` }), ...(init.body && { 'Content-Type': 'application/json' }) } });

test('a key opens the server without a restart, and revoked it opens nothing', async (t) => {
  const server = await startServer(t, { args: QUIET });
  const status = async (/** @type {string} */ key, where = 'rag/documents') => (await fetch(server.url + where, by(key))).status;
  await untilReady(server);
  assert.equal(await status(''), 200, 'without keys loopback is open');
  const [anna, bob] = [await create(server.data, 'anna'), await create(server.data, 'bob')];
  assert.equal(await status(''), 401, 'with keys it is not');
  assert.equal(await status(anna), 200);
  assert.equal(await status(anna.slice(0, -1)), 401);
  assert.equal(await status('anna'), 401);
  assert.equal((await repartee(['ask', 'how do I add documents?', '--data', server.data])).code, 0, 'the command line needs none');
  const file = path.join(server.data, 'keys');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.ok(!readFileSync(file, 'utf8').includes(anna.slice(9)));

  const session = await (await fetch(server.url + 'session', by(anna, { method: 'POST' }))).json();
  assert.equal(await status(session.token), 200);
  const voice = await VoiceClient.open(server.url, { ...HELLO, token: anna });
  voice.close();
  const listed = JSON.parse((await repartee(['key', 'list', '--json', '--data', server.data])).out).keys;
  assert.deepEqual(listed.map((/** @type {any} */ k) => k.name), ['anna', 'bob']);
  assert.ok(Math.abs(listed[0].created_at - Date.now() / 1000) < 600);

  assert.equal((await repartee(['key', 'revoke', 'anna', '--data', server.data])).code, 0);
  assert.equal(await status(anna), 401);
  assert.equal(await status(session.token), 401, 'its sessions end with it');
  assert.equal(await status(bob), 200);
  assert.equal((await fetch(server.url + 'session/refresh', by(session.token, { method: 'POST' }))).status, 401);
  assert.match((await repartee(['key', 'list', '--data', server.data])).out, /^bob +created 20\d\d-\d\d-\d\d\n$/);
});

test('what was let in without a key is let in no more once there is one', async (t) => {
  const server = await startServer(t, { args: QUIET });
  await untilReady(server);
  const begin = async (/** @type {string} */ key) => (await (await fetch(server.url + 'session', by(key, { method: 'POST' }))).json()).token;
  const status = async (/** @type {string} */ token) => (await fetch(server.url + 'rag/documents', by(token))).status;
  const token = await begin('');
  const voice = await VoiceClient.open(server.url, { ...HELLO, token });
  assert.equal(await status(token), 200);
  const anna = await create(server.data, 'anna');
  assert.equal(await status(token), 401);
  assert.equal((await fetch(server.url + 'session/refresh', by(token, { method: 'POST' }))).status, 401);
  voice.send({ type: 'text', text: 'hello?' });
  assert.equal((await voice.wait((e) => e.type === 'error', 'a refusal')).error.code, 'unauthorized');
  await until(() => voice.closed, 'the end of the connection');
  assert.equal(voice.closed?.code, 1008);

  const old = await begin(anna);
  assert.equal(await status(old), 200);
  assert.equal((await repartee(['key', 'revoke', 'anna', '--data', server.data])).code, 0);
  const again = await create(server.data, 'anna');
  assert.equal(await status(old), 401, 'a new key of the same name is another one');
  assert.equal(await status(await begin(again)), 200);
});

test('a session is of use to nobody else', async (t) => {
  const data = await temporaryFolder(t);
  const [anna, bob] = [await create(data, 'anna'), await create(data, 'bob')];
  const server = await startServer(t, { data, args: QUIET });
  await untilReady(server);
  const { session_id } = await (await fetch(server.url + 'session', by(anna, { method: 'POST' }))).json();
  const chat = async (/** @type {string} */ key) =>
    (await fetch(server.url + 'chat', by(key, { method: 'POST', body: JSON.stringify({ message: 'documents?', session_id, stream: false }) }))).status;
  assert.equal(await chat(anna), 200);
  assert.equal(await chat(bob), 404, 'as if there were none');
  const voice = new VoiceClient(server.url);
  await voice.opened();
  voice.send({ ...HELLO, token: bob, session_id });
  await until(() => voice.closed, 'the end of the connection');
  assert.equal(voice.closed?.code, 1008);
  (await VoiceClient.open(server.url, { token: anna, session_id })).close();
});

test('each key owns what its holder adds', async (t) => {
  const data = await temporaryFolder(t);
  const [anna, bob] = [await create(data, 'anna'), await create(data, 'bob')];
  const server = await startServer(t, { data, args: QUIET });
  await untilReady(server);
  const body = JSON.stringify({ text: 'The ferry to the island leaves at nine.', title: 'Ferry' });
  assert.equal((await fetch(server.url + 'rag/ingest', by(anna, { method: 'POST', body }))).status, 202);
  const titles = async (/** @type {string} */ key) => (await (await fetch(server.url + 'rag/documents', by(key))).json()).documents.map((/** @type {any} */ d) => d.title);
  await until(async () => (await titles(anna)).includes('Ferry'), 'the document');
  assert.ok(!(await titles(bob)).includes('Ferry'));
  const hits = async (/** @type {string} */ key) =>
    (await (await fetch(server.url + 'rag/query', by(key, { method: 'POST', body: JSON.stringify({ query: 'when does the ferry leave' }) }))).json()).hits.map((/** @type {any} */ h) => h.text);
  await until(async () => (await hits(anna)).some((/** @type {string} */ text) => text.includes('nine')), 'the passage');
  assert.ok(!(await hits(bob)).some((/** @type {string} */ text) => text.includes('nine')));
});

test('a key lets the server listen for others', async (t) => {
  const data = await temporaryFolder(t);
  const refused = await repartee(['serve', '--listen', '0.0.0.0:0', '--data', data]);
  assert.equal(refused.code, 1);
  assert.match(refused.err, /make one with 'repartee key create NAME'/);
  const key = await create(data, 'kitchen');
  const server = await startServer(t, { data, listen: '0.0.0.0:0', args: QUIET });
  const url = server.url.replace('0.0.0.0', '127.0.0.1');
  assert.equal((await fetch(url + 'rag/documents')).status, 401);
  assert.equal((await fetch(url + 'rag/documents', by(key))).status, 200);
  await repartee(['key', 'revoke', 'kitchen', '--data', data]);
  assert.equal((await fetch(url + 'rag/documents')).status, 401, 'the last key gone, it does not stand open');
});

test('many keys at once are all there', async (t) => {
  const data = await temporaryFolder(t);
  const names = Array.from({ length: 12 }, (_, i) => `device-${i}`);
  const keys = await Promise.all(names.map((name) => create(data, name)));
  assert.equal(new Set(keys).size, names.length);
  const listed = JSON.parse((await repartee(['key', 'list', '--json', '--data', data])).out).keys;
  assert.deepEqual(listed.map((/** @type {any} */ k) => k.name).sort(), names.sort());
});
