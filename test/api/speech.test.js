// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* /v1/audio/speech by OpenAI's own client, unchanged; what comes is read by players that are not ours. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import test from 'node:test';
import OpenAI, { toFile } from 'openai';
import { metricsOf } from '../lib/measure.js';
import { countBySox, decode, probe } from '../lib/players.js';
import { startServer, temporaryFolder, until, untilReady } from '../lib/server.js';
import { loudness, shareHeard } from '../lib/speech.js';

const RATE = 24000;
const SAID = 'The documents of the server are in the folder. You can find the answer in the documents.';
const QUIET = ['--stt-driver', 'scripted', '--llm-driver', 'scripted', '--limit-turns', '100000'];

/** @param {import('node:test').TestContext} t @param {string[]} args */
async function start(t, args) {
  const server = await startServer(t, { args: [...QUIET, ...args] });
  await untilReady(server);
  const client = new OpenAI({ baseURL: server.url + 'v1', apiKey: 'none', maxRetries: 0 });
  const engine = async () => (await (await fetch(server.url + 'readyz')).json()).engines.tts;
  return { server, client, engine };
}

/** @param {OpenAI} client @param {object} more */
async function speak(client, more) {
  const answer = await client.audio.speech.create(/** @type {any} */ ({ model: 'tts-1', voice: 'alloy', input: SAID, ...more }));
  return { type: answer.headers.get('content-type'), bytes: Buffer.from(await answer.arrayBuffer()) };
}

/** The events of a stream. @param {Response} answer */
async function eventsOf(answer) {
  assert.equal(answer.headers.get('content-type'), 'text/event-stream');
  const events = (await answer.text()).split('\n\n').filter((event) => event.startsWith('data: '));
  return events.map((event) => JSON.parse(event.slice('data: '.length)));
}

/** How often a second it goes through zero upwards, while the first clause is spoken. @param {Int16Array} samples @param {number} rate */
function pitchOf(samples, rate) {
  const from = Math.floor(rate * 0.2), to = Math.floor(rate * 0.9);
  let n = 0;
  for (let i = from; i < to; i++) n += Number(samples[i] < 0 && samples[i + 1] >= 0);
  return n * rate / (to - from);
}

/** @type {[string, string, {format: string, codec: string, rate: number}][]} */
const FORMATS = [
  ['wav', 'audio/wav', { format: 'wav', codec: 'pcm_s16le', rate: RATE }],
  ['flac', 'audio/flac', { format: 'flac', codec: 'flac', rate: RATE }],
  ['mp3', 'audio/mpeg', { format: 'mp3', codec: 'mp3', rate: RATE }],
  ['opus', 'audio/ogg; codecs=opus', { format: 'ogg', codec: 'opus', rate: 48000 }], /* which is all that an Opus file knows */
];

test('every format is a file that other players read, of the same sound @tsan', async (t) => {
  const folder = await temporaryFolder(t);
  const { client } = await start(t, ['--tts-driver', 'scripted']);
  const pcm = await speak(client, { response_format: 'pcm' });
  assert.equal(pcm.type, 'audio/pcm');
  const sound = new Int16Array(pcm.bytes.buffer.slice(pcm.bytes.byteOffset, pcm.bytes.byteOffset + pcm.bytes.length));
  assert.ok(Math.abs(pitchOf(sound, RATE) - 441) < 20, 'the tone at 24 kHz');
  for (const [format, type, want] of FORMATS)
    await t.test(format, async () => {
      const answer = await speak(client, { response_format: format });
      const file = path.join(folder, `speech.${format}`);
      writeFileSync(file, answer.bytes);
      assert.equal(answer.type, type);
      assert.deepEqual(probe(file), { ...want, channels: 1 });
      const decoded = decode(file, RATE);
      const extra = { wav: 0, flac: 0, mp3: 0.15 * RATE, opus: 0.03 * RATE }[format] ?? 0;
      assert.ok(decoded.length >= sound.length && decoded.length <= sound.length + extra, `${decoded.length} samples of ${sound.length}`);
      if (!extra) assert.deepEqual(decoded, sound);
      else assert.ok(Math.abs(pitchOf(decoded, RATE) - 441) < 20 && Math.abs(loudness(decoded) - loudness(sound)) < 0.03);
      if (format === 'wav' || format === 'flac') assert.equal(countBySox(file), sound.length);
    });
  const standard = await speak(client, {});
  assert.equal(standard.type, 'audio/mpeg', 'what nobody names is mp3');

  await t.test('speed', async () => {
    const length = async (/** @type {number} */ speed) => (await speak(client, { response_format: 'pcm', speed })).bytes.length;
    const [slow, fast] = [await length(0.25), await length(4)];
    assert.ok(Math.abs(slow / sound.byteLength - 4) < 0.2, String(slow / sound.byteLength));
    assert.ok(Math.abs(sound.byteLength / fast - 4) < 0.4, String(sound.byteLength / fast));
  });

  await t.test('as events, which hold the same bytes', async () => {
    for (const [format] of FORMATS) {
      const whole = await speak(client, { response_format: format });
      const events = await eventsOf(await client.audio.speech.create(/** @type {any} */ ({ model: 'tts-1', voice: 'alloy', input: SAID, response_format: format, stream_format: 'sse' })));
      const done = events.pop();
      assert.ok(events.length > 2 && events.every((e) => e.type === 'speech.audio.delta' && Object.keys(e).length === 2));
      const bytes = Buffer.concat(events.map((e) => Buffer.from(e.audio, 'base64')));
      if (format === 'opus') assert.ok(Math.abs(bytes.length - whole.bytes.length) < 4, 'the serial number differs');
      else assert.ok(bytes.equals(whole.bytes), format);
      const words = SAID.split(' ').length, pieces = Math.ceil(sound.length / (RATE / 50));
      assert.deepEqual(done, { type: 'speech.audio.done', usage: { input_tokens: words, output_tokens: pieces, total_tokens: words + pieces } });
    }
  });

  await t.test('a text that nobody can speak', async () => {
    for (const format of ['pcm', 'wav', 'flac', 'mp3', 'opus']) {
      const { bytes } = await speak(client, { input: '...', response_format: format });
      const file = path.join(folder, `nothing.${format}`);
      writeFileSync(file, bytes);
      if (format === 'wav') assert.equal(decode(file, RATE).length, 0);
      if (format === 'pcm') assert.equal(bytes.length, 0);
    }
  });
});

test('the built-in voices, heard by the built-in recogniser @once', async (t) => {
  const server = await startServer(t, { args: ['--llm-driver', 'scripted'] });
  await untilReady(server);
  const client = new OpenAI({ baseURL: server.url + 'v1', apiKey: 'none', maxRetries: 0 });
  for (const [voice, format] of [['alloy', 'wav'], [{ id: 'rms' }, 'opus'], [{ id: 'marin' }, 'wav']]) {
    const { bytes } = await speak(client, { voice, response_format: format });
    const { text } = await client.audio.transcriptions.create({ file: await toFile(bytes, `speech.${format}`), model: 'whisper-1' });
    assert.ok(shareHeard(SAID, text) >= 0.8, text);
  }
  const [standard, other] = [await speak(client, { response_format: 'pcm' }), await speak(client, { response_format: 'pcm', voice: 'slt' })];
  assert.ok(!standard.bytes.equals(other.bytes), 'a voice of ours has its name');
  await assert.rejects(client.audio.speech.create({ model: 'x', input: 'a', voice: 'nobody' }), (/** @type {any} */ e) => e.status === 400 && e.param === 'voice' && /rms.*; GET \/voices names/.test(e.message));
  const { standard: name, voices } = await (await fetch(server.url + 'voices')).json();
  assert.equal(name, 'rms');
  for (const wanted of ['rms', 'slt', 'awb', 'kal', 'en-gb', 'de']) assert.ok(voices.some((/** @type {any} */ v) => v.name === wanted), wanted);
  for (const voice of [voices[0].name, voices.at(-1).name]) assert.ok((await speak(client, { voice, input: 'Yes.' })).bytes.length > 500, voice);
});

test('sound leaves while later clauses are computed @tsan', async (t) => {
  const { client, engine } = await start(t, ['--tts-driver', 'scripted', '--tts-script', 'slow=20']);
  for (const stream_format of /** @type {const} */ (['audio', 'sse'])) {
    const input = `${SAID} `.repeat(5);
    const answer = await client.audio.speech.create({ model: 'x', voice: 'alloy', input, response_format: 'wav', stream_format });
    const reader = /** @type {ReadableStream<Uint8Array>} */ (answer.body).getReader();
    assert.ok((await reader.read()).value?.length);
    assert.equal((await engine()).live, 1, 'it is not done yet');
    await reader.cancel(); /* and who leaves frees the place */
    await until(async () => (await engine()).live === 0, 'a free place');
  }
});

test('when the voice dies the sound does not end as if that were all @tsan', async (t) => {
  const { server, client, engine } = await start(t, ['--tts-driver', 'scripted', '--tts-script', 'slow=20']);
  const ask = (/** @type {'audio' | 'sse'} */ stream_format) => client.audio.speech.create({ model: 'x', voice: 'alloy', input: `${SAID} `.repeat(5), response_format: 'mp3', stream_format });
  for (const format of /** @type {const} */ (['audio', 'sse'])) {
    await until(async () => (await engine()).state === 'ready', 'the voice');
    const answer = await ask(format);
    const reader = /** @type {ReadableStream<Uint8Array>} */ (answer.body).getReader();
    let text = '';
    const read = async () => {
      for (let killed = false; ; ) {
        const { value, done } = await reader.read();
        if (done) return;
        text += Buffer.from(value).toString('latin1');
        if (killed) continue;
        killed = true;
        process.kill((await engine()).pid, 'SIGKILL');
      }
    };
    if (format === 'audio') {
      await assert.rejects(read(), 'the connection is cut');
      continue;
    }
    await read();
    const last = JSON.parse(text.trim().split('\n\n').at(-1)?.slice('data: '.length) ?? '');
    assert.match(last.error.message, /stopped/);
    assert.doesNotMatch(text, /speech\.audio\.done/);
  }
  await until(async () => (await engine()).state === 'ready', 'the voice');
  assert.ok((await (await fetch(server.url + 'healthz')).text()).length);
});

test('a client that does not read slows the voice down, and is dropped @tsan', async (t) => {
  const { server, engine } = await start(t, ['--tts-driver', 'scripted']);
  const { hostname, port } = new URL(server.url);
  for (const stream_format of ['audio', 'sse']) {
    const dropped = (await metricsOf(server)).get('repartee_slow_readers_total') ?? 0;
    const body = JSON.stringify({ input: 'word '.repeat(800), voice: 'echo', response_format: 'pcm', stream_format });
    const socket = net.connect(Number(port), hostname).pause();
    socket.on('error', () => {});
    socket.write(`POST /v1/audio/speech HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    await until(async () => (await engine()).live === 1, 'the voice');
    await until(async () => (await metricsOf(server)).get('repartee_slow_readers_total') === dropped + 1, 'its end');
    await until(async () => (await engine()).live === 0, 'a free place');
    socket.destroy();
  }
});

test('what is wrong has its status and says which field it is @tsan', async (t) => {
  const { server, client } = await start(t, ['--tts-driver', 'scripted']);
  for (const [param, more] of /** @type {[string, object][]} */ ([
    ['input', { input: undefined }],
    ['input', { input: '' }],
    ['input', { input: ' \n\t' }],
    ['input', { input: 5 }],
    ['input', { input: ['a'] }],
    ['input', { input: 'a'.repeat(4097) }],
    ['input', { input: '\u{1f600}'.repeat(4097) }],
    ['voice', { voice: 5 }],
    ['voice', { voice: '' }],
    ['voice', { voice: {} }],
    ['voice', { voice: { id: 7 } }],
    ['voice', { voice: ['alloy'] }],
    ['voice', { voice: 'a'.repeat(65) }],
    ['voice', { voice: 'missing' }], /* the scripted driver has all others */
    ['response_format', { response_format: 'aac' }],
    ['response_format', { response_format: 'MP3' }],
    ['response_format', { response_format: 3 }],
    ['speed', { speed: 0.2 }],
    ['speed', { speed: 4.1 }],
    ['speed', { speed: '1' }],
    ['stream_format', { stream_format: 'both' }],
    ['instructions', { instructions: { tone: 'soft' } }],
  ]))
    await assert.rejects(speak(client, more), (/** @type {any} */ e) => e.status === 400 && e.param === param && e.type === 'invalid_request_error', JSON.stringify(more).slice(0, 80));
  await assert.rejects(speak(client, { response_format: 'aac' }), /mp3, opus, flac, wav and pcm/);
  for (const more of [{ input: '\u20ac'.repeat(4096) }, { instructions: 'Whisper.' }, { user: 'somebody', seed: 1 }, { voice: null }, { speed: null }])
    assert.ok((await speak(client, { response_format: 'opus', speed: 4, ...more })).bytes.length > 0);
  assert.equal((await fetch(server.url + 'healthz')).status, 200);
});
