// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* Engines are killed in mid-turn: the turn ends with an error at once, the socket stays, the next turn works. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { childrenOf } from '../lib/measure.js';
import { startServer, until, untilReady } from '../lib/server.js';
import { VoiceClient } from '../lib/voice.js';

/** @param {{url: string}} server */
const details = async (server) => (await fetch(server.url + 'readyz')).json();

/** Kills an engine that is well, or has so many jobs. @param {{url: string}} server @param {string} role @param {number} [jobs] */
function killEngine(server, role, jobs) {
  return until(async () => {
    const { pid, live, state } = (await details(server)).engines[role];
    if (state !== 'ready' || (jobs !== undefined && live !== jobs)) return null;
    process.kill(pid, 'SIGKILL');
    return { pid, at: performance.now() };
  }, jobs ? 'a job' : 'an engine that is well');
}

/** @param {{url: string}} server @param {string} role @param {number} old */
const restarted = (server, role, old) =>
  until(async () => {
    const e = (await details(server)).engines[role];
    return e.state === 'ready' && e.pid !== old;
  }, `another ${role}`);

const SCRIPTED = ['--stt-driver', 'scripted', '--llm-driver', 'scripted', '--tts-driver', 'scripted'];
const silence = new Int16Array(16000);

for (const [role, scripts] of [
  ['stt', ['--stt-script', 'slow=150,text=one two three', '--llm-script', 'text=Yes.']],
  ['llm', ['--llm-script', 'slow=400,tokens=4']],
  ['tts', ['--tts-script', 'slow=60', '--llm-script', 'text=Yes indeed.']],
]) {
  test(`kill -9 of ${role} in mid-turn @tsan`, async (t) => {
    const server = await startServer(t, { args: [...SCRIPTED, .../** @type {string[]} */ (scripts)] });
    await untilReady(server);
    const voice = await VoiceClient.open(server.url);
    const from = voice.events.length;
    voice.send({ type: 'start' });
    voice.send(silence);
    voice.send({ type: 'stop' });
    /* The scripted engine is slow: the turn is in the middle of just this engine's work. */
    const killed = await killEngine(server, /** @type {string} */ (role), 1);
    const over = await voice.wait((e) => e.type === 'error', 'an error', from);
    assert.equal(over.error.code, 'engine_unavailable');
    t.diagnostic(`from the kill to the error's arrival: ${(over.at - killed.at).toFixed(1)} ms (250 are promised)`);
    assert.equal(voice.closed, null);
    await restarted(server, /** @type {string} */ (role), killed.pid);
    const next = await voice.talk(silence);
    assert.equal(next.last.type, 'end', JSON.stringify(next.last));
    assert.ok(next.heard && next.answer && next.sound.length > 0, JSON.stringify(next.events));
    voice.close();
  });
}

test('the next turn works after each real engine was killed', async (t) => {
  const server = await startServer(t);
  await untilReady(server);
  const voice = await VoiceClient.open(server.url);
  for (const role of ['tts', 'stt', 'tts']) {
    const killed = await killEngine(server, role);
    await restarted(server, role, killed.pid);
    const from = voice.events.length;
    voice.send({ type: 'text', text: 'Who won the football match?' }); /* a short answer */
    const turn = await voice.finish(from);
    assert.equal(turn.last.type, 'end');
    assert.ok(turn.sound.length > 22050, 'no sound');
  }
  voice.close();
});

test('kill -9 of the server leaves no engine', async (t) => {
  const server = await startServer(t);
  await untilReady(server);
  const children = childrenOf(server.pid);
  assert.ok(children.length >= 2);
  await server.kill();
  await until(
    () => children.every((pid) => {
      try {
        process.kill(pid, 0);
        return readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z ');
      } catch {
        return true;
      }
    }),
    'the end of the engines', 15000);
});

test('SIGTERM drains: the running turn finishes, then exit 0 @tsan', async (t) => {
  const server = await startServer(t, { args: [...SCRIPTED, '--llm-script', 'tokens=20,slow=30'] });
  await untilReady(server);
  const voice = await VoiceClient.open(server.url);
  const from = voice.events.length;
  voice.send({ type: 'text', text: 'count' });
  await voice.wait((e) => e.type === 'token', 'a token', from);
  const stopped = server.stop();
  const turn = await voice.finish(from);
  assert.equal(turn.last.type, 'end');
  assert.ok(turn.events.some((e) => e.type === 'going_away'));
  assert.equal(await stopped, 0);
});
