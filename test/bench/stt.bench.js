// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * Whisper beside Debian's whisper-server and whisper-cli: the same file, the same sound, the same two threads, in turns of
 * one run. A file of a public model's shape is as fast as that model; it is made to say as many words as people do in that
 * time, since how many there are is half of the cost. SHAPE=small.en TYPE=q4_0 take another one, MODEL=file.bin a real one;
 * ROUNDS=5 is how often each is measured.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { Engine } from '../lib/engine.js';
import { childrenOf, quantile, resident } from '../lib/measure.js';
import { BUILD, atEnd, startServer, temporaryFolder, until, untilReady } from '../lib/server.js';
import { samplesOf, writeWav } from '../lib/speech.js';

const SHAPE = process.env.SHAPE ?? 'base.en';
const TYPES = (process.env.TYPE ?? 'q4_0 q5_1 f16').split(' ');
const ROUNDS = Number(process.env.ROUNDS ?? 5);
const PORT = 18441;
const SPEECH = '/usr/share/pocketsphinx/test/data/librivox/sense_and_sensibility_01_austen_64kb-0880.wav';
const WORDS_PER_SECOND = 2.7;
/* No word twice, or it would be taken for a loop. */
const WORDS = 'he was not an ill disposed young man unless to be rather cold hearted and selfish is that for in general well respected as conducted himself with propriety through all his ordinary duties'.split(' ');

/** @param {number[]} values */
const median = (values) => quantile(values, 0.5);

/** @param {() => Promise<unknown>} work */
async function timed(work) {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

/** Both in turns, after one that does not count. @param {() => Promise<unknown>} ours @param {() => Promise<unknown>} theirs */
async function inTurns(ours, theirs) {
  const a = [], b = [];
  for (let i = 0; i <= ROUNDS; i++) {
    const one = await timed(ours), other = await timed(theirs);
    if (i > 0) a.push(one), b.push(other);
  }
  return { ours: median(a), theirs: median(b) };
}

/** @param {string} what @param {number} ours @param {string} peer @param {number} theirs */
const report = (what, ours, peer, theirs) =>
  console.log(`${what.padEnd(44)} ${ours.toFixed(0).padStart(6)} ms   ${peer.padEnd(34)} ${theirs.toFixed(0).padStart(6)} ms   ${(theirs / ours).toFixed(1)} times as long`);

/** So many seconds of speech, without a pause at which we would cut. @param {string} folder @param {number} seconds */
function recording(folder, seconds) {
  const spoken = samplesOf(SPEECH), samples = new Int16Array(seconds * 16000);
  for (let at = 0; at < samples.length; at += spoken.length) samples.set(spoken.subarray(0, samples.length - at), at);
  const file = path.join(folder, `${seconds}.wav`);
  writeWav(file, samples, 16000);
  return { file, samples, seconds };
}

/** @param {string} url @param {string} file @param {Record<string, string>} [fields] */
async function post(url, file, fields = {}) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append('file', new Blob([readFileSync(file)]), 'sound.wav');
  const answer = await fetch(url, { method: 'POST', body: form });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${text}`);
  return text;
}

/** @param {import('node:test').TestContext} t @param {string} model @param {number} port @param {string[]} args */
async function whisperServer(t, model, port, args = []) {
  const peer = spawn('whisper-server', ['-m', model, '-t', '2', '--port', String(port), ...args], { stdio: 'ignore', env: { ...process.env, OPENBLAS_NUM_THREADS: '1' } });
  atEnd(t, () => peer.kill('SIGKILL'));
  const url = `http://127.0.0.1:${port}/inference`;
  await until(async () => (await fetch(`http://127.0.0.1:${port}/`).catch(() => null))?.ok, 'whisper-server', 120000);
  return { url, pid: /** @type {number} */ (peer.pid) };
}

/** From the end of speech to the final, and how far behind partials are. @param {import('node:test').TestContext} t @param {string} model @param {Int16Array} samples */
async function live(t, model, samples) {
  const stt = await Engine.start(t, 'stt', { driver: 'whisper', model, threads: 2, options: 'streams=1' }, { GOMP_SPINCOUNT: '3000', OPENBLAS_NUM_THREADS: '1' }); /* as the server does */
  const finals = [], behind = [], onScreen = [];
  for (let id = 1; id <= ROUNDS; id++) {
    stt.send('stt_open', id, { rate_hz: 16000, partials: 1, language: 'en' });
    const begun = performance.now();
    let finished = 0, shown = 0;
    const listening = (async () => {
      for await (const m of stt.stream(id)) {
        if (m.name === 'stt_partial') {
          behind.push(m.at - begun - m.audio_ms);
          /* What was said in these 20 ms stands on the screen from now on. */
          for (; shown + 20 <= Math.min(m.audio_ms, samples.length / 16); shown += 20) onScreen.push(m.at - begun - (shown + 20));
        }
        if (m.name === 'stt_final') finals.push(m.at - finished);
        if (m.name === 'fail') throw new Error(m.text);
      }
    })();
    /* In real time, then the half second of silence after which a turn ends. */
    for (let at = 0; at < samples.length + 8000; at += 320) {
      const early = (at + 320) / 16 - (performance.now() - begun);
      if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
      const frame = new Int16Array(320);
      frame.set(samples.subarray(at, at + 320));
      stt.send('audio', id, { samples: Buffer.from(frame.buffer) });
    }
    finished = performance.now();
    stt.send('stt_finish', id);
    await listening;
  }
  console.log(`  live: from word to screen ${median(onScreen).toFixed(0)} ms (95 %: ${quantile(onScreen, 0.95).toFixed(0)})`);
  console.log(`  live: partials ${median(behind).toFixed(0)} ms behind the sound (95 %: ${quantile(behind, 0.95).toFixed(0)}), the final ${median(finals).toFixed(1)} ms after the end of the turn`);
}

for (const type of process.env.MODEL ? [''] : TYPES)
  test(`whisper, ${process.env.MODEL ?? `${SHAPE} ${type}`}`, { skip: !existsSync('/usr/bin/whisper-server') && 'whisper.cpp-tools is not installed' }, async (t) => {
    const folder = await temporaryFolder(t);
    for (const seconds of [3, 11]) {
      const { file, samples } = recording(folder, seconds);
      const words = WORDS.slice(0, Math.round(seconds * WORDS_PER_SECOND)).join(' ');
      const model = process.env.MODEL ?? path.join(folder, `${type}-${seconds}.bin`);
      if (!process.env.MODEL && spawnSync(path.join(BUILD, 'test/whisper_make'), [SHAPE, type, model, words], { stdio: 'inherit' }).status !== 0) throw new Error('no model');
      console.log(`${process.env.MODEL ?? `${SHAPE} ${type}`}, ${seconds} s of speech, ${words.split(' ').length} words`);
      const server = await startServer(t, { args: ['--stt-model', model, '--stt-threads', '2', '--stt-streams', '8'] });
      await untilReady(server);
      const theirs = await whisperServer(t, model, PORT);
      const quick = await whisperServer(t, model, PORT + 1, ['-bs', '1', '-bo', '1', '-nf', '-nt', '-ac', String(Math.ceil((seconds * 50 + 64) / 256) * 256)]);
      /** @type {any} */
      let answer;
      const our = async () => (answer = JSON.parse(await post(server.url + 'stt', file)));
      for (const [peer, url] of [['whisper-server', theirs.url], ['whisper-server, one beam, short window', quick.url]]) {
        const one = await inTurns(our, () => post(url, file));
        report('  one request', one.ours, peer, one.theirs);
      }
      console.log(`  of that: the file read ${answer.timings.read_ms.toFixed(0)} ms, computing ${answer.timings.compute_ms.toFixed(0)} ms, ${answer.text.split(' ').length} words heard`);
      const four = await inTurns(() => Promise.all([our(), our(), our(), our()]), () => Promise.all(Array.from({ length: 4 }, () => post(theirs.url, file))));
      report('  four at once', four.ours, 'whisper-server', four.theirs);
      const cli = await inTurns(our, () => new Promise((resolve) => spawn('whisper-cli', ['-m', model, '-t', '2', '-f', file, '-np'], { stdio: 'ignore' }).once('exit', resolve)));
      report('  one request', cli.ours, 'whisper-cli, loading', cli.theirs);
      const engine = childrenOf(server.pid).map((pid) => ({ pid, name: readFileSync(`/proc/${pid}/comm`, 'utf8').trim() })).find((c) => c.name.startsWith('repartee-stt'));
      if (engine) console.log(`  memory: repartee-stt ${(resident(engine.pid) / 1e6).toFixed(0)} MB, whisper-server ${(resident(theirs.pid) / 1e6).toFixed(0)} MB`);
      await server.stop();
      process.kill(theirs.pid, 'SIGKILL');
      process.kill(quick.pid, 'SIGKILL');
      await live(t, model, samples);
    }
  });
