// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* `repartee say`: into a file, aloud by ALSA's real code into one, and which voices there are. */
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { repartee } from '../lib/cli.js';
import { startServer, temporaryFolder, untilReady } from '../lib/server.js';
import { soundDevices } from '../lib/sound-devices.js';
import { samplesOf } from '../lib/speech.js';
import { terminal } from '../lib/terminal.js';

/* kal says the same each time, rms breathes by chance. */
test('on a terminal it is played, whole, and so it is on a speaker that is named', async (t) => {
  const folder = await temporaryFolder(t), wav = path.join(folder, 'morning.wav');
  const server = await startServer(t, { args: ['--stt-driver', 'scripted', '--tts-voice', 'kal'] });
  await untilReady(server);
  const say = `repartee say 'Good morning. How are you?' --data ${server.data}`;
  assert.equal((await repartee(['say', 'Good morning. How are you?', '--data', server.data, '-o', wav])).code, 0);
  const wanted = samplesOf(wav);
  for (const [command, shown] of [[say, /^$/], [`${say} --speaker default --json | cat`, /^\{"rate":22050,"samples":\d+,"seconds":\d\.\d+\}\s*$/]]) {
    const devices = soundDevices(t, await temporaryFolder(t));
    const run = terminal(/** @type {string} */ (command), { env: devices.env });
    assert.equal(await run.ended, 0, run.shown());
    assert.match(run.shown(), /** @type {RegExp} */ (shown));
    const played = devices.played();
    assert.ok(played.length >= wanted.length && played.length < wanted.length + 1024, `${played.length} of ${wanted.length} samples`); /* ALSA may fill its last period */
    assert.ok(wanted.every((sample, i) => sample === played[i]), 'the same samples');
  }
});

test('what it cannot play it says before a server is started', async (t) => {
  const folder = await temporaryFolder(t), { env } = soundDevices(t, folder);
  for (const [args, code, says] of /** @type {[string, number, RegExp][]} */ ([
    ['hello --speaker nocard', 1, /there is no speaker "nocard"; connect one, or name another with --speaker/],
    ['hello --speaker default -o a.wav', 2, /the sound goes to one place; leave out -o or --speaker/],
    ['', 2, /what shall be said\? Write it in quotes/],
    ['--list hello', 2, /--list goes alone/],
  ])) {
    const run = terminal(`repartee say ${args} --data ${folder}/data`, { env });
    assert.equal(await run.ended, code, run.shown());
    assert.match(run.shown(), says);
  }
  const bare = terminal(`repartee say hello --data ${folder}/data`, { env: { ALSA_CONFIG_PATH: '/dev/null' } });
  assert.equal(await bare.ended, 1, bare.shown());
  assert.match(bare.shown(), /speaker "default"[^]*or write it into a file; name one with -o FILE\.wav/);
  const piped = await repartee(['say', 'hello', '--json', '--data', path.join(folder, 'data')]);
  assert.deepEqual([piped.code, piped.out], [2, '']);
  assert.match(piped.err, /--json and the sound cannot both go to standard output/);
});

test('the voices are listed, each with its engine and language', async (t) => {
  const server = await startServer(t, { args: ['--stt-driver', 'scripted', '--tts-voice', 'slt'] });
  await untilReady(server);
  const { code, out, err } = await repartee(['say', '--list', '--data', server.data]);
  assert.equal(code, 0, err);
  const lines = out.trimEnd().split('\n');
  for (const line of [/^slt +flite +en, english; the standard one$/, /^rms +flite +en, english$/, /^de +espeak +de, german$/, /^en-gb +espeak +en-gb, english$/])
    assert.equal(lines.filter((each) => line.test(each)).length, 1, String(line));
  const { standard, voices } = JSON.parse((await repartee(['say', '--list', '--json', '--data', server.data])).out);
  assert.deepEqual([standard, voices.length], ['slt', lines.length]);
  assert.deepEqual(voices.find((/** @type {any} */ v) => v.name === 'de'), { name: 'de', engine: 'espeak', language: 'de' });
});

test('what cannot be spoken is no success; a refusal is told while a speaker is open', async (t) => {
  const server = await startServer(t, { args: ['--stt-driver', 'scripted'] });
  await untilReady(server);
  const folder = await temporaryFolder(t), { env } = soundDevices(t, folder);
  for (const [words, says] of /** @type {[string[], RegExp][]} */ ([
    [['***', '-o', path.join(folder, 'a.wav')], /there is nothing in it that can be spoken; name a text/],
    [['***', '--speaker', 'default'], /there is nothing in it that can be spoken; name a text/],
    [['Hello.', '--voice', 'nobody', '--speaker', 'default'], /there is no voice "nobody"; there are rms/],
  ])) {
    const { code, err } = await repartee(['say', ...words, '--data', server.data], { env });
    assert.equal(code, 1, err);
    assert.match(err, says);
    assert.equal(err.trim().split('\n').length, 1, err);
  }
});
