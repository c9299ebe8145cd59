// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * The language model beside Debian's llama-server: the same file, the same two threads, in turns of one
 * run. A file of a public model's shape with random weights is as fast as that model. SHAPE=llama-1b
 * takes another shape, MODEL=file.gguf a real model; ROUNDS=3 is how often each is measured.
 */
import { spawn, spawnSync } from 'node:child_process';
import path from 'node:path';
import test from 'node:test';
import { BUILD, atEnd, startServer, temporaryFolder, until, untilReady } from '../lib/server.js';

const SHAPE = process.env.SHAPE ?? 'smol-135m';
const ROUNDS = Number(process.env.ROUNDS ?? 5);
const TOKENS = 64;
const PORT = 18437;

/** @param {number[]} values */
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

/** A prompt of about n tokens in a made vocabulary, where a byte is one. @param {number} n @param {string} seed */
const words = (n, seed) => `${seed} ${'abcdefghij klmnopqrs tuvwxyz. '.repeat(Math.ceil(n / 30))}`.slice(0, n);

/** One streamed answer: ms to the first and last token, and their number. @param {string} url @param {object[]} messages */
async function stream(url, messages) {
  const begun = performance.now();
  const body = { model: 'x', messages, stream: true, max_tokens: TOKENS, temperature: 0, stream_options: { include_usage: true } };
  const answer = await fetch(url + 'v1/chat/completions', { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
  if (!answer.ok || !answer.body) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  let first = 0, last = 0, tokens = 0, text = '';
  const decoder = new TextDecoder();
  for await (const bytes of answer.body) {
    text += decoder.decode(bytes, { stream: true });
    const lines = text.split('\n');
    text = /** @type {string} */ (lines.pop());
    for (const line of lines) {
      if (!line.startsWith('data: {')) continue;
      const event = JSON.parse(line.slice(6));
      tokens = event.usage?.completion_tokens ?? tokens;
      if (!event.choices?.[0]?.delta?.content) continue;
      last = performance.now();
      first ||= last;
    }
  }
  return { begun, first, last, tokens };
}

/** @param {string} url @param {number} streams @param {(i: number) => object[]} messages */
async function measure(url, streams, messages) {
  const all = await Promise.all(Array.from({ length: streams }, (_, i) => stream(url, messages(i))));
  const writing = Math.max(...all.map((a) => a.last)) - Math.min(...all.map((a) => a.first));
  const tokens = all.reduce((n, a) => n + a.tokens, 0);
  return { first: median(all.map((a) => a.first - a.begun)), rate: (tokens - streams) / (writing / 1000) };
}

/** @param {string} what @param {number[]} ours @param {number[]} theirs @param {string} unit */
function report(what, ours, theirs, unit) {
  const a = median(ours), b = median(theirs);
  console.log(`${what.padEnd(50)} ${a.toFixed(1).padStart(8)} ${unit.padEnd(8)}  llama-server ${b.toFixed(1).padStart(8)} ${unit.padEnd(8)}  ${(a / b).toFixed(2)}x`);
}

test(`language model, ${process.env.MODEL ?? SHAPE}, 2 threads`, async (t) => {
  const model = process.env.MODEL ?? path.join(await temporaryFolder(t), 'model.gguf');
  if (!process.env.MODEL && spawnSync(path.join(BUILD, 'test/gguf_make'), [SHAPE, model], { stdio: 'inherit' }).status !== 0) throw new Error('no model');
  const ours = await startServer(t, {
    args: ['--limit-turns', '100000', '--stt-driver', 'scripted', '--tts-driver', 'scripted', '--llm-model', model, '--llm-threads', '2', '--llm-context', '4096'],
  });
  await untilReady(ours);
  const peer = spawn('llama-server', ['-m', model, '-t', '2', '-np', '4', '-c', '16384', '--kv-unified', '--port', String(PORT), '--no-webui'], { stdio: 'ignore' });
  atEnd(t, () => peer.kill('SIGKILL'));
  const theirs = `http://127.0.0.1:${PORT}/`;
  await until(async () => (await fetch(theirs + 'health').catch(() => null))?.ok, 'llama-server', 120000);

  let round = 0;
  const system = { role: 'system', content: words(400, 'You are brief.') };
  /** @type {[string, number, (i: number) => object[]][]} */
  const cases = [
    ['one stream, a new prompt of 500', 1, () => [{ role: 'user', content: words(500, `n${round}`) }]],
    ['one stream, 400 known and 30 new', 1, () => [system, { role: 'user', content: words(30, `k${round}`) }]],
    ['four streams, 400 known and 30 new', 4, (i) => [system, { role: 'user', content: words(30, `m${round} ${i}`) }]],
    ['four streams, new prompts of 300', 4, (i) => [{ role: 'user', content: words(300, `f${round} ${i}`) }]],
  ];
  for (const url of [ours.url, theirs]) await measure(url, 4, (i) => [system, { role: 'user', content: `warm ${i}` }]);
  for (const [what, streams, messages] of cases) {
    /** @type {Record<'first' | 'rate' | 'peerFirst' | 'peerRate', number[]>} */
    const got = { first: [], rate: [], peerFirst: [], peerRate: [] };
    for (let i = 0; i < ROUNDS; i++, round++) {
      const a = await measure(ours.url, streams, messages), b = await measure(theirs, streams, messages);
      got.first.push(a.first);
      got.rate.push(a.rate);
      got.peerFirst.push(b.first);
      got.peerRate.push(b.rate);
    }
    report(`${what}: first token`, got.first, got.peerFirst, 'ms');
    report(`${what}: all together`, got.rate, got.peerRate, 'tokens/s');
  }
});
