// SPDX-License-Identifier: Apache-2.0
// @ts-check
// @once: the same files go through the same readers under AddressSanitizer in the unit tests audio_table and read_program
/* Sound files of other programs, decoded as those decode them; and those of hostile strangers, sent to a real server. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { decode, probe } from '../lib/players.js';
import { BUILD, environment, startServer, temporaryFolder, untilReady } from '../lib/server.js';
import { loudness, speak } from '../lib/speech.js';

const SCRIPTED = ['--stt-driver', 'scripted', '--tts-driver', 'scripted', '--llm-driver', 'scripted', '--stt-script', 'text=one', '--limit-turns', '100000'];

/** @param {string} file */
function decodedHere(file) {
  const { status, stdout, stderr } = spawnSync(path.join(BUILD, 'test/decoded'), [file], { env: environment(), maxBuffer: 1 << 28 });
  assert.equal(status, 0, `${file}: ${stderr}`);
  return { samples: new Int16Array(stdout.buffer.slice(stdout.byteOffset, stdout.byteOffset + stdout.byteLength)), rate: Number(stderr) };
}

/** Mono s16, by sox, without dither. @param {string} file */
function decodedBySox(file) {
  const bytes = execFileSync('sox', ['-D', file, '-t', 's16', '-L', '-c', '1', '-'], { maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'ignore'] });
  return new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

const sox = (/** @type {string} */ from, /** @type {string} */ to, /** @type {string[]} */ how) => execFileSync('sox', ['-D', from, ...how, to]);
const ffmpeg = (/** @type {string} */ from, /** @type {string} */ to, /** @type {string[]} */ how) => execFileSync('ffmpeg', ['-v', 'error', '-i', from, ...how, to]);

/** What makes a file, its name, how, and who decodes it for us to compare. @type {[typeof sox, string, string[], typeof decodedBySox][]} */
const FILES = [
  [sox, 'plain.wav', [], decodedBySox],
  [sox, '24-bit.wav', ['-b', '24'], decodedBySox],
  [sox, '32-bit-stereo.wav', ['-b', '32', '-c', '2', '-r', '48000'], decodedBySox],
  [sox, 'float.wav', ['-e', 'float', '-b', '32'], decodedBySox],
  [sox, 'a-law.wav', ['-e', 'a-law', '-r', '8000'], decodedBySox],
  [sox, 'mu-law.wav', ['-e', 'mu-law', '-r', '8000'], decodedBySox],
  [sox, 'unsigned.wav', ['-b', '8'], decodedBySox],
  [sox, '16-bit.flac', [], decodedBySox],
  [sox, '24-bit.flac', ['-b', '24', '-r', '96000'], decodedBySox],
  [sox, '8-bit.flac', ['-b', '8', '-r', '8000'], decodedBySox],
  [sox, 'stereo.flac', ['-c', '2', '-r', '44100', '-C', '0'], decodedBySox],
  [sox, 'six-channels.flac', ['-c', '6', '-C', '8'], decodedBySox],
  [ffmpeg, 'flac.ogg', ['-c:a', 'flac'], decodedBySox],
  [ffmpeg, 'constant.mp3', ['-ar', '44100', '-b:a', '128k'], (file) => decode(file, 44100)],
  [ffmpeg, 'varying.mp3', ['-ar', '48000', '-q:a', '5'], (file) => decode(file, 48000)],
  [ffmpeg, 'mpeg-2.mp3', ['-ar', '22050', '-b:a', '32k'], (file) => decode(file, 22050)],
  [ffmpeg, 'mpeg-2.5.mp3', ['-ar', '8000', '-b:a', '16k'], (file) => decode(file, 8000)],
  [ffmpeg, 'tagged.mp3', ['-ar', '32000', '-metadata', `title=${'A long title. '.repeat(300)}`], (file) => decode(file, 32000)],
  [ffmpeg, 'without-info.mp3', ['-ar', '44100', '-write_xing', '0', '-id3v2_version', '0'], (file) => decode(file, 44100)],
  [ffmpeg, 'layer-2.mp2', ['-ar', '48000', '-b:a', '64k'], (file) => decode(file, 48000)],
];

test('files of other programs', async (t) => {
  const folder = await temporaryFolder(t);
  const said = speak(folder, 'The library is open every day.');
  for (const [make, name, how, decodeElsewhere] of FILES)
    await t.test(name, () => {
      const file = path.join(folder, name);
      make(said, file, how);
      const { samples, rate } = decodedHere(file), wanted = decodeElsewhere(file);
      assert.equal(rate, probe(file).rate);
      /* Where nothing says how much was put in front and behind, decoders may differ by what they themselves need. */
      const lag = make === ffmpeg && samples.length !== wanted.length ? lagOf(samples, wanted) : 0;
      assert.ok(Math.abs(samples.length - wanted.length) <= (name === 'without-info.mp3' || name.endsWith('.mp2') ? 2400 : 0), `${samples.length} samples, not ${wanted.length}`);
      let most = 0;
      for (let i = Math.max(0, lag); i < samples.length && i - lag < wanted.length; i++) most = Math.max(most, Math.abs(samples[i] - wanted[i - lag]));
      assert.ok(most <= 2, `a sample differs by ${most}`);
      assert.ok(loudness(samples) > 0.01, 'it is not silent');
    });
});

/** How many samples later than in `b` the same comes in `a`. @param {Int16Array} a @param {Int16Array} b */
function lagOf(a, b) {
  let least = Infinity, at = 0;
  for (let lag = -1400; lag <= 1400; lag++) {
    let sum = 0;
    for (let i = 20000; i < 20500; i++) sum += Math.abs(a[i] - b[i - lag]);
    if (sum < least) [least, at] = [sum, lag];
  }
  return at;
}

test('hostile files', async (t) => {
  const server = await startServer(t, { args: SCRIPTED });
  await untilReady(server);
  const folder = await temporaryFolder(t);
  const cases = execFileSync(path.join(BUILD, 'test/hostile_sounds'), [folder], { env: environment(), encoding: 'utf8' }).split('\n').map((line) => line.split('\t')).filter((fields) => fields.length === 3);
  assert.ok(cases.length >= 450, `${cases.length} cases`);
  const engines = async () => (await (await fetch(server.url + 'readyz')).json()).engines;
  const before = (await engines()).stt.pid;
  const send = async () => {
    for (let next; (next = cases.pop()); ) {
      const [file, want, name] = next;
      const answer = await fetch(server.url + 'stt', { method: 'POST', body: readFileSync(file) }), json = await answer.json();
      const told = answer.status === 200 ? json.duration : `refused: ${json.error?.message}`;
      const [count, rate] = want.split(' at ').map(Number);
      if (want.startsWith('refused: ')) assert.deepEqual([answer.status, told], [readFileSync(file).length ? 415 : 400, readFileSync(file).length ? want : told], name);
      else assert.ok(answer.status === 200 && Math.abs(told - count / rate) < 0.002, `${path.basename(file)}, ${name}: ${told}, not ${want}`);
    }
  };
  await Promise.all([send(), send(), send(), send()]);
  assert.equal((await engines()).stt.pid, before, 'the recogniser is untouched');
  assert.equal((await fetch(server.url + 'healthz')).status, 200);
});
