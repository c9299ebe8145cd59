// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* WS /voice without a button: who speaks is heard, with the built-in engines and spoken sound. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeOgg, packetsOf, webmOf } from '../lib/opus.js';
import { randomly } from '../lib/cut.js';
import { atEnd, startServer, temporaryFolder, until, untilReady } from '../lib/server.js';
import { samplesOf, shareHeard, speak } from '../lib/speech.js';
import { Microphone, VoiceClient } from '../lib/voice.js';

const QUESTION = 'How do I add documents?';

/** @param {import('node:test').TestContext} t @param {{args?: string[], hello?: object}} [options] */
async function open(t, { args, hello } = {}) {
  const folder = await temporaryFolder(t);
  const server = await startServer(t, { args });
  await untilReady(server);
  const voice = await VoiceClient.open(server.url, { mode: 'hands_free', ...hello });
  const microphone = new Microphone(voice);
  atEnd(t, () => (microphone.close(), voice.close()));
  /** @param {string} text @param {object} [options] */
  const spoken = (text, options) => samplesOf(speak(folder, text, { before_s: 0, after_s: 0, ...options }));
  return { server, voice, microphone, spoken };
}

test('questions one after another, without a word from the client', async (t) => {
  const { voice, microphone, spoken } = await open(t);
  const at = [];
  for (const text of [QUESTION, 'Is my voice recorded?']) {
    await microphone.pause(700);
    const from = voice.events.length;
    const begin_ms = microphone.ms;
    const end_ms = await microphone.say(spoken(text));
    const turn = await voice.finish(from);
    assert.equal(turn.last.type, 'end', JSON.stringify(turn.last));
    assert(shareHeard(text, turn.heard) >= 0.5, turn.heard);
    assert(turn.sound.length > 22050);
    const order = turn.events.map((e) => e.type).filter((e, i, all) => all.indexOf(e) === i);
    assert.deepEqual(order.slice(0, 2), ['speech_started', 'partial']);
    for (const [a, b] of [['partial', 'speech_stopped'], ['speech_stopped', 'final'], ['final', 'audio_start'], ['audio_end', 'end']])
      assert(order.indexOf(a) < order.indexOf(b), `${a} before ${b} in ${order}`);
    const [started, stopped] = ['speech_started', 'speech_stopped'].map((type) => turn.events.find((e) => e.type === type));
    assert(Math.abs((started?.at_ms ?? 0) - begin_ms) < 300, `${started?.at_ms} of ${begin_ms}`);
    assert(Math.abs((stopped?.at_ms ?? 0) - end_ms) < 300, `${stopped?.at_ms} of ${end_ms}`);
    assert(turn.events.every((e) => e.turn === turn.last.turn), JSON.stringify(turn.events));
    at.push(turn.last.turn);
  }
  assert(at[1] > at[0]);
  assert.deepEqual(voice.events.map((e) => e.seq), voice.events.map((_, i) => i + 1));
});

test('a pause inside a sentence does not cut it', async (t) => {
  const { voice, microphone, spoken } = await open(t);
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
  await microphone.pause(500);
  const from = voice.events.length;
  await microphone.say(spoken('How do I add documents?'));
  const first = await voice.wait((e) => e.type === 'final', 'the first words', from);
  await microphone.say(spoken('And can I delete them again?'));
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
    atEnd(t, () => voice.close());
    const file = webmOf(ogg);
    const messages = format === 'opus' ? packetsOf(ogg).slice(2) : Array.from({ length: 50 }, (_, i) => file.subarray((i * file.length) / 50, ((i + 1) * file.length) / 50));
    const from = voice.events.length;
    voice.send({ type: 'start' });
    const step_ms = format === 'opus' ? 20 : 200; /* the file is of ten seconds, about */
    for (const [i, message] of messages.entries()) {
      voice.send(message);
      if (format === 'opus' && i === 20) await killRecogniser(server); /* packets can be decoded from any one on */
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
  await microphone.pause(500);
  const from = voice.events.length;
  voice.send({ type: 'text', text: 'count' });
  const { turn } = await voice.wait((e) => e.type === 'audio_end', 'all of the sound', from);
  microphone.say(spoken(QUESTION));
  await voice.wait((e) => e.type === 'duck', 'a voice over the answer', from);
  voice.send({ type: 'played', turn, ms: 1e6 });
  const end = await voice.wait((e) => e.type === 'end' || e.type === 'interrupted', 'the end of the answer', from);
  assert.equal(end.type, 'end', 'all of it was heard');
  const next = await voice.finish(voice.events.indexOf(end) + 1);
  assert.equal(next.events[0].type, 'speech_started');
  assert(shareHeard(QUESTION, next.heard) >= 0.5, `from its first word on: ${next.heard}`);
});

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
  const answer = await answering(voice);
  await microphone.say(spoken('Is my voice recorded?'));
  const cut = await voice.wait((e) => e.type === 'interrupted', 'the end of the answer', answer.from);
  const events = voice.events.slice(answer.from);
  const duck = events.find((e) => e.type === 'duck');
  assert(duck && duck.turn === answer.turn && duck.seq < cut.seq, 'first it is spoken softly');
  assert(!events.some((e) => e.type === 'resumed'));
  const said = events.filter((e) => e.type === 'token').map((e) => e.content).join('');
  assert(said.startsWith(cut.heard) && cut.heard.length > 0 && cut.heard.length < said.length, `heard: ${cut.heard}`);

  const next = await voice.finish(voice.events.indexOf(cut) + 1);
  assert.equal(next.last.type, 'end');
  assert(shareHeard('Is my voice recorded?', next.heard) >= 0.5, `from its first word on: ${next.heard}`);
  assert.match(next.answer, /record|voice/i);
  assert(next.events.every((e) => e.turn !== answer.turn), 'nothing of the old turn comes afterwards');
});

for (const [what, text] of [['a murmur', 'Uh huh.'], ['a murmur of two words', 'Okay, yeah.']])
  test(`${what} does not interrupt`, async (t) => {
    const { voice, microphone, spoken } = await open(t);
    const { from, turn } = await answering(voice);
    await microphone.say(spoken(text));
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

test('whatever is said and pressed, the next question is answered @tsan', async (t) => {
  const scripted = ['stt', 'llm', 'tts'].flatMap((role) => [`--${role}-driver`, 'scripted']);
  const scripts = ['--stt-script', 'text=stop | uh huh | where are my documents | how do i | w1 w2 w3', '--llm-script', 'tokens=12,slow=3', '--tts-script', 'ms=8'];
  const folder = await temporaryFolder(t);
  const server = await startServer(t, { args: [...scripted, ...scripts, '--stt-streams', '4', '--limit-turns', '100000', '--log-level', 'debug'] });
  await untilReady(server);
  const speech = samplesOf(speak(folder, 'Where are my documents, and how do I add another one to them?'));
  const floors = new Set();
  await Promise.all(
    [1, 2, 3, 4].map(async (seed) => {
      const random = randomly(seed);
      const voice = await VoiceClient.open(server.url, { mode: 'hands_free', use_rag: false });
      atEnd(t, () => voice.close());
      voice.send({ type: 'start' });
      const silence = new Int16Array(16000);
      for (let i = 0; i < 250; i++) {
        const [at, n] = [random(40000), 320 * random(40)];
        const messages = [speech.subarray(at, at + n), speech.subarray(at, at + n), silence.subarray(0, n), silence.subarray(0, n)];
        const turn = voice.events.findLast((e) => e.turn)?.turn ?? 0;
        const presses = [{ type: 'cancel' }, { type: 'text', text: 'hello there' }, { type: 'start' }, { type: 'stop' }, { type: 'played', turn, ms: random(2000) }];
        if (random(10)) voice.send(messages[random(4)]);
        else voice.send(presses[random(5)]);
        await new Promise((resolve) => setTimeout(resolve, random(25)));
      }
      voice.send({ type: 'cancel' });
      voice.send({ type: 'stop' });
      voice.send({ type: 'text', text: 'the last one' });
      const said = await until(() => voice.closed || voice.events.findLast((e) => e.type === 'final' || e.type === 'audio_start'), 'an answer');
      assert.equal(voice.closed, null, JSON.stringify(said));
      const end = await until(() => voice.events.at(-1)?.type === 'end' && voice.events.at(-1), 'the end');
      assert.deepEqual(voice.events.map((e) => e.seq), voice.events.map((_, i) => i + 1));
      /* Turns never overlap, and each ends once. */
      const ended = new Set();
      for (const e of voice.events) {
        if (!e.turn) continue;
        assert(!ended.has(e.turn), `${e.type} of a turn that is over`);
        if (['end', 'error', 'interrupted'].includes(e.type)) ended.add(e.turn);
      }
      assert(ended.has(end.turn));
    }),
  );
  for (const [, from, to] of server.log().matchAll(/the floor: (\w+) → (\w+)/g)) floors.add(from).add(to);
  assert.deepEqual([...floors].sort(), ['answer', 'doubted', 'ducked', 'free', 'user'], 'every state was there');
});
