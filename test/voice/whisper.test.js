// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * Whisper through the whole server, with a model made here: the true format and one layer, and it hears the words that it
 * was made with in any speech. So it shows that sound gets there and words come back, and nothing about ears.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import { repartee } from '../lib/cli.js';
import { open } from '../lib/hands-free.js';
import { sha256 } from '../lib/hub.js';
import { metricsOf } from '../lib/measure.js';
import { BUILD, atEnd, environment, startServer, temporaryFolder, until, untilReady } from '../lib/server.js';
import { samplesOf, speak, writeWav } from '../lib/speech.js';
import { VoiceClient } from '../lib/voice.js';

const WORDS = 'how do i add documents';
const SPOKEN = 'Whatever I say to it is taken for a question.';

/** @param {import('node:test').TestContext} t @param {string} [words] */
async function makeModel(t, words = WORDS) {
  const file = path.join(await temporaryFolder(t), 'ggml-made.en.bin');
  assert.equal(spawnSync(path.join(BUILD, 'test/whisper_make'), ['tiny', 'f16', file, words], { env: environment() }).status, 0);
  return file;
}

/** @param {string} url @param {string | Uint8Array<ArrayBuffer>} sound */
const hear = async (url, sound) => {
  const response = await fetch(url + 'stt', { method: 'POST', body: typeof sound === 'string' ? readFileSync(sound) : sound });
  return { status: response.status, ...(await response.json()) };
};

/** @param {string} url */
const recogniser = async (url) => (await (await fetch(url + 'readyz')).json()).engines.stt;

test('a model that is named hears recordings, in the server and from the command line', async (t) => {
  const folder = await temporaryFolder(t);
  const server = await startServer(t, { args: ['--stt-model', await makeModel(t)] });
  await untilReady(server);
  const stt = await recogniser(server.url);
  assert.equal(stt.driver, 'whisper');
  assert.equal(stt.model, 'made.en');
  assert.match(stt.notes, /^f16 weights, English only; \d+ MB, and up to \d+ MB for each of \d+ lanes of \d+ threads; speech found by the built-in detector$/);
  const file = speak(folder, SPOKEN);
  const { status, text, language, duration, segments } = await hear(server.url, file);
  assert.equal(status, 200);
  assert.equal(text, WORDS);
  assert.equal(language, 'en');
  const words = segments.flatMap((s) => s.words);
  assert.deepEqual(words.map((w) => w.word), WORDS.split(' '));
  assert.ok(words.every((w) => w.start_ms === undefined), 'nobody has measured when a word was said');
  for (const [i, s] of segments.entries()) assert(s.start_ms >= (segments[i - 1]?.end_ms ?? 0) && s.end_ms > s.start_ms && s.end_ms <= duration * 1000, JSON.stringify(s));
  assert.doesNotMatch(server.log(), /outside of Landlock/);
  const said = await repartee(['hear', file, '--data', server.data]);
  assert.deepEqual([said.code, said.out], [0, WORDS + '\n']);

  await t.test('of silence it is not asked, and that is counted', async () => {
    const quiet = path.join(folder, 'quiet.wav');
    writeWav(quiet, new Int16Array(32000), 16000);
    const answer = await hear(server.url, quiet);
    assert.deepEqual([answer.status, answer.text, answer.segments], [200, '', []]);
    const metrics = await metricsOf(server);
    const counted = (/** @type {string} */ reason) => metrics.get(`repartee_stt_guarded_total{reason="${reason}"}`);
    assert.equal(counted('silence'), 1);
    for (const reason of ['short', 'no_speech', 'unsure', 'guess', 'compression', 'loop']) assert.equal(counted(reason), 0);
  });
  await t.test('32 at once: those whom there is room for get their words', async () => {
    const all = await Promise.all(Array.from({ length: 32 }, () => hear(server.url, file)));
    const refused = all.filter((a) => a.status !== 200);
    for (const a of refused) assert.equal(a.status, 503, JSON.stringify(a)); /* 16 are heard at once, and others wait for so long */
    assert(all.length - refused.length >= 16, `${refused.length} were refused`);
    for (const a of all) if (a.status === 200) assert.equal(a.text, WORDS);
    assert.equal((await hear(server.url, file)).text, WORDS);
  });
});

test('32 streams share a model', async (t) => {
  const folder = await temporaryFolder(t);
  const server = await startServer(t, { args: ['--stt-model', await makeModel(t), '--stt-streams', '32', '--limit-uploads', '32'] });
  await untilReady(server);
  const file = readFileSync(speak(folder, SPOKEN));
  const all = await Promise.all(Array.from({ length: 32 }, () => hear(server.url, file)));
  for (const a of all) assert.deepEqual([a.status, a.text], [200, WORDS]);
});

test('a spoken turn: words while he speaks, the same at the end, an answer', async (t) => {
  const folder = await temporaryFolder(t);
  const server = await startServer(t, { env: { WHISPER_MODEL: await makeModel(t) } });
  await untilReady(server);
  const voice = await VoiceClient.open(server.url);
  atEnd(t, () => voice.close());
  const turn = await voice.talk(samplesOf(speak(folder, SPOKEN)), { realtime: true, until: () => voice.wait((e) => e.type === 'partial', 'words while he speaks') });
  assert.equal(turn.last.type, 'end', JSON.stringify(turn.last));
  assert.equal(turn.heard, WORDS);
  let stable = 0;
  for (const p of turn.partials) {
    assert.equal(p.text, WORDS);
    assert(p.text.startsWith(p.stable) && p.stable.length >= stable);
    stable = p.stable.length;
  }
  assert(turn.partials.length > 0);
  assert.match(turn.answer, /document/i);
  assert(turn.citations.length > 0);

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

test('without a button', async (t) => {
  const { voice, microphone, spoken } = await open(t, { args: ['--stt-model', await makeModel(t)] });
  const from = voice.events.length;
  await microphone.say(spoken(SPOKEN));
  const final = await voice.wait((e) => e.type === 'final', 'the words', from);
  assert.equal(final.text, WORDS);
  await voice.wait((e) => e.type === 'token', 'an answer', from);
});

test('a model that was pulled is known by its name and checked', async (t) => {
  const stick = await temporaryFolder(t), data = await temporaryFolder(t);
  const made = readFileSync(await makeModel(t));
  await writeFile(path.join(stick, 'ggml-tiny.en-q5_1.bin'), made);
  const pulled = await repartee(['pull', '--from', stick, 'hf:ggerganov/whisper.cpp:ggml-tiny.en-q5_1.bin', `sha256:${sha256(made)}`, '--kind', 'stt', '--as', 'whisper-tiny.en', '--data', data]);
  assert.equal(pulled.code, 0, pulled.err);
  for (const name of ['tiny.en', 'whisper-tiny.en']) {
    const server = await startServer(t, { data, args: ['--stt-model', name] });
    await untilReady(server);
    assert.equal((await recogniser(server.url)).driver, 'whisper');
    await server.stop();
  }
  made[made.length - 1] ^= 1;
  await writeFile(path.join(data, 'models/stt/whisper-tiny.en.bin'), made);
  const changed = await repartee(['serve', '--listen', '127.0.0.1:0', '--data', data, '--stt-model', 'tiny.en']);
  assert.notEqual(changed.code, 0);
  assert.match(changed.err, /is not what models\.lock says/);
});

test('what is no Whisper is refused with a sentence that says what to do', async (t) => {
  const data = await temporaryFolder(t);
  const junk = path.join(data, 'junk.bin');
  await writeFile(junk, 'lmgg and nothing more');
  for (const [args, says] of /** @type {[string[], RegExp][]} */ ([
    [['--stt-model', 'base.en'], /the model base\.en is not installed; 'repartee pull whisper-base\.en' brings it/],
    [['--stt-model', junk], /the model file ends too early; it was not copied whole/],
    [['--stt-model', '/etc/passwd'], /this is no Whisper file of whisper\.cpp/],
    [['--stt-model', '/nowhere'], /cannot open the model \/nowhere/],
    [['--stt-driver', 'whisper'], /stt\.model must name a Whisper model/],
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
  assert.match(answer.error.message, /the model made\.en does not hear the language de: set the option language/);
});
