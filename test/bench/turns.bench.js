// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * What the server itself costs (scripted engines), and how long a person waits for the first sound
 * (built-in engines). Medians and 99th percentiles; numbers, no verdicts.
 */
import test from 'node:test';
import { open } from '../lib/hands-free.js';
import { samplesOf, speak } from '../lib/speech.js';
import { startServer, temporaryFolder, untilReady } from '../lib/server.js';
import { VoiceClient } from '../lib/voice.js';

/** @param {number[]} values */
function quantiles(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (/** @type {number} */ q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
  return { median: at(0.5), p99: at(0.99) };
}

/** @param {string} what @param {number[]} values @param {string} unit */
function report(what, values, unit) {
  const { median, p99 } = quantiles(values);
  console.log(`${what.padEnd(56)} median ${median.toFixed(2).padStart(9)} ${unit}   p99 ${p99.toFixed(2).padStart(9)} ${unit}`);
}

/** One /chat turn; its wall time and number of tokens. @param {string} url @param {object} body */
async function chat(url, body) {
  const begun = performance.now();
  const answer = await fetch(url + 'chat', { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } });
  const text = await answer.text();
  return { ms: performance.now() - begun, tokens: text.split('"type":"token"').length - 1 };
}

test('server overhead, scripted language model', async (t) => {
  const LIMITS = ['--limit-turns', '100000', '--llm-driver', 'scripted', '--tts-driver', 'scripted', '--stt-driver', 'scripted'];
  const one = await startServer(t, { args: [...LIMITS, '--llm-script', 'tokens=1'] });
  const many = await startServer(t, { args: [...LIMITS, '--llm-script', 'tokens=400'] });
  await untilReady(one);
  await untilReady(many);
  const health = [], short = [], long = [];
  for (let i = 0; i < 500; i++) {
    const begun = performance.now();
    await (await fetch(one.url + 'healthz')).text();
    health.push(performance.now() - begun);
    short.push((await chat(one.url, { message: 'go' })).ms);
  }
  for (let i = 0; i < 100; i++) {
    const turn = await chat(many.url, { message: 'go' });
    long.push(((turn.ms - quantiles(short).median) * 1000) / turn.tokens);
  }
  report('bare request (/healthz, the client included)', health, 'ms');
  report('/chat turn with one token (the client included)', short, 'ms');
  report('each streamed token (the client included)', long, 'µs');
});

test('end of speech to first sound, built-in engines', async (t) => {
  const folder = await temporaryFolder(t);
  const server = await startServer(t, { args: ['--limit-turns', '100000'] });
  await untilReady(server);
  const questions = ['how do i add documents', 'what happens to my voice recordings', 'which voices are there'];
  const sounds = questions.map((text) => samplesOf(speak(folder, text)));
  const voice = await VoiceClient.open(server.url);
  /** @type {Record<string, number[]>} */
  const stages = {};
  /* A loudspeaker that has played everything at once: nobody wants to listen to all the answers. */
  const listener = setInterval(() => {
    const turn = voice.events.at(-1)?.turn;
    if (turn !== undefined) voice.send({ type: 'played', turn, ms: 600000 });
  }, 50);
  for (let i = 0; i < 30; i++) {
    const turn = await voice.talk(sounds[i % sounds.length], { realtime: true });
    if (turn.last.type !== 'end') throw new Error(JSON.stringify(turn.last));
    (stages['first sound, from the end of speech'] ??= []).push(turn.last.timings.first_audio_ms);
    for (const stage of turn.last.timings.stages) if (stage.name !== 'speak') (stages[`  ${stage.name}`] ??= []).push(stage.ms);
  }
  clearInterval(listener);
  voice.close();
  for (const [name, values] of Object.entries(stages)) report(name, values, 'ms');
});

/* What is saved by beginning the answer before the end of a turn is sure: engines of stated speed, without a button. */
const STATED = [
  ...['--stt-driver', 'scripted', '--stt-script', 'word=200,slow=80,text=how do i add documents', '--tts-driver', 'scripted', '--tts-script', 'ms=20,slow=3'],
  ...['--llm-driver', 'scripted', '--llm-script', 'prefill=100,slow=50,text=Drop them on the page, all at once. They are read at once. Then ask.', '--limit-turns', '100000'],
];
for (const ahead of ['--turn-ahead', '--no-turn-ahead'])
  test(`end of speech to first sound, engines of stated speed, ${ahead}`, async (t) => {
    const { voice, microphone, spoken } = await open(t, { args: [...STATED, ahead] });
    const question = spoken('How do I add documents there?'), tokens = [], sounds = [], begun = [];
    voice.hurries = true;
    for (let i = 0; i < 12; i++) {
      await microphone.pause(700);
      const from = voice.events.length;
      await microphone.say(question);
      const { timings } = (await voice.finish(from)).last;
      tokens.push(timings.first_token_ms);
      sounds.push(timings.first_audio_ms);
      begun.push(timings.ahead_ms ?? 0);
    }
    report(`${ahead}: first token`, tokens, 'ms');
    report(`${ahead}: first sound`, sounds, 'ms');
    report(`${ahead}: begun before the end was sure`, begun, 'ms');
  });
