// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* In the silence after somebody has probably finished the answer is begun. What he is told, and when, is as if it were not. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { open } from '../lib/hands-free.js';
import { until } from '../lib/server.js';

const WORDS = 'how do i add documents'; /* of a scripted recogniser: one in 200 ms */
const ANSWER = 'Drop them on the page, all at once. They are read at once. Then ask.';
const args = (/** @type {string} */ words, /** @type {string[]} */ ...more) => [
  ...['--stt-driver', 'scripted', '--stt-script', `word=200,text=${words}`, '--tts-driver', 'scripted', '--tts-script', 'ms=20'],
  ...['--llm-driver', 'scripted', '--llm-script', `slow=20,text=${ANSWER}`, '--vad-silence-ms', '2000', '--limit-turns', '100000'],
  ...more,
];

/** @param {{url: string}} server */
async function counted(server) {
  const text = await (await fetch(server.url + 'metrics')).text();
  const one = (/** @type {string} */ name) => Number(new RegExp(`^repartee_ahead_${name}_total (\\S+)$`, 'm').exec(text)?.[1]);
  return { made: one('answers'), won: one('answers_used') };
}

/** The model and the voice have done all that they do before the end is sure. @param {{url: string}} server */
async function untilHeld(server) {
  await until(async () => (await counted(server)).made > 0, 'an answer that is begun');
  await until(async () => {
    const { engines } = await (await fetch(server.url + 'readyz')).json();
    return engines.llm.live === 0;
  }, 'its last token');
}

const kinds = (/** @type {{type: string}[]} */ events) => events.map((e) => e.type);

test('it leaves at once when the end is sure @tsan', async (t) => {
  const { server, voice, microphone, spoken } = await open(t, { args: args(WORDS) });
  voice.hurries = true;
  await microphone.pause(500);
  const from = voice.events.length;
  await microphone.say(spoken('How do I add documents there?'));
  await microphone.pause(600);
  await microphone.held(() => untilHeld(server));
  const before = kinds(voice.events.slice(from));
  assert.ok(before.includes('partial') && before.every((type) => ['speech_started', 'partial'].includes(type)), before.join());
  const turn = await voice.finish(from);
  assert.equal(turn.last.type, 'end', JSON.stringify(turn.last));
  assert.equal(turn.answer, ANSWER);
  assert.equal(turn.events.find((e) => e.type === 'token')?.content, ANSWER, 'all of it at once');
  const order = kinds(turn.events).filter((type, i, all) => type !== 'partial' && all.indexOf(type) === i);
  assert.deepEqual(order, ['speech_started', 'speech_stopped', 'final', 'citation', 'token', 'audio_start', 'audio_end', 'end']);
  assert.ok(turn.last.timings.ahead_ms > 0, JSON.stringify(turn.last.timings));
  assert.equal((await counted(server)).won, 1);
  const after = voice.events.length;
  voice.send({ type: 'text', text: 'How do I add documents?' });
  const typed = await voice.finish(after);
  assert.equal(typed.answer, ANSWER);
  assert.equal(turn.sound.length, typed.sound.length, 'each clause once');
});

test('who goes on is answered to all he has said @tsan', async (t) => {
  /* Wherever he stops he may have finished. */
  const more = 'ladders rakes spades hoses buckets gloves seeds pots soil stones gravel compost apples pears plums cherries';
  const { server, voice, microphone, spoken } = await open(t, { args: args(more) });
  voice.hurries = true;
  await microphone.pause(500);
  const from = voice.events.length;
  await microphone.say(spoken('Documents!')); /* a few words of it */
  await microphone.pause(600);
  await microphone.held(() => untilHeld(server));
  await microphone.say(spoken('And how do I delete them again, when they are not needed any more by anybody?'));
  const turn = await voice.finish(from);
  assert.equal(turn.last.type, 'end', JSON.stringify(turn.last));
  assert.equal(turn.heard, more);
  assert.equal(turn.answer, ANSWER);
  assert.equal(kinds(turn.events).filter((type) => type === 'final').length, 1);
  assert.ok(kinds(turn.events).indexOf('token') > kinds(turn.events).indexOf('final'));
  assert.ok(turn.events.every((e) => e.turn === turn.last.turn), 'one turn');
  const { made, won } = await counted(server);
  assert.ok(made >= 1 && won <= made, `${made} ${won}`);
});

test('not when it is not wanted', async (t) => {
  const { server, voice, microphone, spoken } = await open(t, { args: args(WORDS, '--no-turn-ahead', '--vad-silence-ms', '500') });
  voice.hurries = true;
  await microphone.pause(500);
  const from = voice.events.length;
  await microphone.say(spoken('How do I add documents there?'));
  const turn = await voice.finish(from);
  assert.equal(turn.answer, ANSWER);
  assert.equal(turn.last.timings.ahead_ms, undefined);
  assert.deepEqual(await counted(server), { made: 0, won: 0 });
});
