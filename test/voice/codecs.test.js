// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* Opus, in Ogg, in WebM and bare, into the real programs and out of them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { decodeOgg, encodeOgg, packetsOf, webmOf, writeOgg, writeWebm } from '../lib/opus.js';
import { BUILD, atEnd, environment, startServer, until, temporaryFolder, untilReady } from '../lib/server.js';
import { contentWords, loudness, samplesOf, shareHeard, speak } from '../lib/speech.js';
import { VoiceClient } from '../lib/voice.js';

const TEXT = 'The library is open every day from nine in the morning until six in the evening, and on Sunday from ten.';
const QUESTION = 'How do I add documents?';

test('a recording is heard alike in every format @once', async (t) => {
  const folder = await temporaryFolder(t);
  const server = await startServer(t);
  await untilReady(server);
  const wav = speak(folder, TEXT);
  const stt = async (/** @type {string} */ file, type = 'application/octet-stream') => {
    const response = await fetch(`${server.url}stt`, { method: 'POST', body: readFileSync(file), headers: { 'content-type': type } });
    return { status: response.status, ...(await response.json()) };
  };
  const plain = await stt(wav, 'audio/wav');
  assert.equal(plain.status, 200);
  assert(shareHeard(TEXT, plain.text) >= 0.7, plain.text);

  const files = {
    'Ogg, 24 kbit/s': encodeOgg(wav),
    'Ogg, 60 ms packets': encodeOgg(wav, { kbps: 16, frame_ms: 60 }),
    'Ogg, stereo': encodeOgg(wav, { kbps: 32, channels: 2 }),
    WebM: writeWebm(encodeOgg(wav)),
    'WebM, 10 ms packets': writeWebm(encodeOgg(wav, { kbps: 32, frame_ms: 10 })),
  };
  for (const [name, file] of Object.entries(files))
    await t.test(name, async () => {
      const heard = await stt(file, name.startsWith('Ogg') ? 'audio/ogg' : 'audio/webm;codecs=opus');
      assert.equal(heard.status, 200, JSON.stringify(heard));
      assert(Math.abs(heard.duration - plain.duration) < 0.1, `${heard.duration} s of ${plain.duration}`);
      /* A word or two may sound otherwise after coding. */
      const words = contentWords(plain.text).length;
      assert(shareHeard(plain.text, heard.text) >= 1 - 2 / words, `${heard.text}\n${plain.text}`);
    });
  await t.test('the name and the type do not matter', async () => {
    const disguised = path.join(folder, 'disguised.wav');
    writeFileSync(disguised, readFileSync(files.WebM));
    const { text } = await stt(files.WebM);
    assert.equal((await stt(disguised, 'audio/wav')).text, text);
    const heard = execFileSync(path.join(BUILD, 'repartee'), ['hear', '--data', server.data, disguised], { env: environment(), encoding: 'utf8' });
    assert.equal(heard.trim(), text);
  });
  await t.test('what is damaged is refused with a sentence', async () => {
    const damaged = path.join(folder, 'damaged');
    const webm = webmOf(files['Ogg, 24 kbit/s']);
    for (const [bytes, sentence] of /** @type {[Uint8Array, RegExp][]} */ ([
      [webm.slice(0, 60), /ends before its sound begins/],
      [webm.slice(10), /not a WAV, FLAC, MP3, Ogg\/Opus or WebM\/Opus file/],
      [readFileSync(files['Ogg, 24 kbit/s']).subarray(0, 40), /the Ogg file ends before/],
      [Buffer.from('ID3\x04 an mp3 file'), /neither MP3 nor FLAC behind it/],
    ])) {
      writeFileSync(damaged, bytes);
      const { status, error } = await stt(damaged);
      assert.equal(status, 415);
      assert.match(error.message, sentence);
    }
    assert.equal((await stt(files.WebM)).status, 200);
  });
});

test('an answer of POST /tts in Opus', async (t) => {
  const folder = await temporaryFolder(t);
  const server = await startServer(t);
  await untilReady(server);
  const tts = async (/** @type {object} */ fields, headers = {}) => {
    const body = JSON.stringify({ text: TEXT, ...fields });
    const response = await fetch(`${server.url}tts`, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });
    return { type: response.headers.get('content-type'), bytes: Buffer.from(await response.arrayBuffer()) };
  };
  const ogg = path.join(folder, 'answer.ogg');
  const plain = await tts({ rate: 24000 });
  const coded = await tts({ format: 'opus' });
  writeFileSync(ogg, coded.bytes);
  await t.test('another decoder finds the same sound in it', () => {
    assert.equal(coded.type, 'audio/ogg; codecs=opus');
    const samples = samplesOf(decodeOgg(ogg));
    const pcm = new Int16Array(plain.bytes.buffer, plain.bytes.byteOffset, plain.bytes.length / 2);
    assert(samples.length >= pcm.length && samples.length < pcm.length * 1.05, `${samples.length} samples of ${pcm.length}`);
    assert(Math.abs(loudness(samples) / loudness(pcm) - 1) < 0.1);
    const heard = execFileSync(path.join(BUILD, 'repartee'), ['hear', '--data', server.data, ogg], { env: environment(), encoding: 'utf8' });
    assert(shareHeard(TEXT, heard) >= 0.7, heard);
  });
  await t.test('it is small, and its packets are of 20 ms', () => {
    assert(coded.bytes.length * 8 < plain.bytes.length, `${coded.bytes.length} of ${plain.bytes.length} bytes`);
    const frames = packetsOf(ogg).length - 2;
    assert(Math.abs(frames * 480 - plain.bytes.length / 2) < 480 * 20, `${frames} packets`);
  });
  await t.test('the header Accept asks for it too', async () => {
    assert.equal((await tts({}, { accept: 'audio/ogg' })).type, 'audio/ogg; codecs=opus');
    assert.equal((await tts({}, { accept: 'audio/wav' })).type, 'audio/wav');
    assert.equal((await tts({ format: 'pcm' }, { accept: 'audio/ogg' })).type, 'audio/pcm');
    assert.equal((await tts({})).type, 'audio/pcm');
  });
  await t.test('rates that Opus has', async () => {
    for (const rate of [8000, 12000, 16000, 48000]) {
      const file = path.join(folder, `${rate}.ogg`);
      writeFileSync(file, (await tts({ format: 'opus', rate })).bytes);
      assert.equal(Buffer.from(packetsOf(file)[0]).readUInt32LE(12), rate);
      assert(loudness(samplesOf(decodeOgg(file))) > 0.01);
    }
  });
});

/** One spoken turn, its sound in the given messages. @param {VoiceClient} voice @param {Iterable<Uint8Array>} messages */
async function ask(voice, messages) {
  const from = voice.events.length;
  voice.send({ type: 'start' });
  for (const message of messages) voice.send(message);
  voice.send({ type: 'stop' });
  return voice.finish(from);
}

/** The words alone: the answer is not waited for. @param {VoiceClient} voice @param {Iterable<Uint8Array>} messages */
async function heardIn(voice, messages) {
  const from = voice.events.length;
  voice.send({ type: 'start' });
  for (const message of messages) voice.send(message);
  voice.send({ type: 'stop' });
  const { text } = await voice.wait((e) => e.type === 'final', 'the words', from);
  voice.send({ type: 'cancel' });
  await voice.finish(from);
  return text;
}

/** @param {Uint8Array<ArrayBuffer>} bytes @param {number} most */
function* cut(bytes, most) {
  for (let at = 0, n = 1; at < bytes.length; at += n, n = 1 + ((n * 7919) % most)) yield bytes.subarray(at, at + n);
}

test('a conversation in Opus', async (t) => {
  const folder = await temporaryFolder(t);
  const server = await startServer(t);
  await untilReady(server);
  const ogg = encodeOgg(speak(folder, QUESTION));
  const packets = packetsOf(ogg).slice(2);
  const connect = async (/** @type {object} */ hello) => {
    const voice = await VoiceClient.open(server.url, hello);
    voice.hurries = true;
    atEnd(t, () => voice.close());
    return voice;
  };
  const answered = (/** @type {Awaited<ReturnType<typeof ask>>} */ turn) => {
    assert.equal(turn.last.type, 'end', JSON.stringify(turn.last));
    assert(shareHeard(QUESTION, turn.heard) >= 0.5, turn.heard);
    assert.match(turn.answer, /document/i);
  };

  await t.test('packets in, one a message, turn after turn', async () => {
    const voice = await connect({ format: 'opus' });
    const first = await ask(voice, packets);
    answered(first);
    assert(loudness(first.sound) > 0.01);
    const again = await heardIn(voice, packets);
    assert(shareHeard(QUESTION, again) >= 0.5, again);
  });
  await t.test('a WebM file in, in any cut', async () => {
    const voice = await connect({ format: 'webm_opus' });
    answered(await ask(voice, [webmOf(ogg)]));
    const again = await heardIn(voice, cut(webmOf(ogg, 20), 700));
    assert(shareHeard(QUESTION, again) >= 0.5, again);
  });
  await t.test('packets out', async () => {
    const voice = await connect({ format: 'opus', output: { format: 'opus' } });
    const turn = await ask(voice, packets);
    answered(turn);
    const start = turn.events.find((e) => e.type === 'audio_start');
    assert.deepEqual([start?.format, start?.rate], ['opus', 24000]);
    const answer = path.join(folder, 'answer.ogg');
    writeOgg(answer, voice.packets.get(turn.last.turn ?? 0) ?? []);
    const samples = samplesOf(decodeOgg(answer));
    assert.equal(samples.length, (voice.packets.get(turn.last.turn ?? 0)?.length ?? 0) * 480);
    assert(loudness(samples) > 0.01);
    const heard = execFileSync(path.join(BUILD, 'repartee'), ['hear', '--data', server.data, answer], { env: environment(), encoding: 'utf8' });
    assert(shareHeard(turn.answer, heard) > 0.4, `${turn.answer}\n${heard}`);
  });
  await t.test('packets keep the pace of the speaker, and count for what was heard', async () => {
    const voice = await connect({ output: { format: 'opus', rate: 16000 } });
    voice.hurries = false;
    const from = voice.events.length;
    voice.send({ type: 'text', text: 'What are the colored bars below the answer for?' }); /* seven seconds */
    const start = await voice.wait((e) => e.type === 'audio_start', 'sound', from);
    const count = () => voice.packets.get(start.turn ?? 0)?.length ?? 0;
    await until(() => count() >= 110, 'more than the lead'); /* how much more: test/unit/talk_answer_test.c */
    voice.send({ type: 'played', turn: start.turn, ms: 900 });
    voice.send({ type: 'cancel' });
    const turn = await voice.finish(from);
    assert.equal(turn.last.type, 'interrupted');
    assert(turn.last.heard.length > 0 && turn.last.heard.length < turn.answer.length, turn.last.heard);
    assert(turn.answer.startsWith(turn.last.heard));
  });
  await t.test('what is no Opus ends the turn, and only the turn', async () => {
    for (const [format, bad, sentence] of /** @type {[string, Uint8Array, RegExp][]} */ ([
      ['opus', new Uint8Array([0x4b]), /one Opus packet/],
      ['opus', new Uint8Array(0), /one Opus packet/],
      ['webm_opus', new Uint8Array(packets[0]), /not a WebM file/],
      ['webm_opus', webmOf(ogg).subarray(20), /not a WebM file/],
    ])) {
      const voice = await connect({ format });
      const { last } = await ask(voice, [bad]);
      assert.equal(last.type, 'error');
      assert.match(last.error.message, sentence);
      const words = await heardIn(voice, format === 'opus' ? packets : [webmOf(ogg)]);
      assert(shareHeard(QUESTION, words) >= 0.5, words);
    }
  });
  await t.test('out of order: sound before start and after stop, stop twice, cancel, start again', async () => {
    const voice = await connect({ format: 'opus' });
    voice.send(packets[0]);
    voice.send({ type: 'stop' });
    voice.send({ type: 'start' });
    for (const packet of packets) voice.send(packet);
    voice.send({ type: 'cancel' });
    for (const packet of packets) voice.send(packet);
    const from = voice.events.length;
    assert.equal((await voice.finish(from)).last.type, 'interrupted');
    const next = voice.events.length;
    voice.send({ type: 'start' });
    voice.send({ type: 'start' });
    for (const packet of packets) voice.send(packet);
    voice.send({ type: 'stop' });
    for (const packet of packets) voice.send(packet);
    voice.send({ type: 'stop' });
    assert.equal((await voice.finish(next)).last.type, 'interrupted');
    answered(await voice.finish(voice.events.findIndex((e, i) => i >= next && e.type === 'interrupted') + 1));
  });
  await t.test('nothing said', async () => {
    const voice = await connect({ format: 'webm_opus' });
    const { last, heard } = await ask(voice, []);
    assert.deepEqual([last.type, heard], ['end', '']);
  });
  await t.test('formats that there are not', async () => {
    for (const hello of [{ format: 'mp3' }, { format: 'ogg' }, { output: { format: 'mp3' } }, { output: { format: 'opus', rate: 22050 } }, { output: { format: 'opus', bits: 9 } }]) {
      const voice = new VoiceClient(server.url);
      await voice.opened();
      voice.send({ type: 'hello', ...hello });
      assert.equal((await voice.wait((e) => e.type === 'error', 'error')).type, 'error');
    }
  });
});

const SCRIPTED = ['--stt-driver', 'scripted', '--tts-driver', 'scripted', '--llm-driver', 'scripted', '--llm-script', 'text=Yes.'];

test('two minutes of Opus at once are taken as fast as they are heard', async (t) => {
  const folder = await temporaryFolder(t);
  const server = await startServer(t, { args: [...SCRIPTED, '--stt-script', 'slow=2,text=one two three'] });
  await untilReady(server);
  const packets = packetsOf(encodeOgg(speak(folder, QUESTION))).slice(2);
  const voice = await VoiceClient.open(server.url, { format: 'opus' });
  atEnd(t, () => voice.close());
  const from = voice.events.length;
  voice.send({ type: 'start' });
  for (let i = 0; i < 6000; i++) voice.send(packets[i % packets.length]);
  voice.send({ type: 'stop' });
  const turn = await voice.finish(from);
  assert.equal(turn.last.type, 'end', JSON.stringify(turn.last));
  assert.equal(turn.heard, 'one two three');
});

test('the decoder dies in mid-speech: the turn ends with an error, the next one works', async (t) => {
  const folder = await temporaryFolder(t);
  const server = await startServer(t, { args: [...SCRIPTED, '--stt-script', 'text=one two three'] });
  await untilReady(server);
  const packets = packetsOf(encodeOgg(speak(folder, QUESTION))).slice(2);
  const voice = await VoiceClient.open(server.url, { format: 'opus' });
  atEnd(t, () => voice.close());
  const stt = async () => (await (await fetch(`${server.url}readyz`)).json()).engines.stt;
  const from = voice.events.length;
  voice.send({ type: 'start' });
  for (const packet of packets) voice.send(packet);
  await voice.wait((e) => e.type === 'partial', 'words', from);
  const { pid } = await stt();
  process.kill(pid, 'SIGKILL');
  const { error } = await voice.wait((e) => e.type === 'error', 'an error', from);
  assert.equal(error.code, 'engine_unavailable');
  await until(async () => ((now) => now.state === 'ready' && now.pid !== pid)(await stt()), 'another recogniser');
  const next = await ask(voice, packets);
  assert.deepEqual([next.last.type, next.heard], ['end', 'one two three']);
});
