// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * A voice on another server: another Repartee and one that is shaped as Coqui's, with real voices; one that dies amid an
 * answer and comes back; one that is not there.
 */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { repartee } from '../lib/cli.js';
import { startCoqui } from '../lib/coqui.js';
import { ask, talking } from '../lib/flows.js';
import { countBySox, decode } from '../lib/players.js';
import { ownAddress, startServer, temporaryFolder, until, untilReady } from '../lib/server.js';

const QUIET = ['--stt-driver', 'scripted', '--llm-driver', 'scripted', '--llm-script', 'text=Yes indeed. It is the second sentence.', '--limit-turns', '10000'];
/* Under a sanitizer a real voice takes its time. */
const PATIENT = ['--tts-first-sound-ms', '20000'];
const RATE = 24000;
const SENTENCES = ['The library opens at nine in the morning.', 'On Sundays it is closed, but the garden is not.', 'Bring your card with you.'];
const TEXT = SENTENCES.join(' ');

/** @param {import('node:test').TestContext} t @param {string} url @param {string[]} [more] */
const serve = (t, url, more = []) => startServer(t, { args: [...QUIET, '--tts-url', url, ...more] });
/** @param {{url: string}} server */
const remote = async (server) => (await (await fetch(server.url + 'readyz')).json()).engines.tts.remote;
/** @param {{url: string}} server @param {string} state */
const untilRemoteIs = (server, state) => until(async () => (await remote(server)).state === state, `a remote voice that is ${state}`, 90000);

/** The measurements of remote voices. @param {{url: string}} server */
async function counts(server) {
  const text = await (await fetch(server.url + 'metrics')).text();
  const of = (/** @type {string} */ line) => Number(new RegExp(`^${line} (\\S+)$`, 'm').exec(text)?.[1]);
  const fallbacks = Object.fromEntries([...text.matchAll(/^repartee_tts_fallbacks_total\{reason="(\w+)"\} ([1-9]\d*)$/gm)].map(([, why, n]) => [why, Number(n)]));
  return { up: of('repartee_tts_remote_up'), clauses: of('repartee_tts_remote_clauses_total'), fallbacks };
}

/** @param {{url: string}} server @param {object} [fields] */
async function spoken(server, fields = {}) {
  const { bytes } = await ask(server, 'POST /tts', { body: { text: TEXT, rate: RATE, ...fields } });
  return new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + (bytes.byteLength & ~1)));
}

/** Of what is sound: its root mean square. @param {Int16Array} samples */
function loudnessOf(samples) {
  let sum = 0, n = 0;
  for (let at = 0; at + 480 <= samples.length; at += 480) {
    const square = samples.subarray(at, at + 480).reduce((s, x) => s + x * x, 0) / 480;
    if (square > 300 * 300) (sum += square), n++;
  }
  return Math.sqrt(sum / n);
}

/** The longest silence amid it, ms. @param {Int16Array} samples */
function longestPause(samples) {
  let longest = 0, run = 0;
  for (const x of samples) {
    run = Math.abs(x) < 200 ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  return (longest * 1000) / RATE;
}

/** How far it jumps from one sample to the next, at most. @param {Int16Array} samples */
const steepest = (samples) => samples.reduce((most, x, i) => Math.max(most, i ? Math.abs(x - samples[i - 1]) : 0), 0);
const ratio = (/** @type {number} */ a, /** @type {number} */ b) => a / b;
/** @param {number} value @param {number} low @param {number} high @param {string} what */
const within = (value, low, high, what) => assert.ok(value >= low && value <= high, `${what}: ${value} is not in ${low} … ${high}`);

describe('a voice elsewhere', { concurrency: 4 }, () => {
  test('another Repartee speaks, dies amid an answer, and is used again once it is back', async (t) => {
    const listen = await ownAddress(), data = await temporaryFolder(t);
    const start = () => startServer(t, { listen, data, args: [...QUIET, '--tts-voice', 'slt'] });
    let peer = await start();
    await untilReady(peer);
    const server = await serve(t, `http://${listen}/v1/`, PATIENT);
    await untilReady(server);
    await untilRemoteIs(server, 'ready');

    /* The same sound as there, in the same time, without a gap or a click at the joins. */
    const direct = await spoken(peer), heard = await spoken(server), local = await spoken(server, { voice: 'rms' });
    within(ratio(heard.length, direct.length), 0.9, 1.1, 'length');
    within(longestPause(heard), 0, longestPause(direct) + 150, 'longest pause, ms');
    within(steepest(heard), 0, 1.5 * steepest(direct) * ratio(loudnessOf(heard), loudnessOf(direct)), 'steepest step');
    within(ratio(loudnessOf(heard), loudnessOf(local)), 0.6, 1.6, 'loudness');
    assert.notEqual(heard.length, local.length);
    assert.deepEqual(await counts(server), { up: 1, clauses: SENTENCES.length, fallbacks: {} });
    const folder = await temporaryFolder(t);
    for (const format of ['wav', 'mp3', 'flac', 'opus']) {
      const { bytes } = await ask(server, 'POST /v1/audio/speech', { body: { input: TEXT, voice: 'alloy', response_format: format } });
      const file = path.join(folder, `answer.${format}`);
      await writeFile(file, bytes);
      within(ratio(decode(file, RATE).length, direct.length), 0.9, 1.15, format);
      if (format !== 'opus') assert.ok(countBySox(file) > 0);
    }
    const { json } = await ask(server, 'GET /voices');
    assert.deepEqual([json.standard, json.voices[0]], ['remote', { name: 'remote', remote: true }]);
    assert.ok(json.voices.some((/** @type {any} */ v) => v.name === 'slt'));

    /* It dies when the first sound is here: the answer is whole all the same. */
    const long = Array.from({ length: 5 }, (_, i) => `This is sentence number ${i + 1}, and ${TEXT.toLowerCase()}`).join(' ');
    const answer = await fetch(server.url + 'tts', { method: 'POST', body: JSON.stringify({ text: long, rate: RATE }), headers: { 'content-type': 'application/json' } });
    let bytes = 0;
    for await (const piece of /** @type {any} */ (answer.body)) {
      if (!bytes) await peer.kill();
      bytes += piece.length;
    }
    const all_local = (await spoken(server, { text: long, voice: 'rms' })).length;
    within(ratio(bytes / 2, all_local), 0.7, 1.5, 'length of the broken one');
    const { up, fallbacks } = await counts(server);
    assert.equal(up, 0);
    assert.ok(Object.keys(fallbacks).length === 1 && fallbacks.broken > 0, JSON.stringify(fallbacks));
    assert.equal(server.log().match(/the local voice speaks, and it is tried again and again/g)?.length, 1, server.log());

    peer = await start();
    await untilReady(peer);
    await untilRemoteIs(server, 'ready');
    const before = (await counts(server)).clauses;
    await spoken(server);
    assert.equal((await counts(server)).clauses, before + SENTENCES.length);
    assert.equal(await server.stop(), 0, server.log());
  });

  test("Coqui's server is asked for each clause; a quiet voice is as loud as ours", async (t) => {
    const coqui = await startCoqui(t, await temporaryFolder(t), { volume: 0.3 });
    const server = await serve(t, coqui.url, [...PATIENT, '--tts-remote-voice', 'Ana Florence', '--tts-remote-language', 'en']);
    await untilReady(server);
    await untilRemoteIs(server, 'ready');
    const local = await spoken(server, { voice: 'rms' }), heard = await spoken(server);
    /* Two are asked for at once, so either may come first. */
    assert.deepEqual(coqui.asked.slice(1).map(({ text }) => text).sort(), [...SENTENCES].sort());
    assert.deepEqual(coqui.asked.find(({ text }) => text === SENTENCES[0]), { text: SENTENCES[0], speaker_id: 'Ana Florence', language_id: 'en' });
    within(ratio(loudnessOf(heard), loudnessOf(local)), 0.7, 1.4, 'loudness');
    within(ratio(heard.length, local.length), 0.6, 1.6, 'length');
    within(longestPause(heard), 0, 700, 'longest pause, ms');
    assert.deepEqual((await counts(server)).fallbacks, {});
    /* In a conversation, too; by its name; and at a speed that only we have. */
    const asked = coqui.asked.length;
    await talking(server, {}, async (talk) => {
      talk.send({ type: 'text', text: 'Is it so?' });
      await talk.answer(0);
      assert.ok(talk.sounds > 0);
    });
    await spoken(server, { voice: 'Ana Florence', text: 'Something that was not said before.' });
    assert.ok(coqui.asked.length >= asked + 2);
    /* What is short and was said three times is not asked for again. */
    for (let i = 0; i < 2; i++) await spoken(server);
    const once = coqui.asked.length;
    within(ratio((await spoken(server)).length, heard.length), 0.98, 1.02, 'length');
    assert.equal(coqui.asked.length, once);
    const all = coqui.asked.length;
    await spoken(server, { speed: 2 });
    assert.equal(coqui.asked.length, all);
    assert.equal(await server.stop(), 0, server.log());
  });

  test('with nobody there every answer sounds at once, and it is told of', async (t) => {
    const nowhere = `http://${await ownAddress()}/v1`;
    const wrong = [
      { args: ['--tts-url', 'host:8000'], says: /tts\.url must be http:\/\/ or https:\/\// },
      { args: ['--tts-url', nowhere, '--tts-key', 'a\tb'], says: /tts\.key may hold/ },
    ].map(async ({ args, says }) => {
      const { code, err } = await repartee(['serve', '--listen', '127.0.0.1:0', '--data', await temporaryFolder(t), ...QUIET, ...args]);
      assert.equal(code, 1, err);
      assert.match(err, says);
    });
    const doctor = repartee(['doctor', '--data', await temporaryFolder(t), ...QUIET, '--tts-url', nowhere]);
    const server = await serve(t, nowhere, ['--tts-voice', 'slt']);
    await untilReady(server);
    await untilRemoteIs(server, 'down');
    const local = await spoken(server, { voice: 'slt' });
    for (let i = 0; i < 3; i++) within(ratio((await spoken(server)).length, local.length), 0.98, 1.02, 'length'); /* flite's noise differs each time */
    const { bytes } = await ask(server, 'POST /v1/audio/speech', { body: { input: TEXT, voice: 'alloy' } });
    assert.ok(bytes.length > 1000);
    await talking(server, {}, async (talk) => {
      talk.send({ type: 'text', text: 'Is it so?' });
      await talk.answer(0);
      assert.ok(talk.sounds > 0);
    });
    const { up, clauses, fallbacks } = await counts(server);
    assert.deepEqual([up, clauses, Object.keys(fallbacks)], [0, 0, ['away']]);
    assert.match((await remote(server)).notes, /is not used: it cannot be reached/);
    await Promise.all(wrong);
    const { code, out } = await doctor;
    assert.equal(code, 0, out);
    assert.match(out, /speaks +remote +(?:down|starting), the voice at http:\S+ (?:is not used: it cannot be reached|has not answered yet).*; the local voice speaks/);
    assert.equal(await server.stop(), 0, server.log());
  });
});
