// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * Many who are quiet, many who behave badly, and few descriptors: those who talk notice nothing, what
 * a connection costs in memory is bounded, and who keeps the server waiting is gone at the deadline.
 *
 * How much slower the talking ones are is printed, not asserted: it depends on the machine. The many are
 * clients in a process of their own (crowd.js), and what they cost the
 * machine when they visit somebody else is measured beside it, so that what is compared is the server.
 */
import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gather, openSink } from '../lib/crowd.js';
import { childrenOf, quantile, resident } from '../lib/measure.js';
import { FULL, SANITIZED, times } from '../lib/scale.js';
import { startServer, until, untilReady } from '../lib/server.js';
import { VoiceClient } from '../lib/voice.js';

const SCRIPTED = ['--stt-driver', 'scripted', '--tts-driver', 'scripted', '--llm-driver', 'scripted', '--stt-script', 'text=one two three', '--llm-script', 'text=Yes.'];
const IDLE = times('IDLE', { full: 10000, short: 500, sanitized: 100 });
const IDLE_S = times('IDLE_S', { full: 300, short: 2, sanitized: 2 });
const TALKING = FULL ? 20 : 5;
const TURNS = FULL ? 10 : 2;
const ILL = times('ILL', { full: 7000, short: 350, sanitized: 140 });
const BYTES_EACH = 8192;
const AT_ONCE = 200;
const EVERY_MS = 10;
const LOOK_MS = 500;
const SETTLE_MS = 1000;
const OWN_MAX = 20; /* connections of those who behave */
const speech = new Int16Array(8000);

/** What it was alone, and is beside others. @param {number[]} alone ms @param {number[]} beside */
function compared(alone, beside) {
  const one = (/** @type {number} */ q) => {
    const [a, b] = [quantile(alone, q), quantile(beside, q)];
    return `${a.toFixed(2)} → ${b.toFixed(2)} ms (${(b / a).toFixed(2)}×)`;
  };
  return `median ${one(0.5)}, p99 ${one(0.99)}, of ${alone.length} and ${beside.length}`;
}
/** @param {{url: string}} server @param {string} name of a metric without labels */
const metric = async (server, name) =>
  Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await (await fetch(server.url + 'metrics')).text())?.[1]);

const agent = new Agent({ keepAlive: true });

/** A whole turn. Not by fetch, whose garbage keeps the client itself busy. @param {string} url
 * @returns {Promise<string>} */
function chat(url) {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/json', 'Content-Length': 16 };
    request(url + 'chat', { method: 'POST', headers, agent }, (answer) => {
      let text = '';
      answer.setEncoding('latin1').on('data', (part) => (text += part)).on('end', () => resolve(text));
    })
      .once('error', reject)
      .end('{"message":"go"}');
  });
}

/** Does `one` n times, some at once. @template T @param {number} n @param {(i: number) => Promise<T>} one */
async function manyTimes(n, one) {
  /** @type {T[]} */
  const all = [];
  for (let at = 0; at < n; at += AT_ONCE)
    all.push(...(await Promise.all(Array.from({ length: Math.min(AT_ONCE, n - at) }, (_, i) => one(at + i)))));
  return all;
}

/** Everybody talks at the same time, some turns each. Milliseconds from the end of speech to the first sound.
 * @param {VoiceClient[]} talking */
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
  return firsts;
}

/* Two servers of the same kind in turns, so that what the machine does otherwise strikes both alike: one has the idle
 * ones, the other is alone. */
test(`${IDLE} idle conversations beside ${TALKING} that talk`, { timeout: 1800000 }, async (t) => {
  const begin = async () => {
    const server = await startServer(t, { args: [...SCRIPTED, '--limit-turns', '100000', '--stt-streams', '32', '--session-max', '20000'] });
    await untilReady(server);
    const talking = await manyTimes(TALKING, () => VoiceClient.open(server.url));
    await talk(talking); /* what is made once is made */
    return { server, talking };
  };
  const lonely = await begin(), crowded = await begin();
  const crowd = await gather(t, crowded.server.url);
  const before = resident(crowded.server.pid);
  await crowd.come(Array(IDLE).fill('idle'));
  const each = (resident(crowded.server.pid) - before) / IDLE;
  const end = Date.now() + IDLE_S * 1000;
  /** @type {number[]} */
  const alone = [], /** @type {number[]} */ beside = [];
  while (!beside.length || Date.now() < end) {
    alone.push(...(await talk(lonely.talking)));
    await sleep(100);
    beside.push(...(await talk(crowded.talking)));
    await sleep(100);
  }
  t.diagnostic(`${each.toFixed(0)} bytes each; first sound: ${compared(alone, beside)}`);
  const dropped = (await crowd.look()).filter((one) => one.over).length + crowded.talking.filter((voice) => voice.closed).length;
  assert.equal(dropped, 0, 'nobody was dropped');
  if (!SANITIZED) assert.ok(each <= BYTES_EACH, `an idle conversation costs ${each} bytes`);
  await crowd.leave();
  for (const voice of [...lonely.talking, ...crowded.talking]) voice.close();
  await until(async () => (await metric(crowded.server, 'repartee_connections')) <= 2, 'the end of all connections');
});

/* Five of seven send a byte now and then, one does not read, one says nothing. */
const ILL_KINDS = /** @type {const} */ (['loris', 'loris', 'loris', 'loris', 'loris', 'deaf', 'mute']);

test(`${ILL} ill-behaved connections beside normal load`, { timeout: 600000 }, async (t) => {
  const HEADER_MS = FULL ? 30000 : 4000;
  const ASK_MS = FULL ? 15000 : 500;
  const server = await startServer(t, {
    args: [...SCRIPTED, '--limit-turns', '100000', '--http-header-ms', String(HEADER_MS), '--http-idle-ms', String(HEADER_MS)],
  });
  await untilReady(server);
  /* A question every ten milliseconds, however long the answers take: who comes while all is slow is counted too. */
  const askUntil = async (/** @type {Promise<unknown>} */ end) => {
    /** @type {Promise<number>[]} */
    const took = [];
    const begun = performance.now();
    let over = false;
    for (end.finally(() => (over = true)); !over; await sleep(Math.max(0, begun + took.length * EVERY_MS - performance.now()))) {
      const asked = performance.now();
      const answered = (/** @type {string} */ answer) => (/"type":"end"/.test(answer) ? performance.now() - asked : Infinity);
      took.push(chat(server.url).then(answered, () => Infinity));
    }
    return Promise.all(took);
  };
  await askUntil(sleep(ASK_MS / 2));
  const alone = await askUntil(sleep(ASK_MS));
  const hows = Array.from({ length: ILL }, (_, i) => ILL_KINDS[i % 7]);

  const elsewhere = await gather(t, await openSink(t));
  const onsetElsewhere = await askUntil(elsewhere.come(hows));
  const besideElsewhere = await askUntil(sleep(ASK_MS));
  await elsewhere.leave();
  await sleep(SETTLE_MS);

  const crowd = await gather(t, server.url);
  const coming = crowd.come(hows);
  const onset = await askUntil(coming);
  const came = await coming;
  assert.equal(came.filter((one) => !one.connected).length, 0, 'all of them connected');
  /* A deaf client's socket does not tell it that it was dropped, the server's count does. */
  const fewAre = (/** @type {number} */ few) => async () => (await metric(server, 'repartee_connections')) <= few;
  const mostAreGone = async () => {
    await sleep(HEADER_MS); /* until then asking for the count would only disturb */
    for (const late = Date.now() + 4 * HEADER_MS + 20000; !(await fewAre(OWN_MAX)()); await sleep(LOOK_MS)) assert.ok(Date.now() < late, 'most of them are gone');
  };
  const beside = await askUntil(mostAreGone());
  agent.destroy(); /* and with it those that wait for its next question */
  await until(fewAre(2), 'the end of all of them');
  t.diagnostic(`alone: ${compared(alone, alone)}`);
  t.diagnostic(`while they come to somebody else, and to us: ${compared(onsetElsewhere, onset)}`);
  t.diagnostic(`while they pester somebody else, and us until they are gone: ${compared(besideElsewhere, beside)}`);
  const isPatient = (/** @type {{how: string}} */ { how }) => how !== 'deaf';
  const gone = await until(async () => {
    const all = await crowd.look(); /* who runs when nobody else wants to hears of it later than the server */
    return all.filter(isPatient).every((one) => one.over) && all;
  }, 'that all are gone');
  for (const how of /** @type {const} */ (['loris', 'mute'])) {
    const lasted = gone.filter((one) => one.how === how && one.over).map((one) => one.lasted);
    t.diagnostic(`${how}: ${lasted.length} gone, after ${Math.min(...lasted)} to ${Math.max(...lasted)} ms of ${HEADER_MS}`);
    assert.equal(lasted.length, came.filter((one) => one.how === how).length, 'all are gone');
    assert.ok(Math.min(...lasted) >= HEADER_MS * 0.9, 'nobody is sent away before the time');
  }
  await crowd.leave();
  assert.match(await chat(server.url), /"type":"end"/);
});

for (const { hard, room } of [{ hard: 4096, room: 1000 }, { hard: 300, room: 172 }, { hard: 200, room: 100 }])
  test(`64 descriptors at first, ${hard} at most`, async (t) => {
    const server = await startServer(t, { args: SCRIPTED, within: ['prlimit', `--nofile=64:${hard}`, '--'] });
    await untilReady(server);
    const warned = server.log().includes(`lets this process open ${hard} files, so ${room} connections at once are taken`);
    assert.equal(warned, hard < 4096, server.log());
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
