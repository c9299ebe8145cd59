// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * Embeddings beside the bare library and Debian's llama-server: the same file, of e5-small-v2's shape with random
 * weights, and the same two threads, in turns of one run. MODEL=file.gguf takes a real model; ROUNDS=5.
 */
import { spawn, spawnSync } from 'node:child_process';
import path from 'node:path';
import test from 'node:test';
import { BUILD, atEnd, startServer, temporaryFolder, until, untilReady } from '../lib/server.js';

const ROUNDS = Number(process.env.ROUNDS ?? 5);
const EACH = 20; /* of one round */
const PORT = 18438;
/** As our engines have it: who waits at barriers for ever is measured by who else is there. */
const SPARING = { ...process.env, GOMP_SPINCOUNT: '3000' };

/** @param {number[]} values @param {number} part */
const quantile = (values, part) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))];

/** @param {string} url @param {number[][] | string[]} input */
async function embed(url, input) {
  const begun = performance.now();
  const answer = await fetch(url + 'v1/embeddings', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'x', input, encoding_format: 'base64' }),
  });
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  await answer.json();
  return performance.now() - begun;
}

/** @param {string} who @param {number[]} ms */
const column = (who, ms) => `${who} ${quantile(ms, 0.5).toFixed(1)} ms (p99 ${quantile(ms, 0.99).toFixed(1)})`;

test('embeddings, 2 threads', async (t) => {
  const model = process.env.MODEL ?? path.join(await temporaryFolder(t), 'model.gguf');
  if (!process.env.MODEL && spawnSync(path.join(BUILD, 'test/gguf_make'), ['e5-small', model], { stdio: 'inherit' }).status !== 0) throw new Error('no model');
  const ours = await startServer(t, {
    args: ['--limit-turns', '100000', '--stt-driver', 'scripted', '--tts-driver', 'scripted', '--embed-model', model, '--embed-threads', '2'],
  });
  await untilReady(ours);
  const peer = spawn('llama-server', ['-m', model, '-t', '2', '--embeddings', '--port', String(PORT), '--no-webui', '-ub', '512'], { stdio: 'ignore', env: SPARING });
  atEnd(t, () => peer.kill('SIGKILL'));
  const theirs = `http://127.0.0.1:${PORT}/`;
  await until(async () => (await fetch(theirs + 'health').catch(() => null))?.ok, 'llama-server', 120000);

  /** Tokens of the model, so that all three read as many. @param {number} n @param {number} seed */
  const tokens = (n, seed) => Array.from({ length: n }, (_, i) => 5 + ((i * 37 + seed) % 200));
  for (const [length, count] of [[16, 1], [128, 1], [128, 64]]) {
    /** @type {Record<'ours' | 'theirs' | 'bare', number[]>} */
    const ms = { ours: [], theirs: [], bare: [] };
    for (let round = 0; round < ROUNDS; round++) {
      const times = count > 1 ? 2 : EACH;
      for (let i = 0; i < times; i++) ms.ours.push(await embed(ours.url, Array.from({ length: count }, (_, k) => tokens(length, i + k))));
      for (let i = 0; i < times; i++) ms.theirs.push(await embed(theirs, Array.from({ length: count }, (_, k) => tokens(length, i + k))));
      if (count === 1) {
        const bare = spawnSync(path.join(BUILD, 'test/embed_bench'), [model, String(length)], { encoding: 'utf8', env: SPARING });
        ms.bare.push(...bare.stdout.trim().split('\n').map(Number));
      }
    }
    const bare = count === 1 ? column('  bare library', ms.bare) : '';
    console.log(`${count} of ${length} tokens:`.padEnd(20), column('ours', ms.ours), column('  llama-server', ms.theirs), bare);
  }
});
