// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * Many who are quiet, many who behave badly, and few descriptors: those who talk notice nothing, what
 * a connection costs in memory is bounded, and who keeps the server waiting is gone at the deadline.
 *
 * How much slower the talking ones are is printed, not asserted: it depends on the machine, and the
 * clients here share it.
 */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { childrenOf, quantile, resident } from '../lib/measure.js';
import { FULL, SANITIZED, times } from '../lib/scale.js';
import { atEnd, startServer, until, untilReady } from '../lib/server.js';
import { VoiceClient } from '../lib/voice.js';

const SCRIPTED = ['--stt-driver', 'scripted', '--tts-driver', 'scripted', '--llm-driver', 'scripted', '--stt-script', 'text=one two three', '--llm-script', 'text=Yes.'];
const IDLE = times('IDLE', { full: 10000, short: 500, sanitized: 100 });
const IDLE_S = times('IDLE_S', { full: 300, short: 2, sanitized: 2 });
const TALKING = FULL ? 20 : 5;
const TURNS = FULL ? 10 : 2;
const ILL = times('ILL', { full: 7000, short: 350, sanitized: 140 });
const BYTES_EACH = 8192;
const AT_ONCE = 200;
const speech = new Int16Array(8000);

/** @param {{url: string}} server @param {string} name of a metric without labels */
const metric = async (server, name) =>
  Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await (await fetch(server.url + 'metrics')).text())?.[1]);

/** A whole turn. @param {string} url */
async function chat(url) {
  const answer = await fetch(url + 'chat', { method: 'POST', body: '{"message":"go"}', headers: { 'Content-Type': 'application/json' } });
  assert.equal(answer.status, 200);
  return answer.text();
}

/** Does `one` n times, some at once. @template T @param {number} n @param {(i: number) => Promise<T>} one */
async function manyTimes(n, one) {
  /** @type {T[]} */
  const all = [];
  for (let at = 0; at < n; at += AT_ONCE)
    all.push(...(await Promise.all(Array.from({ length: Math.min(AT_ONCE, n - at) }, (_, i) => one(at + i)))));
  return all;
}

/** Everybody talks at the same time, some turns each. Milliseconds from the end of speech to the end of the
 * turn, and to the first sound. @param {VoiceClient[]} talking */
async function talk(talking) {
  /** @type {number[]} */
  const firsts = [];
  for (let i = 0; i < TURNS; i++)
    await Promise.all(
      talking.map(async (voice) => {
        const turn = await voice.talk(speech);
        assert.equal(turn.last.type, 'end', JSON.stringify(turn.last));
        firsts.push(/** @type {any} */ (turn.events.find((e) => e.type === 'audio_start')).at - turn.stopped);
      }),
    );
  return { median: quantile(firsts, 0.5), p99: quantile(firsts, 0.99) };
}

test(`${IDLE} idle conversations beside ${TALKING} that talk`, { timeout: 1800000 }, async (t) => {
  const server = await startServer(t, { args: [...SCRIPTED, '--limit-turns', '100000', '--stt-streams', '32', '--session-max', '20000'] });
  await untilReady(server);
  const talking = await manyTimes(TALKING, () => VoiceClient.open(server.url));
  await talk(talking); /* what is made once is made */
  const alone = await talk(talking);

  const before = resident(server.pid);
  const idle = await manyTimes(IDLE, () => VoiceClient.open(server.url));
  const each = (resident(server.pid) - before) / IDLE;
  const end = Date.now() + IDLE_S * 1000;
  /** @type {{median: number, p99: number}[]} */
  const beside = [];
  while (!beside.length || Date.now() < end) {
    beside.push(await talk(talking));
    await sleep(100);
  }
  const median = quantile(beside.map((b) => b.median), 0.5), p99 = Math.max(...beside.map((b) => b.p99));
  t.diagnostic(`${each.toFixed(0)} bytes each; first sound: median ${alone.median.toFixed(1)} → ${median.toFixed(1)} ms, p99 ${alone.p99.toFixed(1)} → ${p99.toFixed(1)} ms`);
  assert.deepEqual([...talking, ...idle].filter((v) => v.closed).map((v) => v.closed), [], 'nobody was dropped');
  if (!SANITIZED) assert.ok(each <= BYTES_EACH, `an idle conversation costs ${each} bytes`);
  for (const voice of [...talking, ...idle]) voice.close();
  await until(async () => (await metric(server, 'repartee_connections')) <= 2, 'the end of all connections');
});

/** A connection that behaves badly; says when it is over. @param {string} url @param {'loris' | 'deaf' | 'mute'} how */
function behaveBadly(url, how) {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  const one = { how, connected: false, over: false, begun: Date.now(), lasted: 0, socket };
  let drip = /** @type {NodeJS.Timeout | undefined} */ (undefined);
  socket.on('error', () => {});
  socket.on('connect', () => {
    one.connected = true;
    if (how === 'loris') {
      socket.write(`GET / HTTP/1.1\r\nHost: ${hostname}:${port}\r\nX-Slow: `);
      drip = setInterval(() => socket.write('x'), 500);
    } else if (how === 'deaf') {
      socket.pause(); /* and asks for more than sockets hold, without reading any of it */
      socket.write(`GET /app.js HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`.repeat(400));
    }
  });
  if (how !== 'deaf') socket.resume();
  socket.on('close', () => {
    clearInterval(drip);
    one.over = true;
    one.lasted = Date.now() - one.begun;
  });
  return one;
}

test(`${ILL} ill-behaved connections beside normal load`, { timeout: 600000 }, async (t) => {
  const HEADER_MS = FULL ? 20000 : 4000;
  const server = await startServer(t, {
    args: [...SCRIPTED, '--limit-turns', '100000', '--http-header-ms', String(HEADER_MS), '--http-idle-ms', String(HEADER_MS)],
  });
  await untilReady(server);
  const ask = async () => {
    const begun = performance.now();
    assert.match(await chat(server.url), /"type":"end"/);
    return performance.now() - begun;
  };
  const askALot = async () => {
    /** @type {number[]} */
    const took = [];
    for (let i = 0; i < (SANITIZED ? 50 : 300); i++) took.push(await ask());
    return took;
  };
  await askALot();
  const alone = await askALot();
  const ill = await manyTimes(ILL, async (i) => behaveBadly(server.url, i % 7 < 5 ? 'loris' : i % 7 === 5 ? 'deaf' : 'mute'));
  atEnd(t, () => ill.forEach((one) => one.socket.destroy()));
  await until(() => ill.every((one) => one.connected || one.over), 'all of them connected', HEADER_MS);
  const beside = await askALot();
  t.diagnostic(
    `/chat beside them: median ${quantile(alone, 0.5).toFixed(2)} → ${quantile(beside, 0.5).toFixed(2)} ms, ` +
      `p99 ${quantile(alone, 0.99).toFixed(2)} → ${quantile(beside, 0.99).toFixed(2)} ms`,
  );
  /* A deaf client's socket does not tell it that it was dropped, the server's count does. */
  await until(async () => (await metric(server, 'repartee_connections')) <= 2, 'the end of all of them', 4 * HEADER_MS + 20000);
  for (const one of ill) one.socket.destroy();
  for (const how of /** @type {const} */ (['loris', 'mute'])) {
    const lasted = ill.filter((one) => one.how === how && one.over).map((one) => one.lasted);
    t.diagnostic(`${how}: ${lasted.length} gone, after ${Math.min(...lasted)} to ${Math.max(...lasted)} ms of ${HEADER_MS}`);
    assert.ok(lasted.length > 0 && Math.min(...lasted) >= HEADER_MS * 0.9, 'nobody is sent away before the time');
  }
  await ask();
});

for (const { hard, room } of [{ hard: 4096, room: 1000 }, { hard: 300, room: 172 }])
  test(`64 descriptors at first, ${hard} at most`, async (t) => {
    const server = await startServer(t, { args: SCRIPTED, within: ['prlimit', `--nofile=64:${hard}`, '--'] });
    await untilReady(server);
    const warned = /lets this process open 300 files, so 172 connections at once are taken/.test(server.log());
    assert.equal(warned, hard === 300, server.log());
    const { hostname, port } = new URL(server.url);
    let told = 0, gone = 0, connected = 0;
    const held = Array.from({ length: 1000 }, () =>
      connect({ host: hostname, port: Number(port) }, () => connected++)
        .on('error', () => {})
        .on('close', () => gone++)
        .on('data', (bytes) => (told += Number(bytes.toString().startsWith('HTTP/1.1 503')))),
    );
    await until(() => connected === held.length, 'a thousand connections');
    if (room < held.length) {
      await until(() => gone >= held.length - room, 'the end of those who found no room');
      assert.ok(told > 0, 'as many as can be are told why');
      /* An engine that dies now finds descriptors to come back on. */
      const pid = childrenOf(server.pid)[0];
      process.kill(pid, 'SIGKILL');
      await until(() => !childrenOf(server.pid).includes(pid) && childrenOf(server.pid).length === 2, 'another engine');
    }
    for (const socket of held) socket.destroy();
    await until(async () => (await fetch(server.url + 'readyz').catch(() => null))?.ok, 'room again');
    assert.match(await chat(server.url), /"type":"end"/);
  });
