// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* OpenAI's own client, unchanged, against /v1/audio. */
import assert from 'node:assert/strict';
import { createReadStream, readFileSync } from 'node:fs';
import test from 'node:test';
import OpenAI, { toFile } from 'openai';
import { startServer, temporaryFolder, untilReady } from '../lib/server.js';
import { samplesOf, shareHeard, speak } from '../lib/speech.js';

const SCRIPTED = ['--stt-driver', 'scripted', '--tts-driver', 'scripted', '--llm-driver', 'scripted', '--limit-turns', '100000'];
const SAID = 'Where can I find the documents of the server?';

/** @param {import('node:test').TestContext} t @param {string[]} args */
async function start(t, args) {
  const server = await startServer(t, { args });
  await untilReady(server);
  return { url: server.url, pid: server.pid, client: new OpenAI({ baseURL: server.url + 'v1', apiKey: 'none', maxRetries: 0 }) };
}

/** @param {string} url @param {[string, string | Blob][]} parts in this order */
function post(url, parts) {
  const form = new FormData();
  for (const [name, value] of parts) form.append(name, value);
  return fetch(url, { method: 'POST', body: form });
}

test('the built-in recogniser, through OpenAI\'s client', async (t) => {
  const { client } = await start(t, ['--llm-driver', 'scripted', '--tts-driver', 'scripted']);
  const wav = speak(await temporaryFolder(t), SAID);
  const ask = () => ({ file: createReadStream(wav), model: 'whisper-1' }); /* chunked, of unknown length */

  await t.test('json', async () => {
    const answer = await client.audio.transcriptions.create({ ...ask(), response_format: 'json', language: 'en', temperature: 0 });
    assert.ok(shareHeard(SAID, answer.text) >= 0.8, answer.text);
    assert.deepEqual(Object.keys(answer).sort(), ['text', 'usage']);
    assert.deepEqual(answer.usage, { type: 'duration', seconds: Math.ceil(samplesOf(wav).length / 16000) });
  });

  await t.test('text', async () => {
    const text = /** @type {any} */ (await client.audio.transcriptions.create({ ...ask(), response_format: 'text' }));
    assert.ok(shareHeard(SAID, text) >= 0.8, text);
    assert.match(text, /^[^\n]+\n$/);
  });

  await t.test('another language is refused', () =>
    assert.rejects(client.audio.transcriptions.create({ ...ask(), language: 'de' }), (/** @type {any} */ e) => e.status === 400 && e.param === 'language' && /English only/.test(e.message)));
});

test('parts in any order, and those that nobody knows @tsan', async (t) => {
  const { url } = await start(t, [...SCRIPTED, '--stt-script', 'text=one two three']);
  const wav = new Blob([readFileSync(speak(await temporaryFolder(t), 'One two three.'))]);
  /** @type {[string, string | Blob][]} */
  const parts = [['model', 'any'], ['colour', 'blue'], ['file', wav], ['response_format', 'json'], ['chunking_strategy', 'auto'], ['prompt', 'Numbers.']];
  for (let i = 0; i < parts.length; i++) {
    parts.push(/** @type {[string, string]} */ (parts.shift()));
    const answer = await post(url + 'v1/audio/transcriptions', parts);
    assert.equal(answer.status, 200);
    assert.equal((await answer.json()).text, 'one two three');
  }
});

test('what is wrong has its status and says which field it is @tsan', async (t) => {
  const { url, client } = await start(t, [...SCRIPTED, '--stt-script', 'text=one']);
  const wav = readFileSync(speak(await temporaryFolder(t), 'One.'));
  const file = await toFile(wav, 'one.wav');
  for (const [param, more] of /** @type {[string, object][]} */ ([
    ['response_format', { response_format: 'xml' }],
    ['response_format', { response_format: 'diarized_json' }],
    ['temperature', { temperature: 1.5 }],
    ['temperature', { temperature: 'hot' }],
    ['language', { language: 'the language of the angels' }],
    ['stream', { stream: 'maybe' }],
    ['stream', { stream: true, response_format: 'srt' }],
    ['include', { include: ['logprobs'] }],
    ['known_speaker_names', { known_speaker_names: ['Ann'] }],
    ['timestamp_granularities', { timestamp_granularities: ['word'] }],
    ['timestamp_granularities', { timestamp_granularities: ['letter'], response_format: 'verbose_json' }],
    ['prompt', { prompt: 'a'.repeat(20000) }],
  ]))
    await assert.rejects(
      client.audio.transcriptions.create(/** @type {any} */ ({ file, model: 'x', ...more })),
      (/** @type {any} */ e) => e.status === 400 && e.param === param && e.type === 'invalid_request_error',
      JSON.stringify(more),
    );
  const where = url + 'v1/audio/transcriptions', blob = new Blob([wav]);
  /** @type {[string, Promise<Response>, number, string | null][]} */
  const others = [
    ['no file', post(where, [['model', 'x']]), 400, 'file'],
    ['an empty file', post(where, [['file', new Blob([])]]), 400, 'file'],
    ['two files', post(where, [['file', blob], ['file', blob]]), 400, 'file'],
    ['a field twice', post(where, [['language', 'en'], ['language', 'en'], ['file', blob]]), 400, 'language'],
    ['no sound', post(where, [['file', new Blob(['hello'])]]), 415, null],
    ['no form', fetch(where, { method: 'POST', body: wav, headers: { 'Content-Type': 'audio/wav' } }), 415, null],
    ['JSON', fetch(where, { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } }), 415, null],
    ['half a form', fetch(where, { method: 'POST', body: '--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nRIFF', headers: { 'Content-Type': 'multipart/form-data; boundary=x' } }), 400, null],
  ];
  for (const [name, asked, status, param] of others) {
    const answer = await asked, { error } = await answer.json();
    assert.deepEqual([answer.status, error.param], [status, param], `${name}: ${error.message}`);
  }
});
