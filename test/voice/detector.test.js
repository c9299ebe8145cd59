// SPDX-License-Identifier: Apache-2.0
// @ts-check
// @once: the detectors are the same under the sanitizers, where test/unit has them
/*
 * What tells speech from noise: Silero, where its file is at hand, and the built-in detector, on recordings of people with
 * marks made by others, and the way from the option to the engine.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { repartee } from '../lib/cli.js';
import { Engine } from '../lib/engine.js';
import { NOISES, RECORDINGS, errorsOf, marksIn, minuteOf, mixed, sileroFile } from '../lib/noisy.js';
import { BUILD, environment, startServer, temporaryFolder, untilReady } from '../lib/server.js';

const NEAR_MS = 100;
const SILERO = sileroFile();
const NO_SILERO = SILERO ? false : 'Silero\'s file is not here; SILERO=FILE names it';

/** @param {string} folder @param {string[]} kinds "": none @param {number} db @param {string | null} silero */
function expectNear(folder, kinds, db, silero) {
  const sounds = RECORDINGS.flatMap((recording) => kinds.map((kind) => ({ recording, file: mixed(folder, recording, kind, db) })));
  const marks = marksIn(sounds.map(({ file }) => file), silero);
  for (const [i, { recording, file }] of sounds.entries()) {
    const { utterances, start, end } = errorsOf(recording, marks[i]);
    const found = `${path.basename(file)}: ${marks[i]}, not ${recording.from} to ${recording.to}`;
    assert.equal(utterances, 1, found);
    assert(Math.abs(start) <= NEAR_MS && Math.abs(end) <= NEAR_MS, found);
  }
}

test('Silero finds where people begin and end, with noise 20 dB below them', { skip: NO_SILERO }, async (t) => {
  expectNear(await temporaryFolder(t), NOISES, 20, SILERO);
});

test('Silero hears whoever speaks, with noise 5 dB below them, and takes him for one', { skip: NO_SILERO }, async (t) => {
  const folder = await temporaryFolder(t);
  const sounds = RECORDINGS.flatMap((recording) => NOISES.map((kind) => ({ recording, file: mixed(folder, recording, kind, 5) })));
  for (const [i, marks] of marksIn(sounds.map(({ file }) => file), SILERO).entries()) {
    const { utterances, start, end } = errorsOf(sounds[i].recording, marks);
    assert(utterances === 1 && Math.abs(start) <= 200 && Math.abs(end) <= 200, `${sounds[i].file}: ${marks}`);
  }
});

test('the built-in detector finds where people begin and end, in quiet and in a low noise', async (t) => {
  const folder = await temporaryFolder(t);
  expectNear(folder, [''], 0, null);
  expectNear(folder, ['brown'], 20, null);
});

test('nobody speaks in a minute of noise', async (t) => {
  const folder = await temporaryFolder(t);
  const files = [...NOISES, 'hum'].flatMap((kind) => [minuteOf(folder, kind, 0.02), minuteOf(folder, kind, 0.3)]);
  for (const silero of SILERO ? [null, SILERO] : [null])
    for (const [i, marks] of marksIn(files, silero).entries()) assert.deepEqual(marks, [], `${files[i]}, ${silero ?? 'built-in'}`);
});

/** A made detector, whose words mean nothing. @param {string} folder */
function makeSilero(folder) {
  const file = path.join(folder, 'ggml-silero-made.bin');
  assert.equal(spawnSync(path.join(BUILD, 'test/silero_make'), [file], { env: environment() }).status, 0);
  return file;
}

/** All that the engine says of a sound in pieces. @param {Engine} stt @param {number} id @param {Buffer} sound @param {number} piece */
async function watch(stt, id, sound, piece) {
  const want = Math.floor(sound.length / 640) - 6;
  const said = [];
  stt.send('vad_open', id, { rate_hz: 16000 });
  for (let at = 0; at < sound.length; at += piece) stt.send('audio', id, { samples: sound.subarray(at, at + piece) });
  for (let n = 0; n < want; ) {
    const message = await stt.next();
    if (message.stream !== id || message.name === 'credit') continue;
    assert.equal(message.name, 'vad_frames', message.text);
    said.push(message.speech);
    n += message.speech.length;
  }
  stt.send('cancel', id);
  return Buffer.concat(said).subarray(0, want);
}

test('the engine watches with it, whatever the cuts and whoever was heard before', async (t) => {
  const folder = await temporaryFolder(t);
  const stt = await Engine.start(t, 'stt', { driver: 'scripted', vad: SILERO ?? makeSilero(folder) });
  assert.match(stt.ready.notes, /; speech found by Silero 6\.2\.0$/);
  const [sound, other] = RECORDINGS.slice(0, 2).map((recording) => readFileSync(mixed(folder, recording, 'white', 10)).subarray(0, 64000));
  const said = await watch(stt, 1, sound, 640);
  assert.notDeepEqual(await watch(stt, 2, other, 640), said);
  for (const [id, piece] of [[3, 640], [4, 2], [5, 5000], [6, 777]]) assert.deepEqual(await watch(stt, id, sound, piece), said);
});

/** As `repartee pull` leaves it. @param {string} data @param {Buffer} bytes */
function install(data, bytes) {
  const file = 'vad/silero-v6.2.0.bin', where = path.join(data, 'models', file);
  mkdirSync(path.dirname(where), { recursive: true });
  writeFileSync(where, bytes);
  const entry = { name: 'silero-v6.2.0', kind: 'vad', source: 'hf:test/vad:silero.bin', sha256: createHash('sha256').update(bytes).digest('hex'), size: bytes.length, file };
  writeFileSync(path.join(data, 'models/models.lock'), JSON.stringify({ version: 1, models: [entry] }));
  return where;
}

test('once it was pulled it is used, unless the built-in one is wanted', async (t) => {
  const data = await temporaryFolder(t);
  const where = install(data, readFileSync(makeSilero(data)));
  for (const [args, by] of /** @type {[string[], string][]} */ ([
    [[], 'Silero 6.2.0'],
    [['--stt-vad', 'silero-v6.2.0'], 'Silero 6.2.0'],
    [['--stt-vad', 'v6.2.0'], 'Silero 6.2.0'],
    [['--stt-vad', where], 'Silero 6.2.0'],
    [['--stt-vad', 'builtin'], 'the built-in detector'],
  ])) {
    const server = await startServer(t, { data, args });
    await untilReady(server);
    const { stt } = (await (await fetch(server.url + 'readyz')).json()).engines;
    assert(stt.notes.endsWith(`; speech found by ${by}`), stt.notes);
    assert(server.log().includes(`speech found by ${by}`));
    assert.doesNotMatch(server.log(), /outside of Landlock/);
    const doctor = await repartee(['doctor', '--data', data]);
    assert(doctor.out.includes(`speech found by ${by}`), doctor.out);
    const uses = by.startsWith('Silero');
    const shown = (await (await fetch(server.url + 'models')).json()).models.find((/** @type {{name: string}} */ m) => m.name === 'silero-v6.2.0');
    assert.deepEqual([shown.installed, shown.in_use, shown.kind], [true, uses, 'vad']);
    if (uses) {
      const refused = await fetch(server.url + 'models/silero-v6.2.0', { method: 'DELETE' });
      assert.equal(refused.status, 409);
      assert.match((await refused.json()).error.message, /the recogniser listens with this voice detector; set stt\.vad to another one/);
    }
    await server.stop();
  }
});

test('a list of models that cannot be read is in the way of nobody who names none', async (t) => {
  const data = await temporaryFolder(t);
  mkdirSync(path.join(data, 'models'));
  writeFileSync(path.join(data, 'models/models.lock'), 'This is no list.');
  const server = await startServer(t, { data });
  await untilReady(server);
  await server.logged(/models\.lock cannot be read .*the built-in voice detector listens/);
});

test('what is no voice detector is refused with a sentence that says what to do', async (t) => {
  const data = await temporaryFolder(t), other = await temporaryFolder(t);
  const junk = path.join(data, 'junk.bin'), cut = path.join(data, 'cut.bin');
  const made = readFileSync(makeSilero(data));
  writeFileSync(junk, 'This is no model.');
  writeFileSync(cut, made.subarray(0, made.length - 1));
  const changed = install(other, made);
  made[made.length - 1] ^= 1;
  writeFileSync(changed, made);
  for (const [folder, args, says] of /** @type {[string, string[], RegExp][]} */ ([
    [data, ['--stt-vad', 'silero-v6.2.0'], /the model silero-v6\.2\.0 is not installed; 'repartee pull silero-v6\.2\.0' brings it/],
    [data, ['--stt-vad', '/nowhere'], /cannot read the voice detector \/nowhere/],
    [data, ['--stt-vad', junk], /this is no voice detector's file of whisper\.cpp.*name another with stt\.vad, or builtin/],
    [data, ['--stt-vad', cut], /ends too early; it was not copied whole/],
    [other, [], /is not what models\.lock says/],
  ])) {
    const { code, err } = await repartee(['serve', '--listen', '127.0.0.1:0', '--data', folder, ...args]);
    assert.notEqual(code, 0);
    assert.match(err, says);
  }
});
