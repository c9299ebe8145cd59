// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * A voice of Piper through the whole server, made here: the true shape of a small one, which says noise as long as the text. So it
 * shows that sound comes out, in time and of the right length, and nothing about how it sounds.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import { repartee } from '../lib/cli.js';
import { BUILD, atEnd, environment, startServer, temporaryFolder, until, untilReady } from '../lib/server.js';
import { loudness, samplesOf, speak } from '../lib/speech.js';
import { VoiceClient } from '../lib/voice.js';

const TEXT = 'You can add documents by dropping them on the page.';

/** Both files. @param {import('node:test').TestContext} t @param {string[]} more */
async function makeVoice(t, ...more) {
  const file = path.join(await temporaryFolder(t), 'en_US-made-tiny.onnx');
  assert.equal(spawnSync(path.join(BUILD, 'test/voice_make'), ['tiny', file, ...more], { env: environment() }).status, 0);
  return file;
}

/** @param {string} url */
const engine = async (url) => (await (await fetch(url + 'readyz')).json()).engines.tts;

/** @param {string} url @param {object} body */
const say = (url, body) => fetch(url + 'tts', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });

test('a voice that is named speaks, in the server and from the command line', async (t) => {
  const server = await startServer(t, { args: ['--tts-model', await makeVoice(t)] });
  await untilReady(server);
  const tts = await engine(server.url);
  assert.deepEqual([tts.driver, tts.model], ['piper', 'en_US-made-tiny']);
  assert.match(tts.notes, /^16000 Hz, 1 speaker, in pieces, \d+ threads$/);
  assert.doesNotMatch(server.log(), /outside of Landlock|Schema error|ONNX Runtime/);
  const file = path.join(await temporaryFolder(t), 'said.wav');
  const said = await repartee(['say', TEXT, '-o', file, '--data', server.data]);
  assert.equal(said.code, 0, said.err);
  const samples = samplesOf(file);
  assert.ok(samples.length > 16000 && loudness(samples) > 0.01, `${samples.length} samples`);

  await t.test('the built-in voices are there beside it, and all are named', async () => {
    const answer = await say(server.url, { text: 'hello', voice: 'nobody' });
    assert.equal(answer.status, 404);
    assert.match((await answer.json()).error.message, /there is no voice "nobody"; there are en_US-made-tiny, rms, slt/);
    for (const voice of ['rms', 'en-gb', 'en_US-made-tiny', '']) assert.equal((await say(server.url, { text: 'hello', voice })).status, 200, voice);
  });
  await t.test('many at once', async () => {
    const sounds = await Promise.all(Array.from({ length: 16 }, async () => (await (await say(server.url, { text: TEXT })).arrayBuffer()).byteLength));
    for (const bytes of sounds) assert.ok(bytes > 32000, `${bytes}`);
  });
  await t.test('the engine is killed: the next text is said', async () => {
    process.kill(tts.pid, 'SIGKILL');
    await until(async () => {
      const now = await engine(server.url);
      return now.state === 'ready' && now.pid !== tts.pid;
    }, 'another engine');
    assert.equal((await say(server.url, { text: TEXT })).status, 200);
  });
});

test('a spoken turn is answered with it', async (t) => {
  const server = await startServer(t, { env: { PIPER_VOICE: await makeVoice(t) } });
  await untilReady(server);
  const voice = await VoiceClient.open(server.url);
  atEnd(t, () => voice.close());
  voice.hurries = true;
  const turn = await voice.talk(samplesOf(speak(await temporaryFolder(t), 'How do I add documents?')));
  assert.equal(turn.last.type, 'end', JSON.stringify(turn.last));
  assert.match(turn.answer, /document/i);
  assert.ok(turn.sound.length > 22050 && loudness(turn.sound) > 0.01, `${turn.sound.length} samples`);
});

test('speakers of a voice are chosen by name', async (t) => {
  const server = await startServer(t, { args: ['--tts-model', await makeVoice(t, '3'), '--tts-voice', 'p102'] });
  await untilReady(server);
  for (const voice of ['p100', 'p102', undefined]) assert.equal((await say(server.url, { text: 'hello', ...(voice && { voice }) })).status, 200);
  assert.match((await (await say(server.url, { text: 'hello', voice: 'p103' })).json()).error.message, /there are en_US-made-tiny, p100, p101, p102, rms/);
});

test('a voice that takes letters', async (t) => {
  const server = await startServer(t, { args: ['--tts-model', await makeVoice(t, '1', 'text')] });
  await untilReady(server);
  assert.ok((await (await say(server.url, { text: TEXT })).arrayBuffer()).byteLength > 16000);
});

test('what is no voice is refused with a sentence that says what to do', async (t) => {
  const data = await temporaryFolder(t), whole = await makeVoice(t), lonely = await makeVoice(t), broken = await makeVoice(t), wrong = await makeVoice(t);
  await rm(lonely + '.json');
  await writeFile(broken, readFileSync(broken).subarray(0, 100000));
  await writeFile(wrong + '.json', '{"audio": {"sample_rate": 16000}}');
  const folder = path.join(await temporaryFolder(t), 'folder.onnx');
  await mkdir(folder);
  for (const [args, says] of /** @type {[string[], RegExp][]} */ ([
    [['--tts-model', lonely], /the voice lacks its second file, .*en_US-made-tiny\.onnx\.json; it must lie beside the first/],
    [['--tts-model', broken], /it is cut or damaged; copy it anew/],
    [['--tts-model', wrong], /the voice does not name its voice of espeak-ng/],
    [['--tts-model', whole + '.json'], /no ONNX file|lacks its second file/],
    [['--tts-model', folder], /has no model\.onnx; name the model's file/],
    [['--tts-model', '/nowhere.onnx'], /cannot open the voice \/nowhere\.onnx/],
    [['--tts-driver', 'piper'], /tts\.model must name a voice of Piper/],
  ])) {
    const { code, err } = await repartee(['serve', '--listen', '127.0.0.1:0', '--data', data, ...args]);
    assert.notEqual(code, 0);
    assert.match(err, says);
  }
});
