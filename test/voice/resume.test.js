// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* WS /voice over a network that breaks: nothing is lost, and nothing comes twice. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { randomly, startRelay } from '../lib/cut.js';
import { ResumingClient } from '../lib/resume.js';
import { atEnd, startServer, temporaryFolder, until, untilReady } from '../lib/server.js';
import { samplesOf, shareHeard, speak } from '../lib/speech.js';
import { Microphone, VoiceClient } from '../lib/voice.js';

const SCRIPTED = ['--stt-driver', 'scripted', '--stt-script', 'sum=1', '--llm-driver', 'scripted', '--tts-driver', 'scripted',
  '--tts-script', 'ms=20', '--stt-streams', '40', '--limit-live', '200', '--limit-turns', '10000'];
const ALONE = { use_rag: false, output: { format: 'pcm', rate: 16000 } };
const over = (/** @type {any} */ e) => ['end', 'error', 'interrupted'].includes(e.type);
/** All sound counts as heard when it comes. @param {ResumingClient} client */
const hurry = (client) => (client.onsound = (turn) => client.send({ type: 'played', turn, ms: 1e6 }));

/** One spoken turn; everything that it brought. @param {ResumingClient} client @param {Int16Array<ArrayBuffer>} samples */
async function talk(client, samples) {
  const from = client.events.length;
  client.onsound = (turn) => {
    if (client.sounds.length % 3 === 0) client.send({ type: 'played', turn, ms: 1e6 });
    if (client.sounds.length % 10 === 0) client.acknowledge();
  };
  client.send({ type: 'start' });
  for (let at = 0; at < samples.length; at += 320) {
    client.send(samples.subarray(at, at + 320));
    if (at % 3200 === 0) await pause(2);
  }
  client.send({ type: 'stop' });
  await client.wait((e) => e.type === 'audio_end' || over(e), 'all of the sound', from);
  const turn = client.events.slice(from)[0].turn;
  client.send({ type: 'played', turn, ms: 1e6 });
  const last = await client.wait(over, 'the end', from);
  const events = client.events.slice(from);
  return {
    last,
    turn,
    sound: client.soundOf(turn),
    heard: events.filter((e) => e.type === 'final').map((e) => e.text),
    answer: events.filter((e) => e.type === 'token').map((e) => e.content),
    types: events.map((e) => e.type).filter((type) => type !== 'partial'), /* which depend on the time */
  };
}

test('a hundred connections that are cut at random bytes @tsan', async (t) => {
  const server = await startServer(t, { args: SCRIPTED });
  await untilReady(server);
  let cuts = 0;
  const one = async (/** @type {number} */ number) => {
    const random = randomly(number + 1);
    const samples = new Int16Array(4000 + random(12000)).map(() => random(65536) - 32768);
    let connections = 0;
    const relay = await startRelay(t, server.url, () => (connections++ < 25 ? 300 + random(connections * 3000) : Infinity));
    const whole = new ResumingClient(server.url, ALONE);
    const broken = new ResumingClient(relay, ALONE);
    atEnd(t, () => (whole.close(), broken.close()));
    for (let turn = 0; turn < 2; turn++) {
      const want = await talk(whole, samples);
      const got = await talk(broken, samples);
      assert.deepEqual(broken.complaints, []);
      assert.equal(want.last.type, 'end');
      assert.equal(want.heard[0].split(' ')[0], String(samples.length));
      assert.deepEqual(got.heard, want.heard, 'all that was said arrived, once');
      assert.deepEqual(got.answer, want.answer);
      assert.deepEqual(got.types, want.types);
      assert(want.sound.length > 0 && got.sound.equals(want.sound), `${got.sound.length} bytes of ${want.sound.length}`);
    }
    cuts += broken.cuts;
    whole.close();
    broken.close();
  };
  for (let from = 0; from < 100; from += 20) await Promise.all(Array.from({ length: 20 }, (_, i) => one(from + i)));
  t.diagnostic(`${cuts} cuts`);
  assert(cuts > 300, `${cuts} cuts`);
});

/** @param {import('node:test').TestContext} t @param {string[]} [args] */
async function start(t, args = []) {
  const server = await startServer(t, { args: [...SCRIPTED, ...args] });
  await untilReady(server);
  return server;
}

/** A connection that says hello by hand. @param {import('node:test').TestContext} t @param {{url: string}} server @param {object} hello */
async function open(t, server, hello) {
  const voice = await VoiceClient.open(server.url, { ...ALONE, ...hello });
  atEnd(t, () => voice.close());
  const ready = voice.events[0];
  return { voice, ready, resume: { id: ready.resume?.id, seq: ready.seq, sound: 0 }, session_id: ready.session_id };
}

const LONG = ['--llm-script', `tokens=30,slow=30`]; /* a second of tokens */
const lastSeq = (/** @type {VoiceClient} */ voice) => voice.events.filter((e) => e.seq).at(-1)?.seq ?? 0;
const sounds = (/** @type {VoiceClient} */ voice) => [...voice.sound.values()].reduce((n, parts) => n + parts.length, 0);

test('a connection whose end was not noticed yet gives way @tsan', async (t) => {
  const server = await start(t, LONG);
  const first = await open(t, server, { resume: {} });
  assert.deepEqual({ ...first.ready.resume, id: '' }, { id: '', resumed: false, received: 0, keep_ms: 60000 });
  assert.match(first.ready.resume.id, /^[0-9a-f]{32}$/);
  first.voice.send({ type: 'text', text: 'go' });
  await first.voice.wait((e) => e.type === 'token', 'a token');
  const resume = { id: first.resume.id, seq: lastSeq(first.voice), sound: sounds(first.voice) };
  const { voice, ready } = await open(t, server, { resume, session_id: first.session_id });
  assert.deepEqual(ready.resume, { id: resume.id, resumed: true, received: 1, keep_ms: 60000 });
  assert.equal(ready.seq, resume.seq);
  await until(() => first.voice.closed, 'the end of the first one');
  assert.equal(first.voice.closed?.code, 1008);
  const turn = await voice.finish(1);
  assert.equal(turn.last.type, 'end');
  assert.deepEqual(turn.events.map((e) => e.seq), turn.events.map((_, i) => resume.seq + 1 + i));
});

test('what cannot be resumed begins anew, and the session is the same @tsan', async (t) => {
  const folder = await temporaryFolder(t);
  const server = await startServer(t, { args: SCRIPTED, data: folder });
  await untilReady(server);
  const { voice, resume, session_id } = await open(t, server, { resume: {} });
  voice.send({ type: 'text', text: 'hello' });
  await voice.finish(1);
  const anew = async (/** @type {object} */ hello, what = '') => {
    const next = await open(t, server, hello);
    assert.equal(next.ready.resume.resumed, false, what);
    assert.notEqual(next.ready.resume.id, resume.id);
    assert.equal(next.ready.seq, 1);
    return next;
  };
  await anew({ resume: { ...resume, id: '0'.repeat(32) }, session_id }, 'a name that there is not');
  await anew({ resume }, 'in another session');
  const wrong = await anew({ resume: { ...resume, seq: 1000 }, session_id }, 'an event that there was not');
  assert.equal(wrong.session_id, session_id);
  const other = await anew({ resume: { ...wrong.resume }, session_id, output: { format: 'pcm', rate: 22050 } }, 'in another format');
  await server.kill();
  const again = await startServer(t, { args: SCRIPTED, data: folder });
  await untilReady(again);
  const restarted = await open(t, again, { resume: other.resume, session_id });
  assert.equal(restarted.ready.resume.resumed, false, 'after a restart');
  assert.equal(restarted.session_id, session_id, 'but the session is there');
  for (const bad of [{ id: 7 }, { id: resume.id, seq: -1 }, { what: 1 }, { id: 'x'.repeat(33) }]) {
    const socket = new VoiceClient(again.url);
    atEnd(t, () => socket.close());
    await socket.opened();
    socket.send({ type: 'hello', resume: bad });
    await until(() => socket.closed, 'the refusal');
    assert.equal(socket.events[0].error.type, 'invalid_request_error');
  }
});

/** @param {{url: string}} server */
async function liveTurns(server) {
  const text = await (await fetch(server.url + 'metrics')).text();
  return Number(/^repartee_turns_live (\d+)$/m.exec(text)?.[1]);
}

/** A client that is cut off without a word, through a relay. @param {import('node:test').TestContext} t @param {{url: string}} server @param {object} [hello] */
async function cutOff(t, server, hello) {
  let alive = true;
  /** @type {(() => void)[]} */
  const ends = [];
  const relay = await startRelay(t, server.url, () => Infinity, (end) => (alive ? ends.push(end) : end()));
  const client = new ResumingClient(relay, { ...ALONE, ...hello });
  atEnd(t, () => client.close());
  return {
    client,
    cut() {
      alive = false;
      ends.splice(0).forEach((end) => end());
    },
    mend: () => (alive = true),
  };
}

/** Is it resumed? @param {import('node:test').TestContext} t @param {{url: string}} server @param {ResumingClient} client */
async function comesBack(t, server, client) {
  const { session_id, ...resume } = client.place;
  return (await open(t, server, { resume, session_id })).ready.resume.resumed;
}

test('the turn goes on while its listener is away, its sound waits for him @tsan', async (t) => {
  const server = await start(t, ['--llm-script', 'text=One sentence that is spoken. And another one that is spoken as well. '.repeat(3).trim()]);
  const { client, cut, mend } = await cutOff(t, server);
  await until(() => client.place.id, 'ready');
  client.send({ type: 'text', text: 'go' });
  const start_ = await client.wait((e) => e.type === 'audio_start', 'sound');
  cut();
  await pause(4000);
  mend();
  const resumed = performance.now();
  const from = client.events.length;
  const last = await client.wait(over, 'the end', from);
  assert.equal(last.type, 'end');
  const sound = client.soundOf(start_.turn);
  /* What was not sent before the cut came at the pace of a speaker, not at once. */
  assert(performance.now() - resumed > 1000, `${performance.now() - resumed} ms for ${sound.length} bytes`);
  const whole = new ResumingClient(server.url, ALONE);
  atEnd(t, () => whole.close());
  await until(() => whole.place.id, 'ready');
  hurry(whole);
  whole.send({ type: 'text', text: 'go' });
  const end = await whole.wait(over, 'the end');
  assert(sound.equals(whole.soundOf(end.turn)), `${sound.length} bytes`);
});

test('who does not come back is not waited for for ever @tsan', async (t) => {
  const server = await start(t, ['--resume-keep-ms', '5000', '--llm-script', 'tokens=1000,slow=100']);
  const { client, cut } = await cutOff(t, server);
  await until(() => client.place.id, 'ready');
  client.send({ type: 'text', text: 'go' });
  await client.wait((e) => e.type === 'token', 'a token');
  cut();
  client.over = true;
  await pause(300);
  assert.equal(await liveTurns(server), 1, 'for a while it goes on');
  await until(async () => (await liveTurns(server)) === 0, 'its end, long before the end of the answer', 30000);
  assert.equal(await comesBack(t, server, client), false);
});

test('a session that is ended is over also for who was cut off, or has it by its number @tsan', async (t) => {
  const server = await start(t);
  const { client, cut } = await cutOff(t, server);
  await until(() => client.place.id, 'ready');
  client.send({ type: 'text', text: 'go' });
  await client.wait((e) => e.type === 'audio_start', 'sound');
  client.over = true;
  cut();
  const { voice, session_id } = await open(t, server, {});
  const sessions = async () => Number(/^repartee_sessions (\d+)$/m.exec(await (await fetch(server.url + 'metrics')).text())?.[1]);
  assert.equal(await sessions(), 2);
  const end = async (/** @type {string} */ id) => (await fetch(`${server.url}session/${id}`, { method: 'DELETE' })).status;
  assert.equal(await end(client.place.session_id), 204);
  await until(async () => (await sessions()) === 1, 'its end: nothing of it is kept for him', 30000); /* half of resume.keep_ms */
  assert.equal(await liveTurns(server), 0);
  assert.equal(await end(session_id), 204);
  voice.send({ type: 'text', text: 'are you there?' });
  assert.equal((await voice.wait((e) => e.type === 'error', 'a refusal')).error.code, 'unauthorized');
  await until(async () => (await sessions()) === 0, 'the end');
});

test('nobody takes the place of all others by cutting himself off @tsan', async (t) => {
  const server = await start(t);
  const places = 256; /* AWAY_MAX */
  const cutAway = async () => {
    const { client, cut } = await cutOff(t, server);
    await until(() => client.place.id, 'ready');
    client.over = true;
    cut();
    return client;
  };
  const first = await cutAway();
  for (let n = 0; n < places; n += 32) await Promise.all(Array.from({ length: 32 }, cutAway));
  const last = await cutAway();
  const connections = async () => Number(/^repartee_connections (\d+)$/m.exec(await (await fetch(server.url + 'metrics')).text())?.[1]);
  await until(async () => (await connections()) <= 2, 'that the server notices'); /* ours are left */
  assert.deepEqual([await comesBack(t, server, last), await comesBack(t, server, first)], [true, false]);
});

test('a client that says goodbye is not waited for @tsan', async (t) => {
  const server = await start(t, ['--llm-script', 'tokens=1000,slow=100']);
  const { voice } = await open(t, server, { resume: {} });
  voice.send({ type: 'text', text: 'go' });
  await voice.wait((e) => e.type === 'token', 'a token');
  assert.equal(await liveTurns(server), 1);
  voice.close();
  await until(async () => (await liveTurns(server)) === 0, 'its end, long before the end of the answer', 30000);
});

test('a cut while somebody speaks without a button', async (t) => {
  const folder = await temporaryFolder(t);
  const server = await startServer(t);
  await untilReady(server);
  const { client, cut, mend } = await cutOff(t, server, { mode: 'hands_free', use_rag: true });
  await until(() => client.place.id, 'ready');
  const microphone = new Microphone(client);
  atEnd(t, () => microphone.close());
  await microphone.pause(600);
  const said = microphone.say(samplesOf(speak(folder, 'How do I add documents?', { before_s: 0, after_s: 0 })));
  await pause(500);
  cut();
  await said;
  mend();
  hurry(client);
  const last = await client.wait(over, 'the end of the turn');
  assert.equal(last.type, 'end', JSON.stringify(last));
  const of = (/** @type {string} */ type) => client.events.filter((e) => e.type === type);
  assert.equal(of('speech_started').length, 1);
  assert(shareHeard('How do I add documents?', of('final')[0].text) >= 0.5, of('final')[0].text);
  assert.deepEqual(client.complaints, []);
  assert(client.cuts > 0);
});
