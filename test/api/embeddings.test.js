// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* /v1/embeddings by OpenAI's own client, with an encoder made here: BERT with random weights. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { request } from 'node:http';
import path from 'node:path';
import test from 'node:test';
import OpenAI from 'openai';
import { repartee } from '../lib/cli.js';
import { resident } from '../lib/measure.js';
import { HEAD, models, startPeer } from '../lib/model-server.js';
import { SANITIZED } from '../lib/scale.js';
import { BUILD, startServer, temporaryFolder, until, untilReady } from '../lib/server.js';

const QUIET = ['--stt-driver', 'scripted', '--tts-driver', 'scripted', '--embed-threads', '1'];
const SCRIPTED = [...QUIET, '--embed-driver', 'scripted'];

/** @param {import('node:test').TestContext} t @param {string} shape */
async function makeModel(t, shape) {
  const file = path.join(await temporaryFolder(t), 'model.gguf');
  assert.equal(spawnSync(path.join(BUILD, 'test/gguf_make'), [shape, file]).status, 0);
  return file;
}

/** @param {import('node:test').TestContext} t @param {string[]} args @param {Record<string, string>} [env] */
async function start(t, args, env = {}) {
  const server = await startServer(t, { args, env });
  await untilReady(server);
  const client = new OpenAI({ baseURL: server.url + 'v1', apiKey: 'none', maxRetries: 0 });
  return { server, client };
}

/** @param {number[]} a @param {number[]} b */
const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);

/** @param {string} url */
const engineOf = async (url) => (await (await fetch(url + 'readyz')).json()).engines.embed;

test('a model that is named makes vectors, in both formats', async (t) => {
  const { server, client } = await start(t, QUIET, { EMBED_MODEL: await makeModel(t, 'tiny-bert') });
  const engine = await engineOf(server.url);
  assert.equal(engine.driver, 'llama');
  assert.match(engine.notes, /64 dimensions, texts of up to 128 tokens/);
  const one = await client.embeddings.create({ model: 'any', input: 'How do I add documents?' });
  assert.equal(one.object, 'list');
  assert.equal(one.model, 'any');
  assert.deepEqual(one.data.map((d) => [d.object, d.index, d.embedding.length]), [['embedding', 0, 64]]);
  assert.ok(one.usage.prompt_tokens > 5 && one.usage.total_tokens === one.usage.prompt_tokens);
  assert.ok(Math.abs(dot(one.data[0].embedding, one.data[0].embedding) - 1) < 1e-5);

  const input = ['How do I add documents?', 'Something else.', 'x'];
  const plain = await client.embeddings.create({ model: 'any', input, encoding_format: 'float' });
  const coded = await client.embeddings.create({ model: 'any', input, encoding_format: 'base64' });
  assert.deepEqual(plain.data.map((d) => d.index), [0, 1, 2]);
  for (const [i, { embedding }] of plain.data.entries()) {
    const bytes = Buffer.from(/** @type {any} */ (coded.data[i].embedding), 'base64');
    const numbers = [...new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)];
    assert.equal(numbers.length, 64);
    assert.ok(numbers.every((x, k) => Math.abs(x - embedding[k]) < 1e-8));
  }
  assert.ok(dot(plain.data[0].embedding, one.data[0].embedding) > 0.999);
  assert.ok(dot(plain.data[0].embedding, plain.data[1].embedding) < 0.9999);

  const short = await client.embeddings.create({ model: 'any', input: input[0], dimensions: 16 });
  const [cut] = short.data;
  assert.equal(cut.embedding.length, 16);
  assert.ok(Math.abs(dot(cut.embedding, cut.embedding) - 1) < 1e-5);

  const tokens = await client.embeddings.create({ model: 'any', input: [2, 100, 101, 3] });
  const lists = await client.embeddings.create({ model: 'any', input: [[2, 100, 101, 3], [2, 3]] });
  assert.equal(tokens.usage.prompt_tokens, 4);
  assert.equal(lists.usage.prompt_tokens, 6);
  assert.ok(dot(tokens.data[0].embedding, lists.data[0].embedding) > 0.999);

  assert.deepEqual((await client.models.list()).data.map((m) => m.id), ['quote', 'e5 made for tests']);
  await assert.rejects(client.embeddings.create({ model: 'any', input: 'x', dimensions: 65 }), { status: 400, message: /vectors have 64 dimensions/ });
  await assert.rejects(client.embeddings.create({ model: 'any', input: ['x', 'x '.repeat(127)] }), { status: 400, message: /text 1 has 129 tokens, and this model reads 128 at most/ });
  await assert.rejects(client.embeddings.create({ model: 'any', input: [[2, 300]] }), { status: 400, message: /300 is no token of this model/ });
  assert.equal((await client.embeddings.create({ model: 'any', input: 'still there' })).data.length, 1);
});

test('what cannot be embedded is refused, and says which @tsan', async (t) => {
  const { client } = await start(t, SCRIPTED);
  for (const [param, body] of /** @type {[string, object][]} */ ([
    ['input', { input: undefined }],
    ['input', { input: '' }],
    ['input', { input: [] }],
    ['input', { input: [''] }],
    ['input', { input: [[]] }],
    ['input', { input: ['x', 1] }],
    ['input', { input: [1, 'x'] }],
    ['input', { input: [[1], 'x'] }],
    ['input', { input: [1.5] }],
    ['input', { input: [-1] }],
    ['input', { input: [2 ** 31] }],
    ['input', { input: { text: 'x' } }],
    ['input', { input: [null] }],
    ['input', { input: Array(2049).fill('x') }],
    ['input', { input: Array(300001).fill(1) }],
    ['dimensions', { dimensions: 0 }],
    ['encoding_format', { encoding_format: 'hex' }],
    ['model', { model: 7 }],
  ]))
    await assert.rejects(
      client.embeddings.create(/** @type {any} */ ({ model: 'script', input: 'x', ...body })),
      (/** @type {any} */ e) => e.status === 400 && e.param === param,
      JSON.stringify(body).slice(0, 80),
    );
  const many = await client.embeddings.create({ model: 'script', input: Array(2048).fill('ab'), user: 'somebody' });
  assert.equal(many.data.length, 2048);
  assert.equal(many.usage.prompt_tokens, 4096);
  await assert.rejects(client.embeddings.create({ model: 'script', input: 'x'.repeat(2 ** 21) }), { status: 413 });
  const long = await client.embeddings.create({ model: 'script', input: ['ä'.repeat(500_000), 'x'] });
  assert.equal(long.usage.prompt_tokens, 1_000_001);
});

test('without an embedding model it says so; one for something else is refused at the start', async (t) => {
  const { server, client } = await start(t, QUIET);
  await assert.rejects(client.embeddings.create({ model: 'x', input: 'x' }), { status: 501, message: /embed\.model/ });
  assert.equal(await engineOf(server.url), undefined);
  const [reads, writes] = [await makeModel(t, 'tiny-bert'), await makeModel(t, 'tiny')];
  for (const [args, says] of /** @type {[string[], RegExp][]} */ ([
    [['--embed-model', writes], /writes texts; embed\.model takes an encoder such as e5-small-v2, and llm\.model this/],
    [['--llm-model', reads], /makes vectors of texts and answers nothing; name it with embed\.model/],
    [['--embed-driver', 'llama'], /embed\.model must name a GGUF file/],
  ])) {
    const { code, err } = await repartee(['serve', '--listen', '127.0.0.1:0', '--data', await temporaryFolder(t), ...QUIET, ...args]);
    assert.equal(code, 1, err);
    assert.match(err, says);
  }
});

test('who leaves frees the place @tsan', async (t) => {
  const { server, client } = await start(t, [...SCRIPTED, '--embed-script', 'slots=1,slow=50']);
  const leaving = new AbortController();
  const first = client.embeddings.create({ model: 'x', input: Array(2000).fill('x') }, { signal: leaving.signal });
  first.catch(() => {});
  await until(async () => (await engineOf(server.url)).live === 1, 'the first request');
  leaving.abort();
  await assert.rejects(first);
  assert.equal((await client.embeddings.create({ model: 'x', input: 'x' })).data.length, 1);
});

test('kill -9 in mid-request: an error at once, and the next one is served', async (t) => {
  const { server, client } = await start(t, [...SCRIPTED, '--embed-script', 'slow=50']);
  const asked = client.embeddings.create({ model: 'x', input: Array(2000).fill('x') });
  const failed = assert.rejects(asked, { status: 503, code: 'engine_unavailable' });
  await until(async () => (await engineOf(server.url)).live === 1, 'the request');
  const { pid } = await engineOf(server.url);
  process.kill(pid, 'SIGKILL');
  await failed;
  await until(async () => {
    const now = await engineOf(server.url);
    return now.state === 'ready' && now.pid !== pid;
  }, 'another one');
  assert.equal((await client.embeddings.create({ model: 'x', input: 'x' })).data.length, 1);
});

/** An answer that is not read. @param {string} url @param {object} body @returns {Promise<import('node:http').IncomingMessage>} */
const unread = (url, body) =>
  new Promise((resolve, reject) => {
    const asking = request(url + 'v1/embeddings', { method: 'POST', agent: false }, resolve);
    asking.on('error', reject);
    asking.end(JSON.stringify({ model: 'x', ...body }));
  });

test('who does not read fills no memory but the one there is for it', async (t) => {
  const { server, client } = await start(t, [...SCRIPTED, '--embed-script', 'slots=8,dimensions=2048']);
  const much = { input: Array(1024).fill('a') }, before = resident(server.pid);
  const answers = await Promise.all(Array.from({ length: 8 }, () => unread(server.url, much)));
  assert.deepEqual(answers.map((a) => a.statusCode).sort(), [200, 200, ...Array(6).fill(503)]);
  assert.ok(answers.every((a) => a.statusCode === 200 || a.headers['retry-after'] === '1'));
  if (!SANITIZED) assert.ok(resident(server.pid) - before < 80 << 20, `${resident(server.pid) - before} bytes`);
  for (const answer of answers) answer.destroy();
  const all = { model: 'x', input: much.input, encoding_format: /** @type {'float'} */ ('float') };
  const { data } = await until(() => client.embeddings.create(all).catch(() => null), 'room for the next one');
  assert.ok(data.length === 1024 && data.every((d) => d.embedding.length === 2048));
});

test('a reply that would be too long is refused', async (t) => {
  const { client } = await start(t, [...SCRIPTED, '--embed-script', 'dimensions=8192']);
  const much = { model: 'x', input: Array(2048).fill('a') };
  await assert.rejects(client.embeddings.create({ ...much, encoding_format: 'float' }), { status: 413, message: /send fewer texts/ });
  assert.equal((await client.embeddings.create({ model: 'x', input: 'a' })).data.length, 1);
});

test('a model whose name holds a slash is found', async (t) => {
  const id = 'meta-llama/Llama-3.1-8B-Instruct';
  const peer = await startPeer(t, { models: (socket) => socket.write(models({ id, max_model_len: 4096 })), '*': (socket) => socket.write(HEAD) });
  const { server, client } = await start(t, [...QUIET, '--llm-url', peer.url]);
  assert.equal((await client.models.retrieve(id)).id, id);
  for (const [address, status] of /** @type {[string, number][]} */ ([
    [`v1/models/${id}`, 200],
    ['v1/models/meta-llama', 404],
    ['v1/models/a%2F..%2Fb', 400],
    ['v1%2Fmodels', 400],
    ['rag/jobs/a%2Fb', 400],
    ['rag/jobs/a/b', 404],
  ]))
    assert.equal((await fetch(server.url + address)).status, status, address);
});
