// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* One data folder, many commands at once: never two writers, and nobody has to try again. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import { repartee, start } from '../lib/cli.js';
import { startServer, temporaryFolder, until, untilReady } from '../lib/server.js';

const QUIET = ['--stt-driver', 'scripted', '--tts-driver', 'scripted'];

/** @param {string} data is nobody serving it? */
const isFree = (data) => spawnSync('flock', ['-n', path.join(data, 'server.lock'), 'true']).status === 0;

/** @param {string} folder @param {number} number a document with a word of its own */
async function note(folder, number) {
  const file = path.join(folder, `note${number}.md`);
  await writeFile(file, `# Note ${number}\n\nThe lighthouse number${number}x was painted in the year ${1800 + number}.\n`);
  return file;
}

/** @param {string} data @param {string} word */
async function holds(data, word) {
  const { out } = await repartee(['ask', '--json', `what about ${word}?`, '--data', data, ...QUIET]);
  return JSON.stringify(JSON.parse(out).citations).includes(word);
}

test('several commands at once share one private server', async (t) => {
  const data = await temporaryFolder(t);
  const files = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => note(data, n)));
  const done = await Promise.all(files.map((file) => repartee(['ingest', file, '--data', data, ...QUIET])));
  for (const { code, out, err } of done) {
    assert.equal(code, 0, err);
    assert.match(out, /^1 documents with 1 passages added/);
  }
  for (const n of [1, 6]) assert.ok(await holds(data, `number${n}x`));
  await until(() => isFree(data), 'the end of the private server');
});

test('a private server outlives its command for those who use it, and no longer', async (t) => {
  const data = await temporaryFolder(t);
  const slow = [...QUIET, '--llm-driver', 'scripted', '--llm-script', 'tokens=700,slow=30', '--data', data]; /* seconds, in which another program starts */
  const first = start(['ask', 'one?', ...slow]);
  await until(() => first.out().length > 0, 'the first answer to begin');
  const second = start(['ask', 'two?', ...slow]);
  await until(() => second.out().length > 0, 'the second answer to begin');
  first.child.kill('SIGINT');
  let over = false;
  second.ended.then(() => (over = true));
  assert.equal((await first.ended).code, 'SIGINT');
  assert.ok(!over, 'the first one is gone with all that its caller waits for, while the server goes on');
  const { code, out, err } = await second.ended;
  assert.equal(code, 0, err);
  assert.match(out, /waterfall|first|total|ms/i);
  await until(() => isFree(data), 'the end of the private server');
  assert.ok(!existsSync(path.join(data, 'server.sock')));
});

test('documents are added while the server starts', async (t) => {
  const data = await temporaryFolder(t);
  for (let n = 1; n <= 4; n++) {
    const file = await note(data, n);
    const serve = start(['serve', '--listen', '127.0.0.1:0', '--data', data, ...QUIET]);
    const ingest = await repartee(['ingest', file, '--data', data, ...QUIET]);
    assert.equal(ingest.code, 0, ingest.err);
    const served = await until(() => serve.out() || serve.err(), 'a word of the server');
    serve.child.kill('SIGTERM');
    const { code, err } = await serve.ended;
    if (served.startsWith('Repartee is ')) assert.equal(code, 0, err);
    else assert.match(err, /process \d+ \(repartee ingest\) uses .*; wait for it or stop it/);
    assert.ok(await holds(data, `number${n}x`));
  }
});

test('a second server is refused and told who has the folder', async (t) => {
  const server = await startServer(t, { args: QUIET });
  const { code, err } = await repartee(['serve', '--listen', '127.0.0.1:0', '--data', server.data]);
  assert.equal(code, 1);
  assert.match(err, new RegExp(`process ${server.pid} \\(repartee serve\\) uses .*--data`));
  await untilReady(server);
  assert.ok((await fetch(server.url + 'healthz')).ok, 'the first one is not disturbed');
});

test('what a killed server left behind stops nobody', async (t) => {
  const server = await startServer(t, { args: QUIET });
  await untilReady(server);
  await server.kill();
  assert.ok(existsSync(path.join(server.data, 'server.sock')));
  const asked = await repartee(['ask', 'how do I add documents?', '--data', server.data, ...QUIET]);
  assert.equal(asked.code, 0, asked.err);
  assert.match(asked.out, /add documents/i);
  const again = await startServer(t, { args: QUIET, data: server.data });
  await untilReady(again);
});
