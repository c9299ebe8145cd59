// SPDX-License-Identifier: Apache-2.0
// @ts-check
// @once: for what it tries, AddressSanitizer's leak checker has rights of its own
/*
 * What confines the engines and the reader of files, in the programs that people run: one that has been
 * taken over (test/lib/hostile.c) gets nothing, and where the kernel cannot confine it, the server says so.
 */
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { start } from '../lib/cli.js';
import { BUILD, atEnd, startServer, until, untilReady } from '../lib/server.js';

const PROGRAMS = ['repartee-stt', 'repartee-llm', 'repartee-tts', 'repartee-read'];
const ACTIONS_MIN = 40;
const SCRIPTED = ['--stt-driver', 'scripted', '--llm-driver', 'scripted', '--llm-script', 'text=Yes.', '--embed-driver', 'scripted'];
/** A kernel with less of Landlock, see test/lib/other_kernel.c. @param {string} landlock */
const kernel = (landlock) => [path.join(BUILD, 'test/other_kernel'), landlock];

/** A folder that everybody may write in, with a file that everybody may write. @param {import('node:test').TestContext} t */
async function ground(t) {
  const folder = await mkdtemp(path.join(tmpdir(), 'hostile-'));
  atEnd(t, () => rm(folder, { recursive: true, force: true }));
  await mkdir(path.join(folder, 'allowed'));
  for (const file of ['f', 'allowed/f']) {
    await writeFile(path.join(folder, file), 'x');
    await chmod(path.join(folder, file), 0o666);
  }
  await chmod(folder, 0o777);
  return folder;
}

/** The programs, of which all but the server are hostile. @param {import('node:test').TestContext} t */
async function takenOver(t) {
  const folder = await ground(t);
  await copyFile(path.join(BUILD, 'repartee'), path.join(folder, 'repartee'));
  for (const program of PROGRAMS) {
    const script = `#!/bin/sh
HOSTILE_DIR='${folder}' LD_PRELOAD='${path.join(BUILD, 'test/hostile.so')}' exec '${path.join(BUILD, program)}' "$@"
`;
    await writeFile(path.join(folder, program), script, { mode: 0o755 });
  }
  return path.join(folder, 'repartee');
}

/** @param {string} url @param {object} body */
const post = (url, body) => fetch(url, { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } });

/** What each program said of its attempts. @param {{log: () => string}} server */
function attempts(server) {
  const said = [...server.log().matchAll(/^hostile (\S+): (\d+) tried, (\d+) refused$/gm)];
  return said.map(([, program, tried, refused]) => ({ program, tried: Number(tried), refused: Number(refused) }));
}

/** A turn in text, and a spoken sentence. @param {{url: string}} server */
async function converses(server) {
  const answer = await post(server.url + 'chat', { message: 'Is it so?', use_rag: false, stream: false });
  assert.equal((await answer.json()).response, 'Yes.');
  const sound = await post(server.url + 'tts', { text: 'Good morning.' });
  assert.equal(sound.status, 200);
  assert.ok((await sound.arrayBuffer()).byteLength > 16000);
}

for (const [name, within, args] of /** @type {[string, string[], string[]][]} */ ([
  ['of this kernel', [], SCRIPTED.slice(2)],
  ['of a kernel with the first Landlock', kernel('1'), SCRIPTED],
]))
  test(`engines and the reader that have been taken over get nothing ${name}`, async (t) => {
    const server = await startServer(t, { program: await takenOver(t), within, args });
    /* repartee-llm runs twice, once with --embed. */
    const times = (/** @type {string} */ program) => attempts(server).filter((a) => a.program === program).length;
    const all_tried = () => PROGRAMS.every((program) => times(program) >= (program === 'repartee-llm' ? 2 : 1));
    await until(all_tried, 'every program to be hostile', 60000);
    for (const program of PROGRAMS) {
      const made = attempts(server).filter((a) => a.program === program);
      t.diagnostic(`${program}: ${made[0].refused} of ${made[0].tried} refused`);
      for (const { tried, refused } of made) {
        assert.equal(refused, tried, server.log());
        assert.ok(tried >= ACTIONS_MIN);
      }
    }
    await converses(server);
    assert.doesNotMatch(server.log(), /Landlock/);
  });

test('without Landlock the server says so, takes no files, and talks', async (t) => {
  const server = await startServer(t, { within: kernel('none'), args: SCRIPTED });
  await untilReady(server);
  await server.logged(/this kernel has no Landlock: engines run less confined, and documents and recordings are refused\n/);

  const form = new FormData();
  form.append('file', new Blob(['# Hello']), 'hello.md');
  const wav = { method: 'POST', headers: { 'Content-Type': 'audio/wav' }, body: Buffer.alloc(1000) };
  for (const refused of [
    await fetch(server.url + 'rag/ingest', { method: 'POST', body: form }),
    await post(server.url + 'rag/ingest', { title: 'Hello', text: 'Hello.' }),
    await fetch(server.url + 'stt', wav),
  ]) {
    assert.equal(refused.status, 501);
    const { error } = await refused.json();
    assert.equal(error.code, 'unsupported');
    assert.equal(error.message, 'this system cannot confine the reader of files (Landlock and seccomp are needed), so none are read');
  }
  await converses(server);

  const doctor = start(['doctor', '--data', server.data], { within: kernel('none') });
  assert.match((await doctor.ended).out, /Landlock is missing in this kernel: engines run less confined, and uploads are refused/);
});
