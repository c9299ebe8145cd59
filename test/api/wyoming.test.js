// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* Wyoming, by the protocol's own client and by ill-behaved ones. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import test from 'node:test';
import { metricsOf } from '../lib/measure.js';
import { BUILD, atEnd, environment, startServer, temporaryFolder, until, untilReady } from '../lib/server.js';
import { samplesOf, shareHeard, speak } from '../lib/speech.js';
import { LISTEN, Wyoming, eventBytes, python, wyomingOf } from '../lib/wyoming.js';

const SAID = 'How do I add documents?';
const SCRIPTED = [...LISTEN, '--stt-driver', 'scripted', '--tts-driver', 'scripted', '--llm-driver', 'scripted', '--limit-turns', '100000'];

/** @param {import('node:test').TestContext} t @param {...string} args */
async function start(t, ...args) {
  const server = await startServer(t, { args: [...SCRIPTED, ...args] });
  await untilReady(server);
  const engine = async (/** @type {string} */ role) => (await (await fetch(server.url + 'readyz')).json()).engines[role];
  return { server, address: wyomingOf(server), engine, isFree: (/** @type {string} */ role) => until(async () => (await engine(role)).live === 0, 'a free place') };
}

/** @param {import('node:test').TestContext} t @param {string} address @param {string} [from] */
async function open(t, address, from = '127.0.0.1') {
  const peer = await Wyoming.open(address, from);
  atEnd(t, () => peer.close());
  return peer;
}

test('Home Assistant hears, speaks and is answered, with the built-in engines @once', async (t) => {
  const folder = await temporaryFolder(t);
  const server = await startServer(t, { args: [...LISTEN, '--no-stt-adapt'] });
  await untilReady(server);
  const deaf = await open(t, wyomingOf(server));
  deaf.socket.pause();
  deaf.send('synthesize', { text: 'word '.repeat(3000) });
  await t.test('describe', async () => {
    const { asr: [ears], tts: [mouth], handle: [mind], ...others } = await python(server, 'describe');
    assert.deepEqual(others, { intent: [], wake: [], mic: [], snd: [] });
    for (const program of [ears, mouth, mind]) {
      assert.equal(program.name, 'repartee');
      assert.ok(program.installed && program.version && program.description && program.attribution.name);
    }
    assert.deepEqual([ears.supports_transcript_streaming, mouth.supports_synthesize_streaming, mind.supports_handled_streaming, mind.supports_home_control], [true, true, true, false]);
    assert.deepEqual(ears.models.map((/** @type {any} */ m) => [m.name, m.languages, m.installed]), [['en-us', ['en'], true]]);
    assert.match(ears.models[0].attribution.url, /cmusphinx/);
    assert.deepEqual(mind.models.map((/** @type {any} */ m) => [m.name, m.languages]), [['quote', ['en']]]);
    const languages = Object.fromEntries(mouth.voices.map((/** @type {any} */ v) => [v.name, v.languages]));
    for (const [name, tag] of [['rms', 'en'], ['slt', 'en'], ['de', 'de'], ['en-gb', 'en-gb']]) assert.deepEqual(languages[name], [tag], name);
  });
  await t.test('transcribe', async () => {
    const heard = await python(server, 'transcribe', speak(folder, SAID, { rate: 44100 }), 'en');
    assert.equal(heard.types[0], 'transcript-start');
    assert.deepEqual(heard.types.slice(-2), ['transcript', 'transcript-stop']);
    assert.equal(heard.chunks.join(''), heard.text[0]);
    assert.ok(shareHeard(SAID, heard.text[0]) >= 0.5, heard.text[0]);
    assert.deepEqual(heard.language, ['en']);
  });
  await t.test('synthesize, and hear it', async () => {
    const file = path.join(folder, 'spoken.wav');
    const spoken = await python(server, 'synthesize', file, SAID, 'slt');
    assert.deepEqual(spoken.types, ['audio-start', 'audio-stop']);
    let at = 0;
    for (const [timestamp, ms] of spoken.times) {
      assert.ok(Math.abs(timestamp - at) <= spoken.times.length, `${timestamp} ms, not ${at}`);
      at += ms;
    }
    const { text: [text] } = await python(server, 'transcribe', file);
    assert.ok(shareHeard(SAID, text) >= 0.5, text);
    assert.ok(samplesOf(file).length > 22050);
  });
  await t.test('a text that is still being written', async () => {
    const file = path.join(folder, 'streamed.wav');
    const spoken = await python(server, 'stream', file, 'The documents are in the', ' folder, where they were. You can', ' find the answer in the documents.');
    assert.deepEqual(spoken.types, ['audio-start', 'audio-stop', 'synthesize-stopped'], 'the whole text, which comes for servers that know no pieces, is not said again');
    const { text: [text] } = await python(server, 'transcribe', file);
    assert.ok(shareHeard('The documents are in the folder. You can find the answer in the documents.', text) >= 0.6, text);
  });
  await t.test('a question', async () => {
    const [answer] = await python(server, 'handle', '01JEXAMPLE', SAID);
    assert.match(answer.text, /document/i);
    assert.equal(answer.chunks.join(''), answer.text);
    assert.equal(answer.types[0], 'handled-start');
    assert.deepEqual(answer.types.slice(-2), ['handled', 'handled-stop']);
    assert.deepEqual(answer.context, { conversation_id: '01JEXAMPLE' });
  });
  await t.test('who has not read what was sent to him meanwhile is dropped', async () => {
    await until(async () => (await metricsOf(server)).get('repartee_wyoming_connections') === 0, 'its end');
  });
});

/** @type {[string, object][]} questions, and the code of what is wrong with each */
const UNANSWERED = [
  ['invalid_value', { text: 'a'.repeat(16385) }],
  ['too_large', { text: 'a', context: { a: 'a'.repeat(16384) } }],
  ['too_large', { text: 'a', context: { conversation_id: 'a'.repeat(129) } }],
  ['invalid_value', { text: 'a', context: [] }],
  ['invalid_value', { text: 7 }],
];

test('each of its ways @tsan', async (t) => {
  const { server, address, isFree } = await start(t, '--stt-script', 'sum=1', '--llm-script', 'tokens=3');
  const heard = async (/** @type {{rate: number, channels: number}} */ format, /** @type {number[]} */ cuts) => {
    const peer = await open(t, address);
    const bytes = new Uint8Array(new Int16Array(Array.from({ length: 8000 * format.channels }, (_, i) => (i / format.channels | 0) % 100)).buffer);
    peer.send('audio-start', { width: 2, ...format });
    for (let at = 0, i = 0; at < bytes.length; at += cuts[i++ % cuts.length]) peer.send('audio-chunk', { width: 2, ...format }, bytes.subarray(at, at + cuts[i % cuts.length]));
    peer.send('audio-stop');
    const { data } = await peer.wait('transcript');
    await peer.wait('transcript-stop');
    peer.close();
    return data.text;
  };
  await t.test('two channels become one, in any cut', async () => {
    const one = await heard({ rate: 16000, channels: 1 }, [1024]);
    assert.match(one, /^8000 /);
    assert.equal(await heard({ rate: 16000, channels: 1 }, [1000]), one);
    assert.equal(await heard({ rate: 16000, channels: 2 }, [1024]), one);
    assert.match(await heard({ rate: 8000, channels: 1 }, [333]), /^1600[01] |^15999 /);
    assert.match(await heard({ rate: 48000, channels: 2 }, [2048]), /^266[67] |^2668 /);
  });
  await t.test('without a beginning, without sound, and two on one connection', async () => {
    const peer = await open(t, address);
    peer.sound(100);
    peer.send('audio-stop');
    assert.match((await peer.wait('transcript')).data.text, /^1600 /);
    peer.send('transcribe', { language: 'en' });
    peer.send('audio-stop');
    assert.equal((await peer.wait('transcript')).data.text, '');
    peer.send('audio-start', { rate: 16000, width: 2, channels: 1 });
    peer.send('audio-stop');
    assert.ok(await peer.wait('transcript'));
    peer.send('audio-start', { rate: 16000, width: 2, channels: 1 });
    peer.sound(300);
    peer.send('transcribe'); /* gives up what was begun */
    peer.sound(200);
    peer.send('audio-stop');
    assert.match((await peer.wait('transcript')).data.text, /^3200 /);
    peer.send('synthesize', { text: 'Yes.' });
    peer.send('ping', { text: 'after it' });
    await peer.wait('audio-stop');
    assert.equal((await peer.wait('pong')).data.text, 'after it');
    peer.send('synthesize', { text: '...' });
    await peer.wait('audio-stop');
    peer.send('select-program', { name: 'other' });
    peer.send('ping');
    assert.deepEqual((await peer.wait('pong')).data, {});
  });
  await t.test('questions of one conversation go on with it, others begin anew', async () => {
    const sessions = async () => (await (await fetch(server.url + 'readyz')).json()).sessions;
    const before = await sessions();
    const asking = async (/** @type {string | undefined} */ conversation_id, from = '127.0.0.1') => {
      const peer = await open(t, address, from);
      for (const text of ['Hello.', 'Hello again.']) {
        peer.send('transcript', { text, ...(conversation_id && { context: { conversation_id } }) });
        assert.ok((await peer.wait('handled')).data.text);
      }
      const more = await sessions() - before;
      peer.close();
      return more;
    };
    assert.deepEqual([await asking('first'), await asking('first'), await asking('second'), await asking('first', '127.0.0.2'), await asking('first')], [1, 1, 2, 3, 3]);
    assert.equal(await asking(undefined), 4);
    await until(async () => await sessions() === before + 3, 'the end of what nobody can go on with');
    for (let i = 0; i < 64; i++) await asking(`other ${i}`); /* as many as are remembered */
    assert.equal(await sessions(), before + 64);
    assert.equal(await asking('first'), 64);
  });
  await t.test('nothing that can be answered', async () => {
    const peer = await open(t, address);
    peer.send('transcript', { text: '  ', context: { a: 1 } });
    assert.equal((await peer.wait('error')).data.code, 'invalid_value');
    assert.deepEqual((await peer.wait('not-handled')).data, { text: 'nothing was said', context: { a: 1 } });
    for (const [code, question] of UNANSWERED) {
      peer.send('transcript', question);
      assert.equal((await peer.wait('error')).data.code, code);
      assert.match((await peer.wait('not-handled')).data.text, /\w/);
    }
    peer.send('transcript', { text: 'Hello.' });
    await peer.wait('handled-stop');
  });
  await isFree('stt');
});

/** @type {[string, string, ...Buffer[]][]} what is wrong, its code, and what is sent */
const WRONG = [
  ['a page in a browser', 'malformed', Buffer.from('POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n{"type":"describe"}\n')],
  ['a payload without end', 'too_large', Buffer.from('{"type":"audio-chunk","payload_length":1048577}\n')],
  ['a line without end', 'too_large', Buffer.alloc(65536, ' ')],
  ['a width of one byte', 'unsupported_media', eventBytes('audio-start', { rate: 16000, width: 1, channels: 1 })],
  ['no width', 'unsupported_media', eventBytes('audio-start', { rate: 16000, channels: 1 })],
  ['a rate of 7999', 'unsupported_media', eventBytes('audio-start', { rate: 7999, width: 2, channels: 1 })],
  ['a rate of 48001', 'unsupported_media', eventBytes('audio-start', { rate: 48001, width: 2, channels: 1 })],
  ['three channels', 'unsupported_media', eventBytes('audio-start', { rate: 16000, width: 2, channels: 3 })],
  ['a rate that is a text', 'invalid_value', eventBytes('audio-start', { rate: '16000', width: 2, channels: 1 })],
  ['another rate within', 'invalid_value', eventBytes('audio-start', { rate: 16000, width: 2, channels: 1 }), eventBytes('audio-chunk', { rate: 8000, width: 2, channels: 1 }, Buffer.alloc(2))],
  ['a language that is none', 'invalid_value', eventBytes('transcribe', { language: '../en' })],
  ['a language of 17 letters', 'invalid_value', eventBytes('transcribe', { language: 'a'.repeat(17) })],
  ['too long a text', 'invalid_value', eventBytes('synthesize', { text: 'a'.repeat(16385) })],
  ['a text that is a number', 'invalid_value', eventBytes('synthesize', { text: 7 })],
  ['SSML', 'invalid_value', eventBytes('synthesize', { text: '<a/>', text_format: 'ssml' })],
  ['a voice that is a text', 'invalid_value', eventBytes('synthesize', { text: 'a', voice: 'rms' })],
  ['a voice that is not there', 'not_found', eventBytes('synthesize', { text: 'Yes.', voice: { name: 'missing' } })],
  ['a speaker that is not there', 'not_found', eventBytes('synthesize', { text: 'Yes.', voice: { name: 'tone', speaker: 'missing' } })],
  ['a piece of no text', 'conflict', eventBytes('synthesize-chunk', { text: 'a' })],
  ['the end of no text', 'conflict', eventBytes('synthesize-stop')],
  ['sound within a text', 'conflict', eventBytes('synthesize-start'), eventBytes('audio-start', { rate: 16000, width: 2, channels: 1 })],
  ['a question within sound', 'conflict', eventBytes('audio-start', { rate: 16000, width: 2, channels: 1 }), eventBytes('transcript', { text: 'a' })],
  ['a text beyond every answer', 'too_large', eventBytes('synthesize-start'), ...Array.from({ length: 17 }, () => eventBytes('synthesize-chunk', { text: 'a'.repeat(16384) }))],
  ['minutes of sound', 'too_large', ...Array.from({ length: 4 }, () => eventBytes('audio-chunk', { rate: 8000, width: 2, channels: 1 }, Buffer.alloc(1 << 20)))],
];

test('what is wrong is told, and the connection closed @tsan', async (t) => {
  const { address, isFree } = await start(t);
  await Promise.all(WRONG.map(async ([name, code, ...bytes]) => {
    const peer = await open(t, address);
    for (const part of bytes) peer.socket.write(part);
    const events = await peer.end();
    assert.deepEqual(events.filter((e) => e.type !== 'transcript-chunk' && !e.type.startsWith('audio-')).at(-1)?.data.code, code, `${name}: ${JSON.stringify(events.map((e) => e.data))}`);
    assert.ok(events.at(-1)?.data.text.length > 5);
  }));
  await isFree('stt');
  await isFree('tts');
});

test('who leaves, and an engine that dies @tsan', async (t) => {
  const { address, engine, isFree } = await start(t, '--tts-script', 'slow=20', '--llm-script', 'slow=20,tokens=400', '--stt-script', 'slow=20');
  const begin = {
    stt: (/** @type {Wyoming} */ peer) => peer.send('audio-start', { rate: 16000, width: 2, channels: 1 }),
    tts: (/** @type {Wyoming} */ peer) => peer.send('synthesize', { text: `${SAID} `.repeat(20) }),
    llm: (/** @type {Wyoming} */ peer) => peer.send('transcript', { text: SAID }),
  };
  for (const [role, say] of Object.entries(begin))
    await t.test(role, async () => {
      const peer = await open(t, address);
      say(peer);
      await until(async () => (await engine(role)).live === 1, 'work');
      peer.close();
      await isFree(role);
      const other = await open(t, address);
      say(other);
      await until(async () => (await engine(role)).live === 1, 'work');
      process.kill((await engine(role)).pid, 'SIGKILL');
      assert.equal((await other.wait('error')).data.code, 'engine_unavailable');
      if (role === 'llm') assert.match((await other.wait('not-handled')).data.text, /\w/);
      else await other.end();
      await until(async () => (await engine(role)).state === 'ready', 'another one');
      const third = await open(t, address);
      say(third);
      await until(async () => (await engine(role)).live === 1, 'work');
    });
});

test('limits, and who may come in @tsan', async (t) => {
  const { server, address } = await start(t, '--wyoming-connections', '2');
  const first = await open(t, address), second = await open(t, address);
  for (const peer of [first, second]) {
    peer.send('ping');
    await peer.wait('pong');
  }
  const third = await open(t, address);
  assert.equal((await third.end()).at(-1)?.data.code, 'overloaded');
  assert.equal((await metricsOf(server)).get('repartee_wyoming_refused_total'), 1);
  first.close();
  await until(async () => (await metricsOf(server)).get('repartee_wyoming_connections') === 1, 'room');
  const fourth = await open(t, address);
  fourth.send('synthesize-start');
  fourth.send('ping');
  await fourth.wait('pong');
  const gone = server.stop(); /* who is at something ends it */
  await second.end();
  fourth.send('synthesize-chunk', { text: 'Good night.' });
  fourth.send('synthesize-stop');
  await fourth.wait('synthesize-stopped');
  await fourth.end();
  assert.equal(await gone, 0, server.log());
});

test('keys are asked for by a protocol that knows none', async (t) => {
  /** @param {...string} args */
  const refused = (...args) => {
    const { status, stderr } = spawnSync(path.join(BUILD, 'repartee'), ['serve', '--listen', '127.0.0.1:0', '--data', folder, ...args], { env: environment(), encoding: 'utf8', timeout: 60000 });
    assert.notEqual(status, 0);
    return stderr;
  };
  const folder = await temporaryFolder(t);
  assert.match(refused('--wyoming-listen', '0.0.0.0:0'), /knows no keys.*wyoming\.open/);
  assert.match(refused('--wyoming-listen', 'nowhere'), /127\.0\.0\.1:10300/);
  const locked = await start(t, '--auth-key', 'a key that nobody guesses');
  const peer = await open(t, locked.address);
  assert.deepEqual((await peer.end()).map((e) => e.data.code), ['unauthorized']);
  await locked.server.stop();
  const opened = await start(t, '--auth-key', 'a key that nobody guesses', '--wyoming-open', '--wyoming-listen', '0.0.0.0:0', '--llm-driver', 'quote');
  const headers = { Authorization: 'Bearer a key that nobody guesses', 'Content-Type': 'application/json' };
  const { job } = await (await fetch(`${opened.server.url}rag/ingest`, { method: 'POST', headers, body: JSON.stringify({ title: 'Secret', text: 'The password of the safe is Rumpelstiltskin.' }) })).json();
  await until(async () => (await (await fetch(`${opened.server.url}rag/jobs/${job}`, { headers })).json()).state === 'done', 'the document');
  const message = 'What is the password of the safe?';
  const { response } = await (await fetch(`${opened.server.url}chat`, { method: 'POST', headers, body: JSON.stringify({ message, use_rag: true, stream: false }) })).json();
  assert.match(response, /Rumpelstiltskin/, 'with the key it is found');
  const port = opened.address.split(':').at(-1);
  const guest = await open(t, `127.0.0.1:${port}`);
  guest.send('transcript', { text: message });
  assert.doesNotMatch((await guest.wait('handled')).data.text, /Rumpelstiltskin/, "a stranger asks everybody's documents alone");
});
