// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * What a change of the language model costs those who are being answered: the longest gap between two tokens of ten
 * answers, without a change, while another model of the same shape is loaded beside and warmed, and while a process
 * that has nothing to do with us reads and hashes the same file, which is the load of the machine. In turns of one
 * run. SHAPE=llama-1b takes a larger model, ROUNDS=3 is how often, THREADS=0 all cores.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import test from 'node:test';
import { quantile } from '../lib/measure.js';
import { changeTo, installModels } from '../lib/models.js';
import { startServer, temporaryFolder, untilReady } from '../lib/server.js';

const SHAPE = process.env.SHAPE ?? 'smol-135m';
const ROUNDS = Number(process.env.ROUNDS ?? 3);
const THREADS = process.env.THREADS ?? '0';
const STREAMS = 10, TOKENS = Number(process.env.TOKENS ?? 120);
const X = 'x'.charCodeAt(0);

/** When the pieces of an answer came. @param {string} url @param {(begun: boolean) => void} on_piece */
async function answer(url, on_piece) {
  const body = { model: 'x', messages: [{ role: 'user', content: 'Tell me.' }], stream: true, max_tokens: TOKENS, logit_bias: { [X]: 100 }, temperature: 0 };
  const reply = await fetch(url + 'v1/chat/completions', { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
  assert.equal(reply.status, 200);
  /** @type {number[]} */
  const at = [];
  let rest = '';
  const decoder = new TextDecoder();
  for await (const bytes of /** @type {any} */ (reply.body)) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = /** @type {string} */ (lines.pop());
    for (const line of lines) {
      if (!line.startsWith('data: {') || !JSON.parse(line.slice(6)).choices?.[0]?.delta?.content) continue;
      on_piece(at.length === 0);
      at.push(performance.now());
    }
  }
  assert.equal(at.length, TOKENS);
  return at;
}

/** The gaps of ten answers, from the moment at which all of them have begun. @param {string} url @param {() => Promise<unknown>} meanwhile */
async function gaps(url, meanwhile) {
  let begun = 0, from = Infinity;
  /** @type {Promise<unknown>} */
  let other = Promise.resolve();
  const all = await Promise.all(Array.from({ length: STREAMS }, () =>
    answer(url, (is_first) => {
      if (!is_first || ++begun < STREAMS) return;
      from = performance.now();
      other = meanwhile();
    })));
  await other;
  return all.flatMap((at) => at.slice(1).map((time, i) => ({ time, gap: time - at[i] })).filter(({ time }) => time >= from).map(({ gap }) => gap));
}

test(`ten answers over a change of models (${SHAPE})`, async (t) => {
  const data = await temporaryFolder(t);
  installModels(data, [{ name: 'one', shape: SHAPE }, { name: 'two', shape: SHAPE }]);
  const server = await startServer(t, { data, args: ['--stt-driver', 'scripted', '--tts-driver', 'scripted', '--llm-model', 'one', '--llm-parallel', '10', '--llm-context', '512', '--llm-threads', THREADS, '--limit-turns', '100000'] });
  await untilReady(server);
  let now = 'one';
  const cases = {
    'without a change': async () => {},
    'with a change': async () => {
      now = now === 'one' ? 'two' : 'one';
      const end = await changeTo(server, now);
      assert.equal(end.event, 'done', JSON.stringify(end));
    },
    'another process hashes the file': () => once(spawn('sha256sum', [path.join(data, 'models/llm/two.gguf')]), 'exit'),
  };
  /** @type {Record<string, number[][]>} */
  const met = Object.fromEntries(Object.keys(cases).map((name) => [name, []]));
  await gaps(server.url, async () => {});
  for (let round = 0; round < ROUNDS; round++) for (const [name, meanwhile] of Object.entries(cases)) met[name].push(await gaps(server.url, meanwhile));
  for (const [name, rounds] of Object.entries(met)) {
    const all = rounds.flat();
    t.diagnostic(`${name}: gaps between tokens, median ${quantile(all, 0.5).toFixed(1)}, p99 ${quantile(all, 0.99).toFixed(1)} ms; longest of each round ${rounds.map((r) => Math.max(...r).toFixed(0)).join(', ')} ms`);
  }
});
