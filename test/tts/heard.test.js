// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* What the built-in voices say is understood by a recogniser that knows nothing of them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { Engine } from '../lib/engine.js';

const RATE = 16000;
const RECOGNISER = '/usr/bin/pocketsphinx';

/** Clauses as one answer, as samples. @param {Engine} tts @param {number} id @param {string} voice @param {string[]} clauses */
async function speak(tts, id, voice, clauses) {
  tts.send('tts_open', id, { voice, rate_hz: RATE });
  for (const text of clauses) tts.send('tts_text', id, { text });
  tts.send('tts_finish', id);
  const pieces = [];
  let last;
  for await (last of tts.stream(id)) if (last.name === 'audio') pieces.push(last.samples);
  assert.equal(last?.name, 'tts_done', last?.text);
  return Buffer.concat(pieces);
}

/** A WAV file of mono s16. @param {Buffer} samples */
function wav(samples) {
  const head = Buffer.alloc(44);
  head.write('RIFF');
  head.writeUInt32LE(36 + samples.length, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(RATE, 24);
  head.writeUInt32LE(RATE * 2, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36);
  head.writeUInt32LE(samples.length, 40);
  return Buffer.concat([head, samples]);
}

/** @param {string} file */
function hear(file) {
  const said = execFileSync(RECOGNISER, ['single', file], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return JSON.parse(said.trim().split('\n').at(-1) ?? '{}').t.split(' ');
}

/* Clauses with marks that must not be heard, and what must. */
const cases = [
  { clauses: ['You can **add documents**,', 'by the page [1].'], words: ['you', 'can', 'add', 'documents', 'by', 'the', 'page'] },
  { clauses: ['# The history', 'of the house on the hill 😀.'], words: ['the', 'history', 'of', 'the', 'house', 'on', 'the', 'hill'] },
  { clauses: ['Read [the first page](https://x.org/a?b=c) of the book.'], words: ['read', 'the', 'first', 'page', 'of', 'the', 'book'] },
];

for (const voice of ['rms', 'slt'])
  test(`${voice} is understood`, { skip: !existsSync(RECOGNISER) && 'pocketsphinx is not installed' }, async (t) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'repartee-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const tts = await Engine.start(t, 'tts', { driver: 'builtin' });
    let wanted = 0;
    let found = 0;
    for (const [i, { clauses, words }] of cases.entries()) {
      const file = path.join(folder, `${i}.wav`);
      writeFileSync(file, wav(await speak(tts, i + 1, voice, clauses)));
      const heard = hear(file);
      wanted += words.length;
      found += words.filter((word) => heard.includes(word)).length;
      assert.ok(heard.length <= words.length + 2, `more is said than is written: ${heard.join(' ')}`);
    }
    assert.ok(found >= 0.85 * wanted, `${found} of ${wanted} words were understood`);
  });
