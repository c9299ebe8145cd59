// SPDX-License-Identifier: Apache-2.0
// @ts-check
// @once: what is heard is the same under the sanitizers
/*
 * Fifty plain sentences (test/data/sentences.txt) said by the built-in voices, each heard as a whole by PocketSphinx, which
 * knows nothing of the voices: of rms it finds at least 95 % of the words, of any other at most two points less than of
 * the sound that flite's or espeak-ng's own program makes of them. `make fault` says all, the normal run some of rms.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { Engine } from '../lib/engine.js';
import { FULL } from '../lib/scale.js';
import { temporaryFolder } from '../lib/server.js';
import { writeWav } from '../lib/speech.js';

const RATE = 16000;
const SOME = 7; /* every so manieth */
/* So often each is heard, as the other program's voices are hard to understand: one hearing is right to four points or so. */
const VOLUMES = FULL ? [0.9, 0.7, 0.5] : [0.9];
const all = readFileSync(path.join(import.meta.dirname, '../data/sentences.txt'), 'utf8').split('\n').filter((line) => line && !line.startsWith('#'));
const sentences = FULL ? all : all.filter((_, i) => i % SOME === 3);

/** @param {string} text */
const words = (text) => text.toLowerCase().replace(/[^a-z' ]/g, '').split(/ +/);

/** How many of `wanted` are in `heard`, in their order: the longest common subsequence. @param {string[]} wanted @param {string[]} heard */
function found(wanted, heard) {
  let row = new Array(heard.length + 1).fill(0);
  for (const word of wanted) {
    const next = [0];
    for (const [i, other] of heard.entries()) next.push(word === other ? row[i] + 1 : Math.max(row[i + 1], next[i]));
    row = next;
  }
  return row[heard.length];
}

/**
 * After a moment of silence, which we take off and flite does not, and which a recogniser begins with; `vol` makes sox dither
 * it, as it does whatever it resamples: of samples that are exactly 0 PocketSphinx understands less.
 * @param {string} file @param {number} volume
 */
function hear(file, volume) {
  const padded = file.replace(/wav$/, 'padded.wav');
  execFileSync('sox', [file, padded, 'pad', '0.2', '0.2', 'vol', String(volume)]);
  const said = execFileSync('pocketsphinx', ['single', padded], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return words(JSON.parse(said.trim().split('\n').at(-1) ?? '{}').t);
}

/** The share of the words that are found, in percent. @param {(sentence: string, file: string) => unknown} say @param {string} folder */
async function understood(say, folder) {
  const sum = { wanted: 0, found: 0 };
  for (const sentence of sentences) {
    const file = path.join(folder, 'said.wav');
    await say(sentence, file);
    for (const volume of VOLUMES) {
      sum.wanted += words(sentence).length;
      sum.found += found(words(sentence), hear(file, volume));
    }
  }
  return (100 * sum.found) / sum.wanted;
}

/** @param {import('node:test').TestContext} t @param {string} voice */
async function ours(t, voice) {
  const tts = await Engine.start(t, 'tts', { driver: 'builtin' });
  let id = 0;
  return async (/** @type {string} */ text, /** @type {string} */ file) => {
    tts.send('tts_open', ++id, { voice, rate_hz: RATE });
    tts.send('tts_text', id, { text });
    tts.send('tts_finish', id);
    const pieces = [];
    let last;
    for await (last of tts.stream(id)) if (last.name === 'audio') pieces.push(last.samples);
    assert.equal(last?.name, 'tts_done', last?.text);
    const bytes = Buffer.concat(pieces);
    writeWav(file, new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2), RATE);
  };
}

/** The voice's own program. @param {string} voice @param {string} folder */
function bare(voice, folder) {
  const raw = path.join(folder, 'raw.wav');
  return (/** @type {string} */ text, /** @type {string} */ file) => {
    if (voice.startsWith('en')) execFileSync('espeak-ng', ['-v', voice, '-w', raw, text]);
    else execFileSync('flite', ['-voice', voice, '-t', text, '-o', raw]);
    execFileSync('sox', [raw, '-r', String(RATE), '-c', '1', '-b', '16', file]);
  };
}

test('of what rms says 95 % of the words are understood', async (t) => {
  const share = await understood(await ours(t, 'rms'), await temporaryFolder(t));
  t.diagnostic(`${share.toFixed(1)} % of the words`);
  assert(share >= 95, `${share} %`);
});

for (const voice of FULL ? ['slt', 'awb', 'kal', 'en-us', 'en-gb'] : [])
  test(`${voice} is understood as well as its own program`, async (t) => {
    const folder = await temporaryFolder(t);
    const share = await understood(await ours(t, voice), folder);
    const of_bare = await understood(bare(voice, folder), folder);
    t.diagnostic(`${share.toFixed(1)} % of the words, of its own program's ${of_bare.toFixed(1)} %`);
    assert(share >= of_bare - 2, `${share} % and ${of_bare} %`);
  });
