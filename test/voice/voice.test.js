// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* WS /voice as a client sees it, with the built-in engines. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { BUILD, atEnd, environment, startServer, temporaryFolder, untilReady } from '../lib/server.js';
import { loudness, samplesOf, shareHeard, speak, writeWav } from '../lib/speech.js';
import { VoiceClient } from '../lib/voice.js';

const QUESTION = 'How do I add documents?';
const SHORT = 'Who won the football match?'; /* its answer takes few seconds */

test('a spoken turn @once', async (t) => {
  const folder = await temporaryFolder(t);
  const server = await startServer(t);
  await untilReady(server);
  const question = samplesOf(speak(folder, QUESTION));
  const voice = await VoiceClient.open(server.url);
  atEnd(t, () => voice.close());
  const turn = await voice.talk(question, { realtime: true });

  await t.test('partials come while the question is spoken', () => {
    assert(turn.partials.length > 0);
    assert(turn.partials[0].at < turn.stopped, 'the first partial is early');
    for (const { text, stable } of turn.partials) assert(text.startsWith(stable));
  });
  await t.test('the answer is cited, written and spoken', () => {
    assert.equal(turn.last.type, 'end');
    assert(shareHeard(QUESTION, turn.heard) >= 0.5, turn.heard);
    assert.match(turn.answer, /document/i);
    assert(turn.citations.length > 0);
    for (const field of ['index', 'doc_id', 'chunk_id', 'title', 'text', 'source']) assert(field in turn.citations[0], field);
    assert(loudness(turn.sound) > 0.01);
  });
  await t.test('the sound says the answer', () => {
    const file = path.join(folder, 'answer.wav');
    writeWav(file, turn.sound, 22050);
    const heard = execFileSync(path.join(BUILD, 'repartee'), ['hear', '--data', server.data, file], { env: environment(), encoding: 'utf8' });
    assert(shareHeard(turn.answer, heard) > 0.4, `${turn.answer}\n${heard}`);
  });
  await t.test('events are numbered and in order', () => {
    assert.deepEqual(voice.events.map((e) => e.seq), voice.events.map((_, i) => i + 1));
    const order = turn.events.map((e) => e.type);
    const first = (/** @type {string} */ type) => order.indexOf(type);
    for (const [a, b] of [['partial', 'final'], ['final', 'citation'], ['citation', 'token'], ['audio_start', 'audio_end'], ['audio_end', 'end']])
      assert(first(a) >= 0 && first(a) < first(b), `${a} before ${b} in ${order}`);
    assert(turn.events.every((e) => e.turn === turn.last.turn));
  });
  await t.test('the timings tell where the time went', () => {
    const { stages, first_token_ms, first_audio_ms, total_ms } = turn.last.timings;
    const names = stages.map((s) => s.name);
    for (const name of ['transcribe', 'retrieve', 'answer', 'synthesize', 'speak']) assert(names.includes(name), `${name} in ${names}`);
    for (const s of stages) assert(s.start_ms >= 0 && s.ms >= 0 && s.start_ms + s.ms <= total_ms + 1, JSON.stringify(s));
    assert(first_token_ms <= first_audio_ms && first_audio_ms <= total_ms);
  });
});

test('typed questions are answered aloud, one after another', async (t) => {
  const server = await startServer(t);
  await untilReady(server);
  const voice = await VoiceClient.open(server.url, { voice: 'slt', output: { format: 'pcm', rate: 16000 } });
  voice.hurries = true;
  atEnd(t, () => voice.close());
  for (const text of ['How do I add documents?', 'Is my voice recorded?']) {
    const from = voice.events.length;
    voice.send({ type: 'text', text });
    const turn = await voice.finish(from);
    assert.equal(turn.last.type, 'end');
    assert.equal(turn.events.find((e) => e.type === 'audio_start')?.rate, 16000);
    assert(turn.sound.length > 16000 / 2, 'half a second of sound at least');
    assert.equal(turn.partials.length, 0);
  }
});

test('cancel cuts the answer where it was heard; the next turn works', async (t) => {
  const server = await startServer(t);
  await untilReady(server);
  const voice = await VoiceClient.open(server.url);
  atEnd(t, () => voice.close());
  const from = voice.events.length;
  voice.send({ type: 'text', text: QUESTION });
  const start = await voice.wait((e) => e.type === 'audio_start', 'sound', from);
  voice.send({ type: 'played', turn: start.turn, ms: 600 });
  voice.send({ type: 'cancel' });
  const turn = await voice.finish(from);
  assert.equal(turn.last.type, 'interrupted');
  assert(turn.answer.startsWith(turn.last.heard), `heard: ${turn.last.heard}`);
  assert(turn.last.heard.length < turn.answer.length);
  const sounds = voice.sound.get(turn.last.turn ?? 0)?.length;

  const next = voice.events.length;
  voice.hurries = true;
  voice.send({ type: 'text', text: 'Is my voice recorded?' });
  assert.equal((await voice.finish(next)).last.type, 'end');
  assert.equal(voice.sound.get(turn.last.turn ?? 0)?.length, sounds, 'no sound of the old turn came afterwards');
});

test('an answer can be interrupted until its last sound was played', async (t) => {
  const server = await startServer(t);
  await untilReady(server);
  const voice = await VoiceClient.open(server.url);
  atEnd(t, () => voice.close());
  const from = voice.events.length;
  voice.send({ type: 'text', text: SHORT });
  const { turn } = await voice.wait((e) => e.type === 'audio_end', 'all of the sound', from);
  voice.send({ type: 'played', turn, ms: 300 });
  voice.send({ type: 'cancel' });
  const cut = await voice.finish(from);
  assert.equal(cut.last.type, 'interrupted');
  assert(cut.answer.startsWith(cut.last.heard) && cut.last.heard.length < cut.answer.length, cut.last.heard);

  const next = voice.events.length;
  voice.send({ type: 'text', text: SHORT });
  const end = await voice.wait((e) => e.type === 'audio_end', 'all of the sound', next);
  voice.send({ type: 'played', turn: end.turn, ms: 1e6 });
  const whole = await voice.finish(next);
  assert.equal(whole.last.type, 'end', 'a listener who has heard all of it ends the turn');
});

test('who speaks again interrupts', async (t) => {
  const folder = await temporaryFolder(t);
  const server = await startServer(t);
  await untilReady(server);
  const voice = await VoiceClient.open(server.url);
  atEnd(t, () => voice.close());
  const from = voice.events.length;
  voice.send({ type: 'text', text: QUESTION });
  await voice.wait((e) => e.type === 'audio_start', 'sound', from);
  const next = voice.events.length;
  voice.send({ type: 'start' });
  await voice.wait((e) => e.type === 'interrupted', 'the end of the old turn', next);
  const second = voice.events.length;
  voice.hurries = true;
  const question = samplesOf(speak(folder, 'Is my voice recorded?'));
  for (let at = 0; at < question.length; at += 320) voice.send(question.subarray(at, at + 320));
  voice.send({ type: 'stop' });
  const turn = await voice.finish(second);
  assert.equal(turn.last.type, 'end');
  assert.match(turn.answer, /record|voice/i);
});

test('silence ends without an answer, and the connection stays', async (t) => {
  const server = await startServer(t);
  await untilReady(server);
  const voice = await VoiceClient.open(server.url);
  atEnd(t, () => voice.close());
  const turn = await voice.talk(new Int16Array(16000));
  assert.equal(turn.last.type, 'end');
  assert.equal(turn.answer, '');
  assert.equal(turn.sound.length, 0);
  assert.equal(voice.closed, null);
});

test('samples may be cut anywhere, even inside one', async (t) => {
  const folder = await temporaryFolder(t);
  const server = await startServer(t);
  await untilReady(server);
  const samples = samplesOf(speak(folder, QUESTION));
  const voice = await VoiceClient.open(server.url);
  voice.hurries = true;
  atEnd(t, () => voice.close());
  const bytes = new Uint8Array(samples.buffer);
  const from = voice.events.length;
  voice.send({ type: 'start' });
  for (let at = 0, step = 1; at < bytes.length; at += step, step = 1 + ((step * 7) % 997)) voice.send(bytes.slice(at, at + step));
  voice.send({ type: 'stop' });
  const { heard } = await voice.finish(from);
  assert(shareHeard(QUESTION, heard) >= 0.5, `understood: ${heard}`);
});
