// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* /v1/audio/transcriptions and /v1/audio/translations by OpenAI's own client, unchanged. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createReadStream, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import OpenAI, { toFile } from 'openai';
import { BUILD, environment, startServer, temporaryFolder, until, untilReady } from '../lib/server.js';
import { samplesOf, shareHeard, speak, writeWav } from '../lib/speech.js';
import { parseSrt, parseVtt } from '../lib/subtitles.js';

const SCRIPTED = ['--stt-driver', 'scripted', '--tts-driver', 'scripted', '--llm-driver', 'scripted', '--limit-turns', '100000'];
const RATE = 16000;
const SAID = 'Where can I find the documents of the server?', ALSO_SAID = 'How do I make a key for the server?';

/** @param {import('node:test').TestContext} t @param {string[]} args */
async function start(t, args) {
  const server = await startServer(t, { args });
  await untilReady(server);
  return { url: server.url, pid: server.pid, client: new OpenAI({ baseURL: server.url + 'v1', apiKey: 'none', maxRetries: 0 }) };
}

/** @param {string} url @param {[string, string | Blob][]} parts in this order */
function post(url, parts) {
  const form = new FormData();
  for (const [name, value] of parts) form.append(name, value);
  return fetch(url, { method: 'POST', body: form });
}

/** What was said when, by the book: sentences, and the pauses between them. @param {string} folder @returns {{file: string, spans: [number, number][]}} */
function conversation(folder) {
  const sentences = [SAID, ALSO_SAID];
  let at = 0;
  /** @type {[number, number][]} */
  const spans = [];
  /** @type {Int16Array[]} */
  const pieces = [];
  for (const sentence of sentences) {
    const samples = samplesOf(speak(folder, sentence, { before_s: 0, after_s: 0 })), pause = new Int16Array(RATE);
    spans.push([(at + pause.length) / RATE, (at + pause.length + samples.length) / RATE]);
    pieces.push(pause, samples);
    at += pause.length + samples.length;
  }
  const file = path.join(folder, 'conversation.wav'), all = new Int16Array(at);
  for (let i = 0, to = 0; i < pieces.length; to += pieces[i++].length) all.set(pieces[i], to);
  writeWav(file, all, RATE);
  return { file, spans };
}

test('the built-in recogniser, through OpenAI\'s client @once', async (t) => {
  const { client } = await start(t, ['--llm-driver', 'scripted', '--tts-driver', 'scripted']);
  const folder = await temporaryFolder(t);
  const { file, spans } = conversation(folder);
  const all = `${SAID} ${ALSO_SAID}`;
  const duration = samplesOf(file).length / RATE, usage = { type: 'duration', seconds: Math.ceil(duration) };
  const ask = () => ({ file: createReadStream(file), model: 'whisper-1' }); /* chunked, of unknown length */
  /** @param {{start: number, end: number, text: string}[]} segments */
  const areTimed = (segments) => {
    assert.equal(segments.length, spans.length, 'a pause of a second parts them');
    for (const [i, { start, end }] of segments.entries()) {
      assert.ok(Math.abs(start - spans[i][0]) < 0.3, `${start}, not ${spans[i][0]}`);
      assert.ok(Math.abs(end - spans[i][1]) < 0.3, `${end}, not ${spans[i][1]}`);
    }
  };
  const { text } = await client.audio.transcriptions.create(ask());
  assert.ok(shareHeard(all, text) >= 0.8, text);

  await t.test('json', async () => {
    const answer = await client.audio.transcriptions.create({ ...ask(), response_format: 'json', language: 'en', temperature: 0 });
    assert.deepEqual(answer, { text, usage });
  });

  await t.test('text', async () => {
    const answer = /** @type {any} */ (await client.audio.transcriptions.create({ ...ask(), response_format: 'text' }));
    assert.equal(answer, `${text}\n`);
  });

  await t.test('verbose_json, segments', async () => {
    const answer = await client.audio.transcriptions.create({ ...ask(), response_format: 'verbose_json', prompt: 'Questions about a server.' });
    assert.deepEqual(Object.keys(answer).sort(), ['duration', 'language', 'segments', 'task', 'text', 'usage']);
    const { segments = [], duration: length, ...others } = answer;
    assert.deepEqual(others, { task: 'transcribe', language: 'english', text, usage });
    assert.ok(Math.abs(length - duration) < 0.002);
    areTimed(segments);
    assert.equal(segments.map((s) => s.text).join(''), ` ${text}`);
    for (const [i, s] of segments.entries()) {
      assert.deepEqual(Object.keys(s).sort(), ['avg_logprob', 'compression_ratio', 'end', 'id', 'no_speech_prob', 'seek', 'start', 'temperature', 'text', 'tokens']);
      assert.deepEqual([s.id, s.temperature, s.tokens, s.no_speech_prob], [i, 0, [], 0]);
      assert.ok(s.avg_logprob <= 0 && s.avg_logprob > -5 && s.compression_ratio > 0.5 && s.compression_ratio < 2);
      assert.ok(Math.abs(s.seek / 100 - s.start) < 0.011);
    }
  });

  await t.test('verbose_json, words', async () => {
    const answer = await client.audio.transcriptions.create({ ...ask(), response_format: 'verbose_json', timestamp_granularities: ['word'] });
    assert.equal(answer.segments, undefined);
    const words = answer.words ?? [];
    assert.equal(words.map((w) => w.word).join(' '), text);
    for (const [i, w] of words.entries()) {
      assert.ok(w.start >= (words[i - 1]?.end ?? 0) && w.end > w.start && w.end <= duration, JSON.stringify(w));
      assert.ok(spans.some(([from, to]) => w.start > from - 0.3 && w.end < to + 0.3), `${w.word} is said in a pause`);
    }
    const both = await client.audio.transcriptions.create({ ...ask(), response_format: 'verbose_json', timestamp_granularities: ['word', 'segment'] });
    assert.deepEqual([both.words?.length, both.segments?.length], [words.length, spans.length]);
  });

  for (const [format, parse] of /** @type {const} */ ([['srt', parseSrt], ['vtt', parseVtt]]))
    await t.test(format, async () => {
      const cues = parse(/** @type {any} */ (await client.audio.transcriptions.create({ ...ask(), response_format: format })));
      areTimed(cues);
      assert.equal(cues.map((cue) => cue.text).join(' '), text);
    });

  await t.test('a stream', async () => {
    /** @type {OpenAI.Audio.TranscriptionStreamEvent[]} */
    const events = [];
    for await (const event of await client.audio.transcriptions.create({ ...ask(), stream: true })) events.push(event);
    const done = /** @type {any} */ (events.pop());
    assert.equal(events.map((e) => (e.type === 'transcript.text.delta' ? e.delta : assert.fail(e.type))).join(''), text);
    const [audio, words] = [Math.ceil(duration * 50), text.split(' ').length];
    assert.ok(Math.abs(done.usage.input_tokens - audio) <= 1);
    assert.deepEqual({ ...done.usage, input_tokens: audio, total_tokens: audio + words, input_token_details: { text_tokens: 0, audio_tokens: audio } },
      { type: 'tokens', input_tokens: audio, input_token_details: { text_tokens: 0, audio_tokens: audio }, output_tokens: words, total_tokens: audio + words });
    assert.deepEqual([done.type, done.text], ['transcript.text.done', text]);
  });

  await t.test('translated, which English is already', async () => {
    const answer = /** @type {any} */ (await client.audio.translations.create({ ...ask(), response_format: 'verbose_json' }));
    assert.deepEqual([answer.task, answer.language, answer.text, answer.segments?.length], ['translate', 'english', text, spans.length]);
    const file = await readFile(conversation(folder).file);
    const refused = await post(client.baseURL + '/audio/translations', [['file', new Blob([file])], ['language', 'de']]);
    const { error } = await refused.json();
    assert.deepEqual([refused.status, error.param], [400, 'language']);
    assert.match(error.message, /Whisper for many languages .* stt\.model/);
  });

  const short = speak(folder, SAID), hear = (/** @type {string} */ name) => client.audio.transcriptions.create({ file: createReadStream(name), model: 'whisper-1', response_format: 'verbose_json' });
  const plain = await hear(short);
  for (const [name, how] of /** @type {[string, string[]][]} */ ([
    ['music.mp3', ['-ar', '44100', '-ac', '2', '-b:a', '128k']],
    ['telephone.mp3', ['-ar', '8000', '-q:a', '6']],
    ['plain.flac', []],
    ['studio.flac', ['-ar', '96000', '-ac', '2', '-sample_fmt', 's32']],
    ['flac.ogg', ['-c:a', 'flac']],
  ]))
    await t.test(name, async () => {
      const made = path.join(folder, name);
      execFileSync('ffmpeg', ['-v', 'error', '-i', short, ...how, made]);
      const heard = await hear(made);
      assert.ok(Math.abs(heard.duration - plain.duration) < 0.005, `${heard.duration} s of ${plain.duration}`);
      assert.ok(shareHeard(SAID, heard.text) >= 0.6, heard.text);
      if (name === 'plain.flac' || name === 'flac.ogg') assert.equal(heard.text, plain.text, 'nothing is lost');
    });

  await t.test('another language is refused', () =>
    assert.rejects(client.audio.transcriptions.create({ ...ask(), language: 'de' }), (/** @type {any} */ e) => e.status === 400 && e.param === 'language' && /English only/.test(e.message)));

  await t.test('silence', async () => {
    const quiet = path.join(folder, 'quiet.wav');
    writeWav(quiet, new Int16Array(RATE), RATE);
    const ask = async (/** @type {any} */ more) => /** @type {any} */ (await client.audio.transcriptions.create({ file: createReadStream(quiet), model: 'x', ...more }));
    assert.deepEqual(await ask({}), { text: '', usage: { type: 'duration', seconds: 1 } });
    assert.deepEqual([parseSrt(await ask({ response_format: 'srt' })), parseVtt(await ask({ response_format: 'vtt' }))], [[], []]);
    const verbose = await ask({ response_format: 'verbose_json', timestamp_granularities: ['word', 'segment'] });
    assert.deepEqual([verbose.text, verbose.words, verbose.segments], ['', [], []]);
    const events = [];
    for await (const event of await ask({ stream: true })) events.push([event.type, event.text]);
    assert.deepEqual(events, [['transcript.text.done', '']]);
  });
});

test('real speech, with words that are sure before its end @once', async (t) => {
  const { client } = await start(t, ['--llm-driver', 'scripted', '--tts-driver', 'scripted']);
  const folder = await temporaryFolder(t), all = path.join(folder, 'all.wav');
  const librivox = '/usr/share/pocketsphinx/test/data/librivox/sense_and_sensibility_01_austen_64kb-';
  const pause = new Int16Array(0.7 * RATE), pieces = ['0870', '0880', '0890', '0930'].flatMap((name) => [pause, samplesOf(`${librivox}${name}.wav`)]);
  writeWav(all, Int16Array.from(pieces.flatMap((piece) => [...piece])), RATE);
  const said = 'and mr john dashwood had then leisure to consider how much there might be prudently in his power to do for them ' +
    'he was not an ill disposed young man unless to be rather cold hearted and rather selfish is to be ill disposed he might even have been made amiable himself';
  const events = [];
  for await (const event of await client.audio.transcriptions.create({ file: createReadStream(all), model: 'x', stream: true })) events.push(/** @type {any} */ (event));
  const done = events.pop();
  assert.ok(events.length > 1, 'words come before the last ones are heard');
  assert.equal(events.map((e) => e.delta).join(''), done.text);
  assert.ok(shareHeard(said, done.text) >= 0.6, done.text);
});

/** @param {import('node:test').TestContext} t @param {string} shape @param {string} [name] */
async function startWhisper(t, shape, name = 'made.en') {
  const model = path.join(await temporaryFolder(t), `ggml-${name}.bin`);
  assert.equal(spawnSync(path.join(BUILD, 'test/whisper_make'), [shape, 'f16', model, 'how do i add documents'], { env: environment() }).status, 0);
  return start(t, ['--llm-driver', 'scripted', '--tts-driver', 'scripted', '--stt-model', model]);
}

test('a Whisper tells of segments, and does not make up when words were said', async (t) => {
  const { client } = await startWhisper(t, 'tiny');
  const { file } = conversation(await temporaryFolder(t));
  const ask = async (/** @type {any} */ more) => /** @type {any} */ (await client.audio.transcriptions.create({ file: createReadStream(file), model: 'whisper-1', ...more }));
  const { segments, text } = await ask({ response_format: 'verbose_json', prompt: 'What was said before.', temperature: 0.3 });
  assert.ok(segments.length >= 1);
  assert.equal(segments.map((/** @type {any} */ s) => s.text).join(''), ` ${text}`);
  for (const [i, s] of segments.entries()) {
    assert.ok(s.start >= (segments[i - 1]?.end ?? 0) && s.end > s.start);
    assert.ok(s.tokens.length >= 5 && s.avg_logprob <= 0 && s.compression_ratio > 0.5 && s.temperature === 0.3);
  }
  await assert.rejects(ask({ response_format: 'verbose_json', timestamp_granularities: ['word'] }),
    (/** @type {any} */ e) => e.status === 400 && e.param === 'timestamp_granularities' && /when each word was said/.test(e.message));
  assert.equal(parseSrt(await ask({ response_format: 'srt' })).length, segments.length);
  let heard = '';
  for await (const event of await ask({ stream: true })) heard += event.type === 'transcript.text.delta' ? event.delta : '';
  assert.equal(heard, text);
  assert.equal((await client.audio.translations.create({ file: createReadStream(file), model: 'whisper-1' })).text, text, 'it is for English');
});

test('a Whisper for many languages translates, and says what it heard', async (t) => {
  const { client } = await startWhisper(t, 'tiny-many', 'made');
  const { file } = conversation(await temporaryFolder(t));
  const ask = () => ({ file: createReadStream(file), model: 'whisper-1', response_format: /** @type {const} */ ('verbose_json') });
  assert.equal((await client.audio.transcriptions.create({ ...ask(), language: 'de' })).language, 'german');
  assert.equal((await client.audio.transcriptions.create({ ...ask(), language: 'pt-BR' })).language, 'portuguese');
  const { task, language, segments } = /** @type {any} */ (await client.audio.translations.create(ask()));
  assert.deepEqual([task, language, segments.length > 0], ['translate', 'english', true]);
  await assert.rejects(client.audio.transcriptions.create({ ...ask(), language: 'xx' }), (/** @type {any} */ e) => e.status === 400 && e.param === 'language');
});

test('who leaves frees the place; a failure ends the stream, or has its status @tsan', async (t) => {
  const { url, client } = await start(t, [...SCRIPTED, '--stt-script', 'streams=1,slow=20,word=100,text=one two three four five six seven eight nine ten']);
  const file = path.join(await temporaryFolder(t), 'long.wav');
  writeWav(file, new Int16Array(RATE * 30), RATE);
  const engine = async () => (await (await fetch(url + 'readyz')).json()).engines.stt;
  const ask = () => client.audio.transcriptions.create({ file: createReadStream(file), model: 'x', stream: true });
  for await (const event of await ask()) if (event.type === 'transcript.text.delta') break; /* leaves */
  await until(async () => (await engine()).live === 0, 'a free place');
  const { pid } = await engine();
  await assert.rejects(async () => {
    for await (const event of await ask()) if (event.type === 'transcript.text.delta') process.kill(pid, 'SIGKILL');
  }, /engine stopped/);
  await until(async () => (await engine()).state === 'ready', 'the recogniser');
  const asked = client.audio.transcriptions.create({ file: createReadStream(file), model: 'x' });
  await until(async () => (await engine()).live === 1, 'the job');
  process.kill((await engine()).pid, 'SIGKILL');
  await assert.rejects(asked, { status: 503 });
  await until(async () => (await engine()).state === 'ready', 'the recogniser');
  const m4a = await toFile(Buffer.from('\0\0\0\x20ftypM4A \0\0\0\0M4A mp42isom\0\0\0\0'), 'a.m4a');
  await assert.rejects(client.audio.transcriptions.create({ file: m4a, model: 'x' }), (/** @type {any} */ e) => e.status === 415 && /M4A|AAC/.test(e.message));
});

test('parts in any order, and those that nobody knows @tsan', async (t) => {
  const { url } = await start(t, [...SCRIPTED, '--stt-script', 'text=one two three']);
  const wav = new Blob([readFileSync(speak(await temporaryFolder(t), 'One two three.'))]);
  /** @type {[string, string | Blob][]} */
  const parts = [['model', 'any'], ['colour', 'blue'], ['file', wav], ['response_format', 'json'], ['chunking_strategy', 'auto'], ['prompt', 'Numbers.']];
  for (let i = 0; i < parts.length; i++) {
    parts.push(/** @type {[string, string]} */ (parts.shift()));
    const answer = await post(url + 'v1/audio/transcriptions', parts);
    assert.equal(answer.status, 200);
    assert.equal((await answer.json()).text, 'one two three');
  }
});

test('what is wrong has its status and says which field it is @tsan', async (t) => {
  const { url, client } = await start(t, [...SCRIPTED, '--stt-script', 'text=one']);
  const wav = readFileSync(speak(await temporaryFolder(t), 'One.'));
  const file = await toFile(wav, 'one.wav');
  for (const [param, more] of /** @type {[string, object][]} */ ([
    ['response_format', { response_format: 'xml' }],
    ['response_format', { response_format: 'diarized_json' }],
    ['temperature', { temperature: 1.5 }],
    ['temperature', { temperature: 'hot' }],
    ['language', { language: 'the language of the angels' }],
    ['language', { language: 'd=e' }],
    ['stream', { stream: 'maybe' }],
    ['stream', { stream: true, response_format: 'srt' }],
    ['include', { include: ['logprobs'] }],
    ['known_speaker_names', { known_speaker_names: ['Ann'] }],
    ['timestamp_granularities', { timestamp_granularities: ['word'] }],
    ['timestamp_granularities', { timestamp_granularities: ['letter'], response_format: 'verbose_json' }],
    ['prompt', { prompt: 'a'.repeat(20000) }],
  ]))
    await assert.rejects(
      client.audio.transcriptions.create(/** @type {any} */ ({ file, model: 'x', ...more })),
      (/** @type {any} */ e) => e.status === 400 && e.param === param && e.type === 'invalid_request_error',
      JSON.stringify(more),
    );
  const where = url + 'v1/audio/transcriptions', blob = new Blob([wav]);
  /** @type {[string, Promise<Response>, number, string | null][]} */
  const others = [
    ['no file', post(where, [['model', 'x']]), 400, 'file'],
    ['an empty file', post(where, [['file', new Blob([])]]), 400, 'file'],
    ['two files', post(where, [['file', blob], ['file', blob]]), 400, 'file'],
    ['a field twice', post(where, [['language', 'en'], ['language', 'en'], ['file', blob]]), 400, 'language'],
    ['no sound', post(where, [['file', new Blob(['hello'])]]), 415, null],
    ['no form', fetch(where, { method: 'POST', body: wav, headers: { 'Content-Type': 'audio/wav' } }), 415, null],
    ['JSON', fetch(where, { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } }), 415, null],
    ['half a form', fetch(where, { method: 'POST', body: '--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nRIFF', headers: { 'Content-Type': 'multipart/form-data; boundary=x' } }), 400, null],
  ];
  for (const [name, asked, status, param] of others) {
    const answer = await asked, { error } = await answer.json();
    assert.deepEqual([answer.status, error.param], [status, param], `${name}: ${error.message}`);
  }
});
