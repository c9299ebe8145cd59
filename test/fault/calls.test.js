// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * System calls that fail: each of those that the server makes in a conversation, at each place, once and
 * for ever. Whatever fails, a try ends with an answer, an error or a closed connection, the server lives
 * and is idle, and what comes next works.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Shim, EVER } from '../lib/fault-shim.js';
import { Flows, SCRIPTED, computed, count } from '../lib/acknowledged.js';
import { FULL, SANITIZED, times } from '../lib/scale.js';
import { BUILD, environment, startServer, temporaryFolder, until, untilReady } from '../lib/server.js';
import { makeCertificate } from '../lib/tls.js';

/** @typedef {{call: string, on?: 'socket' | 'file', errors: string[]}} Row */
/** @type {Row[]} */
const CALLS = [
  { call: 'accept4', errors: ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'ECONNABORTED', 'EINTR', 'EPERM'] },
  { call: 'socket', errors: ['EMFILE', 'ENFILE', 'ENOBUFS', 'EACCES'] },
  { call: 'socketpair', errors: ['EMFILE', 'ENFILE', 'ENOMEM'] },
  { call: 'connect', errors: ['ECONNREFUSED', 'EAGAIN'] },
  { call: 'setsockopt', errors: ['ENOBUFS', 'EINVAL'] },
  { call: 'sendmsg', errors: ['EAGAIN', 'EINTR', 'EPIPE', 'ENOBUFS', 'ENOMEM'] },
  { call: 'read', on: 'socket', errors: ['EAGAIN', 'EINTR', 'ECONNRESET', 'ETIMEDOUT', 'ONE'] },
  { call: 'read', on: 'file', errors: ['EIO', 'EINTR', 'ONE'] },
  { call: 'write', on: 'socket', errors: ['EAGAIN', 'EINTR', 'EPIPE', 'ECONNRESET', 'ENOBUFS', 'ONE'] },
  { call: 'write', on: 'file', errors: ['ENOSPC', 'EINTR', 'ONE'] },
  { call: 'writev', on: 'socket', errors: ['EAGAIN', 'EINTR', 'EPIPE', 'ENOBUFS', 'ONE'] },
  { call: 'pread64', errors: ['EIO', 'EINTR', 'ONE'] },
  { call: 'pwrite64', errors: ['EIO', 'ENOSPC', 'EDQUOT', 'EINTR', 'ONE'] },
  { call: 'fsync', errors: ['EIO', 'ENOSPC'] },
  { call: 'fdatasync', errors: ['EIO', 'ENOSPC', 'EDQUOT'] },
  { call: 'ftruncate64', errors: ['EIO', 'EINTR', 'EPERM'] },
  { call: 'fstat64', errors: ['EIO', 'ENOMEM'] },
  { call: 'stat64', errors: ['EACCES', 'ENOMEM'] },
  { call: 'rename', errors: ['EIO', 'ENOSPC'] },
  { call: 'unlink', errors: ['EIO', 'EPERM'] },
  { call: 'mmap64', errors: ['ENOMEM', 'EPERM'] },
  { call: 'memfd_create', errors: ['EMFILE', 'ENFILE', 'ENOMEM'] },
  { call: 'epoll_ctl', errors: ['ENOMEM', 'ENOSPC'] },
  { call: 'epoll_pwait', errors: ['EINTR'] },
  { call: 'fork', errors: ['EAGAIN', 'ENOMEM'] },
  { call: 'flock', errors: ['EINTR', 'ENOLCK'] },
  { call: 'open64', errors: ['EMFILE', 'ENFILE', 'ENOSPC', 'EACCES', 'EIO', 'EINTR'] },
  { call: 'fcntl64', errors: ['EAGAIN', 'ENOLCK', 'EINTR', 'EIO'] },
  { call: 'pthread_create', errors: ['EAGAIN'] },
  { call: 'getrandom', errors: ['EINTR', 'ONE'] },
];
/* Nobody is interrupted for ever, and what is there is not said not to be there for ever. */
const PASSING = ['EINTR', 'EAGAIN', 'ECONNABORTED'];
/** libuv tries a write that had no memory again when the socket is writable, which is at once. @param {string} call @param {string} error */
const lasts = (call, error) => !PASSING.includes(error) && !(call.startsWith('write') && error === 'ENOBUFS');
/** @typedef {'chat' | 'voice' | 'tts' | 'ingest' | 'remove' | 'visit' | 'engine'} Flow */
const FLOWS = /** @type {Flow[]} */ (['visit', 'chat', 'voice', 'tts', 'ingest', 'remove', 'engine']).filter((flow) => (process.env.FLOW ? flow === process.env.FLOW : FULL || flow !== 'engine') /* which takes seconds */);
const KINDS = times('KINDS', { full: 1e6, short: 8, sanitized: 5 });
const POINTS = times('POINTS', { full: 40, short: 40, sanitized: 40 }); /* of one kind in one flow, where it makes so many calls */
const STARTS = times('STARTS', { full: 600, short: 3, sanitized: 1 });
const RESTART_MS = 1000; /* an engine that ends often waits longer and longer, which is not what is tried here */
const RECOVERY_MS = SANITIZED ? 60000 : 30000;
/* A loop that spins takes all of a core that it is given, and makes thousands of rounds a second. So does one
 * that gets on byte by byte. */
const BUSY = 0.4, ROUNDS = 400;
const SEED = Number(process.env.SEED) || Date.now() % 1e6;

/** Mulberry32. @param {number} a */
const randomOf = (a) => () => {
  let t = (a += 0x6d2b79f5);
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
};

/** Some of them, in their order. @template T @param {T[]} all @param {number} n @param {() => number} random */
function some(all, n, random) {
  if (n >= all.length) return all;
  const picked = new Set();
  while (picked.size < n) picked.add(Math.floor(random() * all.length));
  return all.filter((_, i) => picked.has(i));
}

/** What TLS changes, and what the start of an engine adds to the requests of all others. @param {Flow} flow @param {Row} row @param {boolean} secure */
const matters = (flow, { call, on }, secure) =>
  flow === 'engine' ? ['fork', 'socketpair', 'epoll_ctl'].includes(call) : !secure || (['visit', 'chat', 'voice'].includes(flow) && (on === 'socket' || ['accept4', 'epoll_ctl', 'getrandom'].includes(call)));

/** How many calls of a row `what` makes. @param {Shim} shim @param {Row} row @param {() => Promise<unknown>} what */
async function made(shim, { call, on }, what) {
  const many = 1 << 30;
  shim.fail(call, { on, pass: many, times: 0 });
  await what();
  const left = shim.passing;
  shim.stop();
  return many - left;
}

/** What a flow finds there, and what it sets going to its end. @param {Flows} flows @param {Flow} flow */
async function prepare(flows, flow) {
  if (flow !== 'remove' || flows.holds) return;
  await flows.run('ingest');
  await flows.settle();
}
/** @param {Flows} flows @param {Flow} flow */
async function follow(flows, flow) {
  if (flow === 'ingest') await flows.settle();
  else await sleep(15); /* what was said is written down a moment later */
}

/** One kind of failure at all places of a flow, in their order and then for ever; some of each in the short form.
 * @param {Shim} shim @param {Flows} flows @param {{flow: Flow, row: Row}} kind @param {() => number} random */
async function pointsOf(shim, flows, { flow, row }, random) {
  await prepare(flows, flow);
  const n = await made(shim, row, async () => {
    await until(async () => !(await flows.run(flow)), flow, RECOVERY_MS);
    await follow(flows, flow);
  });
  /** @type {{error: string, pass: number, ever: boolean}[]} */
  const points = [];
  const passes = some([...Array(n).keys()], POINTS, random);
  for (const error of row.errors) {
    for (const pass of passes) points.push({ error, pass, ever: false });
    if (n && lasts(row.call, error)) points.push({ error, pass: 0, ever: true });
  }
  return FULL ? points : some(points, 2, random);
}

for (const secure of FULL ? [false, true] : [false])
  test(`system calls fail in a running server${secure ? ', over TLS' : ''}`, { timeout: FULL ? 3e7 : undefined }, async (t) => {
    const random = randomOf(SEED);
    const shim = await Shim.make(t);
    const c = secure ? makeCertificate(await temporaryFolder(t), 'own') : null;
    if (c) process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    const args = [...SCRIPTED, ...(c ? ['--tls', 'files', '--tls-cert-file', c.cert, '--tls-key-file', c.key] : [])];
    const data = await temporaryFolder(t);
    const begin = async () => {
      const server = await startServer(t, { data, args, env: shim.env });
      await untilReady(server);
      return server;
    };
    let server = await begin();
    const flows = new Flows(server);
    for (const flow of FLOWS) assert.equal(await flows.run(flow), '');
    await flows.settle();
    flows.patience_ms = 2000; /* a failed call may leave a request without an answer */
    const before = { fd: count(server.pid, 'fd'), task: count(server.pid, 'task') };
    let tried = 0, reached = 0, slowest = { ms: 0, of: '' };
    const end = async () => {
      await until(() => count(server.pid, 'fd') <= before.fd + 2 && count(server.pid, 'task') <= before.task, 'descriptors and threads to go');
      assert.equal(await server.stop(), 0, server.log());
      assert.doesNotMatch(server.log(), /Sanitizer|runtime error/);
    };

    /** @param {Flow} flow @param {Row} row @param {{error: string, pass: number, ever: boolean}} point @param {string} about */
    const attempt = async (flow, { call, on }, { error, pass, ever }, about) => {
      await prepare(flows, flow);
      shim.fail(call, { error, pass, on, times: ever ? EVER : 1 });
      const result = await flows.run(flow);
      if (ever) {
        const used = computed(server.pid), before = shim.calls('epoll_pwait'), from = performance.now();
        await sleep(FULL || SANITIZED ? 1000 : 250); /* what went before may still be written down, which takes a sanitizer longer */
        const busy = computed(server.pid) - used, rounds = shim.calls('epoll_pwait') - before, ms = performance.now() - from;
        assert.ok(error === 'ONE' || (busy <= 20 + ms * BUSY && rounds <= 20 + (ms / 1000) * ROUNDS), `it computed ${busy} of ${ms} ms, in ${rounds} rounds`);
      } else {
        await follow(flows, flow);
      }
      const hit = shim.stop() > 0;
      tried++;
      reached += Number(hit);
      if (process.env.VERBOSE) console.log(about, '→', hit ? result || 'done' : 'not reached');
      const well = performance.now();
      let why = '';
      await until(async () => !(why = await flows.run(flow === 'remove' ? 'ingest' : flow)), 'the same to work again', RECOVERY_MS).catch((error) =>
        assert.fail(`${error.message}: ${why}`),
      );
      await follow(flows, flow === 'remove' ? 'ingest' : flow);
      const ms = performance.now() - well;
      if (ms > slowest.ms) slowest = { ms, of: about };
      if (ms > RESTART_MS) {
        await end();
        flows.server = server = await begin();
      }
    };

    const kinds = FLOWS.flatMap((flow) => CALLS.filter((row) => matters(flow, row, secure)).map((row) => ({ flow, row })));
    for (const kind of some(kinds.filter(({ row }) => !process.env.CALL || row.call === process.env.CALL), KINDS, random))
      for (const point of await pointsOf(shim, flows, kind, random)) {
        const { call, on } = kind.row;
        const about = `${kind.flow}: ${call}${on ? ` of a ${on}` : ''}, ${point.error}, ${point.ever ? 'for ever' : `once after ${point.pass}`}`;
        try {
          await attempt(kind.flow, kind.row, point, about);
        } catch (failure) {
          shim.stop();
          console.log(`${about} (SEED=${SEED})\n${server.log().slice(-2000)}`);
          throw failure;
        }
      }
    await end();
    const next = await startServer(t, { data, args });
    await flows.checkDocuments(next);
    flows.checkAnswered(data);
    t.diagnostic(`SEED=${SEED}: ${tried} points, ${reached} of them reached; the slowest to work again took ${slowest.ms.toFixed()} ms: ${slowest.of}`);
  });

/** A server that is started and left alone: how it went. @param {Shim} shim @param {string} data */
async function tryStart(shim, data) {
  const child = spawn(path.join(BUILD, 'repartee'), ['serve', '--listen', '127.0.0.1:0', '--data', data, ...SCRIPTED], {
    env: environment(shim.env), stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '', log = '';
  child.stdout.on('data', (text) => (said += text));
  child.stderr.on('data', (text) => (log += text));
  /** @type {number | string | null} */
  let code = null;
  const gone = new Promise((resolve) => child.once('close', (status, signal) => resolve((code = status ?? signal))));
  try {
    await until(() => code !== null || /^Repartee is (ready|starting)/m.test(said), 'a start or a refusal');
    return { refused: code, said, log, async stop() {
      if (code !== null) return 0;
      child.kill('SIGTERM');
      return gone;
    } };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

test('system calls fail while a server starts', { timeout: FULL ? 3e7 : undefined }, async (t) => {
  const random = randomOf(SEED);
  const data = await temporaryFolder(t);
  const shim = await Shim.make(t);
  await (await tryStart(shim, data)).stop(); /* the folder is made, and the names of the calls are known */
  const rows = some(CALLS, STARTS, random);
  /** @type {(Row & {error: string, pass: number})[]} */
  const points = [];
  for (const row of rows) {
    const n = await made(shim, row, async () => assert.equal(await (await tryStart(shim, data)).stop(), 0));
    for (const error of row.errors) for (let pass = 0; pass < n; pass++) points.push({ ...row, error, pass });
  }
  let refused = 0;
  const tried = some(points, STARTS, random);
  for (const { call, on, error, pass } of tried) {
    const about = `${call}${on ? ` of a ${on}` : ''}, ${error}, after ${pass}`;
    shim.fail(call, { error, pass, on });
    const start = await tryStart(shim, data).catch((failure) => assert.fail(`${about}: ${failure}`));
    shim.stop();
    if (start.refused !== null) {
      refused++;
      assert.equal(start.refused, 1, `${about}: ${start.log}`);
      assert.match(start.log, /^repartee serve: .*[;?].*\n$/m, `${about}: no remedy in: ${start.log}`);
    }
    assert.equal(await start.stop(), 0, `${about}: ${start.log}`);
    assert.doesNotMatch(start.log, /Sanitizer|runtime error/, about);
  }
  t.diagnostic(`SEED=${SEED}: ${tried.length} points of ${points.length}, ${refused} starts refused`);
});
