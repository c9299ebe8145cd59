// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * How soon voices begin to speak, and how much faster than real time they are. A voice of Piper, made with the shape of a medium
 * one, is compared with a plain run of the same file: with the best options and the same threads, and with those of Piper's own
 * program. What both say has a length by chance, so it is time for a second of sound that is compared.
 */
import { execFileSync } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { Engine } from '../lib/engine.js';
import { BUILD, environment, temporaryFolder } from '../lib/server.js';

const RATE = 22050;
const ROUNDS = 50;
const FLITE = ['rms', 'slt', 'awb', 'kal'];
const texts = [
  'Hello.',
  'You can add documents by dropping them on the page,',
  'You can add documents by dropping them on the page, or by naming a folder in the configuration.',
];

/** @param {number[]} values @param {number} q */
const quantile = (values, q) => values.sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))];

let id = 0;

/** Milliseconds to the first sound, and of the whole; and seconds of sound. @param {Engine} tts @param {string} text @param {object} open */
async function speak(tts, text, open) {
  let first = 0, whole = 0, seconds = 0;
  tts.send('tts_open', ++id, { rate_hz: RATE, ...open });
  const begun = performance.now();
  tts.send('tts_text', id, { text });
  tts.send('tts_finish', id);
  for await (const m of tts.stream(id)) {
    if (m.name === 'audio') first ||= m.at - begun;
    if (m.name === 'tts_clause') whole = m.at - begun;
    if (m.name === 'tts_done') seconds = m.samples / RATE;
  }
  return { first, whole, seconds };
}

/** Milliseconds in which the voice's own program writes a text into a file. @param {string} voice @param {string} text @param {string} folder */
function ownProgram(voice, text, folder) {
  const file = path.join(folder, 'own.wav'), took = [];
  const [program, ...args] = FLITE.includes(voice) ? ['flite', '-voice', voice, '-t', text, '-o', file] : ['espeak-ng', '-v', voice, '-w', file, text];
  for (let round = 0; round < ROUNDS; round++) {
    const begun = performance.now();
    execFileSync(program, args);
    took.push(performance.now() - begun);
  }
  return quantile(took, 0.5);
}

test('speech synthesis', async (t) => {
  const tts = await Engine.start(t, 'tts', { driver: 'builtin' }), folder = await temporaryFolder(t);
  for (const voice of [...FLITE, 'en-gb', 'de'])
    for (const text of texts) {
      const first = [];
      const whole = [];
      let last = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const said = await speak(tts, text, { voice });
        first.push(said.first);
        whole.push(said.whole);
        last = said.seconds;
      }
      console.log(
        `${voice.padEnd(6)} ${String(text.length).padStart(3)} characters: first sound median ${quantile(first, 0.5).toFixed(1).padStart(5)} ms` +
          `   p99 ${quantile(first, 0.99).toFixed(1).padStart(5)} ms   real-time factor ${(quantile(whole, 0.5) / 1000 / last).toFixed(4)}`,
      );
      if (text !== texts.at(-1)) continue;
      const own = ownProgram(voice, text, folder), start = ownProgram(voice, 'A', folder);
      console.log(`       whole ${quantile(whole, 0.5).toFixed(1)} ms against its own program: ${(quantile(whole, 0.5) / own).toFixed(2)}, without that program's start ${(quantile(whole, 0.5) / (own - start)).toFixed(2)}`);
    }
});

/* 120 characters that are one clause. */
const CLAUSE = 'You can add documents by dropping them on the page or by naming a folder in the configuration file that is in your home.';

test('a voice of Piper', async (t) => {
  const threads = Math.min(4, os.availableParallelism());
  for (const shape of ['x_low', 'medium', 'high']) {
    const file = path.join(await temporaryFolder(t), `made-${shape}.onnx`);
    execFileSync(path.join(BUILD, 'test/voice_make'), [shape, file], { env: environment() });
    const rounds = shape === 'high' ? 7 : 21;
    /** @param {string[]} more @param {number} n */
    const plain = (n, ...more) => JSON.parse(execFileSync(path.join(BUILD, 'test/voice_bench'), [file, CLAUSE, String(rounds), String(n), ...more], { env: environment() }).toString());
    const tts = await Engine.start(t, 'tts', { driver: 'piper', model: file, threads });
    for (let round = 0; round < 3; round++) await speak(tts, CLAUSE, {});
    const said = [];
    for (let round = 0; round < rounds; round++) said.push(await speak(tts, CLAUSE, {}));
    const first = quantile(said.map((s) => s.first), 0.5), a_second = quantile(said.map((s) => s.whole / s.seconds), 0.5);
    const best = Array.from({ length: threads }, (_, i) => plain(i + 1)).reduce((a, b) => (a.ms_a_second < b.ms_a_second ? a : b));
    const own = plain(1, 'plain');
    console.log(
      `${`piper ${shape}`.padEnd(12)} ${CLAUSE.length} characters: first sound median ${first.toFixed(1).padStart(5)} ms` +
        `   p99 ${quantile(said.map((s) => s.first), 0.99).toFixed(1).padStart(5)} ms   whole ${quantile(said.map((s) => s.whole), 0.5).toFixed(0)} ms, real-time factor ${(a_second / 1000).toFixed(4)}` +
        `\n             whole against the best plain run (${best.ms.toFixed(0)} ms): ${(a_second / best.ms_a_second).toFixed(2)}` +
        `   first sound against Piper's own options (${own.ms.toFixed(0)} ms): ${(own.ms / first).toFixed(1)} times sooner`,
    );
  }
});

/**
 * From the cancel to the engine's word that the place is free, at moments of all kinds: milliseconds.
 * @param {Engine} tts @param {number} rounds @param {number} longest after which the listener leaves
 */
async function leave(tts, rounds, longest) {
  const waits = [];
  for (let round = 0; round < rounds; round++) {
    tts.send('tts_open', ++id, {});
    tts.send('tts_text', id, { text: CLAUSE });
    await new Promise((resolve) => setTimeout(resolve, (longest * (round + 0.5)) / rounds));
    const left = performance.now();
    tts.send('cancel', id);
    for (;;) {
      const m = await tts.next();
      if (m.stream === id && m.name === 'canceled') break;
    }
    waits.push(performance.now() - left);
  }
  return waits;
}

/** @param {string} name @param {Engine} tts @param {number} whole milliseconds of a clause */
async function showLeaving(name, tts, whole) {
  const waits = await leave(tts, 60, whole);
  console.log(
    `${name.padEnd(12)} a listener leaves: free after median ${quantile(waits, 0.5).toFixed(1)} ms   p90 ${quantile(waits, 0.9).toFixed(1)} ms` +
      `   worst ${quantile(waits, 1).toFixed(1)} ms`,
  );
}

test('a listener who leaves', async (t) => {
  const threads = Math.min(4, os.availableParallelism()), folder = await temporaryFolder(t);
  for (const shape of ['medium', 'high']) {
    const model = path.join(folder, `made-${shape}.onnx`);
    execFileSync(path.join(BUILD, 'test/voice_make'), [shape, model], { env: environment() });
    const tts = await Engine.start(t, 'tts', { driver: 'piper', model, threads });
    await showLeaving(`piper ${shape}`, tts, (await speak(tts, CLAUSE, {})).whole);
    await tts.stop();
  }
});

test('a Kokoro', async (t) => {
  const threads = Math.min(4, os.availableParallelism()), model = path.join(await temporaryFolder(t), 'kokoro');
  execFileSync(path.join(BUILD, 'test/kokoro_make'), ['full', model], { env: environment() });
  const tts = await Engine.start(t, 'tts', { driver: 'kokoro', model, threads });
  const said = [];
  for (let round = 0; round < 5; round++) said.push(await speak(tts, CLAUSE, {}));
  const whole = quantile(said.map((s) => s.whole), 0.5);
  console.log(
    `${'kokoro'.padEnd(12)} ${CLAUSE.length} characters: first sound median ${quantile(said.map((s) => s.first), 0.5).toFixed(0)} ms   whole ${whole.toFixed(0)} ms` +
      `, real-time factor ${quantile(said.map((s) => s.whole / s.seconds / 1000), 0.5).toFixed(3)}`,
  );
  await showLeaving('kokoro', tts, whole);
});
