// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * The language model beside Debian's llama-server: the same file, the same two threads, in turns of one
 * run; then what each has left on a machine that it shares. A file of a public model's shape with random
 * weights is as fast as that model. SHAPE=llama-1b takes another shape, MODEL=file.gguf a real model;
 * ROUNDS=3 is how often each is measured, CASES=shared which of them.
 */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { Engine } from '../lib/engine.js';
import { quantile } from '../lib/measure.js';
import { BUILD, atEnd, startServer, temporaryFolder, until, untilReady } from '../lib/server.js';
import { speak } from '../lib/speech.js';

const SHAPE = process.env.SHAPE ?? 'smol-135m';
const ROUNDS = Number(process.env.ROUNDS ?? 5);
const CASES = new RegExp(process.env.CASES ?? '');
const TOKENS = 64;
const PORT = 18437;

/** @param {number[]} values */
const median = (values) => quantile(values, 0.5);

/** A prompt of about n tokens in a made vocabulary, where a byte is one. @param {number} n @param {string} seed */
const words = (n, seed) => `${seed} ${'abcdefghij klmnopqrs tuvwxyz. '.repeat(Math.ceil(n / 30))}`.slice(0, n);
const SYSTEM = words(400, 'You are brief.');

/** One streamed answer: when it was asked for, when its pieces came, and the number of its tokens. @param {string} url @param {object[]} messages */
async function stream(url, messages) {
  const begun = performance.now();
  const body = { model: 'x', messages, stream: true, max_tokens: TOKENS, temperature: 0, stream_options: { include_usage: true } };
  const answer = await fetch(url + 'v1/chat/completions', { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
  if (!answer.ok || !answer.body) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  /** @type {number[]} */
  const at = [];
  let tokens = 0, text = '';
  const decoder = new TextDecoder();
  for await (const bytes of answer.body) {
    text += decoder.decode(bytes, { stream: true });
    const lines = text.split('\n');
    text = /** @type {string} */ (lines.pop());
    for (const line of lines) {
      if (!line.startsWith('data: {')) continue;
      const event = JSON.parse(line.slice(6));
      tokens = event.usage?.completion_tokens ?? tokens;
      if (event.choices?.[0]?.delta?.content) at.push(performance.now());
    }
  }
  return { begun, at, tokens };
}

/** @param {string} url @param {number} streams @param {(i: number) => object[]} messages */
async function measure(url, streams, messages) {
  const all = await Promise.all(Array.from({ length: streams }, (_, i) => stream(url, messages(i))));
  const end = Math.max(...all.map((a) => a.at[a.at.length - 1]));
  const tokens = all.reduce((n, a) => n + a.tokens, 0);
  return {
    first: median(all.map((a) => a.at[0] - a.begun)),
    /* Of one the writing, of several all: one may write while another is read. */
    rate: streams === 1 ? (tokens - 1) / ((end - all[0].at[0]) / 1000) : tokens / ((end - all[0].begun) / 1000),
    gaps: all.flatMap((a) => a.at.slice(1).map((at, i) => at - a.at[i])),
  };
}

/** @param {string} what @param {number} ours @param {number} theirs @param {string} unit @param {string} [peer] */
function report(what, ours, theirs, unit, peer = 'llama-server') {
  console.log(`${what.padEnd(56)} ${ours.toFixed(1).padStart(8)} ${unit.padEnd(8)}  ${peer} ${theirs.toFixed(1).padStart(8)} ${unit.padEnd(8)}  ${(ours / theirs).toFixed(2)}x`);
}

/** @typedef {{first: number, rate: number, gaps: number[]}} Measured */

/** @param {Measured[]} all @returns {Measured} */
const middle = (all) => ({ first: median(all.map((a) => a.first)), rate: median(all.map((a) => a.rate)), gaps: all.flatMap((a) => a.gaps) });

/** @param {() => Promise<Measured>} run */
async function often(run) {
  const all = [];
  for (let i = 0; i < ROUNDS; i++) all.push(await run());
  return middle(all);
}

/** Both in turns. @param {() => Promise<Measured>} our @param {() => Promise<Measured>} their */
async function inTurns(our, their) {
  const ours = [], theirs = [];
  for (let i = 0; i < ROUNDS; i++) {
    ours.push(await our());
    theirs.push(await their());
  }
  return { ours: middle(ours), theirs: middle(theirs) };
}

/** @param {import('node:test').TestContext} t @param {string} model @param {number} threads */
async function llamaServer(t, model, threads) {
  const port = PORT + threads;
  const peer = spawn('llama-server', ['-m', model, '-t', String(threads), '-np', '4', '-c', '16384', '--kv-unified', '--port', String(port), '--no-webui'], { stdio: 'ignore' });
  atEnd(t, () => peer.kill('SIGKILL'));
  const url = `http://127.0.0.1:${port}/`;
  await until(async () => (await fetch(url + 'health').catch(() => null))?.ok, 'llama-server', 120000);
  return url;
}

/** Does `work` while `what` is run again and again: what came of it, and how many ms each run took. @template T @param {() => Promise<unknown>} what @param {() => Promise<T>} work */
async function beside(what, work) {
  let busy = true;
  /** @type {number[]} */
  const took = [];
  const runs = (async () => {
    while (busy) {
      const begun = performance.now();
      await what();
      took.push(performance.now() - begun);
    }
  })();
  const result = await work();
  busy = false;
  await runs;
  return { result, ms: median(took) };
}

/** @param {string} program @param {string[]} args */
const ended = (program, args) => new Promise((resolve) => spawn(program, args, { stdio: 'ignore' }).once('exit', resolve));

/** The words so far have been read ahead while they were spoken; the last ones come with the question. @param {import('node:test').TestContext} t @param {string} model */
async function readAhead(t, model) {
  const llm = await Engine.start(t, 'llm', { driver: 'llama', model, options: 'context=4096' });
  let id = 0;
  /** @param {string} said @param {string} end @param {object} values */
  const job = async (said, end, values) => {
    const begun = performance.now();
    llm.send('llm_open', ++id, { session: 's' });
    llm.send('llm_segment', id, { role: 'system', trusted: 1, text: SYSTEM });
    llm.send('llm_segment', id, { role: 'user', text: said });
    llm.send(end, id, { max_tokens: 8, ...values });
    for await (const m of llm.stream(id)) {
      if (m.name === 'fail') throw new Error(m.text);
      if (m.name === 'llm_token') return m.at - begun;
    }
    return 0;
  };
  let round = 0;
  return async () => {
    const said = words(100, `a${round++}`);
    await job(said.slice(0, 96), 'llm_prefill', {});
    return { first: await job(said, 'llm_generate', { top_p: 1 }), rate: 0, gaps: [] };
  };
}

test(`language model, ${process.env.MODEL ?? SHAPE}`, async (t) => {
  const folder = await temporaryFolder(t);
  const model = process.env.MODEL ?? path.join(folder, 'model.gguf');
  if (!process.env.MODEL && spawnSync(path.join(BUILD, 'test/gguf_make'), [SHAPE, model], { stdio: 'inherit' }).status !== 0) throw new Error('no model');
  const { url: ours } = await startServer(t, { args: ['--limit-turns', '100000', '--llm-model', model, '--llm-threads', '2', '--llm-context', '4096'] }).then((server) => untilReady(server).then(() => server));
  const theirs = await llamaServer(t, model, 2);

  let round = 0;
  const system = { role: 'system', content: SYSTEM };
  /** @param {number} known @param {number} n @param {string} seed @param {number} [i] */
  const ask = (known, n, seed, i = 0) => [...(known ? [system] : []), { role: 'user', content: words(n, `${seed}${round} ${i}`) }];
  /** @type {[string, number, number, number][]} */
  const cases = [
    ['one stream, a new prompt of 500', 1, 0, 500],
    ['one stream, 400 known and 30 new', 1, 400, 30],
    ['four streams, 400 known and 30 new', 4, 400, 30],
    ['four streams, new prompts of 300', 4, 0, 300],
  ];
  for (const url of [ours, theirs]) await measure(url, 4, (i) => ask(400, 10, 'w', i));
  for (const [what, streams, known, n] of cases) {
    if (!CASES.test(what)) continue;
    /** @param {string} url */
    const run = (url) => () => measure(url, streams, (i) => ask(known, n, `${what[0]}${round++}`, i));
    const got = await inTurns(run(ours), run(theirs));
    report(`${what}: first token`, got.ours.first, got.theirs.first, 'ms');
    report(`${what}: all together`, got.ours.rate, got.theirs.rate, 'tokens/s');
  }
  /** @param {string} url */
  const one = (url) => () => measure(url, 1, () => ask(400, 100, `o${round++}`));

  if (CASES.test('read ahead')) {
    for (let i = 0; i < 4; i++) await one(theirs)(); /* what is known has been read */
    const got = await inTurns(await readAhead(t, model), one(theirs));
    report('400 known, 96 of 100 read ahead: first token', got.ours.first, got.theirs.first, 'ms');
  }
  if (CASES.test('shared with a foreign process')) {
    const busy = spawn('sh', ['-c', 'while :; do :; done']);
    atEnd(t, () => busy.kill('SIGKILL'));
    const { ours: a, theirs: b } = await inTurns(one(ours), one(theirs));
    busy.kill('SIGKILL');
    report('beside a busy process: first token', a.first, b.first, 'ms');
    for (const [name, q] of /** @type {[string, number][]} */ ([['median', 0.5], ['p99', 0.99]]))
      report(`beside a busy process: per token, ${name}`, quantile(a.gaps, q), quantile(b.gaps, q), 'ms');
  }
  if (CASES.test('shared with recognition')) {
    const single = await llamaServer(t, model, 1);
    const wav = speak(folder, 'How do I add documents to the knowledge base, and who may read them?');
    const hear = () => fetch(ours + 'stt', { method: 'POST', body: readFileSync(wav), headers: { 'content-type': 'audio/wav' } }).then((r) => r.text());
    const heard = () => ended('pocketsphinx', ['single', wav]);
    const a = await beside(hear, () => often(one(ours)));
    const b = await beside(heard, () => often(one(single)));
    const c = await beside(heard, () => often(one(theirs)));
    report('beside recognition: one stream', a.result.rate, b.result.rate, 'tokens/s', 'llama-server, 1 thread');
    report('beside recognition: one stream', a.result.rate, c.result.rate, 'tokens/s', 'llama-server, 2 threads');
    report('recognition beside it', a.ms, b.ms, 'ms', 'pocketsphinx');
  }
});
