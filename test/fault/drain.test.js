// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* SIGTERM: what is being answered is answered to its end, to a listener who takes his time as well. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { startServer, temporaryFolder, until, untilReady } from '../lib/server.js';
import { terminal } from '../lib/terminal.js';
import { VoiceClient } from '../lib/voice.js';

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

for (const signal of /** @type {NodeJS.Signals[]} */ (['SIGTERM', 'SIGINT']))
  test(`${signal} to the server and its engines at once @tsan`, async (t) => {
    const engines = ['stt', 'llm', 'tts'].flatMap((role) => [`--${role}-driver`, 'scripted']);
    const server = await startServer(t, { args: [...engines, '--llm-script', 'tokens=20,slow=30'], within: ['setsid'] });
    await untilReady(server);
    const voice = await VoiceClient.open(server.url);
    const from = voice.events.length;
    voice.send({ type: 'text', text: 'count' });
    await voice.wait((e) => e.type === 'token', 'a token', from);
    process.kill(-server.pid, signal);
    const turn = await voice.finish(from);
    assert.equal(turn.last.type, 'end', JSON.stringify(turn.last));
    assert.equal(turn.events.filter((e) => e.type === 'token').length, 20);
    assert.ok(turn.sound.length > 0);
    assert.equal(await server.gone, 0);
  });

test('a terminal that is closed ends the server in it, also below another program', async (t) => {
  const data = await temporaryFolder(t);
  const run = terminal(`trap '' HUP; repartee serve --listen 127.0.0.1:0 --data ${data}; true`);
  await until(() => /Repartee is (?:ready|starting): /.test(run.shown()), 'its address');
  const itself = ['-f', `^repartee serve .*${data}`];
  const is_running = () => spawnSync('pgrep', itself).status === 0;
  t.after(() => spawnSync('pkill', itself));
  assert.ok(is_running());
  run.child.kill('SIGKILL');
  await until(() => !is_running(), 'its end');
});
