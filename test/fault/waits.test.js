// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* Engines that keep people waiting: one that is not ready yet, one that falls silent. Nobody waits for ever. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startServer, until, untilReady } from '../lib/server.js';
import { VoiceClient } from '../lib/voice.js';

const SCRIPTED = ['--stt-driver', 'scripted', '--llm-driver', 'scripted', '--tts-driver', 'scripted'];

/** @param {string} url */
const details = async (url) => (await fetch(url + 'readyz')).json();

/** @param {string} url @param {string} text */
const speak = (url, text) =>
  fetch(url + 'tts', { method: 'POST', body: JSON.stringify({ text }), headers: { 'content-type': 'application/json' } });

describe('nobody waits for ever', { concurrency: true }, () => {
  test('an engine that is still starting is told as such @tsan', async (t) => {
    const { url } = await startServer(t, { args: [...SCRIPTED, '--tts-script', 'start=20000', '--stt-script', 'start=20000', '--llm-script', 'text=Yes.', '--embed-driver', 'scripted', '--embed-script', 'start=20000'] });
    const [answer, voice] = await Promise.all([speak(url, 'Hello.'), VoiceClient.open(url)]);
    assert.equal(answer.status, 503);
    assert.ok(Number(answer.headers.get('retry-after')) > 0);
    const { error } = await answer.json();
    assert.equal(error.code, 'engine_unavailable');
    assert.match(error.message, /the engine is still starting; please try again in a moment/);
    const { data } = await (await fetch(url + 'v1/models')).json();
    assert.deepEqual(data.map((/** @type {{id: string}} */ m) => m.id), ['script']);
    const from = voice.events.length;
    voice.send({ type: 'start' });
    const failed = await voice.wait((e) => e.type === 'error', 'an error', from);
    assert.match(failed.error.message, /still starting/);
    assert.equal(voice.closed, null);
    assert.equal((await fetch(url + 'readyz')).status, 503);
    await untilReady({ url });
    assert.equal((await speak(url, 'Hello.')).status, 200);
    const next = await voice.talk(new Int16Array(16000));
    assert.equal(next.last.type, 'end', JSON.stringify(next.last));
    voice.close();
  });

  test('a recogniser that is still learning the documents: the server says when it is ready @tsan', async (t) => {
    const server = await startServer(t, { args: [...SCRIPTED, '--stt-script', 'learn=8000'] });
    assert.match(server.said(), /^Repartee is starting: /);
    assert.equal((await fetch(server.url + 'readyz')).status, 503);
    await until(() => /^Repartee is ready\.$/m.test(server.said()), 'the word that it is ready', 60000);
    const { status, engines } = await details(server.url);
    assert.deepEqual([status, engines.stt.learnt], ['ready', true]);
    /* What is added later is learnt by the way. */
    await fetch(server.url + 'rag/ingest', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ title: 'ferries.md', text: 'Ferries leave at noon.' }) });
    const later = await until(async () => {
      const now = await details(server.url);
      return now.engines.stt.learnt ? null : now;
    }, 'new words to learn');
    assert.equal(later.status, 'ready');
  });

  test('a recogniser that dies while it learns is told again @tsan', async (t) => {
    const server = await startServer(t, { args: [...SCRIPTED, '--stt-script', 'learn=8000'] });
    const { pid } = (await details(server.url)).engines.stt;
    process.kill(pid, 'SIGKILL');
    await until(() => /^Repartee is ready\.$/m.test(server.said()), 'the word that it is ready', 60000);
    const { stt } = (await details(server.url)).engines;
    assert.ok(stt.learnt && stt.pid !== pid && stt.restarts === 1);
  });

  for (const { script, why } of [
    { script: 'unlearnt=1', why: /cannot learn the documents' words: as the script says/ },
    { script: 'learn=1000000', why: /has not learnt the documents' words in \d+ s/ },
  ])
    test(`a recogniser that does not learn (${script}) @tsan`, async (t) => {
      const server = await startServer(t, { args: [...SCRIPTED, '--stt-script', script] });
      await untilReady(server);
      await server.logged(why);
    });

  for (const { script, name } of [
    { script: 'hang=1', name: 'before its first sound' },
    { script: 'hang=1,after=3', name: 'in the middle of a sentence' },
  ])
    test(`a voice that falls silent ${name} @tsan`, async (t) => {
      const server = await startServer(t, { args: [...SCRIPTED, '--tts-script', script] });
      await untilReady(server);
      const answer = await speak(server.url, 'One two three four five six seven.');
      if (script.includes('after')) {
        assert.equal(answer.status, 200);
        await assert.rejects(answer.arrayBuffer(), 'a body that is not whole');
      } else {
        assert.equal(answer.status, 504);
        assert.match((await answer.json()).error.message, /the voice has fallen silent; please try again/);
      }
      const { engines } = await (await fetch(server.url + 'readyz')).json();
      assert.equal(engines.tts.live, 0, 'its place is free');
      assert.equal((await speak(server.url, 'Hello.')).status, 200);
    });
});
