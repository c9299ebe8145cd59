// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* WS /voice without a button, with scripted engines: people who say and press whatever comes into their minds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomly } from '../lib/cut.js';
import { atEnd, startServer, temporaryFolder, until, untilReady } from '../lib/server.js';
import { samplesOf, speak } from '../lib/speech.js';
import { VoiceClient } from '../lib/voice.js';

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
