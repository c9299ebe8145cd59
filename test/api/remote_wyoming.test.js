// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* A recogniser behind Wyoming: another Repartee, and the protocol's own server; live, killed, and back again. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { repartee } from '../lib/cli.js';
import { form, talking } from '../lib/flows.js';
import { open } from '../lib/hands-free.js';
import { atEnd, ownAddress, startServer, temporaryFolder, until, untilReady } from '../lib/server.js';
import { samplesOf, shareHeard, speak } from '../lib/speech.js';
import { LISTEN, wyomingOf } from '../lib/wyoming.js';

const SAID = 'How do I add documents?';
const PATIENCE_MS = 180000;
const QUIET = ['--tts-driver', 'scripted', '--limit-turns', '10000', '--limit-uploads', '100'];

/** @param {{url: string}} server */
const engines = async (server) => (await (await fetch(server.url + 'readyz')).json()).engines;

/** What is heard of a recording. @param {{url: string}} server @param {Buffer} wav @param {Record<string, string>} [fields] */
async function hear(server, wav, fields = {}) {
  const { body, type } = form('question.wav', wav, fields);
  const answer = await fetch(`${server.url}v1/audio/transcriptions`, { method: 'POST', body, headers: { 'content-type': type }, signal: AbortSignal.timeout(PATIENCE_MS) });
  return { status: answer.status, json: await answer.json() };
}

/** What is heard of somebody who holds the button. @param {{url: string}} server @param {Int16Array} samples */
const spoken = (server, samples) =>
  talking(server, {}, async (talk) => {
    talk.send({ type: 'start' });
    for (let at = 0; at < samples.length; at += 1600) talk.send(samples.subarray(at, at + 1600));
    talk.send({ type: 'stop' });
    return (await talk.wait((e) => e.type === 'final')).text;
  });

test('another Repartee hears, with and without a button @once', async (t) => {
  const wav = speak(await temporaryFolder(t), SAID), file = readFileSync(wav);
  const far = await startServer(t, { args: [...QUIET, ...LISTEN, '--no-stt-adapt'] });
  await untilReady(far);
  const url = `tcp://${wyomingOf(far)}`, own_words = (await hear(far, file)).json.text;
  assert.ok(shareHeard(SAID, own_words) >= 0.5, own_words);
  const { server, voice, microphone, spoken: said } = await open(t, { args: [...QUIET, '--stt-url', `${url}/`, '--stt-model', 'en-us'] });
  const { stt, ears } = await engines(server);
  assert.deepEqual([stt.driver, stt.model, stt.languages, stt.notes, ears.state], ['remote', 'en-us', 'en', `en-us at ${url}`, 'ready']);
  assert.equal((await hear(server, file)).json.text, own_words);
  assert.deepEqual((await hear(server, file, { response_format: 'verbose_json' })).json.segments.map((/** @type {any} */ s) => s.text.trim()), [own_words]);
  const { status, json } = await hear(server, file, { response_format: 'verbose_json', 'timestamp_granularities[]': 'word' });
  assert.deepEqual([status, json.error.param], [400, 'timestamp_granularities']);
  assert.equal(await spoken(server, samplesOf(wav)), own_words);
  await microphone.say(said(SAID));
  const heard = await voice.wait((/** @type {any} */ e) => e.type === 'final', 'what was said');
  assert.ok(shareHeard(SAID, heard.text) >= 0.5, heard.text);
  await until(async () => (await engines(far)).stt.live === 0 && (await engines(server)).stt.live === 0, 'free places');
  assert.equal(await server.stop(), 0, server.log());
});

test("the protocol's own server hears, is killed in the middle, and comes back", async (t) => {
  const wav = speak(await temporaryFolder(t), SAID), file = readFileSync(wav), samples = samplesOf(wav);
  const ears = await startServer(t, { args: [...QUIET, '--no-stt-adapt'] });
  await untilReady(ears);
  const address = await ownAddress();
  /** @type {any[]} */
  const utterances = [];
  const start = async () => {
    const child = spawn('python3', [path.join(import.meta.dirname, '../lib/wyoming_asr.py'), `tcp://${address}`, ears.url], { stdio: ['ignore', 'pipe', 'inherit'] });
    atEnd(t, () => child.kill('SIGKILL'));
    await new Promise((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`it ended with ${code}`)));
      createInterface({ input: child.stdout }).on('line', (line) => (line === 'ready' ? resolve(null) : utterances.push(JSON.parse(line))));
    });
    return child;
  };
  const peer = await start();
  const server = await startServer(t, { args: [...QUIET, '--stt-url', `wyoming://${address}`] });
  await untilReady(server);
  const own_words = (await hear(ears, file)).json.text;
  assert.equal((await engines(server)).stt.notes, `tiny-int8 at wyoming://${address}`);
  assert.equal(await spoken(server, samples), own_words);
  assert.equal((await hear(server, file, { language: 'en' })).json.text, own_words);
  await until(() => utterances.length === 2, 'what the peer prints');
  assert.deepEqual(utterances[1], { bytes: samples.byteLength, language: 'en', name: null });
  /* Killed while somebody speaks, and there again when he has ended: nothing of it is lost. */
  await talking(server, {}, async (talk) => {
    talk.send({ type: 'start' });
    talk.send(samples.subarray(0, 8000));
    await until(async () => (await engines(server)).stt.live === 1, 'the beginning');
    peer.kill('SIGKILL');
    await until(async () => /asked anew when the speaker has ended/.test(server.log()), 'a broken connection');
    await start();
    talk.send(samples.subarray(8000));
    talk.send({ type: 'stop' });
    assert.equal((await talk.wait((e) => e.type === 'final')).text, own_words);
  });
  assert.equal(await server.stop(), 0, server.log());
});

test('one that goes is missed, told of, and found again', async (t) => {
  const address = await ownAddress(), file = readFileSync(speak(await temporaryFolder(t), SAID));
  const far = () => startServer(t, { args: ['--stt-driver', 'scripted', ...QUIET, '--wyoming-listen', address] });
  const first = await far();
  const server = await startServer(t, { args: [...QUIET, '--stt-url', `tcp://${address}`] });
  await untilReady(server);
  await first.kill();
  await until(async () => /cannot be reached/.test((await hear(server, file)).json.error?.message ?? ''), 'that it is missed');
  await until(async () => (await engines(server)).stt.state === 'down', 'that it is down');
  assert.match((await engines(server)).stt.notes, /there is no recogniser's server at tcp:\S+ \(.+\)/);
  await far();
  await untilReady(server);
  assert.ok((await hear(server, file)).json.text);
  assert.equal(await server.stop(), 0, server.log());
});

test('what cannot work is refused', async (t) => {
  const wrong = [
    { args: ['--stt-url', 'tcp://127.0.0.1'], says: /stt\.url must be tcp:\/\/HOST:PORT/ },
    { args: ['--stt-url', 'wyoming://host:10300/v1'], says: /stt\.url must be tcp:\/\/HOST:PORT/ },
    { args: ['--stt-url', 'tcp://127.0.0.1:9', '--stt-key', 'x'], says: /the Wyoming protocol knows no keys/ },
    { args: ['--llm-driver', 'remote', '--llm-url', 'tcp://127.0.0.1:9'], says: /llm\.url must be http/ },
  ].map(async ({ args, says }) => {
    const { code, err } = await repartee(['serve', '--listen', '127.0.0.1:0', '--data', await temporaryFolder(t), ...QUIET, ...args]);
    assert.equal(code, 1, err);
    assert.match(err, says);
  });
  const web = await startServer(t, { args: ['--stt-driver', 'scripted', ...QUIET] });
  for (const [url, says] of [[`tcp://${await ownAddress()}`, /the engine that hears is down: there is no recogniser's server at tcp:\S+ \(.*; mend that or choose another with --stt-driver/], [`tcp://${new URL(web.url).host}`, /is not the Wyoming protocol; stt\.url must be the address of/]]) {
    const { code, err } = await repartee(['doctor', '--data', await temporaryFolder(t), ...QUIET, '--stt-url', /** @type {string} */ (url)]);
    assert.equal(code, 1, err);
    assert.match(err, /** @type {RegExp} */ (says));
  }
  await Promise.all(wrong);
});
