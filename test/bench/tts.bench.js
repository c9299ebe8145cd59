// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* How soon the built-in voices begin to speak, and how much faster than real time they are. */
import test from 'node:test';
import { Engine } from '../lib/engine.js';

const RATE = 22050;
const ROUNDS = 50;
const texts = [
  'Hello.',
  'You can add documents by dropping them on the page,',
  'You can add documents by dropping them on the page, or by naming a folder in the configuration.',
];

/** @param {number[]} values @param {number} q */
const quantile = (values, q) => values.sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))];

test('speech synthesis', async (t) => {
  const tts = await Engine.start(t, 'tts', { driver: 'builtin' });
  let id = 0;
  for (const voice of ['rms', 'slt', 'awb', 'kal', 'en-gb', 'de'])
    for (const text of texts) {
      const first = [];
      const whole = [];
      let samples = 0;
      for (let round = 0; round < ROUNDS; round++) {
        tts.send('tts_open', ++id, { voice, rate_hz: RATE });
        const begun = performance.now();
        tts.send('tts_text', id, { text });
        tts.send('tts_finish', id);
        let sounded = 0;
        for await (const m of tts.stream(id)) {
          if (m.name === 'audio') sounded ||= m.at - begun;
          if (m.name === 'tts_clause') whole.push(m.at - begun);
          if (m.name === 'tts_done') samples = m.samples;
        }
        first.push(sounded);
      }
      const seconds = samples / RATE;
      console.log(
        `${voice.padEnd(6)} ${String(text.length).padStart(3)} characters: first sound median ${quantile(first, 0.5).toFixed(1).padStart(5)} ms` +
          `   p99 ${quantile(first, 0.99).toFixed(1).padStart(5)} ms   real-time factor ${(quantile(whole, 0.5) / 1000 / seconds).toFixed(4)}`,
      );
    }
});
