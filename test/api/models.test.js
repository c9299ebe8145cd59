// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* The routes /models: what is there, a pull and its stream, its end by everybody who may and everything that can. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, readlinkSync, renameSync, statfsSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import path from 'node:path';
import test from 'node:test';
import { repartee } from '../lib/cli.js';
import { answer, begin, sha256, someBytes, startHub, whole } from '../lib/hub.js';
import { BUILD, startServer, temporaryFolder, until, untilReady } from '../lib/server.js';

const RIGHT = someBytes(300000), OTHER = someBytes(300000, 7), HALF = 150000;
const QUIET = ['--stt-driver', 'scripted', '--tts-driver', 'scripted'];
const SOURCE = (/** @type {string} */ name) => `hf:test/${name}:${name}.gguf`;

/** @typedef {import('../lib/hub.js').Behaviour} Behaviour */
/** @typedef {Awaited<ReturnType<typeof startServer>>} Server */

/** A place that sends half of the file, and the rest when it is let. */
function held(bytes = RIGHT) {
  let letGo = () => {};
  const gate = new Promise((resolve) => (letGo = () => resolve(null)));
  /** @type {Behaviour} */
  const file = (socket, request) => {
    const rest = begin(socket, request, bytes, '"a"'), now = Math.max(0, HALF - request.range);
    socket.write(rest.subarray(0, now));
    void gate.then(() => socket.end(rest.subarray(now)));
  };
  return { file, letGo: () => letGo(), bytes };
}

/** @param {import('node:test').TestContext} t @param {import('../lib/hub.js').Hub} hub @param {{data?: string, args?: string[], within?: string[], env?: Record<string, string>}} [more] */
async function serve(t, hub, { args = [], ...more } = {}) {
  const server = await startServer(t, { args: [...QUIET, '--models-hub', hub.url, '--fetch-allow', hub.elsewhere, ...args], ...more });
  await untilReady(server);
  return server;
}

/** @param {Server} server @param {string} what "POST /models/pull" @param {object} [body] @param {string} [token] @param {AbortSignal} [signal] */
function ask(server, what, body, token, signal) {
  const [method, where] = what.split(' ');
  const headers = { ...(body && { 'Content-Type': 'application/json' }), ...(token && { Authorization: `Bearer ${token}` }) };
  return fetch(server.url + where.slice(1), { method, headers, body: body && JSON.stringify(body), signal: signal ?? null });
}
/** @param {Server} server */
async function list(server) {
  const response = await ask(server, 'GET /models');
  assert.equal(response.status, 200);
  return /** @type {any} */ (await response.json());
}
/** @param {Server} server @param {string} name */
const find = async (server, name) => (await list(server)).models.find((/** @type {any} */ m) => m.name === name);
/** The error of an answer that is one. @param {Response} response */
async function refusal(response) {
  const { error } = /** @type {any} */ (await response.json());
  return { status: response.status, code: error.code, param: error.param, message: error.message };
}

/** A pull whose events come one by one. @param {Server} server @param {object} body */
async function pull(server, body) {
  const leaving = new AbortController();
  const response = await ask(server, 'POST /models/pull', body, undefined, leaving.signal);
  assert.equal(response.status, 200, await (response.ok ? '' : response.text()));
  assert.equal(response.headers.get('content-type'), 'text/event-stream');
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
  const decoder = new TextDecoder();
  let text = '';
  const next = async () => {
    for (;;) {
      const found = /^(?::.*\n\n)*event: (\w+)\ndata: (.*)\n\n/.exec(text);
      if (found) {
        text = text.slice(found[0].length);
        return { event: found[1], ...JSON.parse(found[2]) };
      }
      const { value, done } = await reader.read();
      if (done) {
        assert.equal(text.replace(/^(: .*\n\n)*/, ''), '');
        return undefined;
      }
      text += decoder.decode(value, { stream: true });
    }
  };
  return {
    next,
    /** @param {(event: any) => boolean} is */
    async until(is) {
      for (let event; (event = await next()); ) if (is(event)) return event;
      throw new Error('the stream has ended');
    },
    /** All that is still to come. */
    async rest() {
      const events = [];
      for (let event; (event = await next()); ) events.push(event);
      return events;
    },
    leave: () => leaving.abort(),
  };
}
/** @param {Server} server @param {object} body */
const pullToEnd = async (server, body) => (await (await pull(server, body)).rest()).at(-1);
const isHalf = (/** @type {any} */ e) => e.event === 'progress' && e.done >= HALF;

/** The process that pulls for a server. @param {Server} server */
function pullerOf(server) {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8'), [, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (Number(parent) === server.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('\0pull\0')) return Number(pid);
    } catch {
      /* it has ended meanwhile */
    }
  throw new Error('nobody pulls');
}

test('what is there, before and after a pull whose progress moves', async (t) => {
  const slow = held();
  const hub = await startHub(t, { slow });
  const server = await serve(t, hub);
  const before = await list(server);
  assert.deepEqual(Object.keys(before), ['machine', 'answers', 'models', 'pulls']);
  assert.ok(before.machine.memory_mib > 0 && before.machine.cores > 0, JSON.stringify(before.machine));
  const disk = statfsSync(server.data);
  assert.ok(before.machine.disk_free > 0 && before.machine.disk_free <= disk.blocks * disk.bsize);
  assert.deepEqual(before.answers, { driver: 'quote', model: 'quote', change: null, failed: null });
  assert.deepEqual(before.pulls, []);
  const known = before.models.find((/** @type {any} */ m) => m.name === 'gemma-3-1b');
  assert.deepEqual({ ...known, fits: true }, {
    name: 'gemma-3-1b', kind: 'llm', size: 0, licence: 'Gemma', languages: 'en', memory_mib: 1800, source: 'hf:google/gemma-3-1b-it-qat-q4_0-gguf:gemma-3-1b-it-q4_0.gguf',
    installed: false, known: true, gated: true, instead: 'qwen2.5-1.5b', in_use: false, fits: true, suits: false, tokens_per_second: null,
  });
  const byCommand = JSON.parse((await repartee(['models', '--json', '--data', server.data])).out).catalogue;
  for (const { name, fits, suits } of before.models)
    assert.deepEqual([fits, suits], ['fits', 'suits'].map((key) => byCommand.find((/** @type {any} */ m) => m.name === name)[key]), name);

  const stream = await pull(server, { source: SOURCE('slow') });
  assert.deepEqual(await stream.next(), { event: 'progress', name: 'slow', done: 0, total: 0 });
  const half = await stream.until(isHalf);
  assert.deepEqual(half, { event: 'progress', name: 'slow', done: HALF, total: RIGHT.length });
  assert.deepEqual((await list(server)).pulls, [{ name: 'slow', done: HALF, total: RIGHT.length }]);
  slow.letGo();
  const rest = await stream.rest();
  assert.deepEqual(rest.at(-1), { event: 'done', name: 'slow' });
  const dones = rest.slice(0, -1).map((e) => e.done);
  assert.deepEqual(dones, dones.toSorted((a, b) => a - b));

  const after = await list(server);
  assert.deepEqual(after.pulls, []);
  assert.equal(after.models.length, before.models.length + 1);
  const slowNow = await find(server, 'slow');
  assert.deepEqual({ ...slowNow, fits: true, memory_mib: 0, tokens_per_second: 0 }, {
    name: 'slow', kind: 'llm', size: RIGHT.length, licence: '', languages: '', memory_mib: 0, source: SOURCE('slow'),
    installed: true, known: false, gated: false, instead: '', in_use: false, fits: true, suits: false, tokens_per_second: 0,
  });
  assert.ok(readFileSync(path.join(server.data, 'models/llm/slow.gguf')).equals(RIGHT));
  assert.deepEqual(await pullToEnd(server, { source: SOURCE('slow') }), { event: 'done', name: 'slow' }, 'it is there already');
});

test('clients join the pull that is under way, and it goes on without them', async (t) => {
  const slow = held();
  const hub = await startHub(t, { slow, other: {} });
  const server = await serve(t, hub);
  const first = await pull(server, { source: SOURCE('slow') });
  await first.until(isHalf);
  const second = await pull(server, { source: SOURCE('slow') });
  assert.deepEqual(await second.next(), { event: 'progress', name: 'slow', done: HALF, total: RIGHT.length }, 'at once, how far it is');
  assert.deepEqual(await refusal(await ask(server, 'POST /models/pull', { source: SOURCE('other') })), {
    status: 409, code: 'conflict', param: 'name', message: 'slow is being pulled; wait for its end, or cancel it',
  });
  const namesake = await refusal(await ask(server, 'POST /models/pull', { source: SOURCE('other'), as: 'SLOW' }));
  assert.deepEqual([namesake.status, namesake.message], [409, 'slow is being pulled from elsewhere; wait for its end']);
  assert.equal((await ask(server, 'DELETE /models/slow')).status, 404, 'it is not there yet');
  first.leave();
  second.leave();
  assert.equal((await list(server)).pulls.length, 1);
  const third = await pull(server, { name: 'Slow' });
  slow.letGo();
  assert.deepEqual((await third.rest()).at(-1), { event: 'done', name: 'slow' });
  assert.equal(hub.requests['file slow'].length, 1);
});

test('a pull that is canceled goes on where it was', async (t) => {
  const slow = held();
  const hub = await startHub(t, { slow });
  const server = await serve(t, hub);
  assert.deepEqual(await refusal(await ask(server, 'POST /models/cancel', { name: 'slow' })), { status: 404, code: 'not_found', param: 'name', message: 'no pull of this name is under way' });
  const stream = await pull(server, { source: SOURCE('slow') });
  await stream.until(isHalf);
  process.kill(pullerOf(server), 'SIGSTOP'); /* so that it cannot go along with it */
  const canceled = await ask(server, 'POST /models/cancel', { name: 'Slow' });
  assert.deepEqual([canceled.status, await canceled.json()], [200, { canceled: 'slow' }]);
  assert.deepEqual((await stream.rest()).at(-1), { event: 'error', code: 'canceled', message: 'it was canceled; what has come is kept' });
  assert.deepEqual((await list(server)).pulls, []);
  slow.letGo();
  assert.deepEqual(await pullToEnd(server, { source: SOURCE('slow') }), { event: 'done', name: 'slow' });
  assert.equal(hub.requests['file slow'].at(-1)?.range, HALF);
});

test('a pull whose process dies says so, and one that is gone goes on where it was', async (t) => {
  const slow = held();
  const hub = await startHub(t, { slow });
  const server = await serve(t, hub);
  const stream = await pull(server, { source: SOURCE('slow') });
  await stream.until(isHalf);
  process.kill(pullerOf(server), 'SIGKILL');
  assert.deepEqual((await stream.rest()).at(-1), { event: 'error', code: 'io_error', message: 'the download was ended by signal 9; try again, what has come is kept' });
  slow.letGo();
  assert.deepEqual(await pullToEnd(server, { source: SOURCE('slow') }), { event: 'done', name: 'slow' });
  assert.equal(hub.requests['file slow'].at(-1)?.range, HALF);
});

for (const [how, end] of /** @type {[string, (server: Server) => Promise<unknown>][]} */ ([['killed', (server) => server.kill()], ['stopped', (server) => server.stop()]]))
  test(`a server that is ${how} in the middle of a pull: it ends with it, and goes on with the next`, async (t) => {
    const slow = held();
    const hub = await startHub(t, { slow });
    const data = await temporaryFolder(t), arrived = hub.arrived('slow');
    let server = await serve(t, hub, { data });
    const stream = await pull(server, { source: SOURCE('slow') });
    const socket = await arrived, closed = new Promise((resolve) => socket.once('close', resolve));
    await stream.until(isHalf);
    const last = stream.rest().then((events) => events.at(-1), (error) => error);
    await end(server);
    if (how === 'stopped')
      assert.deepEqual(await last, { event: 'error', code: 'going_away', message: 'the server is shutting down; pull the model again, what has come is kept' });
    await closed;
    slow.letGo();
    server = await serve(t, hub, { data });
    /* The lock of one that was killed may outlive its socket by a moment. */
    const done = await until(async () => {
      const event = await pullToEnd(server, { source: SOURCE('slow') });
      return event.code === 'conflict' ? null : event;
    }, 'the lock of the models');
    assert.deepEqual(done, { event: 'done', name: 'slow' });
    assert.equal(hub.requests['file slow'].at(-1)?.range, HALF);
  });

test('what goes wrong is told in a sentence', async (t) => {
  const hub = await startHub(t, {
    'gemma-3-1b-it-qat-q4_0-gguf': { hub: (socket) => answer(socket, 401) },
    broken: { bytes: RIGHT, file: whole(OTHER) },
    missing: { hub: (socket) => answer(socket, 404) },
  });
  const server = await serve(t, hub);
  for (const [body, code, message] of /** @type {[object, string, RegExp][]} */ ([
    [{ name: 'gemma-3-1b' }, 'unauthorized', /^gemma-3-1b: .*HTTP 401.*agree to its licence at .*google\/gemma-3-1b.* HF_TOKEN; or take qwen2\.5-1\.5b, which is free for all$/],
    [{ source: SOURCE('broken') }, 'invalid_value', /^broken: what .* sent is not the file that was meant: its SHA-256 is not [0-9a-f]{64}; it was thrown away$/],
    [{ source: SOURCE('missing') }, 'not_found', /^missing: there is no such file at 127\.0\.0\.1 \(HTTP 404\); check its name$/],
  ])) {
    const event = await pullToEnd(server, body);
    assert.deepEqual([event.event, event.code], ['error', code], event.message);
    assert.match(event.message, message);
  }
  assert.deepEqual((await list(server)).models.filter((/** @type {any} */ m) => m.installed), []);
  for (const [body, param, message] of /** @type {[object, string, RegExp][]} */ ([
    [{}, 'name', /^send the name of a model that GET \/models lists, or a source$/],
    [{ name: 'e5-small-v2', source: SOURCE('broken') }, 'source', /^send the name/],
    [{ source: 'gemma' }, 'source', /^a source is hf:owner\/repo:file or an https address$/],
    [{ source: 'hf:a/b:../x.gguf' }, 'source', /^a source is/],
    [{ source: 'hf:a/b:x.bin' }, 'kind', /^the file does not tell what it is for; say it$/],
    [{ source: 'hf:a/b:x.gguf', kind: 'other' }, 'kind', /./],
    [{ source: 'https://x.invalid/a%20b.gguf', sha256: sha256(RIGHT) }, 'as', /^the file's name makes no good name for a model; give it one$/],
    [{ source: 'hf:a/b:x.gguf', as: '../x' }, 'as', /^a model's name takes letters/],
    [{ source: 'hf:a/b:x.gguf', as: '--from=/' }, 'as', /^a model's name takes letters/],
    [{ source: 'https://x.invalid/x.gguf' }, 'sha256', /^an address needs the SHA-256 of its file$/],
    [{ source: 'https://x.invalid/x.gguf', sha256: 'A'.repeat(64) }, 'sha256', /^it takes 64 hexadecimal digits/],
  ])) {
    const refused = await refusal(await ask(server, 'POST /models/pull', body));
    assert.deepEqual([refused.status, refused.param], [400, param], JSON.stringify(body));
    assert.match(refused.message, message);
  }
  assert.deepEqual(await refusal(await ask(server, 'POST /models/pull', { name: 'lama' })), { status: 404, code: 'not_found', param: 'name', message: 'no model is known by this name; GET /models lists them' });
  const locked = held(), taken = await startHub(t, { locked });
  const byCommand = repartee(['pull', SOURCE('locked'), '--data', server.data, '--models-hub', taken.url, '--fetch-allow', taken.elsewhere]);
  await taken.arrived('locked');
  const busy = await pullToEnd(server, { source: SOURCE('missing') });
  assert.deepEqual([busy.event, busy.code], ['error', 'conflict']);
  assert.match(busy.message, /^process \d+ \(repartee pull\) changes .*; wait for its end, then try again$/);
  locked.letGo();
  assert.equal((await byCommand).code, 0);
  assert.equal((await find(server, 'locked')).installed, true, 'what a command brings is seen');
});

test('what the server has of the hub\'s options and of the environment, its pulls have', async (t) => {
  const hub = await startHub(t, { plain: { bytes: RIGHT } }), proxy = await startHub(t, {});
  const data = await temporaryFolder(t);
  const server = await serve(t, hub, { data, args: ['--models-dir', path.join(data, 'elsewhere')], env: { HF_TOKEN: 'hf_secret', HTTPS_PROXY: proxy.url, REPARTEE_LOG_LEVEL: 'debug' } });
  assert.deepEqual(await pullToEnd(server, { source: SOURCE('plain'), as: 'mine', kind: 'embed' }), { event: 'done', name: 'mine' });
  assert.equal(hub.requests['hub plain'][0].token, 'Bearer hf_secret');
  assert.ok(readFileSync(path.join(data, 'elsewhere/embed/mine.gguf')).equals(RIGHT));
  assert.equal((await pullToEnd(server, { source: 'https://files.invalid/a.gguf', sha256: sha256(RIGHT) })).event, 'error');
  assert.deepEqual(proxy.heads, ['CONNECT files.invalid:443 HTTP/1.1']);
  assert.ok(!server.log().includes('hf_secret'));
});

test('a disk that is full', async (t) => {
  const hub = await startHub(t, { plain: { bytes: RIGHT } });
  const data = await temporaryFolder(t), models = path.join(data, 'models'), own = process.getuid?.() === 0 ? ['-m'] : ['-rm'];
  mkdirSync(models);
  const mount = `mount -t tmpfs -o size=1m tmpfs ${models}`;
  if (spawnSync('unshare', [...own, 'sh', '-c', mount]).status !== 0) return t.skip('no file system can be mounted here');
  const server = await serve(t, hub, { data, within: ['unshare', ...own, 'sh', '-c', `${mount} && head -c 900000 /dev/zero > ${models}/filler && exec "$@"`, 'sh'] });
  assert.ok((await list(server)).machine.disk_free < 200000);
  const event = await pullToEnd(server, { source: SOURCE('plain') });
  assert.deepEqual([event.event, event.code], ['error', 'disk_full'], event.message);
  assert.match(event.message, /^plain: the file needs 0\.\d MB more than are free at .*; make room and try again$/);
  assert.doesNotMatch(server.log(), /AddressSanitizer/);
});

/** The status. Not by fetch, which would go up a folder itself. @param {string} url @param {string} name @returns {Promise<number | undefined>} */
const deleted = (url, name) =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    request({ hostname, port, method: 'DELETE', path: `/models/${name}` }, (answer) => resolve(answer.resume().statusCode)).once('error', reject).end();
  });

test('a model is removed, but not one that is needed', async (t) => {
  const slow = held();
  const hub = await startHub(t, { plain: { bytes: RIGHT }, named: { bytes: RIGHT }, linked: { bytes: RIGHT }, 'whisper-spoken': { bytes: RIGHT }, slow });
  const data = await temporaryFolder(t), link = path.join(data, 'link.gguf');
  const names = ['plain', 'named', 'linked', 'whisper-spoken'], places = ['--models-hub', hub.url, '--fetch-allow', hub.elsewhere];
  const pulled = await repartee(['pull', ...names.map(SOURCE), '--data', data, ...places]);
  assert.equal(pulled.code, 0, pulled.err);
  symlinkSync(path.join(data, 'models/llm/linked.gguf'), link);
  const server = await serve(t, hub, { data, args: ['--llm-driver', 'quote', '--llm-model', 'NAMED', '--embed-driver', 'scripted', '--embed-model', link, '--stt-model', 'Spoken'] });
  for (const name of ['named', 'linked', 'whisper-spoken'])
    assert.deepEqual(await refusal(await ask(server, `DELETE /models/${name}`)), {
      status: 409, code: 'conflict', param: null, message: 'the options of this server name this model; change llm.model, embed.model or stt.model first',
    });
  for (const name of ['other', '..', '%2e%2e', '.hidden', 'a%2fb', '-x', 'x'.repeat(65)]) assert.ok([400, 404].includes(/** @type {number} */ (await deleted(server.url, name))), name);
  const gone = await ask(server, 'DELETE /models/PLAIN');
  assert.deepEqual([gone.status, await gone.json()], [200, { deleted: 'plain' }]);
  assert.equal(await find(server, 'plain'), undefined);
  assert.deepEqual(readdirSync(path.join(data, 'models/llm')).sort(), ['linked.gguf', 'named.gguf', 'whisper-spoken.gguf']);
  assert.equal((await ask(server, 'DELETE /models/plain')).status, 404);
  const stream = await pull(server, { source: SOURCE('slow') });
  await stream.until(isHalf);
  const busy = await refusal(await ask(server, 'DELETE /models/named'));
  assert.equal(busy.status, 409);
  slow.letGo();
  await stream.rest();
  assert.equal((await ask(server, 'DELETE /models/slow')).status, 200);
});

test('a model that answers is in use, and stays', async (t) => {
  const folder = await temporaryFolder(t), file = path.join(folder, 'tiny.gguf');
  assert.equal(spawnSync(path.join(BUILD, 'test/gguf_make'), ['tiny', file]).status, 0);
  const hub = await startHub(t, { tiny: { bytes: readFileSync(file) } });
  const data = await temporaryFolder(t), places = ['--models-hub', hub.url, '--fetch-allow', hub.elsewhere];
  const pulled = await repartee(['pull', SOURCE('tiny'), '--data', data, ...places]);
  assert.equal(pulled.code, 0, pulled.err);
  const server = await serve(t, hub, { data, args: ['--llm-model', path.join(data, 'models/llm/tiny.gguf')] });
  const { answers, models } = await list(server);
  assert.equal(answers.driver, 'llama');
  assert.deepEqual(models.filter((/** @type {any} */ m) => m.in_use).map((/** @type {any} */ m) => m.name), ['tiny']);
  assert.deepEqual(await refusal(await ask(server, 'DELETE /models/tiny')), { status: 409, code: 'conflict', param: null, message: 'this model is in use; let another one answer first' });
});

test('a list that changes is read anew, and one that is damaged is told', async (t) => {
  const hub = await startHub(t, {});
  const server = await serve(t, hub), folder = path.join(server.data, 'models'), lock = path.join(folder, 'models.lock');
  const entry = (/** @type {string} */ name) => ({ name, kind: 'llm', file: `llm/${name}.gguf`, size: 3, sha256: sha256(RIGHT), licence: '', source: `hf:a/b:${name}.gguf` });
  const write = (/** @type {string} */ text) => {
    writeFileSync(`${lock}.x`, text);
    renameSync(`${lock}.x`, lock);
  };
  mkdirSync(folder);
  for (const names of [['x'], ['y'], ['x', 'y']]) {
    write(JSON.stringify({ version: 1, models: names.map(entry) }));
    assert.deepEqual((await list(server)).models.filter((/** @type {any} */ m) => m.installed).map((/** @type {any} */ m) => m.name), names);
  }
  write('{"version": 1, "models": [{"name": "../x"}]}');
  for (let i = 0; i < 2; i++) {
    const { status, code, message } = await refusal(await ask(server, 'GET /models'));
    assert.deepEqual([status, code], [500, 'internal']);
    assert.match(message, /^models\.lock is damaged: model 1, .*; restore it, or remove it and pull the models anew$/);
  }
  write(JSON.stringify({ version: 1, models: [] }));
  assert.equal((await list(server)).models.some((/** @type {any} */ m) => m.installed), false);
});

test('who may: everybody reads who may ask, the operator changes', async (t) => {
  const hub = await startHub(t, { plain: { bytes: RIGHT } });
  const CHANGES = /** @type {[string, object?][]} */ ([['POST /models/pull', { source: SOURCE('plain') }], ['POST /models/cancel', { name: 'plain' }], ['DELETE /models/plain']]);
  const open = await serve(t, hub);
  const visitor = (await (await ask(open, 'POST /session', {})).json()).token;
  assert.equal((await ask(open, 'GET /models', undefined, visitor)).status, 200);
  for (const [what, body] of CHANGES) assert.equal((await refusal(await ask(open, what, body, visitor))).status, 403, what);
  assert.equal(hub.heads.length, 0);
  assert.deepEqual(await pullToEnd(open, { source: SOURCE('plain') }), { event: 'done', name: 'plain' });

  const data = await temporaryFolder(t);
  const key = (await repartee(['key', 'create', 'anna', '--data', data])).out.trim();
  const closed = await serve(t, hub, { data });
  const token = (await (await ask(closed, 'POST /session', {}, key)).json()).token;
  assert.equal((await ask(closed, 'GET /models')).status, 401);
  assert.equal((await ask(closed, 'GET /models', undefined, token)).status, 200);
  for (const [what, body] of CHANGES) {
    assert.equal((await ask(closed, what, body)).status, 401, what);
    assert.equal((await ask(closed, what, body, token)).status, 403, what);
  }
  const response = await ask(closed, 'POST /models/pull', { source: SOURCE('plain') }, key);
  assert.match(await response.text(), /event: done\ndata: \{"name":"plain"\}\n\n$/);
  assert.equal((await ask(closed, 'DELETE /models/plain', undefined, key)).status, 200);
  for (const origin of ['https://evil.example', 'null']) {
    const foreign = await fetch(open.url + 'models/plain', { method: 'DELETE', headers: { Origin: origin } });
    assert.equal(foreign.status, 403, origin);
  }
});

test('nothing of the server reaches the process that pulls', async (t) => {
  const slow = held();
  const hub = await startHub(t, { slow });
  const server = await serve(t, hub, { env: { SECRET: 'of the server' } });
  const stream = await pull(server, { source: SOURCE('slow') });
  await stream.until(isHalf);
  const pid = pullerOf(server), environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
  assert.ok(!environment.includes('SECRET') && environment.includes('REPARTEE_MODELS_HUB='));
  assert.ok(!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('slow'), 'an address may hold a signature');
  const open = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  assert.deepEqual(open.filter((file) => file.startsWith(server.data) && !file.includes('/models/')), []);
  slow.letGo();
  assert.equal((await stream.rest()).at(-1).event, 'done');
});
