// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* While somebody still speaks, passages are found and the language model reads: a real one, with random weights. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import test from 'node:test';
import { BUILD, startServer, temporaryFolder, until, untilReady } from '../lib/server.js';
import { VoiceClient } from '../lib/voice.js';

/* The last word finds nothing, so that all passages have settled before. */
const QUESTION = 'how do i add documents to the knowledge base please';
const WORD = new Int16Array(4800); /* of a scripted recogniser: 300 ms */

/** @param {import('node:test').TestContext} t @param {string[]} more */
async function start(t, ...more) {
  const model = path.join(await temporaryFolder(t), 'model.gguf');
  assert.equal(spawnSync(path.join(BUILD, 'test/gguf_make'), ['tiny', model]).status, 0);
  const server = await startServer(t, {
    args: ['--stt-driver', 'scripted', '--tts-driver', 'scripted', '--stt-script', `text=${QUESTION}`, '--llm-model', model, '--llm-context', '8192', '--llm-max-tokens', '8', ...more],
  });
  await untilReady(server);
  return server;
}

/** @param {{url: string}} server */
async function counted(server) {
  const text = await (await fetch(server.url + 'metrics')).text();
  const one = (/** @type {string} */ name) => Number(new RegExp(`^repartee_ahead_${name}_total (\\S+)$`, 'm').exec(text)?.[1]);
  return { searches: one('searches'), used: one('searches_used'), prompts: one('prompts') };
}

const SPOKEN = new Int16Array(WORD.length * (QUESTION.split(' ').length + 1));

/** @param {{url: string}} server */
const model = async (server) => (await (await fetch(server.url + 'readyz')).json()).engines.llm;

/** Until for a while nothing is looked for and nothing read. @param {{url: string}} server */
async function untilCalm(server) {
  let last = '', calm = 0;
  await until(async () => {
    const { live } = await model(server), counts = await counted(server), now = JSON.stringify(counts);
    calm = now === last && counts.prompts > 0 && live === 0 ? calm + 1 : 0;
    last = now;
    return calm >= 10;
  }, 'a prompt that was read ahead');
}

/** Says the question, and lets the button go once all that was said has been read. @param {{url: string}} server @param {VoiceClient} voice */
async function say(server, voice, waits = true) {
  const from = voice.events.length;
  const read = async () => {
    await voice.wait((e) => e.type === 'partial' && e.text === QUESTION, 'all words in a partial', from);
    await untilCalm(server);
  };
  const { last } = await voice.talk(SPOKEN, waits ? { realtime: true, until: read } : {});
  assert.equal(last.type, 'end', JSON.stringify(last));
  return last;
}

test('the question proper has only its rest to read', async (t) => {
  const server = await start(t);
  const voice = await VoiceClient.open(server.url);
  const { usage } = await say(server, voice);
  const { searches, used } = await counted(server);
  assert.ok(searches > 0 && used === 1, `${searches} searches, ${used} used`);
  assert.ok(usage.prompt_tokens > 500, 'there are passages');
  assert.ok(usage.cached_tokens > usage.prompt_tokens - 100, JSON.stringify([usage, await counted(server)]));
  voice.close();
});

test('without it, nothing is read before', async (t) => {
  const server = await start(t, '--no-turn-ahead');
  const voice = await VoiceClient.open(server.url);
  const { usage } = await say(server, voice, false);
  assert.deepEqual(await counted(server), { searches: 0, used: 0, prompts: 0 });
  assert.ok(usage.cached_tokens < 100, JSON.stringify(usage));
  voice.close();
});

test('who leaves in the middle of a word leaves nothing behind', async (t) => {
  const server = await start(t);
  for (let i = 0; i < 8; i++) {
    const voice = await VoiceClient.open(server.url);
    voice.send({ type: 'start' });
    for (let k = 0; k < 4 + i; k++) voice.send(WORD);
    await until(async () => (await counted(server)).searches > i, 'a search');
    voice.close();
  }
  await until(async () => (await model(server)).live + (await model(server)).leaving === 0, 'the end of all that was begun');
  assert.equal((await model(server)).restarts, 0);
});
