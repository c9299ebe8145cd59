// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * Listeners leave in mid-turn, in every way there is and at a random token: they drop the connection, close it,
 * cancel, interrupt, drop a stream of events. No engine goes on for those who have left, nothing of a dead turn
 * reaches those who stay, and nothing is left behind.
 *
 * How soon an engine's place is free is printed, not asserted: it depends on the machine. One step of the engine
 * and 20 ms are promised. SEED=n repeats a run.
 */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import test from 'node:test';
import { randomly, startRelay } from '../lib/cut.js';
import { holdings, metricsOf, resident, spread } from '../lib/measure.js';
import { FULL, times } from '../lib/scale.js';
import { startServer, until, untilReady } from '../lib/server.js';
import { VoiceClient } from '../lib/voice.js';

const LEAVES = times('LEAVES', { full: 1000, short: 60, sanitized: 25 });
const SEED = Number(process.env.SEED) || Date.now() % 1000000;
const PEOPLE = 10;
const TOKENS_MAX = 25;
const KEPT_BYTES = 4096; /* of each who left, at most; what memory is rounded up to is in it */
const STEP_MS = 20;
const LONG = 'Yes it is so. '.repeat(100).trim(); /* echoed for ten seconds, which nobody waits for */
const ARGS = [
  ...['stt', 'llm', 'tts'].flatMap((role) => [`--${role}-driver`, 'scripted']),
  ...['--stt-streams', `${PEOPLE}`, '--stt-script', `streams=${PEOPLE},slow=${STEP_MS},text=${LONG}`],
  ...['--llm-script', `slots=${2 * PEOPLE},slow=${STEP_MS}`, '--tts-script', `slow=${STEP_MS},ms=10`],
  ...['--limit-turns', '100000', '--session-max', '50'],
];
const ROLES = ['stt', 'llm', 'tts'];
const OVER = ['end', 'error', 'interrupted'];
const speech = new Int16Array(16000);

/** Who talks, leaves and comes again. */
class Person {
  /** @type {VoiceClient | null} */ voice = null;
  cut = () => {};
  turn = 0; /* the last one that was heard of */
  from = 0; /* events of the present turn come after so many */
  listening = false; /* the present turn has not heard all of the question yet */
  asked = 0; /* when, if it was typed */
  left = { stt: 0, llm: 0 }; /* turns, by who was at work */
  /** @type {number[]} */ interrupted = []; /* ms from leaving to its event */
  /** @type {number[]} */ again = []; /* ms from a question to the first token */

  /** @param {string} url of the server @param {(below: number) => number} random */
  constructor(url, random) {
    this.url = url;
    this.random = random;
  }

  /** @param {import('node:test').TestContext} t */
  async enter(t) {
    this.relay = await startRelay(t, this.url, () => Infinity, (cut) => (this.cut = cut));
  }

  async begin() {
    this.voice ??= await VoiceClient.open(this.relay ?? '', { use_rag: false });
    this.from = this.voice.events.length;
    this.turn = this.voice.events.findLast((e) => e.turn)?.turn ?? 0;
    const spoken = this.random(2);
    this.listening = spoken > 0 && this.random(5) === 0;
    this.asked = spoken ? 0 : performance.now();
    if (!spoken) return this.voice.send({ type: 'text', text: LONG });
    this.voice.send({ type: 'start' });
    this.voice.send(speech);
    if (!this.listening) this.voice.send({ type: 'stop' });
  }

  /** Waits for so much of the present turn. @param {string} type of event @param {number} count */
  async hear(type, count) {
    const { voice, from } = this;
    const those = () => voice?.events.slice(from).filter((e) => e.type === type && (e.turn ?? 0) > this.turn) ?? [];
    await until(() => voice?.closed || those().length >= count, `${count} × ${type}`, 60000);
    assert.ok(!voice?.closed, 'a socket is lost');
    return those();
  }

  /** One turn up to a random token; then it is left, and the next one is on its way if that is how. */
  async leave() {
    const [first] = this.listening ? await this.hear('partial', 1) : await this.hear('token', 1);
    if (!this.listening) {
      if (this.asked) this.again.push(first.at - this.asked);
      await this.hear('token', 1 + this.random(TOKENS_MAX));
    }
    this.left[this.listening ? 'stt' : 'llm']++;
    const { voice } = this;
    const how = ['drop', 'close', 'cancel', 'interrupt'][this.random(this.listening ? 3 : 4)];
    const at = performance.now();
    if (how === 'drop' || how === 'close') {
      if (how === 'drop') this.cut();
      else voice?.close();
      this.checkEvents();
      this.voice = null;
      await this.begin();
      return how;
    }
    if (how === 'cancel') voice?.send({ type: 'cancel' });
    const from = this.from;
    await this.begin();
    const over = await until(() => voice?.events.slice(from).find((e) => e.turn === first.turn && OVER.includes(e.type)), 'the end of a turn');
    assert.equal(over.type, 'interrupted', JSON.stringify(over));
    this.interrupted.push(over.at - at);
    return how;
  }

  /** A stream of events that is dropped at a random token. */
  async leaveChat() {
    const body = JSON.stringify({ message: LONG, use_rag: false });
    const wanted = 1 + this.random(TOKENS_MAX);
    await new Promise((resolve, reject) => {
      const asked = request(this.url + 'chat', { method: 'POST', agent: false, headers: { 'content-type': 'application/json' } }, (answer) => {
        let said = '';
        answer.on('error', () => {}); /* it is we who end it */
        answer.on('end', () => reject(new Error(`it ended: ${said.slice(-300)}`)));
        answer.on('data', (bytes) => {
          said += bytes;
          if (said.split('"type":"token"').length <= wanted) return;
          asked.destroy();
          resolve(null);
        });
      });
      asked.on('error', reject);
      asked.end(body);
    });
    this.left.llm++;
    return 'drop a stream';
  }

  /** Nothing of a turn comes after its end, and nobody is told of an error. */
  checkEvents() {
    const over = new Set();
    for (const event of this.voice?.events ?? []) {
      if (!event.turn) continue;
      assert.ok(!over.has(event.turn), `${event.type} of a turn that is over`);
      assert.notEqual(event.type, 'error', JSON.stringify(event));
      if (event.type === 'final') assert.equal(event.text, LONG, 'the script is told whole');
      if (OVER.includes(event.type)) over.add(event.turn);
    }
  }

  /** The last turn is interrupted by one that is heard out. */
  async last() {
    await (this.listening ? this.hear('partial', 1) : this.hear('token', 1));
    this.left[this.listening ? 'stt' : 'llm']++;
    const { voice } = this;
    assert.ok(voice);
    voice.send({ type: 'cancel' });
    await until(() => voice.events.at(-1)?.type === 'interrupted', 'the end of a turn');
    voice.hurries = true;
    const from = voice.events.length;
    voice.send({ type: 'text', text: 'Yes.' });
    const turn = await voice.finish(from);
    assert.deepEqual([turn.last.type, turn.answer], ['end', 'You said: Yes.']);
    assert.ok(turn.sound.length > 0);
    this.checkEvents();
    voice.close();
  }
}

/** Of a histogram: how many there were, and the bound below which 99 % of them lie. @param {Map<string, number>} metrics @param {string} role */
function cancels(metrics, role) {
  const name = 'repartee_engine_cancel_seconds';
  const count = metrics.get(`${name}_count{engine="${role}"}`) ?? NaN;
  const mean = ((metrics.get(`${name}_sum{engine="${role}"}`) ?? NaN) / Math.max(1, count)) * 1000;
  const bounds = [...metrics].flatMap(([line, n]) => {
    const found = line.startsWith(`${name}_bucket{engine="${role}"`) && /le="(.*)"/.exec(line);
    return found ? [{ ms: Number(found[1]) * 1000, n }] : [];
  });
  return { count, mean, p99: bounds.find((b) => b.n >= 0.99 * count)?.ms ?? Infinity };
}

test(`${LEAVES} listeners leave in mid-turn @tsan`, { timeout: 900000 }, async (t) => {
  t.diagnostic(`SEED=${SEED}`);
  const server = await startServer(t, { args: ARGS });
  await untilReady(server);
  const { engines } = await (await fetch(server.url + 'readyz')).json();
  const pids = [server.pid, ...ROLES.map((role) => engines[role].pid)];
  const before = pids.map(holdings);
  /** @type {Map<string, number>} */
  const ways = new Map();
  let left = 0, measured = 0;
  /** @type {number[]} */
  let memory = [];
  const people = Array.from({ length: PEOPLE }, (_, i) => new Person(server.url, randomly(SEED + i)));
  await Promise.all(
    people.map(async (person) => {
      await person.enter(t);
      await person.begin();
      while (left++ < LEAVES) {
        if (left > LEAVES / 2 && !measured++) memory = pids.map(resident); /* what is made once is made */
        const how = person.random(5) ? await person.leave() : await person.leaveChat();
        ways.set(how, (ways.get(how) ?? 0) + 1);
      }
      await person.last();
    }),
  );
  const metrics = await until(async () => {
    const now = await metricsOf(server);
    const busy = ROLES.flatMap((role) => ['jobs', 'waiting', 'leaving'].map((what) => now.get(`repartee_engine_${what}{engine="${role}"}`)));
    return busy.every((n) => n === 0) && now.get('repartee_turns_live') === 0 && now;
  }, 'an end of all work', 5000); /* the answers would go on for longer */
  t.diagnostic([...ways].map(([how, n]) => `${how}: ${n}`).join(', '));
  for (const role of ROLES) {
    const { count, mean, p99 } = cancels(metrics, role);
    t.diagnostic(`${role}: ${count} cancelled; its place is free after ${mean.toFixed(2)} ms in the mean, 99 % within ${p99} ms (${STEP_MS} + 20 are promised)`);
  }
  t.diagnostic(`interrupted comes after: ${spread(people.flatMap((p) => p.interrupted))}`);
  t.diagnostic(`the next turn's first token, in ${STEP_MS} ms at best: ${spread(people.flatMap((p) => p.again))}`);

  const sum = (/** @type {'stt' | 'llm'} */ role) => people.reduce((n, person) => n + person.left[role], 0);
  assert.equal(cancels(metrics, 'llm').count, sum('llm'), 'the model stopped for each of them');
  assert.equal(cancels(metrics, 'stt').count, sum('stt'), 'so did the recogniser');
  assert.ok(cancels(metrics, 'tts').count > 0, 'and the voice');
  assert.equal(metrics.get('repartee_turns_interrupted_total'), sum('llm') + sum('stt'));
  assert.equal(metrics.get('repartee_turns_failed_total'), 0);
  await until(() => holdings(server.pid).descriptors <= before[0].descriptors, 'the end of all connections');
  const after = pids.map(holdings);
  assert.deepEqual([after[0].threads, after[0].children], [before[0].threads, before[0].children]);
  assert.deepEqual(after.slice(1).map((h) => h.descriptors), before.slice(1).map((h) => h.descriptors));
  const grown = pids.map((pid, i) => (resident(pid) - memory[i]) / (LEAVES / 2));
  t.diagnostic(`bytes that are kept of each: ${grown.map((n) => n.toFixed(0)).join(', ')} (server, ${ROLES.join(', ')})`);
  if (FULL) assert.ok(Math.max(...grown) < KEPT_BYTES, 'memory grows');
});
