// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* OpenAI's own client, unchanged, against /v1. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import test from 'node:test';
import OpenAI from 'openai';
import { BUILD, startServer, temporaryFolder, until, untilReady } from '../lib/server.js';

const SCRIPTED = ['--stt-driver', 'scripted', '--tts-driver', 'scripted', '--llm-driver', 'scripted'];

/** @param {import('node:test').TestContext} t @param {string} script */
async function start(t, script) {
  const server = await startServer(t, { args: [...SCRIPTED, '--llm-script', script] });
  await untilReady(server);
  const client = new OpenAI({ baseURL: server.url + 'v1', apiKey: 'none', maxRetries: 0 });
  return { server, client };
}

/** A model whose tokens are bytes. @param {import('node:test').TestContext} t */
async function startTiny(t) {
  const model = path.join(await temporaryFolder(t), 'tiny.gguf');
  assert.equal(spawnSync(path.join(BUILD, 'test/gguf_make'), ['tiny', model]).status, 0);
  const server = await startServer(t, { args: [...SCRIPTED.slice(0, 4), '--llm-model', model, '--llm-threads', '1'] });
  await untilReady(server);
  return new OpenAI({ baseURL: server.url + 'v1', apiKey: 'none', maxRetries: 0 });
}

/** @param {string} content @returns {{role: 'user', content: string}} */
const user = (content) => ({ role: 'user', content });

test('models are listed by name @tsan', async (t) => {
  const { client } = await start(t, 'text=Yes.');
  const list = await client.models.list();
  assert.deepEqual(list.data.map((m) => [m.id, m.object]), [['script', 'model']]);
  assert.equal((await client.models.retrieve('script')).id, 'script');
  await assert.rejects(client.models.retrieve('nothing'), { status: 404 });
});

test('a whole answer @tsan', async (t) => {
  const { client } = await start(t, '');
  const answer = await client.chat.completions.create({
    model: 'whatever',
    messages: [
      { role: 'developer', content: 'Be brief.' },
      user('old'),
      { role: 'assistant', content: 'older' },
      { role: 'user', content: [{ type: 'text', text: 'What ' }, { type: 'text', text: 'now?' }] },
    ],
    user: 'somebody',
    store: false,
  });
  assert.equal(answer.object, 'chat.completion');
  assert.equal(answer.model, 'whatever');
  assert.match(answer.id, /^chatcmpl-[0-9a-f]+$/);
  assert.ok(Math.abs(answer.created - Date.now() / 1000) < 60);
  const [choice] = answer.choices;
  assert.deepEqual([choice.index, choice.finish_reason, choice.message.role, choice.message.content], [0, 'stop', 'assistant', 'You said: What now?']);
  const usage = /** @type {OpenAI.CompletionUsage} */ (answer.usage);
  assert.ok(usage.prompt_tokens > 0 && usage.completion_tokens > 0);
  assert.equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
  assert.equal(usage.prompt_tokens_details?.cached_tokens, 0);
});

test('an answer as it comes @tsan', async (t) => {
  const { client } = await start(t, 'tokens=5');
  const stream = await client.chat.completions.create({
    model: 'script',
    messages: [user('count')],
    stream: true,
    stream_options: { include_usage: true },
  });
  /** @type {OpenAI.ChatCompletionChunk[]} */
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  assert.equal(chunks[0].choices[0].delta.role, 'assistant');
  assert.equal(chunks.map((c) => c.choices[0]?.delta.content ?? '').join(''), 'w1 w2 w3 w4 w5');
  const [last, usage] = chunks.slice(-2);
  assert.equal(last.choices[0].finish_reason, 'stop');
  assert.deepEqual(usage.choices, []);
  assert.equal(usage.usage?.completion_tokens, 5);
  assert.equal(new Set(chunks.map((c) => c.id)).size, 1);
  const plain = await client.chat.completions.create({ model: 'script', messages: [user('count')], stream: true });
  for await (const chunk of plain) assert.equal(chunk.choices.length, 1, 'no usage that was not asked for');
});

test('lengths and stop texts', async (t) => {
  const { client } = await start(t, 'text=One two three four');
  /** @param {Partial<OpenAI.ChatCompletionCreateParamsNonStreaming>} more */
  const ask = async (more) => {
    const { choices } = await client.chat.completions.create({ model: 'script', messages: [user('x')], ...more });
    return [choices[0].message.content, choices[0].finish_reason];
  };
  assert.deepEqual(await ask({ max_tokens: 2 }), ['One two', 'length']);
  assert.deepEqual(await ask({ max_completion_tokens: 1 }), ['One', 'length']);
  assert.deepEqual(await ask({ stop: ' three' }), ['One two', 'stop']);
  assert.deepEqual(await ask({ stop: ['four', ' two'] }), ['One', 'stop']);
  assert.deepEqual(await ask({ stop: null, seed: 0, temperature: 0, top_p: 0.5, n: 1, logprobs: false, tools: [] }), ['One two three four', 'stop']);
});

/** @typedef {OpenAI.ChatCompletionTokenLogprob} Logprob */
/** What the tokens are made of. @param {Logprob[]} list */
const bytesOf = (list) => Buffer.from(list.flatMap(({ bytes }) => /** @type {number[]} */ (bytes)));

/** Each chunk's text, beside its tokens'. @param {OpenAI} client @param {object} more */
async function chunksOf(client, more) {
  const stream = await client.chat.completions.create({ model: 'x', messages: [user('x')], logprobs: true, ...more, stream: true });
  const chunks = [];
  for await (const { choices: [choice] } of stream)
    if (choice.delta.content) chunks.push([choice.delta.content, choice.logprobs?.content?.map(({ token }) => token) ?? []]);
    else assert.equal(choice.logprobs, null);
  return chunks;
}

test('how likely the tokens were, whole and as they come @tsan', async (t) => {
  const { client } = await start(t, 'text=One two three');
  const ask = { model: 'script', messages: [user('x')], logprobs: true, top_logprobs: 2 };
  const { choices: [{ logprobs, message }] } = await client.chat.completions.create(ask);
  const list = /** @type {Logprob[]} */ (logprobs?.content);
  assert.equal(message.content, 'One two three');
  assert.deepEqual(list.map(({ token }) => token), ['One', ' two', ' three']);
  assert.equal(bytesOf(list).toString(), message.content);
  const eighth = -2.079442, bytes = [...Buffer.from('other1')];
  assert.deepEqual(list[1], {
    token: ' two', logprob: eighth, bytes: [...Buffer.from(' two')],
    top_logprobs: [{ token: ' two', logprob: eighth, bytes: [...Buffer.from(' two')] }, { token: 'other1', logprob: -2.772589, bytes }],
  });
  const stream = client.chat.completions.stream({ ...ask, stream: true });
  assert.deepEqual((await stream.finalChatCompletion()).choices[0].logprobs?.content, list);
  assert.deepEqual(await chunksOf(client, {}), [['One', ['One']], [' two', [' two']], [' three', [' three']]]);
  const plain = await client.chat.completions.create({ model: 'script', messages: [user('x')], top_logprobs: 0 });
  assert.equal(plain.choices[0].logprobs, null);
  const none = await client.chat.completions.create({ ...ask, top_logprobs: 0, max_tokens: 1 });
  assert.deepEqual(none.choices[0].logprobs?.content?.map((one) => one.top_logprobs), [[]]);
  /* What is held back keeps its tokens, what is left out has none. */
  assert.deepEqual(await chunksOf(client, { stop: ' thx' }), [['One', ['One']], [' two', [' two']], [' three', [' three']]]);
  assert.deepEqual(await chunksOf(client, { stop: 'o th' }), [['One', ['One']], [' tw', [' two']]]);
});

test('tokens of calls are no tokens of the words; only one call is waited for', async (t) => {
  const { client } = await start(t, CALLS);
  const ask = { model: 'script', messages: [user('How is Bern?')], tools: TOOLS, logprobs: true };
  const both = await client.chat.completions.create(ask);
  const { logprobs, message } = both.choices[0];
  assert.equal(message.tool_calls?.length, 2);
  assert.deepEqual(logprobs?.content?.map(({ token }) => token), ['I', ' look', '.', ' <', ' <']); /* blanks before the calls */
  assert.deepEqual(await chunksOf(client, { tools: TOOLS }), [['I', ['I']], [' look', [' look']], ['.', ['.']], [' ', [' <']], [' ', [' <']]]);
  const one = await client.chat.completions.create({ ...ask, parallel_tool_calls: false });
  assert.equal(one.choices[0].message.tool_calls?.length, 1);
  assert.equal(one.choices[0].finish_reason, 'tool_calls');
  const tokens = (/** @type {OpenAI.ChatCompletion} */ answer) => answer.usage?.completion_tokens ?? 0;
  assert.ok(tokens(one) < tokens(both) * 0.7, `${tokens(one)} of ${tokens(both)}`);
});

test('cut code points have their bytes, and all probabilities make one', async (t) => {
  const client = await startTiny(t);
  const ask = { model: 'tiny', messages: [user('How much?')], logprobs: true, top_logprobs: 20, max_tokens: 20, temperature: 0 };
  const price = { type: 'json_schema', json_schema: { name: 'x', schema: { enum: ['€ 5'] } } };
  const { choices: [{ logprobs, message }] } = await client.chat.completions.create(/** @type {any} */ ({ ...ask, response_format: price }));
  const list = /** @type {Logprob[]} */ (logprobs?.content);
  assert.equal(message.content, '"€ 5"');
  assert.equal(bytesOf(list).toString(), message.content);
  assert.deepEqual(list.slice(1, 4).map(({ token, bytes }) => [token, bytes]), [['\uFFFD', [0xe2]], ['\uFFFD', [0x82]], ['\uFFFD', [0xac]]]);
  for (const { top_logprobs: top } of list) {
    assert.equal(top.length, 20);
    const sum = top.reduce((all, { logprob }) => all + Math.exp(logprob), 0);
    assert.ok(sum > 0 && sum <= 1.00001, String(sum));
    assert.ok(top.every(({ logprob }, i) => i === 0 || logprob <= top[i - 1].logprob));
  }
  assert.ok(list.some(({ token, top_logprobs: [best] }) => token !== best.token), 'the form chose, not the model');
  const stream = client.chat.completions.stream(/** @type {any} */ ({ ...ask, response_format: price }));
  const last = (await stream.finalChatCompletion()).choices[0];
  assert.equal(last.message.content, '"€ 5"');
  assert.equal(bytesOf(/** @type {Logprob[]} */ (last.logprobs?.content)).toString(), '"€ 5"');
  /* Whatever it says: byte for byte, where bytes that are no text become U+FFFD each. */
  const free = (await client.chat.completions.create({ ...ask, max_tokens: 60, temperature: 2, seed: 3 })).choices[0];
  const decoded = bytesOf(/** @type {Logprob[]} */ (free.logprobs?.content));
  assert.equal(free.message.content?.replaceAll('\uFFFD', '').length, decoded.toString().replaceAll('\uFFFD', '').length);
});

test('the logprobs of a whole answer are bounded, those of a stream leave @tsan', async (t) => {
  const { client } = await start(t, 'tokens=12000');
  const ask = { model: 'script', messages: [user('x')], logprobs: true, top_logprobs: 20, max_tokens: 12000 };
  await assert.rejects(client.chat.completions.create(ask), (/** @type {any} */ e) => e.status === 413 && /ask for fewer, or for a stream/.test(e.message));
  const few = await client.chat.completions.create({ ...ask, max_tokens: 2000 });
  assert.equal(few.choices[0].logprobs?.content?.length, 2000);
  let tokens = 0;
  for await (const { choices: [choice] } of await client.chat.completions.create({ ...ask, stream: true })) tokens += choice.logprobs?.content?.length ?? 0;
  assert.equal(tokens, 12000);
});

/** @type {OpenAI.ChatCompletionTool[]} */
const TOOLS = [
  { type: 'function', function: { name: 'weather', description: 'How it is there.', parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } } },
  { type: 'function', function: { name: 'time' } },
];
const CALLS = 'text=I look. <tool_call>{"name": "weather", "arguments": {"city": "Bern"}}</tool_call> <tool_call>{"name": "time", "arguments": {}}</tool_call>';

test('functions are called, whole and as it comes @tsan', async (t) => {
  const { client } = await start(t, CALLS);
  const ask = { model: 'script', messages: [user('How is Bern?')], tools: TOOLS };
  const { choices } = await client.chat.completions.create(ask);
  const called = (/** @type {any[] | undefined} */ calls) => calls?.map(({ type, function: f }) => [type, f.name, f.arguments]);
  const both = [['function', 'weather', '{"city":"Bern"}'], ['function', 'time', '{}']];
  assert.equal(choices[0].finish_reason, 'tool_calls');
  assert.equal(choices[0].message.content?.trim(), 'I look.');
  assert.deepEqual(called(choices[0].message.tool_calls), both);
  assert.equal(new Set(choices[0].message.tool_calls?.map(({ id }) => id)).size, 2);
  const one = await client.chat.completions.create({ ...ask, parallel_tool_calls: false });
  assert.deepEqual(called(one.choices[0].message.tool_calls), [both[0]]);
  const none = await client.chat.completions.create({ ...ask, tool_choice: 'none' });
  assert.match(none.choices[0].message.content ?? '', /tool_call/, 'who offers none gets the words');
  assert.equal(none.choices[0].finish_reason, 'stop');

  const stream = client.chat.completions.stream({ ...ask, stream: true });
  const last = (await stream.finalChatCompletion()).choices[0];
  assert.equal(last.finish_reason, 'tool_calls');
  assert.deepEqual(called(last.message.tool_calls), both);
  assert.equal(last.message.content?.trim(), 'I look.');
});

test('what cannot be honoured is refused, and says which', async (t) => {
  const { client } = await start(t, 'text=Yes.');
  for (const [param, body] of /** @type {[string, object][]} */ ([
    ['messages', { messages: [] }],
    ['messages', { messages: [{ role: 'function', content: 'x', name: 'y' }] }],
    ['messages', { messages: [{ role: 'assistant', tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{' } }] }] }],
    ['messages', { messages: [{ role: 'user', content: null }] }],
    ['messages', { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:,' } }] }] }],
    ['messages', { messages: [{ role: 'user', content: 5 }] }],
    ['messages', { messages: ['x'] }],
    ['n', { n: 2 }],
    ['tools', { tools: [{ type: 'code_interpreter' }] }],
    ['tools', { tools: [{ type: 'function', function: { name: 'x'.repeat(65) } }] }],
    ['tools', { tools: [{ type: 'function', function: { name: 'f', parameters: 5 } }] }],
    ['tools', { tools: Array.from({ length: 129 }, (_, i) => ({ type: 'function', function: { name: `f${i}` } })) }],
    ['tool_choice', { tool_choice: 'maybe' }],
    ['tool_choice', { tools: [{ type: 'function', function: { name: 'f' } }], tool_choice: { type: 'function', function: { name: 'g' } } }],
    ['tool_choice', { tool_choice: 'required' }],
    ['logprobs', { logprobs: 5 }],
    ['top_logprobs', { logprobs: true, top_logprobs: 21 }],
    ['top_logprobs', { logprobs: true, top_logprobs: -1 }],
    ['top_logprobs', { top_logprobs: 2 }],
    ['functions', { functions: [{ name: 'f' }] }],
    ['logit_bias', { logit_bias: { 5: 101 } }],
    ['logit_bias', { logit_bias: { five: 1 } }],
    ['response_format', { response_format: { type: 'xml' } }],
    ['response_format', { response_format: { type: 'json_schema', json_schema: { name: 'x' } } }],
    ['stop', { stop: [''] }],
    ['stop', { stop: Array(17).fill('x') }],
    ['temperature', { temperature: 2.5 }],
    ['max_tokens', { max_tokens: 0 }],
    ['stream', { stream: 'yes' }],
    ['presence_penalty', { presence_penalty: 2.5 }],
    ['repeat_penalty', { repeat_penalty: 0 }],
    ['min_p', { min_p: 1.5 }],
  ]))
    await assert.rejects(
      client.chat.completions.create(/** @type {any} */ ({ model: 'script', messages: [user('x')], ...body })),
      (/** @type {any} */ e) => e.status === 400 && e.param === param,
      JSON.stringify(body),
    );
});

test('without a language model it says so', async (t) => {
  const server = await startServer(t, { args: SCRIPTED.slice(0, 4) });
  const client = new OpenAI({ baseURL: server.url + 'v1', apiKey: 'none', maxRetries: 0 });
  await assert.rejects(client.chat.completions.create({ model: 'x', messages: [user('x')] }), (/** @type {any} */ e) => e.status === 501 && /llm\.model/.test(e.message));
});

test('visitors of a public server learn nothing of one another from what is cached', async (t) => {
  const folder = await temporaryFolder(t);
  const model = path.join(folder, 'tiny.gguf');
  assert.equal(spawnSync(path.join(BUILD, 'test/gguf_make'), ['tiny', model]).status, 0);
  const server = await startServer(t, {
    args: [...SCRIPTED.slice(0, 4), '--llm-model', model, '--llm-threads', '1', '--session-public'],
    env: { REPARTEE_AUTH_KEY: 'a-key-of-the-operator-s' },
  });
  await untilReady(server);
  const visitor = async () => {
    const { token } = await (await fetch(server.url + 'session', { method: 'POST' })).json();
    return new OpenAI({ baseURL: server.url + 'v1', apiKey: token, maxRetries: 0 });
  };
  const [ann, bob] = [await visitor(), await visitor()];
  const ask = async (/** @type {OpenAI} */ who) => {
    const { usage } = await who.chat.completions.create({ model: 'x', messages: [user('My secret is a long word.')], max_tokens: 2 });
    return /** @type {any} */ (usage).prompt_tokens_details.cached_tokens;
  };
  await ask(ann);
  assert.ok((await ask(ann)) > 20, 'her own is found again');
  const seen = await ask(bob);
  assert.ok(seen < 20, `somebody else's: ${seen} tokens`);
});

test('a model with the markup of Mistral calls a function, and reads what came of it', async (t) => {
  const folder = await temporaryFolder(t);
  const model = path.join(folder, 'tiny.gguf');
  assert.equal(spawnSync(path.join(BUILD, 'test/gguf_make'), ['tiny-mistral', model]).status, 0);
  const server = await startServer(t, { args: [...SCRIPTED.slice(0, 4), '--llm-model', model, '--llm-threads', '1'] });
  await untilReady(server);
  const client = new OpenAI({ baseURL: server.url + 'v1', apiKey: 'none', maxRetries: 0 });
  const parameters = { type: 'object', properties: { city: { const: 'Bern' } }, required: ['city'], additionalProperties: false };
  const tools = [{ type: /** @type {const} */ ('function'), function: { name: 'rain', parameters } }];
  const ask = (/** @type {any[]} */ messages, /** @type {any} */ more) =>
    client.chat.completions.create({ model: 'x', messages, tools, ...more });
  const called = await ask([user('Does it rain?')], { tool_choice: 'required', max_tokens: 300 });
  const { message, finish_reason } = called.choices[0];
  const calls = /** @type {any[]} */ (message.tool_calls);
  assert.equal(finish_reason, 'tool_calls');
  assert.ok(!message.content);
  assert.deepEqual(calls.map((c) => [c.function.name, JSON.parse(c.function.arguments)]), [['rain', { city: 'Bern' }]]);
  const result = { role: 'tool', tool_call_id: calls[0].id, content: 'It does.' };
  const told = await ask([user('Does it rain?'), message, result], { max_tokens: 2 });
  const more = /** @type {any} */ (told.usage).prompt_tokens - /** @type {any} */ (called.usage).prompt_tokens;
  /* A token is a byte: [TOOL_CALLS], name, [ARGS], arguments; </s>, [TOOL_RESULTS], text, [/TOOL_RESULTS]. */
  assert.equal(more, 1 + 'rain'.length + 1 + '{"city": "Bern"}'.length + 2 + result.content.length + 1);
});

test('who leaves frees the place; a failure has its status, or ends the stream @tsan', async (t) => {
  const { server, client } = await start(t, 'slots=1,slow=20,tokens=5000,fail=3,after=0');
  const engine = async () => (await (await fetch(server.url + 'readyz')).json()).engines.llm;
  for (let i = 0; i < 2; i++) {
    const stream = await client.chat.completions.create({ model: 'script', messages: [user('go')], stream: true });
    for await (const chunk of stream) if (chunk.choices[0].delta.content) break; /* leaves */
    await until(async () => (await engine()).live === 0, 'a free place');
  }
  await assert.rejects(client.chat.completions.create({ model: 'script', messages: [user('go')], stream: true }), { status: 500 });
  const { pid } = await engine();
  const stream = await client.chat.completions.create({ model: 'script', messages: [user('go')], stream: true });
  await assert.rejects(async () => {
    for await (const chunk of stream) if (chunk.choices[0].delta.content) process.kill(pid, 'SIGKILL');
  }, /engine/);
});
