// SPDX-License-Identifier: Apache-2.0
// @ts-check
// @once: what sounds is the same under the sanitizers
/*
 * Where one clause's sound meets the next one's, nothing clicks and nobody waits: no step from a sample to the next is
 * larger than the clause's own 99.9th percentile, and between them are 40 to 500 ms of quiet, whatever the mark (how many after
 * which, tts_normalise_test knows).
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { Engine } from '../lib/engine.js';
import { BUILD, temporaryFolder } from '../lib/server.js';

const CLAUSES = ['You can add documents by the page,', 'or by the command,', 'which takes a folder.', 'Then ask!', 'What would you like to know', 'about the house on the hill?'];
const NEAR_MS = 10; /* on both sides of a join */
const QUIET = 300; /* a sample's size that nobody hears beside speech */
/* What the punctuation asks for, and what trimming leaves of the voice's own silence on both sides. */
const PAUSE_MS = { min: 40, max: 260 + 2 * 120 };

/** One answer's samples, and where each clause ends. @param {Engine} tts @param {number} id @param {string} voice @param {number} rate_hz */
async function speak(tts, id, voice, rate_hz) {
  tts.send('tts_open', id, { voice, rate_hz });
  for (const text of CLAUSES) tts.send('tts_text', id, { text });
  tts.send('tts_finish', id);
  const pieces = [];
  const ends = [];
  let at = 0;
  let last;
  for await (last of tts.stream(id)) {
    if (last.name === 'audio') pieces.push(last.samples);
    if (last.name === 'tts_clause') ends.push((at += last.samples));
  }
  assert.equal(last?.name, 'tts_done', last?.text);
  const bytes = Buffer.concat(pieces);
  const samples = new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  assert.equal(samples.length, last.samples);
  assert.equal(at, samples.length, 'clauses are all of the sound');
  assert.equal(ends.length, CLAUSES.length);
  return { samples, ends };
}

/** @param {Int16Array} samples */
const steps = (samples) => Array.from(samples.subarray(1), (sample, i) => Math.abs(sample - samples[i]));

/** The quiet samples around `join`. @param {Int16Array} samples @param {number} join */
function pause(samples, join) {
  let from = join;
  let to = join;
  while (from > 0 && Math.abs(samples[from - 1]) < QUIET) from--;
  while (to < samples.length && Math.abs(samples[to]) < QUIET) to++;
  return to - from;
}

/** @param {{samples: Int16Array, ends: number[]}} said @param {number} rate_hz @param {number} share of the steps that are usual */
function assertJoined({ samples, ends }, rate_hz, share = 0.999) {
  const near = Math.round((NEAR_MS * rate_hz) / 1000);
  for (const [i, join] of ends.slice(0, -1).entries()) {
    const inside = [samples.subarray(ends[i - 1] ?? 0, join - near), samples.subarray(join + near, ends[i + 1])];
    const usual = inside.flatMap(steps).sort((a, b) => a - b);
    const most = Math.max(...steps(samples.subarray(join - near, join + near)));
    const limit = usual[Math.ceil(share * usual.length) - 1];
    assert(most <= limit, `after "${CLAUSES[i]}" a step of ${most}, usual are ${limit}`);
    const ms = (1000 * pause(samples, join)) / rate_hz;
    assert(ms >= PAUSE_MS.min && ms <= PAUSE_MS.max, `after "${CLAUSES[i]}" ${ms.toFixed(0)} ms of nothing`);
  }
}

for (const rate_hz of [8000, 16000, 22050, 24000, 48000])
  test(`clauses of the built-in voices join, at ${rate_hz} Hz`, async (t) => {
    const tts = await Engine.start(t, 'tts', { driver: 'builtin' });
    for (const [i, voice] of ['rms', 'slt', 'kal', 'en-gb', 'de'].entries()) assertJoined(await speak(tts, i + 1, voice, rate_hz), rate_hz);
  });

/* The made one says noise, in which any step is usual that is no larger than all others. */
test('so do those of a voice of Piper', async (t) => {
  const file = path.join(await temporaryFolder(t), 'en_US-made-tiny.onnx');
  execFileSync(path.join(BUILD, 'test/voice_make'), ['tiny', file]);
  const tts = await Engine.start(t, 'tts', { driver: 'piper', model: file });
  for (const [i, rate_hz] of [16000, 24000].entries()) assertJoined(await speak(tts, i + 1, '', rate_hz), rate_hz, 1);
});
