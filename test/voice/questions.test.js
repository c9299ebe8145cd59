// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * Held-out questions about the manual (test/data/questions.txt), spoken by two voices: at least 85 %
 * of their content words are heard, and the right page comes first. Foreign questions find nothing.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { startServer, temporaryFolder, untilReady } from '../lib/server.js';
import { contentWords, samplesOf, shareHeard, speak } from '../lib/speech.js';
import { VoiceClient } from '../lib/voice.js';

const questions = readFileSync(path.join(import.meta.dirname, '../data/questions.txt'), 'utf8')
  .split('\n')
  .filter((line) => line && !line.startsWith('#'))
  .map((line) => line.split(' | '));
const known = questions.filter(([, page]) => page !== '-');

test('typed, the right page comes first', async (t) => {
  const server = await startServer(t);
  await untilReady(server);
  for (const [query, page] of questions) {
    const response = await fetch(server.url + 'rag/query', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ query, k: 5, answer: true }),
    });
    const { hits, citations, answer } = await response.json();
    if (page === '-') assert.deepEqual(citations, [], `${query}: ${answer}`);
    else assert.equal(hits[0]?.source, page, query);
  }
});

for (const voice of ['rms', 'slt'])
  test(`spoken by ${voice}`, async (t) => {
    const folder = await temporaryFolder(t);
    const server = await startServer(t, { args: ['--limit-turns', '1000'] });
    await untilReady(server);
    const client = await VoiceClient.open(server.url);
    t.after(() => client.close());
    let words = 0;
    let heard = 0;
    let right = 0;
    for (const [question, page] of known) {
      const from = client.events.length;
      const samples = samplesOf(speak(folder, question, { voice }));
      client.send({ type: 'start' });
      for (let at = 0; at < samples.length; at += 3200) client.send(samples.subarray(at, at + 3200));
      client.send({ type: 'stop' });
      /* The first word of the answer follows its citations; the rest need not be spoken. */
      const final = await client.wait((e) => e.type === 'final', 'the words', from);
      await client.wait((e) => e.type === 'token' || e.type === 'end' || e.type === 'error', 'an answer', from);
      const source = client.events.slice(from).find((e) => e.type === 'citation')?.source;
      client.send({ type: 'cancel' });
      await client.finish(from);
      const n = contentWords(question).length;
      words += n;
      heard += n * shareHeard(question, final.text);
      right += source === page ? 1 : 0;
      t.diagnostic(`${source === page ? 'right' : `WRONG (${source})`} | ${question} | ${final.text}`);
    }
    t.diagnostic(`${voice}: ${((100 * heard) / words).toFixed(1)} % of ${words} content words, ${right} of ${known.length} pages`);
    assert(heard / words >= 0.85, `${heard} of ${words} content words`);
    assert(right >= 0.9 * known.length, `${right} of ${known.length}`);
  });
