// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* What the server of a language model elsewhere can and what it refuses. */
import assert from 'node:assert/strict';
import test from 'node:test';
import OpenAI from 'openai';
import { DONE, END, FINISH, HEAD, chunk, delta, models, startPeer, whole } from '../lib/model-server.js';
import { startServer, until, untilReady } from '../lib/server.js';

/** @typedef {import('../lib/model-server.js').Behaviour} Behaviour */

/** @param {import('node:test').TestContext} t @param {string} url @param {string[]} [more] */
const serve = (t, url, more = []) => startServer(t, { args: ['--stt-driver', 'scripted', '--tts-driver', 'scripted', '--llm-url', url, ...more] });

/** @type {Behaviour} */
const list = (socket) => socket.write(models({ id: 'm', max_model_len: 4096 }));
/** @param {string} body @returns {Behaviour} */
const says = (body) => (socket) => socket.write(HEAD + chunk(body) + END);
const good = says(delta('Yes') + delta(', sir.') + FINISH + DONE);

/** @param {{url: string}} server @param {string} content */
async function complete(server, content) {
  const answer = await fetch(server.url + 'v1/chat/completions', { method: 'POST', body: JSON.stringify({ messages: [{ role: 'user', content }] }), headers: { 'content-type': 'application/json' } });
  const { choices, error } = /** @type {any} */ (await answer.json());
  return { status: answer.status, text: choices?.[0].message.content, error, waits: answer.headers.has('retry-after') };
}

test('logprobs come from the other server, or it is said that there are none', async (t) => {
  /** @param {string} token @param {number} logprob */
  const one = (token, logprob) => ({ token, logprob, bytes: [...Buffer.from(token)] });
  const told = (/** @type {string[]} */ ...tokens) => ({ logprobs: { content: tokens.map((token) => ({ ...one(token, -0.5), top_logprobs: [one(token, -0.5), one('No', -1), one('Ja', -3)] })) } });
  const [yes, sir] = [told('Yes'), told(', ', 'sir.')];
  const peer = await startPeer(t, {
    models: list, '*': says(delta('Yes', yes) + delta('', {}) + delta(', sir.', sir) + FINISH + DONE), plain: good,
    whole: (socket) => socket.write(whole(200, { choices: [{ message: { content: 'Yes' }, finish_reason: 'stop', ...yes }] })),
    broken: says(delta('Yes', { logprobs: { content: [{ token: 'Yes', bytes: [700] }] } }) + FINISH + DONE),
  });
  const server = await serve(t, peer.url);
  await untilReady(server);
  const client = new OpenAI({ baseURL: server.url + 'v1', apiKey: 'none', maxRetries: 0 });
  const ask = (/** @type {string} */ content) => ({ model: 'm', messages: [/** @type {const} */ ({ role: 'user', content })], logprobs: true, top_logprobs: 2 });
  const two = (/** @type {{logprobs: {content: any[]}}} */ { logprobs }) => logprobs.content.map((token) => ({ ...token, top_logprobs: token.top_logprobs.slice(0, 2) }));
  const { choices: [choice] } = await client.chat.completions.create(ask('now'));
  assert.equal(choice.message.content, 'Yes, sir.');
  assert.deepEqual(choice.logprobs?.content, [...two(yes), ...two(sir)]);
  const { body } = /** @type {any} */ (peer.requests.at(-1));
  assert.deepEqual([body.logprobs, body.top_logprobs], [true, 2]);
  const chunks = [];
  for await (const { choices: [{ delta: { content }, logprobs }] } of await client.chat.completions.create({ ...ask('now'), stream: true }))
    if (content) chunks.push([content, logprobs?.content?.map(({ token }) => token)]);
  assert.deepEqual(chunks, [['Yes', ['Yes']], [', sir.', [', ', 'sir.']]]);
  assert.deepEqual((await client.chat.completions.create(ask('whole'))).choices[0].logprobs?.content, two(yes));
  await assert.rejects(client.chat.completions.create(ask('plain')), (/** @type {any} */ e) => e.status === 501 && /tells no logprobs/.test(e.message));
  await assert.rejects(client.chat.completions.create(ask('broken')), /is no answer/);
  const { logprobs } = (await client.chat.completions.create({ model: 'm', messages: ask('now').messages })).choices[0];
  assert.equal(logprobs, null);
  assert.equal(/** @type {any} */ (peer.requests.at(-1)).body.logprobs, undefined);
});

test('a server that calls max_tokens by its newer name is asked by that name from then on', async (t) => {
  const message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
  const refusal = whole(400, { error: { message, type: 'invalid_request_error', param: 'max_tokens', code: 'unsupported_parameter' } });
  /** @type {Behaviour} */
  const newer = (socket, attempt, request) => ('max_tokens' in request.body ? socket.write(refusal) : good(socket, attempt, request));
  const peer = await startPeer(t, { models: list, newer, stubborn: (socket) => socket.write(refusal) });
  const server = await serve(t, peer.url);
  await untilReady(server);
  const asked = () => peer.requests.flatMap(({ body }) => (body ? [[body.max_tokens, body.max_completion_tokens]] : []));
  for (let i = 0; i < 2; i++) assert.equal((await complete(server, 'newer')).text, 'Yes, sir.');
  assert.deepEqual(asked(), [[512, undefined], [undefined, 512], [undefined, 512]]);
  /* Once is enough. */
  assert.match((await complete(server, 'stubborn')).error.message, /refuses the question/);
  assert.equal(peer.attempts.stubborn, 1);
});

test('what will not pass is 502, what may pass 503 with a time to wait', async (t) => {
  const peer = await startPeer(t, { models: list, ...Object.fromEntries([400, 401, 403, 404, 429, 500, 503].map((status) => [String(status), /** @type {Behaviour} */ ((socket) => socket.write(whole(status, {}, 'Retry-After: 60\r\n')))])) });
  const server = await serve(t, peer.url);
  await untilReady(server);
  for (const [content, status, code] of /** @type {[string, number, string][]} */ ([
    ['400', 502, 'upstream_refused'], ['401', 502, 'upstream_refused'], ['403', 502, 'upstream_refused'], ['404', 502, 'upstream_refused'],
    ['429', 503, 'overloaded'], ['503', 503, 'overloaded'], ['500', 503, 'engine_unavailable'],
  ])) {
    const answer = await complete(server, content);
    assert.deepEqual([answer.status, answer.error.code, answer.waits], [status, code, status === 503], content);
    if (status === 502) assert.doesNotMatch(answer.error.message, /again|later|restarted/, content);
  }
});

test('a server that is known to refuse is 502 as well', async (t) => {
  let answer = models({ id: 'right' });
  const peer = await startPeer(t, { models: (socket) => socket.write(answer), '*': (socket) => socket.write(whole(401, {})) });
  const server = await serve(t, peer.url, ['--llm-model', 'right']);
  await untilReady(server);
  for (const refusal of [whole(401, {}), models({ id: 'left' }), whole(404, {})]) {
    answer = refusal;
    await until(async () => {
      const { status, error } = await complete(server, 'x');
      assert.deepEqual([status, error.code], [502, 'upstream_refused']);
      return /refuses this server, or lacks the model/.test(error.message);
    }, 'that it is known');
  }
  peer.stop();
  await until(async () => (await complete(server, 'x')).status === 503, 'an absence');
  assert.match((await complete(server, 'x')).error.message, /cannot be reached.*please try again later/);
});
