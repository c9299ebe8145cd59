// SPDX-License-Identifier: Apache-2.0
// @ts-check
// @once: how well it hears; codecs.test.js takes the same ways
/*
 * Held-out questions about the manual (test/data/questions.txt), spoken by two voices: at least 85 %
 * of their content words are heard, and the right page comes first. Foreign questions find nothing.
 * `make fault` lets both voices say all of them, the normal run each voice every other one.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { FULL } from '../lib/scale.js';
import { atEnd, startServer, temporaryFolder, untilReady } from '../lib/server.js';
import { contentWords, samplesOf, shareHeard, speak } from '../lib/speech.js';
import { VoiceClient } from '../lib/voice.js';

const questions = readFileSync(path.join(import.meta.dirname, '../data/questions.txt'), 'utf8')
  .split('\n')
  .filter((line) => line && !line.startsWith('#'))
  .map((line) => line.split(' | '));
const VOICES = ['rms', 'slt'];
const known = questions.filter(([, page]) => page !== '-');

/** @param {string} url @param {string} query */
async function search(url, query) {
  const body = JSON.stringify({ query, k: 5, answer: true });
  const response = await fetch(url + 'rag/query', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
  return response.json();
}

/** Says one question; returns what was heard and the page that the answer cites. @param {VoiceClient} client @param {Int16Array<ArrayBuffer>} samples */
async function say(client, samples) {
  const from = client.events.length;
  client.send({ type: 'start' });
  for (let at = 0; at < samples.length; at += 3200) client.send(samples.subarray(at, at + 3200));
  client.send({ type: 'stop' });
  /* The first word of the answer follows its citations; the rest need not be spoken. */
  const final = await client.wait((e) => e.type === 'final', 'the words', from);
  await client.wait((e) => ['token', 'end', 'error'].includes(e.type), 'an answer', from);
  client.send({ type: 'cancel' });
  const { citations } = await client.finish(from);
  return { heard: final.text, cited: citations[0]?.source };
}

test('typed, the right page comes first, and foreign questions find nothing', async (t) => {
  const server = await startServer(t);
  await untilReady(server);
  for (const [query, page] of questions) {
    const { hits, citations, answer } = await search(server.url, query);
    if (page === '-') assert.deepEqual(citations, [], `${query}: ${answer}`);
    else assert.equal(hits[0]?.source, page, query);
  }
});

test('spoken, their words are heard and the right page comes first', async (t) => {
  const folder = await temporaryFolder(t);
  const server = await startServer(t, { args: ['--limit-turns', '1000'] });
  await untilReady(server);
  const client = await VoiceClient.open(server.url);
  atEnd(t, () => client.close());
  /* Of this word the recogniser knows nothing before it has learnt the documents; a ready server's has. */
  const { heard } = await say(client, samplesOf(speak(folder, 'the ingest command adds files', { voice: 'rms' })));
  assert.match(heard, /ingest/);
  const sum = { words: 0, heard: 0, first: 0, cited: 0 };
  let all = 0;
  for (const [i, voice] of VOICES.entries())
    for (const [question, page] of known.filter((_, k) => FULL || k % VOICES.length === i)) {
      const { heard, cited } = await say(client, samplesOf(speak(folder, question, { voice })));
      const first = (await search(server.url, heard)).hits[0]?.source;
      const n = contentWords(question).length;
      all++;
      sum.words += n;
      sum.heard += n * shareHeard(question, heard);
      sum.first += first === page ? 1 : 0;
      sum.cited += cited === page ? 1 : 0;
      t.diagnostic(`${voice} ${cited === page ? 'cited' : first === page ? 'first' : 'WRONG'} | ${question} | ${heard}`);
    }
  assert(all >= known.length);
  t.diagnostic(`${((100 * sum.heard) / sum.words).toFixed(1)} % of ${sum.words} content words; right page first ${sum.first}, cited ${sum.cited} of ${all}`);
  assert(sum.heard / sum.words >= 0.85, `${sum.heard} of ${sum.words} content words`);
  assert(sum.first >= 0.95 * all, `${sum.first} of ${all} pages`);
  assert(sum.cited >= 0.8 * all, `${sum.cited} of ${all} answers`);
});
