// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* A language model of libllama's, made here with random weights: what it says is nonsense, how it says it is not. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { truncateSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import OpenAI from 'openai';
import { repartee } from '../lib/cli.js';
import { BUILD, startServer, temporaryFolder, until, untilReady } from '../lib/server.js';
import { VoiceClient } from '../lib/voice.js';

const QUIET = ['--stt-driver', 'scripted', '--tts-driver', 'scripted', '--llm-threads', '1'];

/** @param {import('node:test').TestContext} t @param {string} [shape] */
async function makeModel(t, shape = 'tiny') {
  const file = path.join(await temporaryFolder(t), 'model.gguf');
  assert.equal(spawnSync(path.join(BUILD, 'test/gguf_make'), [shape, file]).status, 0);
  return file;
}

/** @param {import('node:test').TestContext} t @param {string[]} [more] @param {string} [shape] */
async function startWithModel(t, more = [], shape = 'tiny') {
  const server = await startServer(t, { args: [...QUIET, '--llm-model', await makeModel(t, shape), ...more] });
  await untilReady(server);
  return server;
}

/** @param {string} url @param {object} body */
const chat = (url, body) =>
  fetch(url + 'chat', { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });

/**
 * By chance such a model ends an answer at once, so it may be asked some times.
 * @template T @param {() => Promise<T>} ask @param {(answer: T) => boolean} enough
 */
async function insist(ask, enough) {
  for (let tries = 0; tries < 8; tries++) {
    const answer = await ask();
    if (enough(answer)) return answer;
  }
  assert.fail('the model says nothing');
}

/** @param {string} url @param {object} body */
const answer = async (url, body) => (await chat(url, { stream: false, ...body })).json();

test('a model that is named answers; a second question reads only what is new', async (t) => {
  const { url } = await startWithModel(t, ['--llm-max-tokens', '30']);
  const { engines } = await (await fetch(url + 'readyz')).json();
  assert.equal(engines.llm.driver, 'llama');
  assert.match(engines.llm.notes, /2048 tokens of context, computed by .*CPU/);
  const first = await answer(url, { message: 'Who are you?' });
  assert.equal(first.usage.cached_tokens, 0);
  assert.ok(first.usage.prompt_tokens > 50);
  await insist(() => answer(url, { message: 'Who are you?' }), ({ response, usage }) => response.length > 0 && usage.completion_tokens > 0);
  const { session_id } = await (await fetch(url + 'session', { method: 'POST' })).json();
  const once = await answer(url, { message: 'Who are you?', session_id });
  const twice = await answer(url, { message: 'And I?', session_id });
  assert.ok(twice.usage.cached_tokens >= once.usage.prompt_tokens - 1, JSON.stringify(twice.usage));
  assert.ok(twice.usage.prompt_tokens - twice.usage.cached_tokens < 120, JSON.stringify(twice.usage));
});

test('it cites, streams, and is spoken', async (t) => {
  const server = await startWithModel(t, ['--llm-max-tokens', '20', '--llm-context', '16384']);
  /** @type {() => Promise<any[]>} */
  const ask = async () => {
    const text = await (await chat(server.url, { message: 'How do I add documents?', use_rag: true })).text();
    return text.split('\n').filter((line) => line.startsWith('data: ')).map((line) => JSON.parse(line.slice(6)));
  };
  const events = await insist(ask, (all) => all.filter((e) => e.type === 'token').length > 3);
  assert.ok(events.some((e) => e.type === 'citation'));
  assert.equal(events.at(-1).type, 'end', JSON.stringify(events.at(-1)));
  const voice = await VoiceClient.open(server.url);
  const turn = await voice.talk(new Int16Array(16000));
  assert.equal(turn.last.type, 'end', JSON.stringify(turn.last));
  voice.close();
});

test('kill -9 of the model in mid-answer: an error at once, and the next question is answered', async (t) => {
  const server = await startWithModel(t, ['--llm-max-tokens', '1500'], 'small');
  const voice = await VoiceClient.open(server.url);
  const model = async () => (await (await fetch(server.url + 'readyz')).json()).engines.llm;
  /** @type {any} */
  let over;
  /* By chance an answer may be over before the signal comes. */
  for (let tries = 0; tries < 8 && !over?.error; tries++) {
    const from = voice.events.length, { pid } = await model();
    voice.send({ type: 'text', text: `Tell me everything, for the ${tries}. time.` });
    await voice.wait((e) => e.type === 'token', 'a token', from);
    process.kill(pid, 'SIGKILL');
    over = await voice.wait((e) => e.type === 'error' || e.type === 'end', 'an end', from);
    await until(async () => {
      const now = await model();
      return now.state === 'ready' && now.pid !== pid;
    }, 'another one');
  }
  assert.equal(over.error?.code, 'engine_unavailable', JSON.stringify(over));
  assert.equal(voice.closed, null);
  await insist(() => answer(server.url, { message: 'Again?' }), ({ usage }) => usage.completion_tokens > 0);
  voice.close();
});

test('a model that cannot be loaded is told in a sentence, and nobody waits', async (t) => {
  const good = await makeModel(t), folder = await temporaryFolder(t);
  const text = path.join(folder, 'notes.gguf');
  await writeFile(text, 'No model.');
  for (const { file, args = [], says } of [
    { file: '/nonexistent/m.gguf', says: /^repartee serve: cannot open the model \/nonexistent\/m\.gguf: there is nothing here by that name$/m },
    { file: folder, says: /is no model file/ },
    { file: text, says: /this is no model file: it does not begin with GGUF/ },
    { file: good, args: ['--llm-template', 'nonsense'], says: /chat template is not known here; name the one it is like with llm\.template/ },
    { file: '', args: ['--llm-driver', 'llama'], says: /llm\.model must name a GGUF file/ },
  ]) {
    const { code, err } = await repartee(['serve', '--listen', '127.0.0.1:0', '--data', await temporaryFolder(t), ...QUIET, '--llm-model', file, ...args]);
    assert.equal(code, 1, err);
    assert.match(err, says);
  }
  truncateSync(good, 200000);
  const asked = await repartee(['ask', 'x', '--data', await temporaryFolder(t), ...QUIET, '--llm-model', good]);
  assert.equal(asked.code, 1);
  assert.match(asked.err, /shorter than its header says; it was not copied whole/);
});

/** @param {{url: string}} server */
function asker(server) {
  const client = new OpenAI({ baseURL: server.url + 'v1', apiKey: 'none', maxRetries: 0 });
  /** @param {any} more @returns {Promise<OpenAI.ChatCompletion>} */
  return (more) => client.chat.completions.create({ model: 'made', messages: [{ role: 'user', content: 'Tell me.' }], max_tokens: 400, ...more });
}

test('an answer has the form that a JSON schema gives it, whatever the model thinks', async (t) => {
  const ask = asker(await startWithModel(t));
  const schema = {
    type: 'object',
    properties: {
      city: { type: 'string', enum: ['Bern', 'Genève'] },
      days: { type: 'integer', minimum: 1, maximum: 9 },
      notes: { type: 'array', items: { type: 'string', minLength: 1, maxLength: 5 }, minItems: 1, maxItems: 2 },
      warm: { type: ['boolean', 'null'] },
    },
    required: ['city', 'days', 'notes', 'warm'],
    additionalProperties: false,
  };
  const response_format = { type: 'json_schema', json_schema: { name: 'trip', strict: true, schema } };
  for (let seed = 1; seed <= 4; seed++) {
    const { choices } = await ask({ response_format, seed, temperature: 1.5 });
    const text = choices[0].message.content ?? '', trip = JSON.parse(text);
    assert.equal(choices[0].finish_reason, 'stop', text);
    assert.deepEqual(Object.keys(trip), schema.required, text);
    assert.ok(schema.properties.city.enum.includes(trip.city) && trip.days >= 1 && trip.days <= 9 && [true, false, null].includes(trip.warm), text);
    assert.ok(trip.notes.length >= 1 && trip.notes.length <= 2 && trip.notes.every((/** @type {string} */ n) => n.length > 0), text);
  }
  const cut = await ask({ response_format: { type: 'json_object' }, max_tokens: 5 });
  assert.match(cut.choices[0].message.content ?? '', /^\{/);
  /** @param {object} schema */
  const refused = (schema) => ask({ response_format: { type: 'json_schema', json_schema: { name: 'x', schema } } });
  await assert.rejects(refused({ type: 'string', pattern: 'a+' }), { status: 400, message: /pattern/ });
  /* What would cost libllama without bounds, or end it. */
  const twice = { anyOf: [{ $ref: '#/$defs/a' }, { $ref: '#/$defs/a' }] };
  await assert.rejects(refused({ ...twice, $defs: { a: { type: 'array', items: { $ref: '#' } } } }), { status: 400, message: /hold themselves/ });
  await assert.rejects(refused({ $ref: '#' }), { status: 400, message: /itself/ });
  const bytes = await ask({ response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'string', maxLength: 20 } } }, logit_bias: { 224: 100, 128: 100, 255: 90 }, temperature: 0 });
  assert.doesNotMatch(JSON.parse(bytes.choices[0].message.content ?? ''), /\ufffd/);
});

test('tokens that are favoured come, tokens that came are avoided', async (t) => {
  const ask = asker(await startWithModel(t));
  const x = 'x'.charCodeAt(0); /* the made vocabulary has a token for each byte */
  /** @param {object} more */
  const text = async (more) => (await ask({ max_tokens: 12, temperature: 0, ...more })).choices[0].message.content ?? '';
  assert.equal(await text({ logit_bias: { [x]: 100 } }), 'x'.repeat(12));
  const avoided = await text({ logit_bias: { [x]: 100 }, repeat_penalty: 100 });
  assert.ok(avoided.startsWith('x') && avoided !== 'x'.repeat(12), avoided);
  assert.equal(await text({ logit_bias: { [x]: 100 }, temperature: 2, min_p: 1, seed: 3 }), 'x'.repeat(12));
  await assert.rejects(text({ logit_bias: { 300: 1 } }), { status: 400, message: /0 to 299/ });
});

test('a function is called when one has to be, with arguments by its schema, and its result is read', async (t) => {
  for (const template of ['', 'chatml']) {
    const server = await startWithModel(t, template ? ['--llm-template', template] : []);
    const client = new OpenAI({ baseURL: server.url + 'v1', apiKey: 'none', maxRetries: 0 });
    /** @type {OpenAI.ChatCompletionTool[]} */
    const tools = [
      { type: 'function', function: { name: 'set_alarm', description: 'Wakes you.', parameters: {
        type: 'object',
        properties: { hour: { type: 'integer', minimum: 0, maximum: 23 }, day: { enum: ['today', 'tomorrow'] } },
        required: ['hour', 'day'],
      } } },
      { type: 'function', function: { name: 'stop' } },
    ];
    /** @type {OpenAI.ChatCompletionMessageParam[]} */
    const messages = [{ role: 'user', content: 'Wake me.' }];
    const ask = { model: 'made', messages, tools, max_tokens: 500, temperature: 1 };
    const named = await client.chat.completions.create({ ...ask, tool_choice: { type: 'function', function: { name: 'set_alarm' } }, seed: 5, stop: ['name'] });
    const [choice] = named.choices, [call] = choice.message.tool_calls ?? [];
    assert.equal(choice.finish_reason, 'tool_calls', JSON.stringify(choice));
    assert.ok(call.type === 'function' && call.function.name === 'set_alarm');
    const { hour, day } = JSON.parse(call.function.arguments);
    assert.ok(hour >= 0 && hour <= 23 && ['today', 'tomorrow'].includes(day), call.function.arguments);
    assert.equal(choice.message.content, null);

    messages.push(choice.message, { role: 'tool', tool_call_id: call.id, content: 'It is set.' });
    const after = await client.chat.completions.create({ ...ask, max_tokens: 10 });
    assert.ok((after.usage?.prompt_tokens ?? 0) > (named.usage?.prompt_tokens ?? Infinity), 'call and result are read, too');
    const again = await client.chat.completions.create({ ...ask, max_tokens: 10 });
    assert.equal(again.usage?.prompt_tokens_details?.cached_tokens, (after.usage?.prompt_tokens ?? 0) - 1);

    const bad = { ...ask, tool_choice: /** @type {const} */ ('required'), tools: [{ type: /** @type {const} */ ('function'), function: { name: 'f', parameters: { type: 'object', properties: { x: { type: 'string', pattern: 'x' } } } } }] };
    await assert.rejects(client.chat.completions.create(bad), { status: 400, message: /pattern/ });
  }
});
