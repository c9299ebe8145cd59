// SPDX-License-Identifier: Apache-2.0
// @ts-check
// @once: the built-in engines must keep up with who speaks; under the sanitizers chance.test.js has scripted ones, and codecs.test.js the sound
/* WS /voice without a button: who speaks is heard, with the built-in engines and spoken sound. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeOgg, packetsOf, webmOf } from '../lib/opus.js';
import { open } from '../lib/hands-free.js';
import { atEnd, startServer, temporaryFolder, until, untilReady } from '../lib/server.js';
import { shareHeard, speak } from '../lib/speech.js';
import { VoiceClient } from '../lib/voice.js';

const QUESTION = 'How do I add documents?';

test('questions one after another, without a word from the client', async (t) => {
  const { voice, microphone, spoken } = await open(t);
  const at = [];
  let early = 0;
  for (const [i, text] of [QUESTION, 'Is my voice recorded?'].entries()) {
    await microphone.pause(700);
    const from = voice.events.length;
    voice.hurries = i === 0;
    const begin_ms = microphone.ms;
    const end_ms = await microphone.say(spoken(text));
    const turn = await voice.finish(from);
    assert.equal(turn.last.type, 'end', JSON.stringify(turn.last));
    assert(shareHeard(text, turn.heard) >= 0.5, turn.heard);
    assert(turn.sound.length > 22050);
    const order = turn.events.map((e) => e.type).filter((e, i, all) => all.indexOf(e) === i);
    assert.equal(order[0], 'speech_started');
    for (const [a, b] of [['partial', 'final'], ['speech_stopped', 'final'], ['final', 'audio_start'], ['audio_end', 'end']])
      assert(order.includes(a) && order.indexOf(a) < order.indexOf(b), `${a} before ${b} in ${order}`);
    if (order.indexOf('partial') < order.indexOf('speech_stopped')) early++;
    const [started, stopped] = ['speech_started', 'speech_stopped'].map((type) => turn.events.find((e) => e.type === type));
    assert(Math.abs((started?.at_ms ?? 0) - begin_ms) < 300, `${started?.at_ms} of ${begin_ms}`);
    assert(Math.abs((stopped?.at_ms ?? 0) - end_ms) < 300, `${stopped?.at_ms} of ${end_ms}`);
    assert(turn.events.every((e) => e.turn === turn.last.turn), JSON.stringify(turn.events));
    at.push(turn.last.turn);
  }
  assert(early > 0, 'words while somebody speaks'); /* of both, once: who recognises may have to wait for a core */
  assert(at[1] > at[0]);
  assert.deepEqual(voice.events.map((e) => e.seq), voice.events.map((_, i) => i + 1));
});

test('a pause inside a sentence does not cut it', async (t) => {
  const { voice, microphone, spoken } = await open(t);
  voice.hurries = true;
  await microphone.pause(500);
  const from = voice.events.length;
  microphone.say(spoken('How do I'));
  microphone.pause(900);
  await microphone.say(spoken('add documents?'));
  const turn = await voice.finish(from);
  assert.equal(turn.last.type, 'end');
  assert(shareHeard('add documents', turn.heard) >= 0.5, turn.heard);
  assert.equal(turn.events.filter((e) => e.type === 'speech_started').length, 1);
  assert.equal(turn.events.filter((e) => e.type === 'final').length, 1);
});

test('who goes on before he is answered asks one question', async (t) => {
  const slow = ['--llm-driver', 'scripted', '--llm-script', 'tokens=3,slow=2500'];
  const { voice, microphone, spoken } = await open(t, { args: slow });
  const more = spoken('And can I delete them again?');
  await microphone.pause(500);
  const from = voice.events.length;
  await microphone.say(spoken('How do I add documents?'));
  const first = await voice.wait((e) => e.type === 'final', 'the first words', from);
  await microphone.say(more);
  const second = await voice.wait((e) => e.type === 'final' && e.turn !== first.turn, 'the other words', from);
  assert(second.text.startsWith(first.text), second.text);
  assert(shareHeard('documents delete', second.text) >= 0.5, second.text);
  const about = voice.events.slice(from).map((e) => e.type);
  assert(!about.includes('duck'), 'there was nothing to speak softly');
  assert.equal(voice.events.find((e) => e.type === 'interrupted')?.heard, '');
  voice.send({ type: 'cancel' });
});

/** @param {{url: string}} server */
async function killRecogniser(server) {
  const { engines } = await (await fetch(server.url + 'readyz')).json();
  process.kill(engines.stt.pid, 'SIGKILL');
}

test('an engine that dies comes back behind an open microphone', async (t) => {
  const { server, voice, microphone, spoken } = await open(t);
  voice.hurries = true;
  await microphone.pause(300);
  await killRecogniser(server);
  const told = await voice.wait((e) => e.type === 'error', 'a word that nobody hears', 0);
  assert.equal(told.error.code, 'engine_unavailable');
  assert.equal(told.turn, undefined);
  await microphone.pause(1500);
  await untilReady(server);
  await microphone.pause(500);
  assert.equal(voice.events.filter((e) => e.type === 'error').length, 1);
  const from = voice.events.length;
  await microphone.say(spoken(QUESTION));
  const turn = await voice.finish(from);
  assert.equal(turn.last.type, 'end', JSON.stringify(turn.last));
  assert(shareHeard(QUESTION, turn.heard) >= 0.5, turn.heard);
});

for (const format of ['opus', 'webm_opus'])
  test(`a microphone that speaks ${format}`, async (t) => {
    const folder = await temporaryFolder(t);
    const server = await startServer(t);
    await untilReady(server);
    const ogg = encodeOgg(speak(folder, QUESTION, { before_s: 4, after_s: 4 }));
    const voice = await VoiceClient.open(server.url, { mode: 'hands_free', format });
    voice.hurries = true;
    atEnd(t, () => voice.close());
    const file = webmOf(ogg);
    const messages = format === 'opus' ? packetsOf(ogg).slice(2) : Array.from({ length: 50 }, (_, i) => file.subarray((i * file.length) / 50, ((i + 1) * file.length) / 50));
    const from = voice.events.length;
    voice.send({ type: 'start' });
    const step_ms = format === 'opus' ? 20 : 200; /* the file is of ten seconds, about */
    for (const [i, message] of messages.entries()) {
      voice.send(message);
      if (format === 'opus' && i === 20) {
        /* Packets can be decoded from any one on. Nobody says a word before there is another one. */
        await killRecogniser(server);
        await until(async () => {
          voice.send(message);
          return voice.events.some((e) => e.type === 'error') && (await fetch(server.url + 'readyz')).ok;
        }, 'another recogniser');
      }
      await new Promise((resolve) => setTimeout(resolve, step_ms));
    }
    const told = voice.events.findIndex((e) => e.type === 'error');
    assert.equal(told >= 0, format === 'opus');
    const turn = await voice.finish(told >= 0 ? told + 1 : from);
    assert.equal(turn.last.type, 'end', JSON.stringify(turn.last));
    assert(shareHeard(QUESTION, turn.heard) >= 0.5, turn.heard);
  });

test('noise is no speech', async (t) => {
  const { voice, microphone } = await open(t);
  let x = 1;
  const noises = [
    () => ((x = (x * 1103515245 + 12345) & 0x7fffffff) >> 16) % 4000 - 2000,
    (/** @type {number} */ i) => 3000 * Math.sin((i * 2 * Math.PI * 100) / 16000),
    (/** @type {number} */ i) => (i % 8000 < 160 ? 12000 * Math.sin(i * i) : 0),
  ];
  microphone.mix = (frame, number) => frame.forEach((_, i) => (frame[i] += noises[Math.floor(number / 100) % 3](number * 320 + i)));
  await microphone.pause(7000);
  assert.deepEqual(voice.events.map((e) => e.type), ['ready']);
});

test('who begins while the last words are heard is answered next', async (t) => {
  const short = ['--llm-driver', 'scripted', '--llm-script', 'tokens=8', '--tts-driver', 'scripted'];
  const { voice, microphone, spoken } = await open(t, { args: short });
  const question = spoken(QUESTION); /* made before there is any hurry */
  await microphone.pause(500);
  const from = voice.events.length;
  voice.send({ type: 'text', text: 'count' });
  const { turn } = await voice.wait((e) => e.type === 'audio_end', 'all of the sound', from);
  microphone.say(question);
  await voice.wait((e) => e.type === 'duck', 'a voice over the answer', from);
  voice.send({ type: 'played', turn, ms: 1e6 });
  const end = await voice.wait((e) => e.type === 'end' || e.type === 'interrupted', 'the end of the answer', from);
  assert.equal(end.type, 'end', 'all of it was heard');
  const next = await voice.finish(voice.events.indexOf(end) + 1);
  assert.equal(next.events[0].type, 'speech_started');
  assert(shareHeard(QUESTION, next.heard) >= 0.5, `from its first word on: ${next.heard}`);
});
