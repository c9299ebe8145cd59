// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * Sessions by the thousand, a tenth of them ill-behaved: nothing of them stays. After each block of sessions,
 * when all is quiet, the server and its engines have the threads and descriptors that they had before, and
 * memory that does not grow, which is the slope of a line through the blocks' ends. Before them come so many sessions
 * that what has a bound is full: SQLite's pages (2 MB for each file), the table of rate limits (4,096 clients),
 * the engines' threads.
 */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import test from 'node:test';
import { FULL, SANITIZED, times } from '../lib/scale.js';
import { socketGet, startServer, until, untilReady } from '../lib/server.js';
import { bad, good } from '../lib/visits.js';

const SESSIONS = times('SESSIONS', { full: 20000, short: 400, sanitized: 100 });
const BLOCKS = FULL ? 80 : 4;
const AT_ONCE = 16;
const KEPT = 128; /* sessions: the older ones make room */
const WARM = FULL ? 15000 : KEPT + AT_ONCE;
const BYTES_EACH = 10;
const ENGINE_STREAMS = 60; /* at once: nearly as many as an engine makes threads for */
const THREADS_MAX = 80; /* of an engine: those that compute are at most 64 */

const SCRIPTED = [
  ...['--stt-driver', 'scripted', '--tts-driver', 'scripted', '--llm-driver', 'scripted'],
  ...['--stt-script', 'text=one two three', '--tts-script', 'ms=10', '--llm-script', 'text=Yes, it does. Indeed.'],
  ...['--limit-turns', '100000', '--stt-streams', '16', '--session-max', String(KEPT)],
  ...['--http-header-ms', '3000', '--http-idle-ms', '3000', '--http-body-ms', '4000', '--resume-keep-ms', '5000'],
];

/** One session of every ten is bad; of the good ones a few are rare. @param {{url: string}} server @param {number} i */
function visit(server, i) {
  const kinds = Object.values(i % 10 ? good : bad);
  const often = Object.values(good).filter((g) => g !== good.document && g !== good.stt);
  if (i % 10 === 0) return kinds[(i / 10) % kinds.length](server, i);
  if (i % 40 === 1) return good.stt(server, i);
  if (i % 40 === 2) return good.document(server, i);
  return often[i % often.length](server, i);
}

/** @param {{url: string, log: () => string}} server @param {number} from @param {number} n */
async function visits(server, from, n) {
  let next = from;
  const visitor = async () => {
    while (next < from + n) {
      const i = next++;
      await visit(server, i).catch((error) => assert.fail(`session ${i}: ${error.stack}\n${server.log()}`));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, visitor));
}

/** The engine programs and readers of a server. @param {number} pid */
const childrenOf = (pid) => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);

/** What a process holds now. @param {number} pid */
function held(pid) {
  const memory = /^Anonymous:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1];
  return {
    bytes: Number(memory) * 1024,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    threads: readdirSync(`/proc/${pid}/task`).length,
  };
}

/** How much y grows with x: the median of the slopes between any two points (Theil and Sen), so that the one step of
 * an hour that was busier than all before does not count for growth. @param {{x: number, y: number}[]} points */
function slope(points) {
  const slopes = points.flatMap((a, i) => points.slice(i + 1).map((b) => (b.y - a.y) / (b.x - a.x))).sort((a, b) => a - b);
  return slopes[slopes.length >> 1];
}

test(`${SESSIONS} sessions, a tenth of them ill-behaved @tsan`, { timeout: 7200000 }, async (t) => {
  const server = await startServer(t, { args: SCRIPTED });
  await untilReady(server);
  const pids = [server.pid, ...childrenOf(server.pid)];
  const names = pids.map((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim());
  const quiet = async () => {
    const all = async () => (await socketGet(server, '/metrics')).body;
    const value = (/** @type {string} */ text, /** @type {string} */ name) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
    await until(async () => {
      const text = await all();
      return value(text, 'repartee_connections') <= 1 && value(text, 'repartee_turns_live') === 0 && childrenOf(server.pid).length === pids.length - 1;
    }, 'the end of all connections and turns', 60000);
    return pids.map(held);
  };

  /** @type {{x: number, held: ReturnType<typeof held>[]}[]} */
  const samples = [];
  const begun = Date.now();
  if (FULL) for (let i = 0; i < 5; i++) await Promise.all(Array.from({ length: ENGINE_STREAMS }, () => good.typed(server, i)));
  await visits(server, 0, WARM);
  const block = Math.ceil(SESSIONS / BLOCKS);
  for (let done = 0; done < SESSIONS; done += block) {
    await visits(server, WARM + done, Math.min(block, SESSIONS - done));
    samples.push({ x: Math.min(done + block, SESSIONS), held: await quiet() });
  }
  t.diagnostic(`${((Date.now() - begun) / 1000).toFixed(0)} s`);
  const grown = pids.map((_, i) => {
    const of = (/** @type {'descriptors' | 'threads' | 'bytes'} */ what) => samples.map(({ held }) => held[i][what]);
    const each = slope(samples.map(({ x, held }) => ({ x, y: held[i].bytes })));
    const tenths = of('bytes').filter((_, n, all) => (n + 1) % Math.ceil(all.length / 10) === 0).map((bytes) => bytes / 1024);
    t.diagnostic(
      `${names[i]}: ${FULL ? `${each.toFixed(1)} bytes a session, ` : ''}KiB ${tenths.join(' ')}; ` +
        `descriptors ${of('descriptors')[0]} → ${of('descriptors').at(-1)}, threads ${of('threads')[0]} → ${of('threads').at(-1)}`,
    );
    assert.equal(new Set(of('descriptors')).size, 1, `${names[i]}: descriptors ${of('descriptors')}`);
    /* An engine starts another thread when more is asked of it at once than ever before. */
    assert.ok(Math.max(...of('threads')) <= (i === 0 ? of('threads')[0] : THREADS_MAX), `${names[i]}: threads ${of('threads')}`);
    return each;
  });
  if (FULL) assert.ok(Math.max(...grown) <= BYTES_EACH, `${Math.max(...grown)} bytes a session`);
  assert.deepEqual(childrenOf(server.pid), pids.slice(1), 'no engine was started anew');
});
