// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* kill -9 of the server: whatever its engines and readers are doing, none of them is left. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { startServer, until, untilReady } from '../lib/server.js';

/** @param {number} pid @returns {number[]} */
const children = (pid) => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);

/** The program, or '' when it has ended: a zombie has nobody above it that would look. @param {number} pid */
function running(pid) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return /^State:\tZ/m.test(status) ? '' : /^Name:\t(.*)$/m.exec(status)?.[1] ?? '';
  } catch {
    return '';
  }
}

test('no engine outlives a server that was killed @tsan', async (t) => {
  const server = await startServer(t, {
    args: ['--stt-driver', 'scripted', '--tts-driver', 'scripted', '--llm-driver', 'scripted', '--llm-script', 'hang=1'],
  });
  await untilReady(server);
  const { engines } = await (await fetch(server.url + 'readyz')).json();
  const answer = fetch(server.url + 'chat', {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ message: 'a question' }),
  }).then((r) => r.text()).catch(() => 'cut');
  await until(async () => (await (await fetch(server.url + 'readyz')).json()).engines.llm.live === 1, 'a job that hangs');
  process.kill(engines.tts.pid, 'SIGSTOP');
  const form = new FormData();
  form.append('file', new Blob(['A sentence of a document. '.repeat(200000)]), 'long.md');
  assert.equal((await fetch(server.url + 'rag/ingest', { method: 'POST', body: form })).status, 202);
  const reader = await until(() => children(server.pid).find((pid) => running(pid) === 'repartee-read'), 'a reader');
  const all = new Set([...children(server.pid), engines.llm.pid, engines.stt.pid, engines.tts.pid, reader]);
  assert.ok(all.size >= 4);
  await server.kill();
  await answer;
  for (const pid of all) await until(() => running(pid) === '', `the end of ${pid}, ${running(pid)}`, 15000);
});
