// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* SIGTERM: what is being answered is answered to its end, to a listener who takes his time as well. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { startServer, untilReady } from '../lib/server.js';

test('a synthesis that is being read slowly is complete @tsan', async (t) => {
  const server = await startServer(t, { args: ['--tts-driver', 'scripted', '--tts-script', 'slow=5', '--stt-driver', 'scripted'] });
  await untilReady(server);
  const text = 'This is a sentence of many that are to be spoken one after another. '.repeat(3);
  const body = JSON.stringify({ text, format: 'pcm' });
  const ask = () => fetch(server.url + 'tts', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
  const whole = (await (await ask()).arrayBuffer()).byteLength;
  assert(whole > 50000);

  const answer = await ask();
  const reader = /** @type {ReadableStream<Uint8Array>} */ (answer.body).getReader();
  let taken = (await reader.read()).value?.byteLength ?? 0;
  const stopped = server.stop();
  for (;;) {
    await pause(10);
    const { value, done } = await reader.read();
    if (done) break;
    taken += value.byteLength;
  }
  assert.equal(taken, whole);
  assert.equal(await stopped, 0);
});
