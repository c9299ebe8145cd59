// SPDX-License-Identifier: Apache-2.0
// @ts-check
// @once: the built-in engines must keep up with who speaks; under the sanitizers chance.test.js has scripted ones, and codecs.test.js the sound
/* WS /voice without a button: who speaks while an answer sounds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../lib/hands-free.js';
import { shareHeard } from '../lib/speech.js';
import { VoiceClient } from '../lib/voice.js';

const LONG = 'What are the colored bars below the answer for?'; /* several seconds of answer */

/** Asks for a long answer by text and waits until it is heard. @param {VoiceClient} voice */
async function answering(voice) {
  const from = voice.events.length;
  voice.send({ type: 'text', text: LONG });
  const start = await voice.wait((e) => e.type === 'audio_start', 'sound', from);
  await new Promise((resolve) => setTimeout(resolve, 1200));
  return { from, turn: start.turn ?? 0, at: performance.now() };
}

test('who says something else interrupts, and is answered', async (t) => {
  const { voice, microphone, spoken } = await open(t);
  const question = spoken('Is my voice recorded?');
  const answer = await answering(voice);
  await microphone.say(question);
  const cut = await voice.wait((e) => e.type === 'interrupted', 'the end of the answer', answer.from);
  const events = voice.events.slice(answer.from);
  const duck = events.find((e) => e.type === 'duck');
  assert(duck && duck.turn === answer.turn && duck.seq < cut.seq, 'first it is spoken softly');
  assert(!events.some((e) => e.type === 'resumed'));
  const said = events.filter((e) => e.type === 'token').map((e) => e.content).join('');
  assert(said.startsWith(cut.heard) && cut.heard.length > 0 && cut.heard.length < said.length, `heard: ${cut.heard}`);

  voice.hurries = true;
  const next = await voice.finish(voice.events.indexOf(cut) + 1);
  assert.equal(next.last.type, 'end');
  assert(shareHeard('Is my voice recorded?', next.heard) >= 0.5, `from its first word on: ${next.heard}`);
  assert.match(next.answer, /record|voice/i);
  assert(next.events.every((e) => e.turn !== answer.turn), 'nothing of the old turn comes afterwards');
});

for (const [what, text] of [['a murmur', 'Uh huh.'], ['a murmur of two words', 'Okay, yeah.']])
  test(`${what} does not interrupt`, async (t) => {
    const { voice, microphone, spoken } = await open(t);
    const murmur = spoken(text);
    const { from, turn } = await answering(voice);
    await microphone.say(murmur);
    await voice.wait((e) => e.type === 'resumed', 'the answer to go on', from);
    const end = await voice.finish(from);
    assert.equal(end.last.type, 'end', JSON.stringify(end.last));
    assert(end.events.every((e) => e.turn === turn), 'there was one turn only');
    assert.deepEqual(end.events.map((e) => e.type).filter((e) => e === 'duck' || e === 'resumed'), ['duck', 'resumed']);
  });

test('its own echo does not interrupt it', async (t) => {
  const { voice, microphone } = await open(t, { hello: { output: { format: 'pcm', rate: 16000 } } });
  /* What the loudspeaker plays comes back a quarter as loud, 150 ms later. */
  let heard = new Int16Array(0), begun = 0;
  const turn = await (async () => {
    const from = voice.events.length;
    voice.send({ type: 'text', text: LONG });
    const start = await voice.wait((e) => e.type === 'audio_start', 'sound', from);
    begun = microphone.ms + 150;
    microphone.mix = (frame, number) => {
      const parts = voice.sound.get(start.turn ?? 0) ?? [];
      if (parts.length) {
        heard = new Int16Array(parts.reduce((n, p) => n + p.length, 0));
        parts.reduce((at, p) => (heard.set(p, at), at + p.length), 0);
      }
      const at = (number * 20 - begun) * 16;
      frame.forEach((_, i) => (frame[i] += at + i >= 0 && at + i < heard.length ? heard[at + i] / 4 : 0));
    };
    return { start, ...(await voice.finish(from)) };
  })();
  assert.equal(turn.last.type, 'end', JSON.stringify(turn.last));
  assert(turn.events.every((e) => e.turn === turn.start.turn));
  const about = turn.events.map((e) => e.type).filter((e) => e === 'duck' || e === 'resumed');
  assert.deepEqual(about, ['duck', 'resumed'], 'once is enough to know it');
  const after = voice.events.length;
  await microphone.pause(2500);
  assert.deepEqual(voice.events.slice(after), [], 'nor is its end taken for a question');
});

test('a noise over the answer does not interrupt it', async (t) => {
  const { voice, microphone } = await open(t);
  const { from, turn } = await answering(voice);
  const rattle = new Int16Array(16000 * 0.5).map((_, i) => (i % 1600 < 900 ? 9000 * Math.sin(i * i * 0.01) * Math.sin(i / 300) : 0));
  await microphone.say(rattle);
  const end = await voice.finish(from);
  assert.equal(end.last.type, 'end', JSON.stringify(end.last));
  assert(end.events.every((e) => e.turn === turn));
});
