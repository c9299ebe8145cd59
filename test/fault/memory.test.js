// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * The server runs short of memory at every point of everything that it is asked for, once and for ever: it
 * lives, answers as ever or says that it cannot, and as soon as there is memory again the next request works.
 * Nothing that was acknowledged is lost, and at rest it holds no more than before: memory, descriptors, threads.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { repartee } from '../lib/cli.js';
import { randomly } from '../lib/cut.js';
import { EVER, Shim } from '../lib/fault-shim.js';
import { DOCUMENT, SCRIPTED, changeFlows, modelFlows, quoteFlows } from '../lib/flow-table.js';
import { Refused, ask, documents } from '../lib/flows.js';
import { DONE, END, FINISH, HEAD, chunk, delta, models, startPeer, whole } from '../lib/model-server.js';
import { installModels } from '../lib/models.js';
import { FULL, SANITIZED, times } from '../lib/scale.js';
import { startServer, temporaryFolder, until, untilReady } from '../lib/server.js';
import { describe, trust } from '../lib/tls.js';

/** @typedef {import('../lib/flow-table.js').Flow} Flow */
/** @typedef {Awaited<ReturnType<typeof start>>} Started */

const LIMIT_MS = 60000; /* well above ENGINE_WAIT_MS, well below what a turn or an engine may take */
const options = FULL ? { timeout: 3600000 } : {};
const SEED = Number(process.env.SEED ?? (FULL ? 1 : Date.now() % 100000));
const POINTS = times('POINTS', { full: 1e6, short: 1, sanitized: 1 }); /* of each flow, either way; one alone goes one way */
/* SQLite keeps pages and what it knows of tables, more of them at first than later on; all flows together touch more. */
const CACHED_BLOCKS = 256, CACHED_LATER = 32, CACHED_TOGETHER = 512;
const random = randomly(SEED);
const pause = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));

const isChosen = (/** @type {string} */ name) => RegExp(process.env.FLOW ?? '').test(name);

/** @param {import('node:test').TestContext} t @param {string[]} args @param {string} [data] */
async function start(t, args, data) {
  const shim = await Shim.make(t);
  const docs = path.join(await temporaryFolder(t), 'docs');
  await mkdir(docs);
  await writeFile(path.join(docs, 'garden.md'), DOCUMENT);
  const server = await startServer(t, { args: [...SCRIPTED, '--docs', docs, ...args], env: shim.env, data });
  return { ...server, shim, key: '' };
}

/** Resolves to what `running` does, or to an error that says hung. @param {Promise<any>} running */
async function limited(running) {
  /** @type {any} */
  let late;
  const hung = new Promise((_, reject) => (late = setTimeout(() => reject(new Error(`hung for ${LIMIT_MS} ms`)), LIMIT_MS)));
  try {
    return await Promise.race([running, hung]);
  } finally {
    clearTimeout(late);
  }
}

/** What a server holds once nothing is under way. @param {Started} server */
async function atRest(server) {
  const { shim, pid } = server;
  const forget = () => ask(server, 'DELETE /sessions', { headers: server.key ? { Authorization: `Bearer ${server.key}` } : {} });
  /* Calls that nobody came back to may just be ending, all at once. */
  await until(() => forget().catch((error) => assert.match(error.message, /overloaded/)), 'the end of all sessions');
  let before = -1, descriptors = Infinity; /* the fewest: now and then a server elsewhere is asked how it is */
  for (let same = 0, i = 0; same < 4 && i < 200; i++) {
    await pause(10);
    descriptors = Math.min(descriptors, readdirSync(`/proc/${pid}/fd`).length);
    same = shim.blocks === before ? same + 1 : 0;
    before = shim.blocks;
  }
  return { blocks: before, descriptors, threads: readdirSync(`/proc/${pid}/task`).length };
}

/** Which points are tried. @param {number} n @param {number} [most] */
function points(n, most = POINTS) {
  const all = Math.ceil(n * 1.1) + 1;
  if (most >= all) return Array.from({ length: all }, (_, i) => i);
  return Array.from({ length: most }, () => random(n));
}

/** One flow on one server, with what it must come to. */
class Starving {
  tried = 0;
  refused = 0;
  /** @type {string[]} */
  wrong = [];

  /** @param {Started} server @param {Flow} flow @param {any} made */
  constructor(server, flow, made) {
    this.server = server;
    this.flow = flow;
    this.made = made;
  }

  /** @param {any} prepared */
  async #run(prepared) {
    const answer = await limited(this.flow.run(this.server, prepared, this.made));
    const shown = this.flow.shown ? this.flow.shown(answer) : answer;
    if (this.want === undefined) this.want = shown;
    assert.deepEqual(shown, this.want);
    return answer;
  }

  /** Goes well. @returns {Promise<number>} how many allocations that takes, with what is written after the answer */
  async count() {
    const prepared = await this.flow.prepare?.(this.server, this.made);
    const before = this.server.shim.calls('malloc');
    const answer = await this.#run(prepared);
    await pause(FULL ? 50 : 5);
    const n = this.server.shim.calls('malloc') - before;
    await this.flow.check?.(this.server, answer, prepared);
    return n;
  }

  async #again() {
    const prepared = await this.flow.prepare?.(this.server, this.made);
    await this.flow.check?.(this.server, await this.#run(prepared), prepared);
  }

  /** @param {number} point @param {number} often */
  async #fail(point, often) {
    const { server, flow } = this;
    const prepared = await flow.prepare?.(server, this.made);
    server.shim.fail('malloc', { pass: point, times: often });
    const relief = flow.patient ? setTimeout(() => server.shim.stop(), 300) : undefined;
    let answer;
    try {
      answer = await this.#run(prepared);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.refused++;
    } finally {
      clearTimeout(relief);
      if (server.shim.stop() > 0) this.tried++;
    }
    await this.#again();
    await flow.check?.(server, answer, prepared);
  }

  /** @param {number} n @param {number[]} which */
  async sweep(n, which) {
    for (const often of which.length > 1 ? [1, EVER] : [random(2) ? 1 : EVER])
      for (const point of which)
        try {
          await this.#fail(point, often);
        } catch (error) {
          this.wrong.push(`allocation ${point} of ${n} fails ${often === 1 ? 'once' : 'and all after it'}: ${error}`);
          if (this.wrong.length === 5) return;
        }
  }
}

/** @typedef {Awaited<ReturnType<typeof atRest>>} Rest */
/** @param {Rest} before @param {Rest} after @param {number} most more blocks */
function holdsNoMore(before, after, most) {
  assert.ok(after.blocks - before.blocks <= most, `${after.blocks - before.blocks} more blocks of memory at rest`);
  assert.ok(after.descriptors <= before.descriptors, `${before.descriptors} descriptors at rest, then ${after.descriptors}`);
  assert.equal(after.threads, before.threads);
}

/** Returns how often memory was short. @param {import('node:test').TestContext} t @param {Started} server @param {Flow} flow */
async function starve(t, server, flow) {
  const one = new Starving(server, flow, await flow.setup?.(t, server));
  let n = await one.count();
  /** @type {Rest[]} */
  const rests = [];
  if (FULL) {
    n = await one.count();
    rests.push(await atRest(server));
  }
  await one.sweep(n, points(n));
  if (FULL) {
    rests.push(await atRest(server));
    await one.sweep(n, points(n, 10));
    rests.push(await atRest(server));
  }
  t.diagnostic(`${n} allocations, ${one.tried} failures, ${one.refused} refused; blocks at rest: ${rests.map((r) => r.blocks).join(', ')}`);
  if (one.wrong.length) t.diagnostic(`${one.wrong.join('\n')}\n${server.log().slice(-1500)}`);
  assert.deepEqual(one.wrong, [], server.log().slice(-3000));
  if (FULL) {
    holdsNoMore(rests[0], rests[1], CACHED_BLOCKS);
    holdsNoMore(rests[1], rests[2], CACHED_LATER);
  }
  return one.tried;
}

/** @param {import('node:test').TestContext} t @param {Started} server @param {Record<string, Flow>} flows */
async function starveAll(t, server, flows) {
  const few = SANITIZED && !FULL; /* starting the server takes the time there is */
  const chosen = Object.entries(flows).filter(([name]) => isChosen(name) && (!few || process.env.FLOW || random(2)));
  const before = await atRest(server);
  let failures = 0;
  for (const [name, flow] of chosen)
    await t.test(name, async (t) => {
      failures += await starve(t, server, flow);
    });
  let after = await atRest(server);
  const lines = server.log().split('\n').length;
  /* The last connections may just be closing. */
  for (let i = 0; i < 20 && (after.descriptors > before.descriptors || after.threads !== before.threads); i++) after = await atRest(server);
  t.diagnostic(`${failures} failures, ${lines} lines of log; at rest ${JSON.stringify(before)}, then ${JSON.stringify(after)}`);
  assert.ok(lines < 100 + 3 * failures, `${lines} lines of log for ${failures} failures`);
  holdsNoMore(before, after, FULL ? CACHED_TOGETHER : CACHED_BLOCKS);
}

/** @param {Started} server */
async function manyConnections(server) {
  const { shim, url } = server;
  const { hostname, port } = new URL(url);
  shim.fail('malloc', { times: EVER });
  const sockets = Array.from({ length: 300 }, () => net.connect(Number(port), hostname).on('error', () => {}));
  await Promise.all(sockets.map((socket) => limited(once(socket, 'close'))));
  assert.ok(shim.stop() >= sockets.length);
  const agent = new http.Agent({ keepAlive: true });
  const all = () => Promise.allSettled(sockets.map(() => limited(ask(server, 'GET /healthz', { agent }))));
  shim.fail('malloc', { pass: 400, times: EVER }); /* many of them are open before */
  const met = await all();
  shim.stop();
  agent.destroy();
  for (const one of met) if (one.status === 'rejected') assert.ok(one.reason instanceof Refused, one.reason);
  await ask(server, 'GET /healthz');
}

/** An engine dies, and this allocation for another one fails. @param {Started} server @param {number} point @param {number} often */
async function death(server, point, often) {
  const engine = async () => (await (await fetch(server.url + 'readyz')).json()).engines.tts;
  const old = (await engine()).pid;
  server.shim.fail('malloc', { pass: point, times: often });
  process.kill(old, 'SIGKILL');
  await pause(FULL ? 250 : 150); /* for a start, and one more */
  server.shim.stop();
  const isBack = async () => {
    const { pid, state } = await engine();
    return state === 'ready' && pid !== old;
  };
  await until(isBack, `another engine after allocation ${point} has failed`, 5000 + LIMIT_MS);
  await ask(server, 'POST /tts', { body: { text: 'Good morning.' } });
}

/** What of some tries was done all the same. @template T @param {Started} server @param {number} n allocations @param {() => Promise<T>} run */
async function doneOf(server, n, run) {
  /** @type {T[]} */
  const done = [];
  for (let i = 0; i < (FULL ? 60 : 8); i++) {
    /* At first there is memory for the answer, and none afterwards. */
    server.shim.fail('malloc', { pass: i ? random(n * 2) : n * 2, times: i % 2 ? 1 : EVER });
    try {
      done.push(await limited(run()));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
    server.shim.stop();
  }
  return done;
}

/** Acknowledged things, and how to see them later. @param {Started} server */
async function acknowledge(server) {
  const begin = async () => (await ask(server, 'POST /session', { body: {} })).json.session_id;
  let titles = 0;
  const sessions = await doneOf(server, 32, begin);
  const documents = await doneOf(server, 180, async () => {
    const title = `Kept ${++titles}`;
    await ask(server, 'POST /rag/ingest', { body: { title, text: `# ${title}\n\nA rake.` } });
    return title;
  });
  const doomed = [await begin(), await begin(), await begin(), await begin()];
  const ended = await doneOf(server, 8, async () => {
    const id = doomed.pop() ?? (await begin());
    await ask(server, `DELETE /session/${id}`);
    return id;
  });
  assert.ok(sessions.length && documents.length, 'nothing was acknowledged');
  return { sessions, documents, ended };
}

/** @param {Started} server @param {Awaited<ReturnType<typeof acknowledge>>} kept */
async function allIsThere(server, { sessions, documents: titles, ended }) {
  const speak = (/** @type {string} */ session_id, status = 200) => ask(server, 'POST /chat', { body: { message: 'Hello.', session_id }, status });
  for (const id of sessions) await speak(id);
  for (const id of ended) await speak(id, 404);
  for (const title of titles) await until(async () => (await documents(server, title)).some((/** @type {any} */ d) => d.state === 'done'), title);
}

test('short of memory in everything', options, async (t) => {
  t.diagnostic(`SEED=${SEED}`);
  const server = await start(t, ['--fetch-allow', '127.0.0.1']);
  await untilReady(server);
  await ask(server, 'GET /models'); /* what looks after them is made once, when they are first asked for */
  await t.test('more connections than ever', () => manyConnections(server));
  await starveAll(t, server, quoteFlows(await temporaryFolder(t)));
  await t.test('an engine dies', async () => {
    await death(server, random(10), random(2) ? 1 : EVER);
  });
  const kept = await acknowledge(server);
  assert.equal(await server.stop(), 0, server.log().slice(-4000));
  await t.test('what was acknowledged outlives a restart', async (t) => {
    const again = await start(t, [], server.data);
    await untilReady(again);
    await allIsThere(again, kept);
    assert.equal(await again.stop(), 0);
  });
});

test('short of memory with TLS, keys and a language model', options, async (t) => {
  const server = await start(t, ['--tls', 'auto', '--llm-driver', 'scripted', '--llm-script', 'tokens=12', '--embed-driver', 'scripted']);
  trust(describe(path.join(server.data, 'tls/certificate.pem')));
  await untilReady(server);
  server.key = (await repartee(['key', 'create', 'anna', '--data', server.data])).out.trim();
  await starveAll(t, server, modelFlows());
  assert.equal(await server.stop(), 0, server.log().slice(-4000));
});

test('short of memory with a language model elsewhere', options, async (t) => {
  const told = (/** @type {string} */ token) => ({ token, logprob: -0.5, bytes: [...Buffer.from(token)] });
  const likely = (/** @type {string} */ token) => delta(token, { logprobs: { content: [{ ...told(token), top_logprobs: [told(token), told('Nobody')] }] } });
  const said = chunk(likely('Anna does, ') + likely('every evening.') + FINISH + DONE) + END;
  const peer = await startPeer(t, {
    models: (socket) => socket.end(models({ id: 'far' })),
    '*': (socket) => socket.end(HEAD.replace('\r\n', '\r\nConnection: close\r\n') + said), /* nothing is kept for later */
  });
  const server = await start(t, ['--llm-url', peer.url]);
  await untilReady(server);
  await starveAll(t, server, Object.fromEntries(Object.entries(modelFlows()).filter(([name]) => /^POST .*(documents|completions)/.test(name))));
  assert.equal(await server.stop(), 0, server.log().slice(-4000));
});

test('short of memory with a recogniser elsewhere', options, async (t) => {
  const words = ['where', 'is', 'the', 'ladder'].map((word, i) => ({ word, start: i / 10, end: i / 10 + 0.1 }));
  const text = 'where is the ladder', reply = { text, language: 'english', segments: [{ start: 0, end: 0.5, text, words }] };
  const peer = await startPeer(t, {
    models: (socket) => socket.end(models({ id: 'far' })),
    '*': (socket) => socket.end(whole(200, reply, 'Connection: close\r\n')), /* nothing is kept for later */
  });
  const server = await start(t, ['--stt-driver', 'remote', '--stt-url', peer.url]);
  await untilReady(server);
  const chosen = /^POST .stt, the bare|with times|translations|a turn in WebM|interrupted by voice/;
  await starveAll(t, server, Object.fromEntries(Object.entries(quoteFlows(await temporaryFolder(t))).filter(([name]) => chosen.test(name))));
  assert.equal(await server.stop(), 0, server.log().slice(-4000));
});

/* Whoever of the two speaks, something does. */
test('short of memory with a voice elsewhere', options, async (t) => {
  const sound = Buffer.alloc(48000);
  for (let i = 0; i < sound.length / 2; i++) sound.writeInt16LE(((i % 100) - 50) * 60, i * 2);
  const head = `HTTP/1.1 200 OK\r\nContent-Type: audio/pcm\r\nContent-Length: ${sound.length}\r\nConnection: close\r\n\r\n`;
  const peer = await startPeer(t, { '*': (socket) => socket.end(Buffer.concat([Buffer.from(head), sound])) });
  const server = await start(t, ['--tts-url', peer.url]);
  await untilReady(server);
  await until(() => peer.attempts['please.'], 'the first question');
  const chosen = /^POST .tts, (PCM|Opus)|speech, MP3|^GET .(readyz|metrics|voices)/;
  const flows = Object.entries(quoteFlows(await temporaryFolder(t))).filter(([name]) => chosen.test(name));
  await starveAll(t, server, Object.fromEntries(flows.map(([name, flow]) => [name, { ...flow, shown: (a) => a.status }])));
  assert.equal(await server.stop(), 0, server.log().slice(-4000));
});

/* Its pace slackens with each death that follows soon, so there are few on each server. */
const DEATHS = 3;
if (FULL && isChosen('an engine dies'))
  test('an engine dies at every point', options, async (t) => {
    const tries = [1, EVER].flatMap((often) => points(20).map((point) => ({ often, point })));
    for (let from = 0; from < tries.length; from += DEATHS) {
      const server = await start(t, []);
      await untilReady(server);
      for (const { often, point } of tries.slice(from, from + DEATHS)) await death(server, point, often);
      assert.equal(await server.stop(), 0, server.log().slice(-4000));
    }
  });

/* Which of the two answers is left is part of each flow's check. */
test('short of memory while the language model changes', options, async (t) => {
  const data = await temporaryFolder(t);
  installModels(data, [{ name: 'one' }]);
  const server = await start(t, ['--llm-threads', '1'], data);
  await untilReady(server);
  for (const [name, flow] of Object.entries(changeFlows()))
    if (isChosen(name))
      await t.test(name, async (t) => {
        await starve(t, server, flow);
      });
  assert.equal(await server.stop(), 0, server.log().slice(-4000));
});
