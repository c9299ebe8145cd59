// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* Another language model takes over while the server runs: nobody's answer breaks, and what fails leaves all as it was. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, rmdirSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { changeTo, installModels, modelProcesses, useModel } from '../lib/models.js';
import { repartee } from '../lib/cli.js';
import { startServer, temporaryFolder, until, untilReady } from '../lib/server.js';

const QUIET = ['--stt-driver', 'scripted', '--tts-driver', 'scripted', '--llm-threads', '1', '--limit-turns', '100000'];
const X = 'x'.charCodeAt(0);
/** One flipped bit, far behind the header. @param {Buffer} bytes */
const flip = (bytes) => {
  bytes[bytes.length - 1000] ^= 4;
  return bytes;
};
/** @type {import('../lib/models.js').Made[]} */
const MODELS = [
  { name: 'one', shape: 'small' },
  { name: 'two', shape: 'tiny-mistral' },
  { name: 'cut', spoil: (bytes) => bytes.subarray(0, bytes.length / 2) },
  { name: 'text', shape: 'none' },
  { name: 'flipped', spoil: flip },
  { name: 'huge', shape: 'none' },
  { name: 'gone', shape: 'none' },
  { name: 'vectors', shape: 'tiny-bert', kind: 'embed' },
];

/** @param {import('node:test').TestContext} t @param {string[]} args @param {string} [data] */
async function startWithModels(t, args, data) {
  const folder = data ?? (await temporaryFolder(t));
  if (!data) installModels(folder, MODELS);
  const server = await startServer(t, { data: folder, args: [...QUIET, ...args] });
  await untilReady(server);
  return server;
}

/** @typedef {Awaited<ReturnType<typeof startServer>>} Server */
/** @param {Server} server */
const engineOf = async (server) => (await (await fetch(server.url + 'readyz')).json()).engines.llm;
/** @param {Server} server */
const choiceOf = (server) => {
  const file = path.join(server.data, 'models.choice');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).llm : null;
};

/**
 * An answer whose words are known: the model may say nothing else. When its pieces came, and what came of it.
 * @param {Server} server @param {number} tokens @param {(piece: string) => void} [on_piece]
 */
async function xes(server, tokens, on_piece = () => {}) {
  const body = { model: 'any', messages: [{ role: 'user', content: 'Tell me.' }], stream: true, max_tokens: tokens, logit_bias: { [X]: 100 }, temperature: 0 };
  const answer = await fetch(server.url + 'v1/chat/completions', { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
  if (!answer.ok) return { status: answer.status, retry: answer.headers.get('retry-after'), error: (await answer.json()).error, text: '', at: [], finish: '', model: '' };
  let rest = '', text = '', finish = '', model = '', error;
  /** @type {number[]} */
  const at = [];
  const decoder = new TextDecoder();
  for await (const bytes of /** @type {any} */ (answer.body)) {
    rest += decoder.decode(bytes, { stream: true });
    const lines = rest.split('\n');
    rest = /** @type {string} */ (lines.pop());
    for (const line of lines) {
      if (!line.startsWith('data: {')) continue;
      const event = JSON.parse(line.slice(6));
      error = event.error ?? error;
      model = event.model ?? model;
      finish = event.choices?.[0]?.finish_reason ?? finish;
      const piece = event.choices?.[0]?.delta?.content;
      if (!piece) continue;
      at.push(performance.now());
      text += piece;
      on_piece(piece);
    }
  }
  return { status: 200, retry: null, error, text, at, finish, model };
}

/** @param {number[]} at */
const longestGap = (at) => Math.max(0, ...at.slice(1).map((time, i) => time - at[i]));

/** Ten answers, and what is done once all of them have begun. @param {Server} server @param {number} tokens @param {() => Promise<any>} meanwhile */
async function tenAnswers(server, tokens, meanwhile) {
  let begun = 0, all_begun = () => {};
  const are_on = new Promise((resolve) => (all_begun = () => resolve(undefined)));
  const answers = Array.from({ length: 10 }, () => {
    let is_first = true;
    return xes(server, tokens, () => {
      if (is_first && ++begun === 10) all_begun();
      is_first = false;
    });
  });
  await Promise.race([are_on, Promise.all(answers)]);
  const [result] = await Promise.all([meanwhile(), ...answers]);
  return { result, answers: await Promise.all(answers) };
}

/** @param {Awaited<ReturnType<typeof xes>>[]} answers @param {number} tokens */
function assertWhole(answers, tokens) {
  for (const a of answers) {
    assert.equal(a.error, undefined, JSON.stringify(a.error));
    assert.deepEqual([a.text, a.finish], ['x'.repeat(tokens), 'length']);
  }
}

test('ten answers run while the model changes, there and back', async (t) => {
  const TOKENS = 500, CALM = 100;
  const server = await startWithModels(t, ['--llm-model', 'one', '--llm-parallel', '10', '--llm-context', '1024']);
  const old = await engineOf(server);
  const calm = await tenAnswers(server, CALM, async () => {});
  assertWhole(calm.answers, CALM);
  /** @type {any} */
  let during;
  const there = await tenAnswers(server, TOKENS, async () => {
    const change = await useModel(server, 'two');
    const end = await change.over, at = performance.now();
    during = await engineOf(server);
    return { end, at, states: change.events.filter((e) => e.event === 'progress').map((e) => e.state), next: await xes(server, 5) };
  });
  assertWhole(there.answers, TOKENS);
  assert.ok(there.answers.every((a) => a.model === calm.answers[0].model), 'all of them were the old one\'s');
  assert.deepEqual(there.result.states, ['loading', 'warming']);
  assert.deepEqual(there.result.end, { event: 'done', model: 'two', kept: true });
  assert.deepEqual([during.state, during.restarts], ['ready', 0]);
  assert.notEqual(during.pid, old.pid);
  assert.equal(there.result.next.text, 'xxxxx');
  assert.equal(choiceOf(server), 'two');
  const back = await tenAnswers(server, TOKENS, async () => {
    await changeTo(server, 'one');
    return { at: performance.now() };
  });
  assertWhole(back.answers, TOKENS);
  for (const run of [there, back])
    assert.ok(run.answers.some((a) => /** @type {number} */ (a.at.at(-1)) > run.result.at), 'answers were still being written when the change was complete');
  assert.equal(choiceOf(server), null, 'whom the options name is no choice');
  await until(() => modelProcesses(server).length === 1, 'the end of the earlier engines');
  const worst = (/** @type {{answers: {at: number[]}[]}} */ run) => Math.max(...run.answers.map((a) => longestGap(a.at))).toFixed(0);
  t.diagnostic(`longest gap between two tokens of ten answers: ${worst(calm)} ms without a change, ${worst(there)} and ${worst(back)} ms with one`);
});

test('a model that cannot answer leaves all as it was, with a sentence', async (t) => {
  const server = await startWithModels(t, ['--llm-model', 'two']);
  const before = await engineOf(server);
  for (const [name, sentence] of /** @type {[string, RegExp][]} */ ([
    ['cut', /cut\.gguf is not what models\.lock says \(another SHA-256\); remove it/],
    ['flipped', /flipped\.gguf is not what models\.lock says \(another SHA-256\); remove it/],
    ['text', /^this is no model file: it does not begin with GGUF/],
  ])) {
    const end = await changeTo(server, name);
    assert.deepEqual([end.event, end.code], ['error', 'invalid_value'], JSON.stringify(end));
    assert.match(end.message, sentence);
    assert.equal((await engineOf(server)).pid, before.pid);
    assert.equal((await xes(server, 5)).text, 'xxxxx');
    assert.equal(choiceOf(server), null);
  }
  truncateSync(path.join(server.data, 'models/llm/huge.gguf'), 2 ** 42); /* a hole */
  rmSync(path.join(server.data, 'models/llm/gone.gguf'));
  for (const [body, status, sentence] of /** @type {[object | string, number, RegExp][]} */ ([
    [{ name: 'nothing' }, 404, /^the model nothing is not installedname$/],
    [{ name: '../llm/one' }, 404, /not installed/],
    [{ name: 'gone' }, 404, /^the file of gone is not there or may not be read: .*gone\.gguf/],
    [{ name: 'huge' }, 413, /^huge needs about \d{7} MiB of memory, and \d+ MiB are all there are here/],
    [{ name: 'vectors' }, 400, /^vectors is no language model: its kind is embedname$/],
    [{ name: '' }, 400, /name/],
    [{ name: 7 }, 400, /name/],
    [{}, 400, /name/],
    [{ name: 'one', more: 1 }, 400, /more/],
    ['no json', 400, /./],
  ])) {
    const answer = await fetch(server.url + 'models/use', { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) });
    const { error } = await answer.json();
    assert.equal(answer.status, status, JSON.stringify(body));
    assert.match(error.message + error.param, sentence);
  }
  writeFileSync(path.join(server.data, 'models/models.lock'), 'damaged');
  assert.match((await useModel(server, 'one')).error.message, /models\.lock cannot be read/);
  await until(() => modelProcesses(server).length === 1, 'the end of those that failed');
});

test('from quotes to a model and back; the choice survives a restart, and the options win', async (t) => {
  let server = await startWithModels(t, []);
  const { data } = server;
  assert.equal((await engineOf(server)).driver, 'quote');
  assert.deepEqual(await changeTo(server, 'TWO'), { event: 'done', model: 'two', kept: true });
  assert.equal((await engineOf(server)).driver, 'llama');
  await server.stop();
  server = await startWithModels(t, [], data);
  assert.equal((await xes(server, 5)).text, 'xxxxx');
  assert.deepEqual(await changeTo(server, 'quote'), { event: 'done', model: 'quote', kept: true });
  assert.equal((await xes(server, 5)).status, 501);
  const quoted = await fetch(server.url + 'chat', { method: 'POST', body: JSON.stringify({ message: 'How do I add documents?', use_rag: true, stream: false }), headers: { 'content-type': 'application/json' } });
  assert.match((await quoted.json()).response, /document/);
  assert.equal(choiceOf(server), null);
  await changeTo(server, 'two');
  await server.stop();
  /* A private server of a command chooses alike. */
  const asked = await repartee(['ask', 'Who?', '--data', data, ...QUIET]);
  assert.equal(asked.code, 0, asked.err);
  server = await startWithModels(t, ['--llm-model', 'one'], data);
  await server.logged(/the options name another language model than when two was chosen; they count/);
  assert.equal(choiceOf(server), null);
  assert.deepEqual(await changeTo(server, 'two'), { event: 'done', model: 'two', kept: true });
  await server.stop();
  /* Gone, or broken, at the start. */
  const lock = JSON.parse(readFileSync(path.join(data, 'models/models.lock'), 'utf8'));
  writeFileSync(path.join(data, 'models/models.lock'), JSON.stringify({ ...lock, models: lock.models.filter((/** @type {any} */ m) => m.name !== 'two') }));
  server = await startWithModels(t, ['--llm-model', 'one'], data);
  await server.logged(/two was chosen to answer, but cannot \(the model two is not installed\)/);
  await server.stop();
  writeFileSync(path.join(data, 'models/models.lock'), JSON.stringify(lock));
  const file = path.join(data, 'models/llm/two.gguf'), whole = readFileSync(file);
  writeFileSync(file, flip(Buffer.from(whole)));
  server = await startWithModels(t, ['--llm-model', 'one'], data);
  await server.logged(/two does not answer, one does as before: .*SHA-256/);
  assert.equal((await xes(server, 5)).text, 'xxxxx');
  await server.stop();
  writeFileSync(file, whole);
  server = await startWithModels(t, ['--llm-model', 'one'], data);
  assert.equal(choiceOf(server), 'two');
  await server.logged(/two answers now/);
});

/** @param {number} pid */
function goOn(pid) {
  try {
    process.kill(pid, 'SIGCONT');
  } catch {
    /* it has ended */
  }
}

/**
 * A change whose new engine is held while it loads: it is stopped as soon as it is there. Where that came too late
 * the change is undone and tried again.
 * @param {Server} server @param {string} name @param {string} back
 */
async function heldChange(server, name, back) {
  for (let tries = 0; tries < 20; tries++) {
    const before = new Set(modelProcesses(server));
    const change = await useModel(server, name);
    assert.equal(change.error, undefined, JSON.stringify(change.error));
    let pid;
    while (pid === undefined && change.events.every((e) => e.event === 'progress')) {
      pid = modelProcesses(server).find((p) => !before.has(p));
      if (pid === undefined) await new Promise((resolve) => setImmediate(resolve));
    }
    if (pid) process.kill(pid, 'SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 100)); /* what it said before has come */
    if (pid && change.events.at(-1)?.event === 'progress' && change.events.at(-1)?.state === 'loading') return { change, pid, go: () => goOn(pid) };
    if (pid) goOn(pid);
    await change.over;
    await changeTo(server, back);
    await until(() => modelProcesses(server).length <= 1, 'one engine');
  }
  throw new Error('the model loads faster than it can be stopped');
}

test('one change at a time, by those who may; it goes on without its reader', async (t) => {
  const server = await startWithModels(t, ['--llm-model', 'one', '--auth-key', 'the-key-of-the-operator']);
  const key = { authorization: 'Bearer the-key-of-the-operator' };
  const { token } = await (await fetch(server.url + 'session', { method: 'POST', headers: key })).json();
  assert.equal((await useModel(server, 'two', { authorization: `Bearer ${token}` })).status, 403);
  assert.equal((await useModel(server, 'two')).status, 401);
  /* Why a model failed names files of this machine. */
  assert.match((await (await useModel(server, 'cut', key)).over)?.message, /cut\.gguf/);
  const failed = async (/** @type {Record<string, string>} */ headers) => (await (await fetch(server.url + 'models', { headers })).json()).answers.failed;
  const [told, kept] = [await failed(key), await failed({ authorization: `Bearer ${token}` })];
  assert.deepEqual([told.model, kept.model], ['cut', 'cut']);
  assert.match(told.message, /cut\.gguf/);
  assert.doesNotMatch(kept.message, /\.gguf|\//);
  const open = await startWithModels(t, ['--llm-model', 'one']);
  const { change, pid, go } = await heldChange(open, 'two', 'one');
  for (const name of ['two', 'one', 'quote']) {
    const second = await useModel(open, name);
    assert.equal(second.status, 409);
    assert.match(second.error.message, /being changed to two already/);
  }
  assert.equal((await xes(open, 5)).text, 'xxxxx', 'the old one answers meanwhile');
  assert.equal((await fetch(open.url + 'readyz')).status, 200);
  go();
  assert.equal((await change.over)?.event, 'done');
  assert.equal((await engineOf(open)).pid, pid);
  await changeTo(open, 'one');
  const aborter = new AbortController();
  const left = await fetch(open.url + 'models/use', { method: 'POST', body: '{"name":"two"}', signal: aborter.signal });
  assert.equal(left.status, 200);
  aborter.abort();
  await until(() => choiceOf(open) === 'two', 'the change that nobody watches');
});

test('engines that are killed in the middle of a change', async (t) => {
  const server = await startWithModels(t, ['--llm-model', 'one']);
  /* The new one, while it loads. */
  const first = await heldChange(server, 'two', 'one');
  process.kill(first.pid, 'SIGKILL');
  const end = await first.change.over;
  assert.deepEqual([end?.event, end?.code], ['error', 'engine_unavailable']);
  assert.equal((await xes(server, 5)).text, 'xxxxx');
  /* The old one, while the new one loads. */
  const second = await heldChange(server, 'two', 'one');
  const old = (await engineOf(server)).pid;
  process.kill(old, 'SIGKILL');
  await until(async () => { const now = await engineOf(server); return now.state === 'ready' && now.pid !== old; }, 'the old one again');
  assert.equal((await xes(server, 5)).text, 'xxxxx');
  second.go();
  assert.equal((await second.change.over)?.event, 'done');
  /* The new one, once it answers. */
  process.kill((await engineOf(server)).pid, 'SIGKILL');
  await until(async () => { const now = await engineOf(server); return now.state === 'ready' && now.restarts === 1; }, 'the new one again');
  assert.equal((await xes(server, 5)).text, 'xxxxx');
  assert.equal(choiceOf(server), 'two');
  await until(() => modelProcesses(server).length === 1, 'one engine');
});

test('a server that ends in the middle of a change', async (t) => {
  let server = await startWithModels(t, ['--llm-model', 'one']);
  const { data } = server;
  const gentle = await heldChange(server, 'two', 'one');
  const stopped = server.stop();
  const end = await gentle.change.over;
  assert.deepEqual([end?.event, end?.code], ['error', 'going_away']);
  assert.equal(await stopped, 0);
  server = await startWithModels(t, ['--llm-model', 'one'], data);
  assert.equal(choiceOf(server), null);
  const harsh = await heldChange(server, 'two', 'one');
  await server.kill();
  await assert.rejects(harsh.change.over);
  harsh.go(); /* it may have been stopped before it had asked to end with the server */
  server = await startWithModels(t, ['--llm-model', 'one'], data);
  assert.equal((await xes(server, 5)).text, 'xxxxx');
  assert.equal(choiceOf(server), null);
  assert.equal(modelProcesses(server).length, 1);
});

test('where memory is for one model only, the old one goes first, and comes back', async (t) => {
  const server = await startWithModels(t, ['--llm-model', 'one', '--llm-beside', 'never', '--llm-parallel', '2']);
  const old = (await engineOf(server)).pid;
  /** @type {any} */
  let refused, change;
  const running = await xes(server, 600, async () => {
    if (change) return;
    change = useModel(server, 'two');
    await (await change).events;
    refused = [await xes(server, 5), await fetch(server.url + 'chat', { method: 'POST', body: '{"message":"Hello?"}' }), await fetch(server.url + 'readyz')];
  });
  assert.deepEqual([running.error, running.text], [undefined, 'x'.repeat(600)]);
  const done = await change;
  assert.deepEqual(await done.over, { event: 'done', model: 'two', kept: true });
  assert.deepEqual(done.events.map((/** @type {any} */ e) => e.state), ['waiting', 'loading', 'warming', undefined]);
  assert.notEqual((await engineOf(server)).pid, old);
  assert.equal((await xes(server, 5)).text, 'xxxxx');
  assert.deepEqual([refused[0].status, refused[0].error.code, refused[0].retry, refused[1].status, refused[2].status], [503, 'model_changing', '1', 503, 503]);
  assert.match(refused[0].error.message, /^the language model is being changed; try again shortly$/);
  const back = await useModel(server, 'flipped');
  const end = await back.over;
  assert.match(end?.message, /SHA-256/);
  assert.deepEqual(back.events.map((e) => e.state), ['waiting', 'loading', 'restoring', undefined]);
  assert.equal((await fetch(server.url + 'readyz')).status, 200);
  assert.equal((await xes(server, 5)).text, 'xxxxx');
  assert.equal(choiceOf(server), 'two');
  assert.equal(modelProcesses(server).length, 1);
});

test('a choice that cannot be kept; a server elsewhere', async (t) => {
  const server = await startWithModels(t, ['--llm-model', 'one']);
  mkdirSync(path.join(server.data, 'models.choice'));
  assert.deepEqual(await changeTo(server, 'two'), { event: 'done', model: 'two', kept: false });
  await server.logged(/the next start will not know that two answers/);
  rmdirSync(path.join(server.data, 'models.choice'));
  const scripted = await startWithModels(t, ['--llm-driver', 'scripted']);
  const answer = await useModel(scripted, 'one');
  assert.equal(answer.status, 409);
  assert.match(answer.error.message, /the scripted language model answers, as the options say/);
});
