// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * Conversations and tokens over a restart of the real server: a wanted one, kill -9 at random moments, a
 * damaged file, and the two ways to have nothing kept.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, copyFileSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { repartee } from '../lib/cli.js';
import { times } from '../lib/scale.js';
import { startServer, temporaryFolder, until, untilReady } from '../lib/server.js';
import { HELLO, VoiceClient } from '../lib/voice.js';

const ARGS = ['--stt-driver', 'scripted', '--tts-driver', 'scripted', '--llm-driver', 'scripted', '--llm-script', 'tokens=5', '--limit-turns', '100000'];
const LANE_JOBS = 64; /* talk/keep.c */
const KILLS = times('KILLS', { full: 200, short: 25, sanitized: 4 });

/** @param {import('node:test').TestContext} t @param {string} data @param {string[]} [more] */
async function start(t, data, more = []) {
  const server = await startServer(t, { data, args: [...ARGS, ...more] });
  await untilReady(server);
  return server;
}

/** @param {string} url @param {string} what @param {string} [token] @param {object} [body] @param {string} [method] */
const call = (url, what, token, body, method = 'POST') =>
  fetch(url + what, {
    method,
    body: body && JSON.stringify(body),
    headers: { ...(body && { 'Content-Type': 'application/json' }), ...(token && { Authorization: `Bearer ${token}` }) },
  });
/** @param {string} url @param {string} [key] */
const begin = async (url, key) => (await call(url, 'session', key)).json();
/** @param {string} url @param {string} token @param {string} message */
const say = (url, token, message) => call(url, 'chat', token, { message, stream: false });

/** What the file holds: id → texts. @param {string} data @returns {Map<string, string[]>} */
function kept(data) {
  const db = new DatabaseSync(path.join(data, 'sessions.db'));
  try {
    assert.equal(/** @type {any} */ (db.prepare('PRAGMA integrity_check').get()).integrity_check, 'ok');
    const rows = /** @type {any[]} */ (db.prepare('SELECT id, said FROM sessions').all());
    return new Map(rows.map(({ id, said }) => [id, JSON.parse(said).map((/** @type {any} */ one) => one.text)]));
  } finally {
    db.close();
  }
}

/** @param {string} data @param {string} word */
const onDisk = (data, word) =>
  ['sessions.db', 'sessions.db-wal'].some((name) => existsSync(path.join(data, name)) && readFileSync(path.join(data, name)).includes(word));

test('a token and its conversation go on after a restart @tsan', async (t) => {
  const data = await temporaryFolder(t);
  let server = await start(t, data);
  const { token, session_id } = await begin(server.url);
  const { token: silent } = await begin(server.url);
  const first = await (await say(server.url, token, 'the first question')).json();
  const second = await (await say(server.url, token, 'the second question')).json();
  const grown = second.usage.prompt_tokens - first.usage.prompt_tokens;
  assert.ok(grown > 0, 'what was said is in the prompt');
  assert.equal(await server.stop(), 0);
  assert.equal(statSync(path.join(data, 'sessions.db')).mode & 0o777, 0o600);
  assert.ok(!existsSync(path.join(data, 'sessions.db-wal')), 'nothing is left to do');

  server = await start(t, data);
  const third = await (await say(server.url, token, 'the third question ')).json();
  assert.ok(third.usage.prompt_tokens - second.usage.prompt_tokens >= grown - 5, 'and after the restart, all of it');
  const questions = () => (kept(data).get(session_id) ?? []).filter((_, i) => i % 2 === 0);
  await until(() => questions().length === 3, 'the third snapshot');
  assert.deepEqual(questions(), ['the first question', 'the second question', 'the third question']);
  const renewed = await (await call(server.url, 'session/refresh', token)).json();
  assert.equal(renewed.session_id, session_id);
  assert.equal((await say(server.url, silent, 'hello')).status, 200, 'also when nothing had been said');
  const voice = await VoiceClient.open(server.url, { ...HELLO, token });
  assert.equal(voice.events.find((e) => e.type === 'ready')?.session_id, session_id);
  voice.close();
  assert.equal((await say(server.url, token.slice(0, -2) + 'xx', 'hello')).status, 401);
});

test('a right that ended while the server was down ends its tokens', async (t) => {
  const data = await temporaryFolder(t);
  const key = (await repartee(['key', 'create', 'anna', '--data', data])).out.trim();
  let server = await start(t, data);
  const { token } = await begin(server.url, key);
  assert.equal((await say(server.url, token, 'hello')).status, 200);
  await server.stop();
  server = await start(t, data);
  assert.equal((await say(server.url, token, 'hello')).status, 200);
  await server.stop();
  await repartee(['key', 'revoke', 'anna', '--data', data]);
  await repartee(['key', 'create', 'anna', '--data', data]);
  server = await start(t, data);
  assert.equal((await say(server.url, token, 'hello')).status, 401, 'a new key of the old name is another one');
});

test('kill -9 costs at most what was about to be written @tsan', async (t) => {
  const data = await temporaryFolder(t);
  /** @type {Map<string, {token: string, asked: string[], answered: number}>} */
  const all = new Map();
  for (let kill = 0; kill < KILLS; kill++) {
    const server = await startServer(t, { data, args: ARGS });
    let dead = false;
    const before = all.size;
    const clients = [0, 1, 2].map(async (n) => {
      try {
        const { token, session_id } = await begin(server.url);
        const mine = { token, asked: /** @type {string[]} */ ([]), answered: 0 };
        all.set(session_id, mine);
        for (let i = 0; !dead; i++) {
          mine.asked.push(`question ${kill} ${n} ${i} ${'x'.repeat(1 + (i * 37) % 100)}`);
          if ((await say(server.url, token, mine.asked[i])).ok) mine.answered++;
        }
      } catch {} /* it was killed */
    });
    /* One of four dies at any moment, the others when everybody has had answers. */
    const hadAnswers = () => [...all.values()].slice(before).filter(({ answered }) => answered > 1).length === clients.length;
    if (kill % 4 !== 3) await until(hadAnswers, 'answers of this life');
    await sleep(Math.random() * 250);
    dead = true;
    await server.kill();
    await Promise.all(clients);
    const files = readdirSync(data).filter((name) => name.startsWith('sessions.db'));
    assert.ok(files.length > 0 && !files.includes('sessions.db.aside'));
    for (const name of files) assert.equal(statSync(path.join(data, name)).mode & 0o777, 0o600, name);
  }
  const server = await start(t, data);
  const found = kept(data);
  let turns = 0, lost = 0, back = 0;
  for (const [id, { asked, answered, token }] of all) {
    const entries = found.get(id);
    turns += answered;
    if (!entries) {
      lost += answered;
      continue;
    }
    const questions = entries.filter((_, i) => i % 2 === 0);
    assert.equal(entries.length % 2, 0, 'no half a turn');
    /* A run of what was asked without gaps, which misses a few at the end at most. */
    const from = questions.length ? asked.indexOf(questions[0]) : 0;
    assert.deepEqual(questions, asked.slice(from, from + questions.length));
    lost += Math.max(0, answered - from - questions.length);
    back++;
    assert.equal((await call(server.url, 'session/refresh', token)).status, 200);
  }
  t.diagnostic(`${KILLS} kills, ${all.size} conversations, ${back} of them back, ${turns} answered turns, ${lost} lost`);
  assert.ok(back > KILLS && turns > KILLS);
  assert.ok(lost <= KILLS * LANE_JOBS);
  assert.ok(!server.log().includes('damaged'));
});

test('a damaged file is set aside with one sentence', async (t) => {
  const data = await temporaryFolder(t);
  let server = await start(t, data);
  const { token } = await begin(server.url);
  await say(server.url, token, 'hello');
  await server.stop();
  const whole = readFileSync(path.join(data, 'sessions.db'));
  writeFileSync(path.join(data, 'sessions.db'), whole.subarray(0, whole.length / 2));
  server = await start(t, data);
  await server.logged(/sessions\.db is damaged; it was set aside as sessions\.db\.aside/);
  assert.equal(server.log().split('\n').filter((line) => line.includes('sessions.db')).length, 1);
  assert.equal((await say(server.url, token, 'hello')).status, 401);
  const next = await begin(server.url);
  await say(server.url, next.token, 'hello again');
  await server.stop();
  server = await start(t, data);
  assert.equal((await say(server.url, next.token, 'hello')).status, 200);
});

test('where nothing can be kept the server says so and works', async (t) => {
  const data = await temporaryFolder(t);
  mkdirSync(path.join(data, 'sessions.db'));
  const server = await start(t, data);
  await server.logged(/conversations are not kept on the disk, a restart will forget them: \S+\/sessions\.db cannot be opened .*; mend that, or set history\.keep to off/);
  const { token } = await begin(server.url);
  assert.equal((await say(server.url, token, 'hello')).status, 200);
  assert.equal((await call(server.url, 'session', token, undefined, 'DELETE')).status, 204);
  assert.equal((await say(server.url, token, 'hello')).status, 401);
  for (const more of [[], ['--no-history-keep']]) {
    /* Those of earlier lives may lie in there. */
    const forget = await repartee(['forget', '--data', more.length ? await stuck(t, more) : data]);
    assert.equal(forget.code, 1, forget.out);
    assert.match(forget.err, /may still be on the disk; try again, or remove the files sessions\.db\*/);
  }
});

/** The folder of a server that can neither open nor remove the file. @param {import('node:test').TestContext} t @param {string[]} args */
async function stuck(t, args) {
  const data = await temporaryFolder(t);
  mkdirSync(path.join(data, 'sessions.db'));
  await start(t, data, args);
  return data;
}

test('a disk that is full is told, once, and survived', async (t) => {
  const data = await temporaryFolder(t);
  const own = process.getuid?.() === 0 ? ['-m'] : ['-rm'];
  const mount = `mount -t tmpfs -o size=12m tmpfs ${data}`;
  if (spawnSync('unshare', [...own, 'sh', '-c', mount]).status !== 0) return t.skip('no file system can be mounted here');
  const server = await startServer(t, { data, args: ARGS, within: ['unshare', ...own, 'sh', '-c', `${mount} && exec "$@"`, 'sh'] });
  await untilReady(server);
  const inside = `/proc/${server.pid}/root${data}`;
  const copies = await temporaryFolder(t);
  /* Of a copy, because SQLite would follow the link that leads inside; one that is torn is made again. */
  const keptInside = () => {
    try {
      for (const name of ['sessions.db', 'sessions.db-wal']) copyFileSync(path.join(inside, name), path.join(copies, name));
      return kept(copies);
    } catch {
      return new Map();
    }
  };
  const { token, session_id } = await begin(server.url);
  assert.equal((await say(server.url, token, 'while there is room')).status, 200);
  await until(() => keptInside().get(session_id)?.length === 2, 'a snapshot');
  const filler = openSync(path.join(inside, 'filler'), 'w');
  assert.throws(() => {
    for (;;) writeSync(filler, Buffer.alloc(4096));
  }, /ENOSPC/);
  const long = 'The quick brown fox jumps over the lazy dog. '.repeat(300);
  for (let i = 0; i < 30; i++) assert.equal((await say(server.url, token, `${i} ${long}`)).status, 200);
  const complaints = () => server.log().match(/conversations cannot be written to sessions\.db in the data folder: the disk is full; .*; free some space/g)?.length;
  await until(complaints, 'a sentence about the disk');
  const silent = await begin(server.url);
  assert.equal((await say(server.url, silent.token, 'said while it was full')).status, 200);
  assert.equal(complaints(), 1);
  closeSync(filler);
  rmSync(path.join(inside, 'filler'));
  await say(server.url, token, 'there is room again');
  await until(() => server.log().includes('conversations are written to the disk again'), 'a good end');
  await until(() => keptInside().get(silent.session_id)?.includes('said while it was full'), 'what had been left out');
  await until(() => keptInside().get(session_id)?.includes('there is room again'), 'the last question');
});

test('with history.keep off nothing is written, and what was written goes', async (t) => {
  const data = await temporaryFolder(t);
  let server = await start(t, data);
  const { token } = await begin(server.url);
  await say(server.url, token, 'hello');
  await server.stop();
  for (let life = 0; life < 2; life++) {
    server = await start(t, data, ['--no-history-keep']);
    assert.equal((await say(server.url, token, 'hello')).status, 401);
    assert.equal((await say(server.url, (await begin(server.url)).token, 'hello')).status, 200);
    await server.stop();
    assert.ok(!existsSync(path.join(data, 'sessions.db')));
  }
});

test('a session that is deleted is over, and nothing of it is on the disk @tsan', async (t) => {
  const data = await temporaryFolder(t);
  let server = await start(t, data);
  const mine = await begin(server.url), other = await begin(server.url), third = await begin(server.url);
  await say(server.url, mine.token, 'my secret is swordfish');
  await say(server.url, other.token, 'another secret is halibut');
  await say(server.url, third.token, 'the third is a herring');
  await until(() => onDisk(data, 'swordfish'), 'a snapshot');
  const end = (/** @type {string} */ token, id = '') => call(server.url, 'session' + id, token, undefined, 'DELETE');
  const voice = await VoiceClient.open(server.url, { ...HELLO, token: mine.token });
  assert.equal((await end(mine.token)).status, 204);
  assert.ok(!onDisk(data, 'swordfish'));
  assert.equal((await say(server.url, mine.token, 'hello')).status, 401);
  assert.equal((await end(mine.token)).status, 401);
  assert.equal((await call(server.url, 'session/refresh', mine.token)).status, 401);
  voice.send({ type: 'text', text: 'are you there?' });
  assert.equal((await voice.wait((e) => e.type === 'error', 'a refusal')).error.code, 'unauthorized');
  assert.equal((await call(server.url, `session/${third.session_id}`, undefined, undefined, 'DELETE')).status, 204, 'by its number, without its token');
  assert.equal((await call(server.url, `session/${third.session_id}`, undefined, undefined, 'DELETE')).status, 404);
  assert.equal((await call(server.url, 'session', undefined, undefined, 'DELETE')).status, 400);
  /* In the middle of an answer: the answer ends, and leaves nothing. */
  const slow = await start(t, await temporaryFolder(t), ['--llm-script', 'tokens=500,slow=20']);
  const talking = await begin(slow.url);
  const answer = call(slow.url, 'chat', talking.token, { message: 'my secret is a mackerel' });
  const reader = /** @type {ReadableStream<Uint8Array>} */ ((await answer).body).getReader();
  let heard = '';
  while (!heard.includes('"token"')) heard += Buffer.from((await reader.read()).value ?? []).toString();
  assert.equal((await call(slow.url, 'session', talking.token, undefined, 'DELETE')).status, 204);
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) heard += Buffer.from(piece.value).toString();
  assert.match(heard, /"type":"error"/);
  assert.ok(!onDisk(slow.data, 'mackerel'));
  await server.stop();
  server = await start(t, data);
  assert.equal((await say(server.url, mine.token, 'hello')).status, 401);
  assert.equal((await say(server.url, third.token, 'hello')).status, 401);
  assert.equal((await say(server.url, other.token, 'hello')).status, 200);
  assert.ok(!onDisk(data, 'swordfish') && !onDisk(data, 'herring') && onDisk(data, 'halibut'));
});

test('all conversations of one, and of nobody else, are forgotten @tsan', async (t) => {
  const data = await temporaryFolder(t);
  let server = await start(t, data);
  const mine = [await begin(server.url), await begin(server.url)];
  for (const { token } of mine) await say(server.url, token, 'my secret is swordfish');
  const key = (await repartee(['key', 'create', 'anna', '--data', data])).out.trim();
  const hers = await begin(server.url, key);
  await say(server.url, hers.token, 'a secret of hers is halibut');
  const told = await repartee(['forget', '--data', data]);
  assert.deepEqual([told.code, told.out, told.err], [0, '2 conversations are forgotten\n', '']);
  assert.ok(!onDisk(data, 'swordfish') && onDisk(data, 'halibut'));
  assert.equal((await say(server.url, hers.token, 'hello')).status, 200);
  const ended = await call(server.url, 'sessions', hers.token, undefined, 'DELETE');
  assert.deepEqual([ended.status, await ended.json()], [200, { ended: 1 }]);
  assert.ok(!onDisk(data, 'halibut'));
  assert.equal((await say(server.url, hers.token, 'hello')).status, 401);
  await server.stop();
  assert.deepEqual(JSON.parse((await repartee(['forget', '--json', '--data', data])).out), { ended: 0 }, 'also without a server');

  server = await start(t, await temporaryFolder(t), ['--session-public', '--auth-key', 'sesame sesame sesame']);
  const visitor = await begin(server.url), another = await begin(server.url);
  assert.equal((await call(server.url, 'sessions', visitor.token, undefined, 'DELETE')).status, 403, 'visitors are many');
  assert.equal((await call(server.url, 'session', visitor.token, undefined, 'DELETE')).status, 204);
  assert.equal((await say(server.url, another.token, 'hello')).status, 200);
});
