// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * A Kokoro through the whole server, made here: the true inputs and outputs of one with random weights, which says noise as long as
 * the text. So it shows that sound comes out and of the right length, and nothing about how it sounds.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import { repartee } from '../lib/cli.js';
import { BUILD, atEnd, environment, startServer, temporaryFolder, untilReady } from '../lib/server.js';
import { loudness, samplesOf, speak } from '../lib/speech.js';
import { VoiceClient } from '../lib/voice.js';

const TEXT = 'You can add documents by dropping them on the page.';

/** A folder. @param {import('node:test').TestContext} t */
async function makeKokoro(t) {
  const folder = path.join(await temporaryFolder(t), 'kokoro-made');
  assert.equal(spawnSync(path.join(BUILD, 'test/kokoro_make'), ['tiny', folder], { env: environment() }).status, 0);
  return folder;
}

/** @param {string} url @param {string} route @param {object} body */
const post = (url, route, body) => fetch(url + route, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });

test('a Kokoro that is named speaks, by every door', async (t) => {
  const server = await startServer(t, { args: ['--tts-model', await makeKokoro(t), '--tts-voice', 'bm_george'] });
  await untilReady(server);
  const tts = (await (await fetch(server.url + 'readyz')).json()).engines.tts;
  assert.deepEqual([tts.driver, tts.model], ['kokoro', 'af_heart']);
  assert.match(tts.notes, /^24000 Hz, 3 voices of kokoro-made, \d+ threads$/);
  assert.doesNotMatch(server.log(), /outside of Landlock|Schema error|ONNX Runtime/);

  await t.test('its voices are listed before the built-in ones', async () => {
    const { voices } = await (await fetch(server.url + 'voices')).json();
    const names = voices.map((/** @type {{name: string}} */ v) => v.name);
    assert.deepEqual(names.slice(0, 4), ['af_heart', 'bm_george', 'ef_dora', 'rms']);
    assert.ok(!names.includes('jf_alpha'));
  });
  await t.test('POST /tts and /v1/audio/speech', async () => {
    for (const [route, body] of /** @type {[string, object][]} */ ([
      ['tts', { text: TEXT, voice: 'af_heart' }],
      ['v1/audio/speech', { model: 'tts-1', input: TEXT, voice: 'ef_dora', response_format: 'pcm' }],
      ['v1/audio/speech', { model: 'tts-1', input: TEXT, voice: 'alloy', response_format: 'wav' }],
    ])) {
      const answer = await post(server.url, route, body);
      assert.equal(answer.status, 200, route);
      assert.ok((await answer.arrayBuffer()).byteLength > 48000, route);
    }
  });
  await t.test('a voice whose phonemes cannot be made is refused', async () => {
    const answer = await post(server.url, 'tts', { text: 'Konnichiwa.', voice: 'jf_alpha' });
    assert.ok(answer.status >= 400, `${answer.status}`);
    assert.match((await answer.json()).error.message, /speaks Japanese, whose phonemes cannot be made here/);
  });
  await t.test('repartee say', async () => {
    const file = path.join(await temporaryFolder(t), 'said.wav');
    const said = await repartee(['say', TEXT, '-o', file, '--voice', 'af_heart', '--data', server.data]);
    assert.equal(said.code, 0, said.err);
    const samples = samplesOf(file);
    assert.ok(samples.length > 16000 && loudness(samples) > 0.01, `${samples.length} samples`);
  });
  await t.test('a spoken turn', async () => {
    const voice = await VoiceClient.open(server.url);
    atEnd(t, () => voice.close());
    voice.hurries = true;
    const turn = await voice.talk(samplesOf(speak(await temporaryFolder(t), 'How do I add documents?')));
    assert.equal(turn.last.type, 'end', JSON.stringify(turn.last));
    assert.match(turn.answer, /document/i);
    assert.ok(turn.sound.length > 22050 && loudness(turn.sound) > 0.01, `${turn.sound.length} samples`);
  });
});

test('what is no Kokoro is refused with a sentence that says what to do', async (t) => {
  const data = await temporaryFolder(t), silent = await makeKokoro(t), broken = await makeKokoro(t), cut = await makeKokoro(t);
  await rm(path.join(silent, 'voices'), { recursive: true });
  const model = path.join(broken, 'model.onnx'), voice = path.join(cut, 'voices/af_heart.bin');
  await writeFile(model, readFileSync(model).subarray(0, 10000));
  await writeFile(voice, readFileSync(voice).subarray(0, 10001));
  for (const [args, says] of /** @type {[string[], RegExp][]} */ ([
    [['--tts-model', silent], /the model lacks its voices: a folder voices with files such as af_heart\.bin/],
    [['--tts-model', broken], /it is cut or damaged; copy it anew/],
    [['--tts-model', cut], /the voice "af_heart" is no table of styles, or it is cut; copy it anew/],
    [['--tts-model', data], /has no model\.onnx; name the model's file/],
    [['--tts-driver', 'kokoro'], /tts\.model must name a Kokoro/],
  ])) {
    const { code, err } = await repartee(['serve', '--listen', '127.0.0.1:0', '--data', data, ...args]);
    assert.notEqual(code, 0);
    assert.match(err, says);
  }
});
