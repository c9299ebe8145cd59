// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* A recogniser on another server: Debian's whisper-server, and ones that hang, cut, lie and babble. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { repartee } from '../lib/cli.js';
import { form, talking } from '../lib/flows.js';
import { chunk, models, repeats, startPeer, whole } from '../lib/model-server.js';
import { encodeOgg, webmOf } from '../lib/opus.js';
import { BUILD, atEnd, ownAddress, startServer, temporaryFolder, until, untilReady } from '../lib/server.js';
import { samplesOf, speak } from '../lib/speech.js';

const PATIENCE_MS = 180000;
const AT_ONCE = 8; /* what a slow machine does within the server's own limits */
const QUIET = ['--tts-driver', 'scripted', '--limit-turns', '10000'];
/** @typedef {import('../lib/model-server.js').Behaviour} Behaviour */

/** @param {import('node:test').TestContext} t @param {string} url @param {string[]} [more] */
const serve = (t, url, more = []) => startServer(t, { args: [...QUIET, '--limit-uploads', '100', '--stt-url', url, ...more] });
/** @param {{url: string}} server */
const engines = async (server) => (await (await fetch(server.url + 'readyz')).json()).engines;

/** What is heard of a recording. @param {{url: string}} server @param {Buffer} wav @param {Record<string, string>} fields @param {string} [what] */
async function hear(server, wav, fields, what = 'transcriptions') {
  const { body, type } = form('question.wav', wav, fields);
  const answer = await fetch(`${server.url}v1/audio/${what}`, { method: 'POST', body, headers: { 'content-type': type }, signal: AbortSignal.timeout(PATIENCE_MS) });
  return { status: answer.status, json: await answer.json() };
}

/** @type {Behaviour} */
const list = (socket) => socket.write(models({ id: 'voice', task: 'text-to-speech' }, { id: 'hearer', task: 'automatic-speech-recognition' }));
const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n';
/** @param {object | string} json @param {number} [status] @param {string} [headers] @returns {Behaviour} */
const says = (json, status = 200, headers = '') => (socket) => socket.write(whole(status, json, headers));
const good = says({ text: ' Yes,\n sir. ' });
/** @param {string} bytes @returns {Behaviour} */
const sends = (bytes) => (socket) => socket.write(bytes);
/** @param {string} bytes @returns {Behaviour} */
const sendsAndBreaks = (bytes) => (socket) => socket.end(bytes);
/** Good from the nth try on. @param {number} n @param {Behaviour} before @returns {Behaviour} */
const goodAtTry = (n, before) => (socket, attempt, request) => (attempt < n ? before : good)(socket, attempt, request);

/** What is done, and what comes of it: a text, or an error. */
/** @type {Record<string, {does: Behaviour, text?: string, error?: RegExp, code?: string, tries?: number, slow?: boolean}>} */
const TABLE = {
  good: { does: good, text: 'Yes, sir.', tries: 1 },
  'in-parts': { does: says({ segments: [{ text: ' Yes,' }, { text: '[noise] sir.' }] }), text: 'Yes, sir.' },
  nothing: { does: says({ text: '' }), text: '' },
  marker: { does: says({ text: ' [BLANK_AUDIO]\n' }), text: '' },
  'byte-by-byte': {
    does: (socket) => {
      const bytes = Buffer.from(whole(200, { text: 'Grüß Gott' }));
      let at = 0;
      socket.setNoDelay(true);
      const next = setInterval(() => (at < bytes.length ? socket.write(bytes.subarray(at, ++at)) : clearInterval(next)), 1);
    },
    text: 'Grüß Gott',
  },
  /* again before anything came */
  'closes-twice': { does: goodAtTry(3, (socket) => socket.end()), text: 'Yes, sir.', tries: 3 },
  'loads-once': { does: goodAtTry(2, says({ error: { message: 'Loading model' } }, 503, 'Retry-After: 0\r\n')), text: 'Yes, sir.', tries: 2 },
  'closes-always': { does: (socket) => socket.end(), error: /broke off before its answer/ }, /* three times, or four where a connection was kept */
  'empty-always': { does: says(''), error: /broke off before its answer/, tries: 3 },
  'busy-always': { does: says({}, 429), error: /too much to do/, code: 'overloaded', tries: 3 },
  'busy-for-long': { does: says({}, 429, 'Retry-After: 60\r\n'), error: /too much to do/, code: 'overloaded', tries: 1 },
  /* refusals */
  'wrong-key': { does: says({ error: { message: 'Bad key' } }, 401), error: /does not accept this server's key/, code: 'upstream_refused', tries: 1 },
  'no-model': { does: says({ detail: 'x' }, 404), error: /does not know the model, or takes no recordings/, code: 'upstream_refused', tries: 1 },
  'too-long': { does: says('<p>', 413), error: /too long for the recogniser's server/, code: 'too_large', tries: 1 },
  'bad-request': { does: says('<p>', 400), error: /refuses the recording/, code: 'upstream_refused', tries: 1 },
  fails: { does: says('', 500), error: /has failed/, tries: 1 },
  redirects: { does: says('', 307, 'Location: /v1/elsewhere\r\n'), error: /refuses the recording/, code: 'upstream_refused', tries: 1 },
  /* an end that is none */
  'length-too-long': { does: sendsAndBreaks('HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{"text":"Ye'), error: /broke off in the middle/, tries: 1 },
  'chunk-too-long': { does: sendsAndBreaks(`${HEAD}fff\r\n{"te`), error: /broke off in the middle/, tries: 1 },
  'cut-json': { does: says('{"text":"Ye'), error: /is no transcript/, tries: 1 },
  /* no transcript */
  'error-inside': { does: says({ error: { message: 'CUDA /secret/path' } }), error: /is no transcript/, tries: 1 },
  'text-is-a-number': { does: says({ text: 7 }), error: /is no transcript/, tries: 1 },
  'a-list': { does: says([{ text: 'Yes' }]), error: /is no transcript/, tries: 1 },
  'plain-text': { does: says('Yes, sir.'), error: /is no transcript/, tries: 1 },
  page: { does: sends('HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>'), error: /is no transcript/, tries: 1 },
  'no-http': { does: sends('220 mail.example.org ESMTP\r\n'), error: /is no transcript/, tries: 1 },
  'long-text': { does: says({ text: 'words '.repeat(10000) }), error: /is too long/, tries: 1 },
  'endless-head': { does: repeats('HTTP/1.1 200 OK\r\n', `X: ${'x'.repeat(60000)}\r\n`, 1), error: /broke off before its answer/ },
  'endless-text': { does: repeats(`${HEAD}${chunk('{"text":"')}`, chunk('x'.repeat(60000)), 1), error: /is too long/, tries: 1 },
  /* silence */
  hangs: { does: () => {}, error: /has not begun/, tries: 1, slow: true },
  'hangs-after-head': { does: sends(HEAD), error: /has not begun/, tries: 1, slow: true },
  drips: { does: repeats(HEAD, chunk(' ')), error: /has fallen silent/, tries: 1, slow: true },
};

describe('a recogniser elsewhere', { concurrency: 4 }, () => {
  test('whatever it does, whoever has spoken gets his words or a sentence', async (t) => {
    const wav = readFileSync(speak(await temporaryFolder(t), 'How do I add documents?'));
    const peer = await startPeer(t, { models: list, ...Object.fromEntries(Object.entries(TABLE).map(([name, { does }]) => [name, does])) });
    const [patient, hasty] = await Promise.all([serve(t, peer.url), serve(t, peer.url, ['--stt-reply-ms', '300'])]);
    await Promise.all([patient, hasty].map((server) => untilReady(server)));
    const rows = Object.entries(TABLE);
    const one = async () => {
      for (let row; (row = rows.pop()); ) {
        const [name, { text, error, tries, slow, code = slow ? 'server_timeout' : 'engine_unavailable' }] = row;
        const got = await hear(slow ? hasty : patient, wav, { prompt: `Please ${name}`, language: 'en' });
        const what = `${name}: ${JSON.stringify(got).slice(0, 300)}`;
        if (error) assert.match(got.json.error?.message ?? '', error, what);
        if (error) assert.equal(got.json.error.code, code, what);
        else assert.equal(got.json.text, text, what);
        if (tries) assert.equal(peer.attempts[name], tries, what);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, one));
    for (const server of [patient, hasty]) {
      await until(async () => (await engines(server)).stt.live === 0, 'nobody at work');
    }
    assert.ok(!peer.requests.some(({ head }) => head.includes('elsewhere')), 'a redirect is not followed');
    /* One connection serves again and again. */
    const before = peer.connections, from = peer.requests.length;
    for (let i = 0; i < 3; i++) await hear(patient, wav, { prompt: 'Please good' });
    assert.ok(peer.connections - before <= 1);
    const { head, body } = peer.requests[from];
    assert.match(head, /^POST \/v1\/audio\/transcriptions HTTP\/1\.1\r\n/);
    assert.deepEqual([body.model, body.language, body.response_format, body.file.toString('latin1', 0, 4)], ['hearer', 'en', 'json', 'RIFF']);
    assert.equal((await engines(patient)).stt.model, 'hearer');
    for (const server of [patient, hasty]) assert.equal(await server.stop(), 0, server.log());
  });

  test('segments, words and languages come where the other server has them', async (t) => {
    const wav = readFileSync(speak(await temporaryFolder(t), 'How do I add documents?'));
    const reply = { text: ' Gut so.', language: 'german', segments: [{ start: 0.5, end: 1, text: ' Gut', avg_logprob: -0.25 }, { start: 1, end: 1.5, text: 'so.' }], words: [{ word: 'Gut', start: 0.5, end: 1 }, { word: 'so', start: 1, end: 1.5 }] };
    /** @type {Behaviour} */
    const plain = (socket, _, { body }) => (body.response_format === 'json' ? says({ text: 'Gut.' }) : says({ error: { message: "response_format 'verbose_json' is not compatible" } }, 400))(socket, 1, { head: '', body });
    /** Refuses both forms of the first recording. @type {Behaviour} */
    const moody = (socket, attempt, request) => (attempt < 3 ? says('<p>', 400) : says(reply))(socket, attempt, request);
    const peer = await startPeer(t, { models: list, more: says(reply), plain, moody, '*': good });
    const [rich, poor] = await Promise.all([serve(t, peer.url, ['--language', 'auto']), serve(t, peer.url)]);
    await Promise.all([rich, poor].map((server) => untilReady(server)));
    const whole_answer = (await hear(rich, wav, { prompt: 'Please more', response_format: 'verbose_json', 'timestamp_granularities[]': 'word' })).json;
    assert.deepEqual([whole_answer.text, whole_answer.language], ['Gut so.', 'german']);
    assert.deepEqual(whole_answer.words, [{ word: 'Gut', start: 0.5, end: 1 }, { word: 'so', start: 1, end: 1.5 }]);
    assert.deepEqual(Object.keys(peer.requests.at(-1)?.body), ['file', 'model', 'prompt', 'response_format', 'timestamp_granularities[]'], 'a language that is to be found out is not named');
    const parts = (await hear(rich, wav, { prompt: 'Please more', response_format: 'verbose_json' })).json.segments;
    assert.deepEqual(parts.map((/** @type {any} */ s) => [s.start, s.end, s.text, s.avg_logprob]), [[0.5, 1, ' Gut', -0.25], [1, 1.5, ' so.', 0]]);
    /* One refusal of everything says nothing about the form. */
    const formats = async () => {
      const from = peer.requests.length;
      const { json } = await hear(poor, wav, { prompt: 'Please moody', response_format: 'verbose_json' });
      return [json.error?.code ?? json.text, ...peer.requests.slice(from).flatMap(({ body }) => body?.response_format ?? [])];
    };
    assert.deepEqual(await formats(), ['upstream_refused', 'verbose_json', 'json']);
    assert.deepEqual(await formats(), ['Gut so.', 'verbose_json']);
    /* One that has the text alone is asked for it, the second time at once. */
    const wishes = { prompt: 'Please plain', response_format: 'verbose_json' };
    assert.deepEqual((await hear(poor, wav, wishes)).json.segments.map((/** @type {any} */ s) => s.text), [' Gut.']);
    assert.equal(peer.attempts.plain, 2);
    await hear(poor, wav, wishes);
    assert.equal(peer.attempts.plain, 3);
    for (const language of [{}, { language: 'en' }]) {
      const { status, json } = await hear(poor, wav, { ...wishes, ...language, 'timestamp_granularities[]': 'word' });
      assert.deepEqual([status, json.error.code, json.error.param], [400, 'invalid_value', 'timestamp_granularities']);
      assert.match(json.error.message, /does not measure when each word was said/);
    }
    /* Translations are asked for where they are made; silence is not asked about. */
    assert.equal((await hear(poor, wav, { prompt: 'Please good' }, 'translations')).json.text, 'Yes, sir.');
    assert.match(/** @type {any} */ (peer.requests.at(-1)).head, /^POST \/v1\/audio\/translations /);
    const asked = peer.requests.length;
    const silence = Buffer.concat([wav.subarray(0, 44), Buffer.alloc(wav.length - 44)]);
    assert.equal((await hear(poor, silence, { prompt: 'Please good' })).json.text, '');
    assert.equal(peer.requests.length, asked);
  });

  test('partials grow while somebody speaks; the final waits for none of them', async (t) => {
    const samples = samplesOf(speak(await temporaryFolder(t), 'How do I add documents, and who may read them later on?'));
    const texts = ['How do', 'How do I', 'How do I add'];
    /* Half a second, and more whenever nothing has come of it: on a slow machine the server is asked after more of it. */
    const sayUntil = async (/** @type {import('../lib/flows.js').Talk} */ talk, /** @type {() => boolean} */ is_done) => {
      for (let looks = 0; !is_done(); looks++) {
        if (looks % 20 === 0) talk.send(samples.subarray(0, 8000));
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    let at_once = 0, most = 0;
    /** @type {Behaviour} */
    const grows = (socket, attempt) => {
      most = Math.max(most, ++at_once);
      socket.once('close', () => (at_once = 0));
      if (attempt === texts.length + 1) return; /* hangs, until it is left */
      at_once--;
      socket.write(whole(200, { text: texts[attempt - 1] ?? 'How do I add documents?' }));
    };
    const peer = await startPeer(t, { models: list, none: grows });
    const server = await serve(t, peer.url);
    await untilReady(server);
    await talking(server, {}, async (talk) => {
      talk.send({ type: 'start' });
      for (const text of texts) await sayUntil(talk, () => talk.events.some((e) => e.type === 'partial' && e.text === text));
      const partials = talk.events.filter((e) => e.type === 'partial');
      assert.deepEqual(partials.map((e) => e.stable), ['', 'How do', 'How do I']);
      await sayUntil(talk, () => peer.attempts.none === texts.length + 1);
      talk.send({ type: 'stop' });
      assert.equal((await talk.wait((e) => e.type === 'final')).text, 'How do I add documents?');
      assert.ok(peer.left.includes('none'), 'the partial was left');
    });
    assert.equal(most, 1);
    /* So is one whose speaker leaves. */
    const before = peer.left.filter((name) => name === 'none').length;
    peer.attempts.none = texts.length;
    await talking(server, {}, async (talk) => {
      talk.send({ type: 'start' });
      await sayUntil(talk, () => peer.attempts.none === texts.length + 1);
      talk.send({ type: 'cancel' });
      await until(() => peer.left.filter((name) => name === 'none').length > before, 'a closed connection');
    });
    await until(async () => (await engines(server)).stt.leaving === 0, 'nobody at work');
  });

  test('what cannot work is refused; a server that is not there or refuses the key is told of, without the key', async (t) => {
    const folder = await temporaryFolder(t), key = 'sk-very-secret', wav = readFileSync(speak(folder, 'Hello.'));
    const wrong = [
      { args: ['--stt-url', 'host:8000'], says: /stt\.url must be http:\/\/ or https:\/\// },
      { args: ['--stt-driver', 'remote'], says: /stt\.url must name the server/ },
      { args: ['--stt-url', 'http://127.0.0.1:9', '--stt-key', 'a\tb'], says: /stt\.key may hold/ },
    ].map(async ({ args, says: sentence }) => {
      const { code, err } = await repartee(['serve', '--listen', '127.0.0.1:0', '--data', await temporaryFolder(t), ...QUIET, ...args]);
      assert.equal(code, 1, err);
      assert.match(err, sentence);
    });
    const nowhere = `http://${await ownAddress()}/v1`;
    const no_detector = path.join(folder, 'vad.bin');
    await writeFile(no_detector, 'nothing of the kind');
    const doctor = repartee(['doctor', '--data', await temporaryFolder(t), ...QUIET, '--stt-url', nowhere, '--stt-vad', no_detector]);
    await writeFile(path.join(folder, 'key'), key + '\n', { mode: 0o600 });
    let answer = whole(200, '<html>');
    const peer = await startPeer(t, { models: (socket) => socket.write(answer), echo: says({ error: { message: `Bearer ${key}` } }, 400) });
    const server = await serve(t, peer.url, ['--stt-key-file', path.join(folder, 'key'), '--stt-model', 'right']);
    const broken = (/** @type {RegExp} */ why) => until(async () => why.test((await engines(server)).stt.notes), String(why));
    await broken(/is no list of models; stt\.url must be the address/);
    assert.equal((await engines(server)).ears.state, 'ready');
    answer = whole(401, { error: { message: `Incorrect API key provided: ${key}` } });
    await broken(/refuses the key \(HTTP 401\); set stt\.key_file/);
    assert.match((await hear(server, wav, {})).json.error.message, /recogniser's server refuses this server, or lacks the model/);
    answer = models({ id: 'left' });
    await broken(/has no model right; set stt\.model to one of its own: left/);
    answer = models({ id: 'left' }, { id: 'right' });
    await untilReady(server);
    assert.match((await hear(server, wav, { prompt: 'Please echo' })).json.error.message, /refuses the recording/);
    assert.ok(peer.requests.findLast(({ body }) => body)?.head.includes(`\r\nAuthorization: Bearer ${key}\r\n`));
    assert.ok(!server.log().includes(key), server.log());
    await Promise.all(wrong);
    const { code, err } = await doctor;
    assert.equal(code, 1, err);
    assert.match(err, /the engine that hears is down: there is no recogniser's server at http:\S+ \(.*; mend that or choose another with --stt-driver/);
    assert.match(err, /the engine that listens is down: repartee-stt --ears with the driver local does not run; .* choose another with --stt-vad/);
  });

  test("Debian's whisper-server hears files and speakers, dies and comes back", async (t) => {
    const folder = await temporaryFolder(t), file = path.join(folder, 'model.bin'), text = 'how do i add documents';
    assert.equal(spawnSync(path.join(BUILD, 'test/whisper_make'), ['tiny', 'f16', file, text]).status, 0);
    const address = await ownAddress(), wav = speak(folder, 'How do I add documents?'), webm = webmOf(encodeOgg(wav));
    const start = () => {
      const args = ['-m', file, '-t', '1', '--host', '127.0.0.1', '--port', address.split(':')[1], '--inference-path', '/v1/audio/transcriptions'];
      const child = spawn('whisper-server', args, { stdio: 'ignore', cwd: folder });
      atEnd(t, () => child.kill('SIGKILL'));
      return child;
    };
    const peer = start(), server = await serve(t, `http://${address}/v1/`);
    await untilReady(server);
    const verbose = (await hear(server, readFileSync(wav), { response_format: 'verbose_json', 'timestamp_granularities[]': 'word' })).json;
    assert.equal(verbose.text, text);
    assert.deepEqual(verbose.words.map((/** @type {any} */ w) => w.word), text.split(' '));
    const spoken = () =>
      talking(server, { format: 'webm_opus' }, async (talk) => {
        talk.send({ type: 'start' });
        for (let at = 0; at < webm.length; at += 1000) talk.send(webm.subarray(at, at + 1000));
        talk.send({ type: 'stop' });
        return (await talk.wait((e) => e.type === 'final' || e.type === 'error')).text;
      });
    assert.equal(await spoken(), text);
    peer.kill('SIGKILL');
    await until(async () => /cannot be reached/.test((await hear(server, readFileSync(wav), {})).json.error?.message ?? ''), 'that it is missed');
    start();
    await untilReady(server);
    assert.equal(await spoken(), text);
    assert.equal(await server.stop(), 0, server.log());
  });
});
