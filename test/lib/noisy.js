// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* People who read aloud, from when to when (LibriVox recordings of pocketsphinx-testdata), noise beside them made by sox, and
 * what a voice detector says of it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { BUILD } from './server.js';
import { loudness, samplesOf } from './speech.js';

const FOLDER = '/usr/share/pocketsphinx/test/data/librivox';
const RAW = ['-t', 'raw', '-r', '16000', '-c', '1', '-b', '16', '-e', 'signed'];
/* The same noise in every run, and nothing added when it is made 16 bits wide. */
const SOX = ['-R', '-D'];
export const NOISES = ['white', 'pink', 'brown'];

/** @typedef {{name: string, file: string, from: number, to: number}} Recording times in ms */
/** @type {Recording[]} */
export const RECORDINGS = ['0870', '0880', '0890', '0920', '0930'].map((name) => {
  const file = path.join(FOLDER, `sense_and_sensibility_01_austen_64kb-${name}`);
  const [speech, silence] = readFileSync(`${file}.lab`, 'utf8').trim().split('\n').map((line) => Number(line.split('\t')[0]) * 1000);
  return { name, file: `${file}.wav`, from: speech, to: silence };
});

/**
 * Silero's file, which the project does not hold: the variable SILERO names it, or it lies in a folder shared/data beside
 * the project or beside a folder that it lies in. NULL: neither.
 */
export function sileroFile() {
  if (process.env.SILERO) return process.env.SILERO;
  for (let folder = path.join(import.meta.dirname, '../..'); ; folder = path.dirname(folder)) {
    const file = path.join(folder, 'shared/data/silero-v6.2.0-ggml.bin');
    if (existsSync(file)) return file;
    if (folder === path.dirname(folder)) return null;
  }
}

/** @param {string} file @param {number} seconds @param {string} kind @param {number} volume of its peaks */
const makeNoise = (file, seconds, kind, volume) =>
  execFileSync('sox', [...SOX, '-n', '-r', '16000', '-c', '1', '-b', '16', file, 'synth', String(seconds), ...(kind === 'hum' ? ['sine', '100'] : [`${kind}noise`]), 'vol', String(volume)], { stdio: ['ignore', 'ignore', 'ignore'] });

/** The samples of a minute of noise alone, as a file. @param {string} folder @param {string} kind @param {number} [volume] */
export function minuteOf(folder, kind, volume = 0.1) {
  const wav = path.join(folder, `minute-${kind}-${volume}.wav`), raw = wav.replace(/wav$/, 'raw');
  makeNoise(wav, 60, kind, volume);
  execFileSync('sox', [...SOX, wav, ...RAW, raw]);
  return raw;
}

/**
 * A recording with noise so many dB below the speech in it (root mean squares), as a file; without a kind the recording alone.
 * @param {string} folder @param {Recording} recording @param {string} [kind] @param {number} [db]
 */
export function mixed(folder, recording, kind = '', db = 0) {
  const raw = path.join(folder, `${recording.name}-${kind}-${db}.raw`);
  if (!kind) {
    execFileSync('sox', [...SOX, recording.file, ...RAW, raw]);
    return raw;
  }
  const noise = path.join(folder, `${recording.name}-${kind}.wav`);
  const samples = samplesOf(recording.file);
  const speech = samples.subarray(recording.from * 16, recording.to * 16);
  makeNoise(noise, samples.length / 16000, kind, 0.3);
  const volume = loudness(speech) / loudness(samplesOf(noise)) / 10 ** (db / 20);
  execFileSync('sox', [...SOX, '-m', '-v', '1', recording.file, '-v', String(volume), noise, ...RAW, raw]);
  return raw;
}

/**
 * Where the ear finds utterances in sounds, of each [from, to, from, to…] in ms.
 * @param {string[]} files @param {string | null} silero its file, or the built-in detector @returns {number[][]}
 */
export function marksIn(files, silero) {
  const out = execFileSync(path.join(BUILD, 'test/vad_marks'), [...(silero ? ['--silero', silero] : []), ...files], { encoding: 'utf8' });
  const lines = out.trimEnd().split('\n');
  assert.equal(lines.length, files.length);
  return lines.map((line, i) => {
    assert(line.startsWith(files[i]));
    return line.slice(files[i].length).split(' ').filter(Boolean).map(Number);
  });
}

/** How far off, in ms; of speech that was not found nothing. @param {Recording} recording @param {number[]} marks */
export const errorsOf = ({ from, to }, marks) => ({ utterances: marks.length / 2, start: marks[0] - from, end: (marks.at(-1) ?? NaN) - to });
