// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* A language model on another server: Debian's llama-server, and ones that hang, cut, lie and babble. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import OpenAI from 'openai';
import { repartee, start } from '../lib/cli.js';
import { DONE, END, FINISH, HEAD, chunk, delta, event, models, repeats, startPeer, whole } from '../lib/model-server.js';
import { BUILD, atEnd, ownAddress, socketGet, startServer, temporaryFolder, until, untilReady } from '../lib/server.js';

const PATIENCE_MS = 180000; /* well below what a turn may take */
const QUIET = ['--stt-driver', 'scripted', '--tts-driver', 'scripted', '--limit-turns', '10000'];
/** @typedef {import('../lib/model-server.js').Behaviour} Behaviour */

/** @param {import('node:test').TestContext} t @param {string} url @param {string[]} [more] @param {Record<string, string>} [env] */
const serve = (t, url, more = [], env = {}) => startServer(t, { args: [...QUIET, '--llm-url', url, ...more], env });

/** @param {string} url @param {object} body @param {AbortSignal} [signal] */
const chat = (url, body, signal) =>
  fetch(url + 'chat', { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' }, signal });

/** The events of one streamed answer. @param {string} url @param {string} message */
async function ask(url, message) {
  const events = (await (await chat(url, { message }, AbortSignal.timeout(PATIENCE_MS))).text())
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => JSON.parse(line.slice(6)));
  const text = events.filter((e) => e.type === 'token').map((e) => e.content).join('');
  return { text, last: events.at(-1) };
}

/** An address where a server may be later. */
async function nobodyThere() {
  const address = await ownAddress();
  return { url: `http://${address}/v1`, port: Number(address.split(':')[1]) };
}

/** @param {{url: string}} server */
const model = async (server) => (await (await fetch(server.url + 'readyz')).json()).engines.llm;

/** @type {Behaviour} */
const list = (socket) => socket.write(models({ id: 'm', max_model_len: 4096 }));
const USAGE = event({ choices: [], usage: { prompt_tokens: 9, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 4 } } });
/** @type {Behaviour} */
const good = (socket) => socket.write(HEAD + chunk(delta('Yes') + delta(', sir.') + FINISH + USAGE + DONE) + END);
/** A body in one chunk, and the end. @param {string} body @returns {Behaviour} */
const says = (body) => (socket) => socket.write(HEAD + chunk(body) + END);
/** The same, and then nothing more. @param {string} body @returns {Behaviour} */
const saysAndHangs = (body) => (socket) => socket.write(HEAD + chunk(body));
/** The same, and the connection breaks. @param {string} body @returns {Behaviour} */
const saysAndBreaks = (body) => (socket) => socket.end(HEAD + chunk(body));
/** Good from the nth try on. @param {number} n @param {Behaviour} before @returns {Behaviour} */
const goodAtTry = (n, before) => (socket, attempt, request) => (attempt < n ? before : good)(socket, attempt, request);

/** What is done, and what comes of it: a text and an end, or an error. */
/** @type {Record<string, {does: Behaviour, text?: string, error?: RegExp, code?: string, tries?: number, slow?: boolean}>} */
const TABLE = {
  good: { does: good, text: 'Yes, sir.', tries: 1 },
  'role-first': { does: says(event({ choices: [{ delta: { role: 'assistant', content: null } }] }) + delta('') + delta('Yes') + FINISH + DONE), text: 'Yes' },
  thinks: { does: says(event({ choices: [{ delta: { reasoning_content: 'Hm.' } }] }) + delta('Yes') + FINISH + DONE), text: 'Yes' },
  'done-only': { does: says(delta('Yes') + DONE), text: 'Yes' },
  'finish-only': { does: says(delta('Yes') + FINISH), text: 'Yes' },
  'stays-open': { does: saysAndHangs(delta('Yes') + FINISH + DONE), text: 'Yes' },
  'no-last-word': { does: saysAndHangs(delta('Yes') + FINISH), text: 'Yes' },
  'breaks-after-it': { does: saysAndBreaks(delta('Yes') + FINISH), text: 'Yes' },
  'pings-after-it': { does: repeats(HEAD + chunk(delta('Yes') + FINISH), chunk(': ping\n\n')), text: 'Yes', tries: 1 },
  'no-stream': { does: (socket) => socket.write(whole(200, { choices: [{ message: { content: 'Yes' }, finish_reason: 'stop' }] })), text: 'Yes' },
  'byte-by-byte': {
    does: (socket) => {
      const bytes = Buffer.from(HEAD + chunk(delta('Grüß Gott') + FINISH + DONE) + END);
      let at = 0;
      socket.setNoDelay(true);
      const next = setInterval(() => (at < bytes.length ? socket.write(bytes.subarray(at, ++at)) : clearInterval(next)), 1);
    },
    text: 'Grüß Gott',
  },
  /* again before the first word */
  'closes-twice': { does: goodAtTry(3, (socket) => socket.end()), text: 'Yes, sir.', tries: 3 },
  'breaks-before': { does: goodAtTry(2, saysAndBreaks(delta(''))), text: 'Yes, sir.', tries: 2 },
  'loads-once': { does: goodAtTry(2, (socket) => socket.write(whole(503, { error: { message: 'Loading model' } }, 'Retry-After: 0\r\n'))), text: 'Yes, sir.', tries: 2 },
  'empty-once': { does: goodAtTry(2, says('')), text: 'Yes, sir.', tries: 2 },
  'closes-always': { does: (socket) => socket.end(), error: /broke off before its answer/, tries: 3 },
  'empty-always': { does: says(''), error: /broke off before its answer/, tries: 3 },
  'busy-always': { does: (socket) => socket.write(whole(429, {})), error: /too much to do/, code: 'overloaded', tries: 3 },
  'busy-for-long': { does: (socket) => socket.write(whole(429, {}, 'Retry-After: 60\r\n')), error: /too much to do/, code: 'overloaded', tries: 1 },
  /* refusals */
  'wrong-key': { does: (socket) => socket.write(whole(401, { error: { message: 'Bad key' } })), error: /does not accept this server's key/, code: 'upstream_refused', tries: 1 },
  forbidden: { does: (socket) => socket.write(whole(403, '')), error: /does not accept this server's key/, code: 'upstream_refused', tries: 1 },
  'no-model': { does: (socket) => socket.write(whole(404, { detail: 'x' })), error: /does not know the model/, code: 'upstream_refused', tries: 1 },
  'too-long': { does: (socket) => socket.write(whole(400, { error: { message: 'maximum context length is 5' } })), error: /too long for the language model/, code: 'too_large', tries: 1 },
  'bad-request': { does: (socket) => socket.write(whole(400, '<p>')), error: /refuses the question/, code: 'upstream_refused', tries: 1 },
  fails: { does: (socket) => socket.write(whole(500, '')), error: /has failed/, tries: 1 },
  redirects: { does: (socket) => socket.write(whole(302, '', 'Location: http://127.0.0.1:1/\r\n')), error: /refuses the question/, code: 'upstream_refused', tries: 1 },
  'error-first': { does: says(event({ error: { message: 'CUDA /secret/path' } })), error: /has failed/, tries: 1 },
  'error-amid': { does: says(delta('Ye') + event({ error: 'x' })), text: 'Ye', error: /has failed/, tries: 1 },
  /* an end that is none */
  'breaks-amid': { does: saysAndBreaks(delta('Ye') + 'data: {"choi'), text: 'Ye', error: /broke off in the middle/, tries: 1 },
  'ends-amid': { does: says(delta('Ye')), text: 'Ye', error: /broke off in the middle/, tries: 1 },
  'length-too-long': { does: (socket) => socket.end(`HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9999\r\n\r\n${delta('Ye')}`), text: 'Ye', error: /broke off in the middle/ },
  'length-too-short': { does: (socket) => socket.write(`HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: ${delta('Ye').length + 20}\r\n\r\n${delta('Ye')}${delta('s')}${FINISH}`), text: 'Ye', error: /broke off in the middle/ },
  'chunk-too-long': { does: (socket) => socket.end(`${HEAD}fff\r\n${delta('Ye')}`), text: 'Ye', error: /broke off in the middle/ },
  'no-chunk': { does: (socket) => socket.write(`${HEAD}${chunk(delta('Ye'))}nonsense\r\n`), text: 'Ye', error: /broke off in the middle/ },
  /* no answer */
  'broken-json': { does: says(delta('Ye') + 'data: {"choices":[{"delta"\n\n'), text: 'Ye', error: /is no answer/ },
  'no-choice': { does: says(event({ choices: [null] }) + DONE), error: /is no answer/ },
  'calls-nothing-offered': { does: says(event({ choices: [{ delta: { tool_calls: [{ index: 0, function: { name: 'rm', arguments: '{}' } }] }, finish_reason: 'tool_calls' }] }) + DONE), error: /no function that there is/, tries: 1 },
  'only-done': { does: says(DONE), error: /is no answer/ },
  page: { does: (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>'), error: /is no answer/ },
  'no-http': { does: (socket) => socket.write('220 mail.example.org ESMTP\r\n'), error: /is no answer/ },
  'endless-head': { does: repeats('HTTP/1.1 200 OK\r\n', `X: ${'x'.repeat(60000)}\r\n`, 1), error: /broke off before its answer/ },
  'endless-line': { does: repeats(HEAD, chunk('x'.repeat(60000)), 1), error: /too long/ },
  'endless-page': { does: repeats('HTTP/1.1 200 OK\r\n\r\n', 'x'.repeat(60000), 1), error: /too long/ },
  'endless-answer': { does: repeats(HEAD + chunk(delta('Ye')), chunk(delta('s'.repeat(60000))), 1), error: /too large/, code: 'too_large' },
  /* silence */
  hangs: { does: () => {}, error: /has not begun/, tries: 1, slow: true },
  'hangs-after-head': { does: (socket) => socket.write(HEAD), error: /has not begun/, slow: true },
  'hangs-amid': { does: saysAndHangs(delta('Ye')), text: 'Ye', error: /fallen silent/, tries: 1, slow: true },
  pings: { does: repeats(HEAD, chunk(': ping\n\n')), error: /has not begun/, slow: true },
  'says-nothing': { does: repeats(HEAD, chunk(delta(''))), error: /has not begun/, slow: true },
  'thinks-for-ever': { does: repeats(HEAD, chunk(event({ choices: [{ delta: { reasoning_content: 'Hm.' } }] }))), error: /has not begun/, tries: 1, slow: true },
  'calls-nothing-for-ever': { does: repeats(HEAD, chunk(event({ choices: [{ delta: { tool_calls: [{ index: 0, function: { arguments: '' } }] } }] }))), error: /has not begun/, slow: true },
  'pings-amid': { does: repeats(HEAD + chunk(delta('Ye')), chunk(': ping\n\n')), text: 'Ye', error: /fallen silent/, slow: true },
};

/** @param {string} name @param {{text: string, last: any}} got */
function compare(name, got) {
  const { text, error, slow, code = slow ? 'server_timeout' : 'engine_unavailable' } = TABLE[name], what = `${name}: ${JSON.stringify(got).slice(0, 300)}`;
  if (!error) assert.equal(got.last?.type, 'end', what);
  else assert.match(got.last?.error?.message ?? '', error, what);
  if (error) assert.equal(got.last.error.code, code, what);
  if (text !== undefined) assert.equal(got.text, text, what);
  assert.doesNotMatch(JSON.stringify(got), /secret/, what);
}

describe('a language model elsewhere', { concurrency: 4 }, () => {
  test('whatever the other server does: an answer or an error, and the next question is answered', async (t) => {
    const behaviours = Object.fromEntries(Object.entries(TABLE).map(([name, row]) => [name, row.does]));
    const peer = await startPeer(t, { ...behaviours, models: list });
    /* On a busy machine also a first word takes its time; a thinker is given five times that. */
    const limits = [[], ['--llm-first-ms', '4000'], ['--llm-first-ms', '2500'], ['--llm-silence-ms', '4000']];
    const servers = await Promise.all(limits.map((more) => serve(t, peer.url, more)));
    await Promise.all(servers.map((server) => untilReady(server)));
    const [patient, hasty, brief, amid] = servers;
    /** @param {string} name */
    const serverFor = (name) => {
      const { slow, text } = TABLE[name];
      return !slow ? patient : text !== undefined ? amid : name === 'thinks-for-ever' ? brief : hasty;
    };
    await Promise.all(
      Object.keys(TABLE).map(async (name) => {
        compare(name, await ask(serverFor(name).url, `Please ${name}`));
        if (TABLE[name].tries) assert.equal(peer.attempts[name], TABLE[name].tries, name);
      }),
    );
    for (const server of servers) {
      compare('good', await ask(server.url, 'Please good'));
      await until(async () => (await model(server)).live === 0, 'nobody at work');
    }
    const { usage } = await (await chat(patient.url, { message: 'Please good', stream: false })).json();
    assert.deepEqual(usage, { prompt_tokens: 9, cached_tokens: 4, completion_tokens: 2, total_tokens: 11 });
    /* One connection serves again and again. */
    const before = peer.connections;
    for (let i = 0; i < 5; i++) await ask(patient.url, 'Please good');
    assert.equal(peer.connections, before);
    for (const server of servers) assert.equal(await server.stop(), 0, server.log());
  });

  test('what is too long for the other server is asked again with less of the conversation', async (t) => {
    /** @type {Behaviour} */
    const small = (socket, attempt, request) =>
      JSON.stringify(request.body.messages).length > 5000
        ? socket.write(whole(400, { error: { message: 'x', type: 'exceed_context_size_error' } }))
        : good(socket, attempt, request);
    const peer = await startPeer(t, { small, models: list });
    const server = await serve(t, peer.url);
    await untilReady(server);
    const messages = ['user', 'assistant', 'user', 'assistant', 'user', 'assistant'].map((role, i) => ({ role, content: `${i} `.repeat(900) }));
    messages.push({ role: 'user', content: 'Please small' });
    const complete = async () => {
      const answer = await fetch(server.url + 'v1/chat/completions', { method: 'POST', body: JSON.stringify({ model: 'x', messages }), headers: { 'content-type': 'application/json' } });
      return (await answer.json()).choices?.[0].message.content;
    };
    assert.equal(await complete(), 'Yes, sir.');
    const sent = /** @type {any} */ (peer.requests.at(-1)).body.messages;
    assert.equal(sent.at(-1).content.slice(-12), 'Please small');
    assert.equal(peer.attempts.small, 2);
    messages.splice(0, messages.length - 1, { role: 'system', content: 'x'.repeat(6000) });
    assert.equal(await complete(), undefined); /* of this nothing may be left out */
    assert.equal(peer.attempts.small, 3);
  });

  test('functions, forms and penalties go to the other server, calls come back', async (t) => {
    /** @param {object} call */
    const calls = (call) => event({ choices: [{ index: 0, delta: { tool_calls: [call] } }] });
    const two = calls({ index: 0, id: 'theirs', type: 'function', function: { name: 'weather', arguments: '{"city":' } }) +
      calls({ index: 0, function: { arguments: '"Bern"}' } }) + calls({ index: 1, id: 'x', function: { name: 'time', arguments: '' } });
    const end = event({ choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' }] });
    const peer = await startPeer(t, {
      models: list, '*': good, 'call!': says(two + end + USAGE + DONE),
      'stranger!': says(calls({ index: 0, function: { name: 'weather', arguments: '{}' } }) + calls({ index: 1, function: { name: 'rm', arguments: '{}' } }) + end + DONE),
      'object!': says(calls({ index: 0, function: { name: 'weather', arguments: { city: 'Bern' } } }) + end + DONE),
      'half!': says(calls({ index: 0, function: { name: 'weather', arguments: '{"ci' } }) + end + DONE),
      'cut!': says(calls({ index: 0, function: { name: 'weather', arguments: '{"ci' } }) + event({ choices: [{ index: 0, delta: {}, finish_reason: 'length' }] }) + DONE),
    });
    const server = await serve(t, peer.url);
    await untilReady(server);
    const client = new OpenAI({ baseURL: server.url + 'v1', apiKey: 'none', maxRetries: 0 });
    const parameters = { type: 'object', properties: { city: { type: 'string' } } };
    /** @type {OpenAI.ChatCompletionTool[]} */
    const tools = [{ type: 'function', function: { name: 'weather', description: 'There.', parameters } }, { type: 'function', function: { name: 'time' } }];
    /** @param {string} content @returns {OpenAI.ChatCompletionMessageParam} */
    const user = (content) => ({ role: 'user', content });
    const { choices } = await client.chat.completions.create({
      model: 'm', messages: [user('Please call!')], tools, tool_choice: 'required', presence_penalty: 0.5, frequency_penalty: -1, logit_bias: { 5: -100 },
      ...{ top_k: 7 },
    });
    assert.equal(choices[0].finish_reason, 'tool_calls');
    const called = choices[0].message.tool_calls ?? [];
    assert.deepEqual(called.map((c) => c.type === 'function' && [c.function.name, c.function.arguments]), [['weather', '{"city":"Bern"}'], ['time', '{}']]);
    const { body } = /** @type {any} */ (peer.requests.at(-1));
    assert.deepEqual(body.tools, tools);
    assert.deepEqual([body.tool_choice, body.presence_penalty, body.frequency_penalty, body.logit_bias, body.top_k], ['required', 0.5, -1, { 5: -100 }, 7]);

    await client.chat.completions.create({
      model: 'm', tools, response_format: { type: 'json_schema', json_schema: { name: 'x', schema: parameters } },
      messages: [
        user('Please call!'), choices[0].message, { role: 'tool', tool_call_id: called[1].id, content: '12:00' },
        { role: 'tool', tool_call_id: called[0].id, content: 'Rain' }, user('and now'),
      ],
    });
    const next = /** @type {any} */ (peer.requests.at(-1)).body;
    assert.deepEqual(next.response_format.json_schema.schema, parameters);
    assert.equal(next.tool_choice, 'auto');
    assert.equal(next.parallel_tool_calls, undefined);
    const call = (/** @type {number} */ i, /** @type {string} */ name, /** @type {string} */ text) => ({ id: called[i].id, type: 'function', function: { name, arguments: text } });
    assert.deepEqual(next.messages, [
      { role: 'user', content: 'Please call!' },
      { role: 'assistant', content: '', tool_calls: [call(0, 'weather', '{"city":"Bern"}'), call(1, 'time', '{}')] },
      { role: 'tool', tool_call_id: called[1].id, content: '12:00' },
      { role: 'tool', tool_call_id: called[0].id, content: 'Rain' },
      { role: 'user', content: 'and now' },
    ]);
    await assert.rejects(client.chat.completions.create({ model: 'm', messages: [user('half!')], tools }), /no function that there is/);
    await assert.rejects(client.chat.completions.create({ model: 'm', messages: [user('stranger!')], tools }), /no function that there is/);
    const one = await client.chat.completions.create({ model: 'm', messages: [user('call!')], tools, parallel_tool_calls: false });
    assert.equal(one.choices[0].message.tool_calls?.length, 1);
    assert.equal(/** @type {any} */ (peer.requests.at(-1)).body.parallel_tool_calls, false);
    const object = await client.chat.completions.create({ model: 'm', messages: [user('object!')], tools });
    assert.equal(/** @type {any} */ (object.choices[0].message.tool_calls?.[0]).function.arguments, '{"city":"Bern"}');
    const cut = await client.chat.completions.create({ model: 'm', messages: [user('cut!')], tools });
    assert.deepEqual([cut.choices[0].finish_reason, cut.choices[0].message.tool_calls], ['length', undefined]);
  });

  test('doctor tells of a server that hangs', async (t) => {
    const peer = await startPeer(t, { models: () => {} });
    const { code, err } = await repartee(['doctor', '--data', await temporaryFolder(t), ...QUIET, '--llm-url', peer.url]);
    assert.equal(code, 1, err);
    assert.match(err, /the engine that answers is down: the server at http:\S+ does not answer; mend that/);
  });

  test('a server that hangs is missed, and found again', async (t) => {
    let hangs = false;
    const peer = await startPeer(t, { models: (socket, ...more) => hangs || list(socket, ...more), good, silent: () => {} });
    const server = await serve(t, peer.url, ['--llm-connect-ms', '2000', '--llm-first-ms', '3000']);
    await untilReady(server);
    hangs = true;
    assert.match((await ask(server.url, 'Please silent')).last.error.message, /has not begun/);
    await until(async () => (await model(server)).state === 'down', 'that it is missed');
    assert.match((await model(server)).notes, /does not answer/);
    hangs = false;
    await untilReady(server);
    assert.equal((await ask(server.url, 'Please good')).text, 'Yes, sir.');
  });

  test('what a server that does not stream sends slowly has begun in time', async (t) => {
    const body = whole(200, { choices: [{ message: { content: 'Yes, slowly.' }, finish_reason: 'stop' }] });
    const peer = await startPeer(t, { models: list, slow: (socket) => {
      socket.write(body.slice(0, -30));
      setTimeout(() => socket.write(body.slice(-30)), 4500);
    } });
    const server = await serve(t, peer.url, ['--llm-first-ms', '4000', '--llm-silence-ms', '60000']);
    await untilReady(server);
    assert.equal((await ask(server.url, 'Please slow')).text, 'Yes, slowly.');
  });

  test('who leaves in mid-answer ends the work elsewhere', async (t) => {
    const peer = await startPeer(t, { long: repeats(HEAD, chunk(delta('and '))), models: list });
    const server = await serve(t, peer.url);
    await untilReady(server);
    const gone = new AbortController();
    const answer = await chat(server.url, { message: 'Please long' }, gone.signal);
    await /** @type {ReadableStream} */ (answer.body).getReader().read();
    assert.deepEqual(peer.left.filter((name) => name === 'long'), []);
    gone.abort();
    await until(() => peer.left.includes('long'), 'a closed connection');
    /* So does the server's end, if it may not wait for the answer's. */
    const cut = ask(server.url, 'Please long').catch((error) => error);
    await until(() => peer.attempts.long === 2, 'another answer');
    process.kill(server.pid, 'SIGTERM');
    await until(() => server.log().includes('shutting down'), 'the beginning of its end');
    assert.equal(await server.stop(), 0, server.log());
    await cut;
    await until(() => peer.left.filter((name) => name === 'long').length === 2, 'a closed connection');
  });

  test('a server that is not there yet, refuses the key or lacks the model is told in a sentence, and found when it is there', async (t) => {
    const folder = await temporaryFolder(t), key = 'sk-très'.replace('è', 'e') + '-secret';
    await writeFile(path.join(folder, 'key'), key + '\n', { mode: 0o600 });
    const place = await nobodyThere();
    const server = start(['serve', '--listen', '127.0.0.1:0', '--data', folder, ...QUIET, '--llm-key-file', path.join(folder, 'key')], {
      env: { OPENAI_COMPAT_BASE_URL: place.url + '/', MODEL_NAME: 'right' },
    });
    atEnd(t, () => server.child.kill('SIGKILL'));
    const ready = async () => socketGet({ data: folder }, '/readyz').catch(() => ({ status: 0, body: '{}' }));
    const broken = (/** @type {RegExp} */ why) =>
      until(async () => {
        const { status, body } = await ready();
        return status === 503 && why.test(JSON.parse(body).engines.llm.notes);
      }, String(why));
    await broken(/there is no language model's server at http:\/\/127\.0\.0\.1:\d+\/v1 /);

    let answer = whole(401, { error: { message: `Incorrect API key provided: ${key}` } });
    const peer = await startPeer(t, { models: (socket) => socket.write(answer), good, echo: (socket) => socket.write(whole(400, { error: { message: `Bearer ${key}` } })) }, place.port);
    await broken(/refuses the key \(HTTP 401\); set llm\.key_file/);
    answer = whole(404, '');
    await broken(/no list of models at .*\/v1\/models \(HTTP 404\); does llm\.url end in \/v1/);
    answer = whole(200, '<html>');
    await broken(/is no list of models/);
    answer = models({ id: 'left' }, { id: 'middle' });
    await broken(/has no model right; set llm\.model to one of its own: left, middle/);
    answer = models({ id: 'left' }, { id: 'right' });
    const url = await until(() => /Repartee is (?:ready|starting): (\S+)/.exec(server.out())?.[1], 'the address');
    await untilReady({ url });
    assert.equal((await model({ url })).model, 'right');
    assert.equal((await ask(url, 'Please good')).text, 'Yes, sir.');
    const { head, body } = /** @type {any} */ (peer.requests.at(-1));
    assert.match(head, /^POST \/v1\/chat\/completions HTTP\/1\.1\r\n/);
    assert.ok(head.includes(`\r\nAuthorization: Bearer ${key}\r\n`), head);
    assert.deepEqual([body.model, body.stream, body.stream_options, body.max_tokens], ['right', true, { include_usage: true }, 512]);
    assert.match((await ask(url, 'Please echo')).last.error.message, /refuses the question/);
    assert.ok(!server.err().includes(key), server.err());
    server.child.kill();
    assert.equal((await server.ended).code, 0);
  });

  test('what cannot work is refused at the start; a command does not wait for a server that is not there', async (t) => {
    const place = await nobodyThere();
    for (const { args, says } of [
      { args: ['--llm-url', 'host:8000'], says: /llm\.url must be http:\/\/ or https:\/\// },
      { args: ['--llm-url', 'http://me:secret@host/v1'], says: /llm\.url must be/ },
      { args: ['--llm-driver', 'remote'], says: /llm\.url must name the server/ },
      { args: ['--llm-url', 'http://127.0.0.1:9', '--llm-key', 'a\tb'], says: /llm\.key may hold/ },
    ]) {
      const { code, err } = await repartee(['serve', '--listen', '127.0.0.1:0', '--data', await temporaryFolder(t), ...QUIET, ...args]);
      assert.equal(code, 1, err);
      assert.match(err, says);
    }
    const asked = await repartee(['ask', 'x', '--data', await temporaryFolder(t), ...QUIET, '--llm-url', place.url]);
    assert.equal(asked.code, 1, asked.err);
    assert.match(asked.err, /there is no language model's server at/);
  });

  test('a certificate that nobody vouches for is not trusted; a proxy is asked for others, not for this machine', async (t) => {
    const peer = await startPeer(t, { models: list, good });
    const proxied = { http_proxy: `http://127.0.0.1:${peer.port}`, no_proxy: '', NO_PROXY: '' };
    const far = await serve(t, 'http://model.invalid:1234/v1', [], proxied);
    assert.equal((await ask(far.url, 'Please good')).text, 'Yes, sir.');
    assert.match(peer.requests[0].head, /^GET http:\/\/model\.invalid:1234\/v1\/models HTTP/);
    const nowhere = { ...proxied, http_proxy: 'http://127.0.0.1:1' };
    const here = async (/** @type {string} */ host) => {
      const asked = await repartee(['ask', 'Please good', '--data', await temporaryFolder(t), ...QUIET, '--llm-url', peer.url.replace('127.0.0.1', host)], { env: nowhere });
      assert.match(asked.out, /Yes, sir\./, host + asked.err);
    };
    await Promise.all(['127.0.0.1', 'localhost.', '[::ffff:127.0.0.1]', '0.0.0.0'].map(here));
    /* A name is no address. */
    const name = await serve(t, 'http://127.example.invalid:1234/v1', [], proxied);
    assert.equal((await ask(name.url, 'Please good')).text, 'Yes, sir.');
    const other = await startServer(t, { args: [...QUIET, '--tls', 'auto'] });
    const asked = await repartee(['ask', 'x', '--data', await temporaryFolder(t), ...QUIET, '--llm-url', other.url + 'v1']);
    assert.match(asked.err, /there is no language model's server at https:.* \(.*self-signed certificate/);
  });

  test("Debian's llama-server answers, is left when nobody listens, dies and comes back", async (t) => {
    const file = path.join(await temporaryFolder(t), 'model.gguf');
    assert.equal(spawnSync(path.join(BUILD, 'test/gguf_make'), ['tiny', file]).status, 0);
    const place = await nobodyThere();
    const start = () => {
      const args = ['-m', file, '-t', '1', '-np', '2', '-c', '32768', '--port', String(place.port), '--no-webui', '--alias', 'tiny', '--ignore-eos'];
      const child = spawn('llama-server', args, { stdio: 'ignore' });
      atEnd(t, () => child.kill('SIGKILL'));
      return child;
    };
    const peer = start(), server = await serve(t, place.url, ['--llm-max-tokens', '12000', '--llm-context', '30000', '--llm-model', 'tiny']);
    await untilReady(server);
    const complete = (/** @type {number} */ max_tokens, /** @type {AbortSignal | undefined} */ signal = undefined) =>
      fetch(server.url + 'v1/chat/completions', {
        method: 'POST',
        body: JSON.stringify({ model: 'x', messages: [{ role: 'user', content: 'Hello' }], max_tokens, stream: max_tokens > 8 }),
        headers: { 'content-type': 'application/json' },
        signal,
      });
    const short = await (await complete(8)).json();
    assert.ok(short.usage.completion_tokens > 0 && short.usage.completion_tokens <= 8, JSON.stringify(short));
    assert.ok(short.usage.prompt_tokens > 5);

    const busy = async () => (await (await fetch(`http://127.0.0.1:${place.port}/slots`)).json()).some((/** @type {any} */ slot) => slot.is_processing);
    const gone = new AbortController();
    const long = await complete(12000, gone.signal);
    await /** @type {ReadableStream} */ (long.body).getReader().read();
    await until(busy, 'a slot at work');
    gone.abort();
    await until(async () => !(await busy()), 'a slot that is free');

    const cut = complete(12000).then((answer) => answer.text());
    await until(busy, 'a slot at work');
    peer.kill('SIGKILL');
    assert.match(await cut, /language model's server (broke off|cannot be reached)/);
    await until(async () => (await model(server)).state === 'down', 'that it is missed');
    assert.match((await ask(server.url, 'Are you there?')).last.error.message, /cannot be reached, or is not ready/);
    start();
    await untilReady(server);
  });
});
