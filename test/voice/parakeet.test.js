// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * Parakeet through the whole server, with a model made here: the true format and one layer, and it hears the words that it
 * was made with in any speech, a piece of one each 80 ms. So it shows that sound gets there, that words and their times come
 * back, and nothing about ears.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createReadStream, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import OpenAI from 'openai';
import { repartee } from '../lib/cli.js';
import { sha256 } from '../lib/hub.js';
import { metricsOf } from '../lib/measure.js';
import { BUILD, atEnd, environment, startServer, temporaryFolder, until, untilReady } from '../lib/server.js';
import { samplesOf, speak, writeWav } from '../lib/speech.js';
import { VoiceClient } from '../lib/voice.js';

const WORDS = 'how do i add documents';
const SPOKEN = 'Whatever I say to it is taken for a question.';
const PIECE_MS = 80;

/** @param {import('node:test').TestContext} t @param {string} [shape] */
async function makeModel(t, shape = 'tiny') {
  const file = path.join(await temporaryFolder(t), 'ggml-made.bin');
  assert.equal(spawnSync(path.join(BUILD, 'test/parakeet_make'), [shape, 'f16', file, WORDS], { env: environment() }).status, 0);
  return file;
}

/** @param {string} url @param {string} sound */
const hear = async (url, sound) => {
  const response = await fetch(url + 'stt', { method: 'POST', body: readFileSync(sound) });
  return { status: response.status, ...(await response.json()) };
};

/** @param {string} url */
const recogniser = async (url) => (await (await fetch(url + 'readyz')).json()).engines.stt;

test('a file that is a Parakeet is heard with as one: recordings, the command line, OpenAI clients', async (t) => {
  const folder = await temporaryFolder(t);
  const server = await startServer(t, { args: ['--stt-model', await makeModel(t)] });
  await untilReady(server);
  const stt = await recogniser(server.url);
  assert.deepEqual([stt.driver, stt.model, stt.languages], ['parakeet', 'made', 'en']);
  assert.match(stt.notes, /^f16 weights, English only; \d+ MB, and up to \d+ MB for each of \d+ lanes of \d+ threads; speech found by the built-in detector$/);
  const file = speak(folder, SPOKEN);
  const { status, text, language, duration, segments } = await hear(server.url, file);
  assert.deepEqual([status, text, language], [200, WORDS, 'en']);
  const words = segments.flatMap((/** @type {any} */ s) => s.words);
  assert.deepEqual(words.map((/** @type {any} */ w) => w.word), WORDS.split(' '));
  for (const [i, w] of words.entries()) {
    assert.equal(w.start_ms, words[0].start_ms + i * PIECE_MS);
    assert.equal(w.end_ms - w.start_ms, w.word === 'documents' ? 2 * PIECE_MS : PIECE_MS);
    assert(w.end_ms <= duration * 1000);
  }
  assert.doesNotMatch(server.log(), /outside of Landlock/);
  const said = await repartee(['hear', file, '--data', server.data]);
  assert.deepEqual([said.code, said.out], [0, WORDS + '\n']);

  await t.test('the official client gets words with their times', async () => {
    const client = new OpenAI({ baseURL: server.url + 'v1', apiKey: 'none', maxRetries: 0 });
    const answer = /** @type {any} */ (await client.audio.transcriptions.create({ file: createReadStream(file), model: 'x', response_format: 'verbose_json', timestamp_granularities: ['word', 'segment'], prompt: 'a hint', temperature: 0.5 }));
    assert.equal(answer.text, WORDS);
    assert.deepEqual(answer.words.map((/** @type {any} */ w) => [w.word, Math.round(w.start * 1000)]), words.map((/** @type {any} */ w) => [w.word, w.start_ms]));
    assert(answer.segments[0].tokens.length === 6 && answer.segments[0].avg_logprob > -0.01);
    assert.match(await /** @type {any} */ (client.audio.transcriptions.create({ file: createReadStream(file), model: 'x', response_format: 'srt' })), /-->/);
    let heard = '';
    for await (const event of await client.audio.transcriptions.create({ file: createReadStream(file), model: 'x', stream: true })) heard += event.type === 'transcript.text.delta' ? event.delta : '';
    assert.equal(heard, WORDS);
  });
  await t.test('of silence it is not asked, and that is counted', async () => {
    const quiet = path.join(folder, 'quiet.wav');
    writeWav(quiet, new Int16Array(32000), 16000);
    const answer = await hear(server.url, quiet);
    assert.deepEqual([answer.status, answer.text, answer.segments], [200, '', []]);
    const metrics = await metricsOf(server);
    assert.equal(metrics.get('repartee_stt_guarded_total{reason="silence"}'), 1);
    assert.equal(metrics.get('repartee_stt_guarded_total{reason="guess"}'), 0);
  });
  await t.test('32 at once: those whom there is room for get their words', async () => {
    const all = await Promise.all(Array.from({ length: 32 }, () => hear(server.url, file)));
    const refused = all.filter((a) => a.status !== 200);
    for (const a of refused) assert.equal(a.status, 503, JSON.stringify(a));
    assert(all.length - refused.length >= 16, `${refused.length} were refused`);
    for (const a of all) if (a.status === 200) assert.equal(a.text, WORDS);
  });
});

test('a spoken turn: words while he speaks, the same at the end, an answer', async (t) => {
  const folder = await temporaryFolder(t);
  const server = await startServer(t, { args: ['--stt-driver', 'parakeet', '--stt-model', await makeModel(t)] });
  await untilReady(server);
  const voice = await VoiceClient.open(server.url);
  atEnd(t, () => voice.close());
  const turn = await voice.talk(samplesOf(speak(folder, SPOKEN)), { realtime: true, until: () => voice.wait((e) => e.type === 'partial', 'words while he speaks') });
  assert.equal(turn.last.type, 'end', JSON.stringify(turn.last));
  assert.equal(turn.heard, WORDS);
  let stable = 0;
  for (const p of turn.partials) {
    assert(WORDS.startsWith(p.text), p.text);
    assert(p.text.startsWith(p.stable) && p.stable.length >= stable);
    stable = p.stable.length;
  }
  assert(turn.partials.length > 0);
  assert.match(turn.answer, /document/i);

  await t.test('the engine is killed while somebody speaks: the next turn works', async () => {
    const from = voice.events.length;
    voice.send({ type: 'start' });
    voice.send(samplesOf(speak(folder, SPOKEN)).subarray(0, 16000));
    const { pid } = await until(async () => {
      const stt = await recogniser(server.url);
      return stt.live === 1 ? stt : null;
    }, 'a stream');
    process.kill(pid, 'SIGKILL');
    const over = await voice.wait((e) => e.type === 'error', 'an error', from);
    assert.equal(over.error.code, 'engine_unavailable');
    await until(async () => {
      const stt = await recogniser(server.url);
      return stt.state === 'ready' && stt.pid !== pid;
    }, 'another engine');
    const next = await voice.talk(samplesOf(speak(folder, SPOKEN)));
    assert.deepEqual([next.last.type, next.heard], ['end', WORDS]);
  });
});

test('a model that was pulled is known by its name, with and without its family, and checked', async (t) => {
  const stick = await temporaryFolder(t), data = await temporaryFolder(t);
  const made = readFileSync(await makeModel(t, 'tiny-european'));
  await writeFile(path.join(stick, 'ggml-parakeet-tiny.bin'), made);
  const pulled = await repartee(['pull', '--from', stick, 'hf:test/parakeet:ggml-parakeet-tiny.bin', `sha256:${sha256(made)}`, '--kind', 'stt', '--as', 'parakeet-tiny', '--data', data]);
  assert.equal(pulled.code, 0, pulled.err);
  for (const name of ['parakeet-tiny', 'tiny']) {
    const server = await startServer(t, { data, args: ['--stt-model', name, '--language', 'de'] });
    await untilReady(server);
    const stt = await recogniser(server.url);
    assert.equal(stt.driver, 'parakeet');
    assert.match(stt.languages, /^bg,cs,da,de,/);
    assert.equal((await hear(server.url, speak(await temporaryFolder(t), SPOKEN))).language, 'de');
    const { models } = await (await fetch(server.url + 'models')).json();
    assert.equal(models.find((/** @type {any} */ m) => m.name === 'parakeet-tiny').in_use, true, JSON.stringify(models));
    await server.stop();
  }
  made[made.length - 1] ^= 1;
  await writeFile(path.join(data, 'models/stt/parakeet-tiny.bin'), made);
  const changed = await repartee(['serve', '--listen', '127.0.0.1:0', '--data', data, '--stt-model', 'tiny']);
  assert.notEqual(changed.code, 0);
  assert.match(changed.err, /is not what models\.lock says/);
});

test('of a Whisper and a Parakeet of the same short name the one that hears is in use', async (t) => {
  const stick = await temporaryFolder(t), data = await temporaryFolder(t);
  for (const family of ['whisper', 'parakeet']) {
    const file = path.join(stick, `ggml-${family}-twin.bin`);
    assert.equal(spawnSync(path.join(BUILD, `test/${family}_make`), ['tiny', 'f16', file, WORDS], { env: environment() }).status, 0);
    const pulled = await repartee(['pull', '--from', stick, `hf:test/${family}:ggml-${family}-twin.bin`, `sha256:${sha256(readFileSync(file))}`, '--kind', 'stt', '--as', `${family}-twin`, '--data', data]);
    assert.equal(pulled.code, 0, pulled.err);
  }
  for (const family of ['whisper', 'parakeet']) {
    const server = await startServer(t, { data, args: ['--stt-driver', family, '--stt-model', 'twin'] });
    await untilReady(server);
    assert.equal((await recogniser(server.url)).driver, family);
    const { models } = await (await fetch(server.url + 'models')).json();
    const inUse = models.filter((/** @type {any} */ m) => m.kind === 'stt' && m.in_use).map((/** @type {any} */ m) => m.name);
    assert.deepEqual(inUse, [`${family}-twin`]);
    await server.stop();
  }
});

test('what is no Parakeet is refused with a sentence that says what to do', async (t) => {
  const data = await temporaryFolder(t);
  const junk = path.join(data, 'junk.bin'), cut = path.join(data, 'cut.bin');
  await writeFile(junk, 'lmgg and nothing more');
  await writeFile(cut, readFileSync(await makeModel(t)).subarray(0, 20000));
  for (const [args, says] of /** @type {[string[], RegExp][]} */ ([
    [['--stt-driver', 'parakeet', '--stt-model', junk], /the model file ends too early; it was not copied whole/],
    [['--stt-model', cut], /the model file ends too early; it was not copied whole/],
    [['--stt-driver', 'parakeet', '--stt-model', '/etc/passwd'], /this is no Parakeet file of whisper\.cpp/],
    [['--stt-driver', 'parakeet', '--stt-model', '/nowhere'], /cannot open the model \/nowhere/],
    [['--stt-driver', 'parakeet'], /stt\.model must name a Parakeet model/],
    [['--stt-driver', 'whisper', '--stt-model', await makeModel(t)], /those of no Whisper/],
  ])) {
    const { code, err } = await repartee(['serve', '--listen', '127.0.0.1:0', '--data', data, ...args]);
    assert.notEqual(code, 0);
    assert.match(err, says);
  }
});

test('a language that the model does not hear is refused', async (t) => {
  const server = await startServer(t, { args: ['--stt-model', await makeModel(t), '--language', 'de'] });
  await untilReady(server);
  const answer = await hear(server.url, speak(await temporaryFolder(t), SPOKEN));
  assert.equal(answer.status, 501);
  assert.match(answer.error.message, /the model made does not hear the language de: set the option language/);
});
