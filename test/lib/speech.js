// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* Spoken questions made by flite and sox, and what a program can tell about sound. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/**
 * A WAV file in `folder` in which a voice says `text`.
 * @param {string} folder @param {string} text
 * @param {{voice?: string, rate?: number, before_s?: number, after_s?: number}} [options]
 */
export function speak(folder, text, { voice = 'rms', rate = 16000, before_s = 0.2, after_s = 0.3 } = {}) {
  const name = path.join(folder, `${voice}-${text.replace(/\W+/g, '-').slice(0, 60)}`);
  execFileSync('flite', ['-voice', voice, '-t', text, '-o', `${name}-dry.wav`]);
  const file = `${name}-${rate}.wav`;
  execFileSync('sox', [`${name}-dry.wav`, '-r', String(rate), '-c', '1', '-b', '16', file, 'pad', String(before_s), String(after_s)]);
  return file;
}

/** The samples of a 16-bit mono WAV file. @param {string} file */
export function samplesOf(file) {
  const bytes = readFileSync(file);
  for (let at = 12; at + 8 <= bytes.length; at += 8 + bytes.readUInt32LE(at + 4) + (bytes.readUInt32LE(at + 4) & 1))
    if (bytes.toString('latin1', at, at + 4) === 'data') {
      const data = bytes.subarray(at + 8, at + 8 + bytes.readUInt32LE(at + 4));
      return new Int16Array(data.buffer.slice(data.byteOffset, data.byteOffset + (data.length & ~1)));
    }
  throw new Error(`${file} holds no samples`);
}

/** @param {string} file @param {Int16Array} samples @param {number} rate */
export function writeWav(file, samples, rate) {
  const head = Buffer.alloc(44);
  head.write('RIFF');
  head.writeUInt32LE(36 + samples.byteLength, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate * 2, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36);
  head.writeUInt32LE(samples.byteLength, 40);
  writeFileSync(file, Buffer.concat([head, Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength)]));
}

/** Root mean square, 0 … 1. @param {ArrayLike<number>} samples int16 */
export function loudness(samples) {
  let sum = 0;
  for (let i = 0; i < samples.length; i++) sum += (samples[i] / 32768) ** 2;
  return Math.sqrt(sum / Math.max(1, samples.length));
}

const SMALL = new Set(
  `a an and any are as at be been by can could did do does for from had has have how i if in into is it its me my no not
  of on one or our so some that the their them then there these they this to was we were what when where which who why
  will with would you your`.split(/\s+/),
);

/** The words that carry meaning. @param {string} text */
export function contentWords(text) {
  return (text.toLowerCase().match(/[a-z']+/g) ?? []).map((w) => w.replace(/'s?$/, '')).filter((w) => w.length > 1 && !SMALL.has(w));
}

/** Which share of the content words of `said` is in `heard`. @param {string} said @param {string} heard */
export function shareHeard(said, heard) {
  const left = contentWords(heard);
  const wanted = contentWords(said);
  const found = wanted.filter((word) => {
    const at = left.indexOf(word);
    if (at >= 0) left.splice(at, 1);
    return at >= 0;
  });
  return found.length / Math.max(1, wanted.length);
}
