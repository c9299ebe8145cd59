// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * Both voice detectors side by side: how far from the marks of the LibriVox recordings the ear finds a beginning and an
 * end, in noise of several kinds; false beginnings in a minute of noise alone; and what a second of sound costs.
 */
import { performance } from 'node:perf_hooks';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { NOISES, RECORDINGS, errorsOf, marksIn, minuteOf, mixed, sileroFile } from '../lib/noisy.js';

const SILERO = sileroFile();
/** @type {[string, string | null][]} */
const DETECTORS = [['built-in', null]];
if (SILERO) DETECTORS.push(['Silero', SILERO]);
else console.log('Silero\'s file is not here; SILERO=FILE names it');

const folder = mkdtempSync(path.join(tmpdir(), 'vad-bench-'));
/** @param {number[]} values */
const worst = (values) => values.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0);
/** @param {number[]} values */
const mean = (values) => values.reduce((a, b) => a + Math.abs(b), 0) / values.length;
/** @param {number[]} values */
const spread = (values) => (values.length ? `${mean(values).toFixed(0)} (${worst(values) > 0 ? '+' : ''}${worst(values).toFixed(0)})` : '-').padStart(12);

console.log('noise        detector   found  whole    start off, ms   end off, ms: mean (worst)');
for (const [kind, db] of /** @type {[string, number][]} */ ([['', 0], ...[20, 10, 5].flatMap((level) => NOISES.map((noise) => [noise, level]))])) {
  const files = RECORDINGS.map((recording) => mixed(folder, recording, kind, db));
  for (const [name, silero] of DETECTORS) {
    const all = marksIn(files, silero).map((marks, i) => errorsOf(RECORDINGS[i], marks));
    const found = all.filter(({ utterances }) => utterances > 0), whole = all.filter(({ utterances }) => utterances === 1);
    console.log(`${(kind ? `${kind} ${db} dB` : 'none').padEnd(12)} ${name.padEnd(9)} ${found.length} of ${all.length} ${whole.length} of ${all.length}  ${spread(found.map(({ start }) => start))}  ${spread(found.map(({ end }) => end))}`);
  }
}
for (const kind of [...NOISES, 'hum']) {
  const files = [0.02, 0.1, 0.3].map((volume) => minuteOf(folder, kind, volume));
  for (const [name, silero] of DETECTORS) {
    const begun = performance.now();
    const marks = marksIn(files, silero);
    const ms = (performance.now() - begun) / (60 * files.length);
    console.log(`a minute of ${kind.padEnd(6)} ${name.padEnd(9)} false beginnings at -34, -20, -10 dB: ${marks.map((m) => m.length / 2).join(', ')}; ${ms.toFixed(2)} ms a second of sound`);
  }
}
rmSync(folder, { recursive: true });
