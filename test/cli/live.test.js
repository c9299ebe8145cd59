// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* `repartee talk` live: real keys in a terminal, ALSA's real code, real engines; only the hardware is a file. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import path from 'node:path';
import test from 'node:test';
import { repartee } from '../lib/cli.js';
import { atEnd, startServer, temporaryFolder, until, untilReady } from '../lib/server.js';
import { soundDevices } from '../lib/sound-devices.js';
import { loudness, samplesOf, speak } from '../lib/speech.js';
import { terminal } from '../lib/terminal.js';

const QUIET = ['--stt-driver', 'scripted', '--tts-driver', 'scripted'];
const INVITATION = 'Press the space bar';

/** What has been shown since the last look. @param {{shown: () => string}} run */
function since(run) {
  const from = run.shown().length;
  return () => run.shown().slice(from);
}

/** A shell that shows the terminal's state before and after. @param {string} command */
const guarded = (command) => `echo "before=$(stty -g)"; ${command}; code=$?; echo "after=$(stty -g)"; exit $code`;

/** @param {string} shown */
function assertRestored(shown) {
  const [before, after] = ['before', 'after'].map((name) => new RegExp(`${name}=(\\S+)`).exec(shown)?.[1]);
  assert.ok(before, shown);
  assert.equal(after, before, shown);
}

test('push to talk: a spoken question, a spoken answer, twice', async (t) => {
  const folder = await temporaryFolder(t);
  const server = await startServer(t);
  await untilReady(server);
  const devices = soundDevices(t, folder);
  const question = samplesOf(speak(folder, 'how do I add documents'));
  const run = terminal(guarded(`repartee talk --data ${server.data}`), { env: devices.env });
  await until(() => run.shown().includes(INVITATION), 'the invitation');
  for (const key of [' ', '\n']) {
    const shown = since(run);
    const before = devices.played().length;
    run.press(key);
    await until(() => shown().includes('[--------]'), 'the level of silence');
    await devices.feed(question);
    await until(() => /\r\x1b\[K\[[#-]{8}\] \w+/.test(shown()), 'partials beside the level');
    run.press(key);
    await until(() => /first sound/.test(shown()), `the answer: ${run.shown()}`);
    await until(() => shown().includes(INVITATION), 'the next invitation');
    assert.match(shown(), /\r\x1b\[K\[#+-*\]/, 'the level moves with the voice');
    assert.match(shown(), /You: .*documents/i);
    assert.match(shown(), /\(documents\.md\)/);
    const sound = devices.played().subarray(before);
    assert.ok(sound.length > 22050, `${sound.length} samples were played`);
    assert.ok(loudness(sound) > 0.01);
  }
  run.press('\x03');
  assert.equal(await run.ended, 0, run.shown());
  assertRestored(run.shown());
});

test('an answer falls silent when it is interrupted', async (t) => {
  const folder = await temporaryFolder(t);
  const words = 'Sure. '.repeat(400);
  const server = await startServer(t, { args: ['--stt-driver', 'scripted', '--llm-driver', 'scripted', '--llm-script', `text=${words},slow=5`] });
  await untilReady(server);
  const devices = soundDevices(t, folder);
  const run = terminal(guarded(`repartee talk --data ${server.data}`), { env: devices.env });
  await until(() => run.shown().includes(INVITATION), 'the invitation');
  for (const key of ['\x1b', ' ']) {
    const shown = since(run);
    run.press(' ');
    await until(() => shown().includes('['), 'a level');
    await devices.feed(new Int16Array(16000).map((_, i) => 8000 * Math.sin(i / 5)));
    run.press(' ');
    const before = devices.played().length;
    await until(() => devices.played().length > before + 11025, 'half a second of the answer');
    run.press(key);
    if (key === ' ') {
      await until(() => /\[[#-]{8}\]/.test(shown().split('Sure.').at(-1) ?? ''), `the ear again: ${run.shown()}`);
      run.press(' ');
      run.press('\x1b');
    }
    await until(() => shown().includes(INVITATION), `the next invitation: ${run.shown()}`);
  }
  run.press('q');
  assert.equal(await run.ended, 0, run.shown());
  assertRestored(run.shown());
});

test('--json: one object a turn; Ctrl-D ends', async (t) => {
  const folder = await temporaryFolder(t);
  const devices = soundDevices(t, folder);
  const data = path.join(folder, 'data');
  const run = terminal(`repartee talk --json --data ${data} ${QUIET.join(' ')}`, { env: devices.env });
  /* Whichever comes first starts the server for both. */
  const doctor = async () => (await repartee(['doctor', '--json', '--data', data, ...QUIET])).out;
  await until(async () => (await doctor()).includes('"connections":3'), 'the conversation');
  run.press(' ');
  await until(async () => JSON.parse(await doctor()).server.engines.stt.live === 1, 'the ear');
  await devices.feed(new Int16Array(80000).map((_, i) => 8000 * Math.sin(i / 5))); /* more than a pipe holds: some has been read */
  run.press(' ');
  const line = await until(() => /^\{.*\}\r$/m.exec(run.shown())?.[0], 'the turn');
  const turn = JSON.parse(line);
  assert.ok(turn.transcript && turn.response && turn.timings_ms.total >= 0, line);
  run.press('\x04');
  assert.equal(await run.ended, 0);
});

test('the terminal is restored whatever happens', async (t) => {
  const folder = await temporaryFolder(t);
  const devices = soundDevices(t, folder);
  for (const [signal, wanted] of /** @type {[string, number][]} */ ([['TERM', 0], ['HUP', 0], ['INT', 0], ['ABRT', 134], ['SEGV', 139]])) {
    const server = await startServer(t, { args: QUIET });
    await untilReady(server);
    const mark = `--docs=${signal}-${server.pid}`;
    const run = terminal(guarded(`repartee talk --data ${server.data} ${mark}`), { env: devices.env });
    await until(() => run.shown().includes(INVITATION), 'the invitation');
    execFileSync('pkill', [`-${signal}`, '-f', `^repartee talk .*${mark}`]);
    const code = await run.ended;
    assert.ok(code === wanted || wanted > 128, `${signal}: ${code}`);
    assertRestored(run.shown());
  }
  const server = await startServer(t, { args: QUIET });
  await untilReady(server);
  const run = terminal(guarded(`repartee talk --data ${server.data}`), { env: devices.env });
  await until(() => run.shown().includes(INVITATION), 'the invitation');
  await server.kill();
  assert.equal(await run.ended, 1);
  assert.match(run.shown(), /the server went away; start it again, or try again/);
  assertRestored(run.shown());
});

test('a terminal that goes away ends it, also without SIGHUP', async (t) => {
  const folder = await temporaryFolder(t);
  const server = await startServer(t, { args: QUIET });
  await untilReady(server);
  const devices = soundDevices(t, folder);
  const run = terminal(`trap '' HUP; repartee talk --data ${server.data}; true`, { env: devices.env });
  await until(() => run.shown().includes(INVITATION), 'the invitation');
  const itself = ['-f', `^repartee talk .*${server.data}`];
  const is_running = () => spawnSync('pgrep', itself).status === 0;
  atEnd(t, () => spawnSync('pkill', itself));
  assert.ok(is_running());
  run.child.kill('SIGKILL');
  await until(() => !is_running(), 'its end');
});

test('devices that are not there are told with the remedy', async (t) => {
  const folder = await temporaryFolder(t);
  const { env } = soundDevices(t, folder);
  for (const [options, says] of /** @type {[string, RegExp][]} */ ([
    ['--microphone nocard', /there is no microphone "nocard"; connect one, or name another with --microphone \('arecord -L' lists them\)/],
    ['--microphone=nothing', /there is no microphone "nothing"; connect one/],
    ['--speaker nocard', /there is no speaker "nocard"; connect one, or name another with --speaker \('aplay -L' lists them\)/],
    ['--microphone missing', /there is no microphone "missing"/],
  ])) {
    const run = terminal(guarded(`repartee talk --data ${folder}/data ${options}`), { env });
    assert.equal(await run.ended, 1, run.shown());
    assert.match(run.shown(), says);
    assert.equal(run.shown().match(/repartee talk:/g)?.length, 1, run.shown());
    assertRestored(run.shown());
  }
  const piped = await repartee(['talk', '--data', path.join(folder, 'data')], { env });
  assert.equal(piped.code, 2);
  assert.match(piped.err, /live talk needs a terminal; name a WAV file with the question instead/);
  const both = await repartee(['talk', '-o', 'a.wav', '--data', path.join(folder, 'data')], { env });
  assert.equal(both.code, 2);
  assert.match(both.err, /-o goes with a recording: name a WAV file/);
});
