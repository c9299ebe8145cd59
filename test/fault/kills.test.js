// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * Engines are killed again and again, while many talk and read: whoever's turn was at the dead engine is told so,
 * once and at once; nobody loses his connection; the turns of others go on; the engine comes back; nothing is left
 * behind. How soon people are told is printed, not asserted: 250 ms are promised. SEED=n repeats the choices.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { randomly } from '../lib/cut.js';
import { holdings, metricsOf, spread } from '../lib/measure.js';
import { FULL, SANITIZED, times } from '../lib/scale.js';
import { startServer, until, untilReady } from '../lib/server.js';
import { VoiceClient } from '../lib/voice.js';

const KILLS = times('KILLS', { full: 1000, short: 6, sanitized: 4 });
const STOPS = times('STOPS', { full: 20, short: 0, sanitized: 0 });
const SEED = Number(process.env.SEED) || Date.now() % 1000000;
const TALKING = 8, READING = 4;
const PATIENCE_MS = 1800000;
const HEALTHY_S = 1.1; /* whoever served so long is started again at once */
const ROLES = ['stt', 'llm', 'tts'];
/* A sanitizer's own handler of SIGSEGV writes a report first. */
const SIGNALS = /** @type {NodeJS.Signals[]} */ (['SIGKILL', 'SIGABRT', ...(SANITIZED ? [] : ['SIGSEGV'])]);
const TOKENS = 40, TOKEN_MS = 10, HEARD_STEPS = 10, HEARD_STEP_MS = 25;
const ANSWER = 'Yes it is so. '.repeat(TOKENS / 5).trim();
const ARGS = [
  ...ROLES.flatMap((role) => [`--${role}-driver`, 'scripted']),
  ...['--stt-streams', `${TALKING}`, '--stt-script', `streams=${TALKING},slow=${HEARD_STEP_MS},text=one two three`],
  ...['--llm-script', `slow=${TOKEN_MS},text=${ANSWER}`, '--tts-script', 'slow=5,ms=10'],
  ...['--limit-turns', '100000', '--session-max', '50'],
];
const speech = new Int16Array(HEARD_STEPS * 1600);

/** What became of a turn. @typedef {{role: string, at: number}} Told */

/** Turn after turn until it is enough. `doomed` is set by the killer: the engine without which this turn cannot end well. */
class Client {
  doomed = '';
  begun = 0;
  ends = 0; /* turns that ended well */
  enough = false;
  /** @type {(told: Told, begun: number) => void} */
  ontold = () => {};

  /** @param {string} url of the server @param {(below: number) => number} random */
  constructor(url, random) {
    this.url = url;
    this.random = random;
  }

  async run() {
    while (!this.enough) {
      this.doomed = '';
      this.begun = performance.now();
      const error = await this.turn();
      assert.ok(error || !this.doomed, `it ended well without ${this.doomed}`);
      if (!error) this.ends++;
      else this.take(error);
      await sleep(this.random(200)); /* not all in step */
    }
  }

  /** @param {{message: string, code: string, at: number}} error */
  take({ message, code, at }) {
    assert.equal(code, 'engine_unavailable', message);
    const role = /^the (stt|llm|tts) engine stopped; it is being restarted, please try again$/.exec(message)?.[1];
    /* Who begins while it comes back waits two seconds, which under a sanitizer may be too little. */
    assert.ok(role || (SANITIZED && /still starting/.test(message)), message);
    if (this.doomed) assert.equal(role, this.doomed);
    if (role) this.ontold({ role, at }, this.begun);
  }

  /** @returns {Promise<{message: string, code: string, at: number} | null>} */
  async turn() {
    throw new Error('whoever it is says how');
  }
}

class Talker extends Client {
  /** @type {VoiceClient} */ voice;
  from = 0;

  async enter() {
    this.voice = await VoiceClient.open(this.url, { use_rag: false });
    this.voice.hurries = true;
  }

  async turn() {
    this.from = this.voice.events.length;
    const { last } = await this.voice.talk(speech);
    return last.type === 'end' ? null : { ...last.error, at: last.at };
  }

  /** Whether the present turn cannot end without that engine: it is in the midst of its work. @param {string} role */
  needs(role) {
    const events = this.voice.events.slice(this.from);
    const tokens = events.filter((e) => e.type === 'token').length;
    if (role === 'stt') return events.at(-1)?.type === 'partial' && performance.now() - this.begun < (HEARD_STEPS * HEARD_STEP_MS) / 2;
    if (tokens === 0 || tokens > TOKENS / 3 || events.some((e) => e.type === 'error')) return false;
    return role === 'llm' || events.some((e) => e.type === 'audio_start');
  }

  check() {
    assert.equal(this.voice.closed, null, 'a socket is lost');
    const over = new Set();
    for (const event of this.voice.events) {
      assert.ok(event.turn || event.type === 'ready', JSON.stringify(event));
      assert.ok(!over.has(event.turn), `${event.type} of a turn that is over`);
      if (['end', 'error', 'interrupted'].includes(event.type)) over.add(event.turn);
    }
  }
}

class Reader extends Client {
  agent = new Agent({ keepAlive: true, maxSockets: 1 });
  sockets = new Set();
  /** @type {any[]} */ events = [];

  async enter() {}

  async turn() {
    this.events = [];
    await new Promise((resolve, reject) => {
      const asked = request(this.url + 'chat', { method: 'POST', agent: this.agent, headers: { 'content-type': 'application/json' } }, (answer) => {
        let rest = '';
        answer.setEncoding('utf8');
        answer.on('data', (piece) => {
          const lines = (rest + piece).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) if (line.startsWith('data: ')) this.events.push({ ...JSON.parse(line.slice(6)), at: performance.now() });
        });
        answer.on('end', resolve);
        answer.on('error', reject);
      });
      asked.on('socket', (socket) => this.sockets.add(socket));
      asked.on('error', reject);
      asked.end('{"message":"go","use_rag":false}');
    });
    const over = this.events.filter((e) => e.type === 'end' || e.type === 'error');
    assert.deepEqual(over, this.events.slice(-1), 'each ends once');
    return over[0].type === 'end' ? null : { ...over[0].error, at: over[0].at };
  }

  /** @param {string} role */
  needs(role) {
    const tokens = this.events.filter((e) => e.type === 'token').length;
    return role === 'llm' && tokens > 0 && tokens < TOKENS / 3 && !this.events.some((e) => e.type === 'error');
  }

  check() {
    assert.equal(this.sockets.size, 1, 'a socket is lost');
    this.agent.destroy();
  }
}

/** @param {{url: string}} server */
const enginesOf = async (server) => (await (await fetch(server.url + 'readyz')).json()).engines;

/**
 * Kills engines under load.
 * @param {import('node:test').TestContext} t
 * @param {{count: number, signals: NodeJS.Signals[]}} what
 */
async function killUnderLoad(t, { count, signals }) {
  t.diagnostic(`SEED=${SEED}`);
  const random = randomly(SEED);
  const server = await startServer(t, { args: ARGS });
  await untilReady(server);
  const clients = Array.from({ length: TALKING + READING }, (_, i) => new (i < TALKING ? Talker : Reader)(server.url, random));
  /** @type {{role: string, signal: string, at: number, back: number, told: number[]}[]} */
  const kills = [];
  for (const client of clients) {
    await client.enter();
    client.ontold = ({ role, at }, begun) => {
      const kill = kills.findLast((k) => k.role === role && k.at <= at);
      assert.ok(kill && begun < kill.back, `nobody has killed ${role}`);
      assert.ok(role === 'llm' || client instanceof Talker, 'who only reads has nothing to do with sound');
      kill.told.push(at - kill.at);
    };
  }
  const load = Promise.all(clients.map((client) => client.run()));
  load.catch(() => {}); /* it is awaited below, or in the race */
  await until(() => clients.every((client) => client.ends > 0), 'a turn of everybody', 60000);
  const before = { ...holdings(server.pid), files: readdirSync(server.data).sort() };
  const failed = (await metricsOf(server)).get('repartee_turns_failed_total');
  assert.equal(failed, 0);

  const killing = async () => {
    while (kills.length < count) {
      const signal = signals[random(signals.length)];
      const { role, pid } = await until(async () => {
        const engines = await enginesOf(server);
        const busy = ROLES.filter((role) => engines[role].state === 'ready' && engines[role].since_s >= HEALTHY_S && engines[role].live > 0);
        const role = busy[random(busy.length)];
        return busy.length && { role, pid: engines[role].pid };
      }, 'an engine at work', 60000);
      if (FULL) await sleep(random(300)); /* time for turns to end well */
      const doomed = clients.filter((client) => client.needs(role));
      if (kills.length === 0 && doomed.length === 0) continue; /* one of them, at least, strikes in the midst of something */
      for (const client of doomed) client.doomed = role;
      const kill = { role, signal, at: performance.now(), back: Infinity, told: [] };
      kills.push(kill);
      process.kill(pid, signal);
      await until(async () => {
        const engine = (await enginesOf(server))[role];
        return engine.state === 'ready' && engine.pid !== pid;
      }, `another ${role}`, 60000);
      kill.back = performance.now();
    }
  };
  await Promise.race([killing(), load]);
  for (const client of clients) client.enough = true;
  await load;
  const last = await Promise.all(clients.map((client) => client.turn()));
  assert.deepEqual(last, clients.map(() => null), 'the next turn works');
  for (const client of clients) client.check();

  const told = kills.flatMap((kill) => kill.told);
  for (const signal of signals) t.diagnostic(`${signal}: ${ROLES.map((role) => `${kills.filter((k) => k.role === role && k.signal === signal).length} ${role}`).join(', ')}`);
  t.diagnostic(`${kills.length} kills, of which ${kills.filter((k) => k.told.length).length} ended turns, ${told.length} together; ${clients.reduce((n, c) => n + c.ends, 0)} turns ended well`);
  t.diagnostic(`from the kill to the error's arrival: ${spread(told)}; the last one of each kill: ${spread(kills.filter((k) => k.told.length).map((k) => Math.max(...k.told)))}`);
  const metrics = await metricsOf(server);
  if (!SANITIZED) assert.equal(metrics.get('repartee_turns_failed_total'), told.length, 'every failure is told, once');
  for (const role of ROLES) {
    assert.equal(metrics.get(`repartee_engine_restarts_total{engine="${role}"}`), kills.filter((k) => k.role === role).length);
    for (const what of ['jobs', 'waiting', 'leaving']) assert.equal(metrics.get(`repartee_engine_${what}{engine="${role}"}`), 0);
  }
  const after = { ...holdings(server.pid), files: readdirSync(server.data).sort() };
  t.diagnostic(`${JSON.stringify(before)} → ${JSON.stringify(after)}`);
  assert.ok(after.descriptors <= before.descriptors && after.threads <= before.threads, 'something is left open');
  assert.deepEqual([after.children, after.files], [before.children, before.files]);
  for (const client of clients) if (client instanceof Talker) client.voice.close();
}

describe('under load', { concurrency: true, timeout: PATIENCE_MS }, () => {
  test(`${KILLS} engines are killed`, { timeout: PATIENCE_MS }, (t) => killUnderLoad(t, { count: KILLS, signals: SIGNALS }));

  if (STOPS)
    test(`${STOPS} engines fall silent`, { timeout: PATIENCE_MS }, (t) => killUnderLoad(t, { count: STOPS, signals: ['SIGSTOP'] }));
});
