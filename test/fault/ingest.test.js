// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * kill -9 of the server at random moments while documents are added: whatever was answered with 202 is
 * there afterwards, once, whole and findable, and the job that was named is done.
 *
 * Each document begins and ends with a word of its own, so that "whole" can be asked for. Some replace
 * an earlier version, some come several in a request, some are long enough for many passages. The first
 * line printed is the seed: KILL_SEED=n chooses the same documents and moments again.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SANITIZED, times } from '../lib/scale.js';
import { BUILD, environment, startServer, temporaryFolder, until } from '../lib/server.js';

const KILLS = times('KILLS', { full: 200, short: 40, sanitized: 5 });
const IN_THE_START = 0.2; /* of every other kill: before the server has said that it is ready */
const SPAN_MS = SANITIZED ? 600 : 250;
const CLIENTS = 3;
const ARGS = ['--stt-driver', 'scripted', '--tts-driver', 'scripted'];

/* mulberry32 */
let seed = Number(process.env.KILL_SEED ?? Date.now() % 1e9) | 0;
function random() {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
const below = (/** @type {number} */ n) => Math.floor(random() * n);

/** @typedef {{source: string, number: number, first: string, last: string, text: string}} Version */
/** The versions of each source, in the order in which they were sent. @type {Map<string, Version[]>} */
const sent = new Map();
/** What was answered with 202. @type {{job: string, versions: Version[]}[]} */
const acknowledged = [];
let versions = 0;

/** @param {string} source @returns {Version} */
function compose(source) {
  const number = ++versions;
  const [first, last] = [`begin${number}x`, `finish${number}x`];
  const filling = 'Barrels of salt were carried down to the harbour before the tide turned. ';
  const text = `# Notice ${number}\n\nThe mark ${first} opens it. ${filling.repeat(below(4) ? below(8) : below(400))}And ${last} closes it.\n`;
  const version = { source, number, first, last, text };
  sent.set(source, [...(sent.get(source) ?? []), version]);
  return version;
}

/* Sources that a client is sending at the moment: two versions under way at once have no order. */
const busy = new Set();
function chooseSource() {
  const known = [...sent.keys()].filter((name) => !busy.has(name));
  return known.length && below(5) === 0 ? known[below(known.length)] : `notice-${sent.size}-${below(1e6)}.md`;
}

/** Adds documents until the server is gone. @param {string} url */
async function add(url) {
  for (;;) {
    const chosen = [...new Set(Array.from({ length: below(3) ? 1 : 1 + below(4) }, chooseSource))];
    const batch = chosen.map(compose);
    chosen.forEach((source) => busy.add(source));
    try {
      const form = new FormData();
      for (const v of batch) form.append('file', new Blob([v.text]), v.source);
      const answer = await fetch(url + 'rag/ingest', { method: 'POST', body: form });
      if (answer.status === 202) acknowledged.push({ job: (await answer.json()).job, versions: batch });
      else assert.equal(answer.status, 503, `${answer.status} ${await answer.text()}`);
    } catch (e) {
      if (e instanceof assert.AssertionError) throw e;
      return; /* killed; what was answered only in part is not acknowledged to us */
    } finally {
      chosen.forEach((source) => busy.delete(source));
    }
  }
}

/** One life of the server. @param {import('node:test').TestContext} t @param {string} data @param {boolean} works whether it adds something first */
async function oneLife(t, data, works) {
  if (!works && random() < IN_THE_START) {
    const child = spawn(path.join(BUILD, 'repartee'), ['serve', '--listen', '127.0.0.1:0', '--data', data, ...ARGS],
      { env: environment(), stdio: 'ignore' });
    const gone = new Promise((resolve) => child.once('exit', resolve));
    await sleep(random() * SPAN_MS);
    child.kill('SIGKILL');
    await gone;
    return;
  }
  const server = await startServer(t, { data, args: ARGS });
  const before = acknowledged.length;
  const clients = Array.from({ length: CLIENTS }, () => add(server.url));
  if (works) await until(() => acknowledged.length > before + 1, 'two documents');
  await sleep(random() * SPAN_MS);
  await server.kill();
  assert.doesNotMatch(server.log(), /Sanitizer/);
  await Promise.all(clients);
}

/** @param {string} url @param {string} word */
async function find(url, word) {
  const answer = await fetch(url + 'rag/query', {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ query: word, k: 1 }),
  });
  assert.equal(answer.status, 200);
  return (await answer.json()).hits[0];
}

/** The version that must be there: the newest acknowledged one, or one that was sent after it. @param {string} source */
function candidates(source) {
  const all = sent.get(source) ?? [];
  const safe = new Set(acknowledged.flatMap((a) => a.versions));
  return all.slice(all.findLastIndex((v) => safe.has(v)));
}

test(`${KILLS} times kill -9 while documents are added`, { timeout: 1800000 }, async (t) => {
  console.log(`KILL_SEED=${seed}`);
  const data = await temporaryFolder(t);
  for (let i = 0; i < KILLS; i++) await oneLife(t, data, i % 2 === 0);

  const server = await startServer(t, { data, args: [...ARGS, '--limit-turns', '100000'] });
  /** @returns {Promise<any[]>} */
  const list = async () => (await (await fetch(server.url + 'rag/documents')).json()).documents.filter((/** @type {any} */ d) => !d.shared);
  const waiting = (/** @type {any} */ d) => d.state === 'queued' || d.state === 'running';
  await until(async () => !(await list()).some(waiting), 'the end of the queue', 600000);

  const documents = await list();
  const sources = new Set(acknowledged.flatMap((a) => a.versions.map((v) => v.source)));
  console.log(`${acknowledged.length} acknowledged requests, ${sources.size} documents, ${versions} sent`);
  assert.ok(sources.size > KILLS / 4, 'hardly anything was added before the kills');
  assert.deepEqual(documents.filter((d) => d.state !== 'done'), [], 'a document that did nothing wrong has failed');

  for (const source of sources) {
    const rows = documents.filter((d) => d.source === source);
    assert.equal(rows.length, 1, `${source} is there ${rows.length} times`);
    let there = null;
    for (const v of candidates(source)) {
      const hit = await find(server.url, v.first);
      if (hit?.doc_id === rows[0].doc_id && hit.text.includes(v.first)) there = v;
    }
    assert.ok(there, `${source} is not found by its first word`);
    assert.equal(rows[0].bytes, Buffer.byteLength(there.text), `${source} is not whole`);
    const end = await find(server.url, there.last);
    assert.ok(end?.doc_id === rows[0].doc_id && end.text.includes(there.last), `${source} is not found by its last word`);
  }
  for (const { job } of acknowledged) {
    const answer = await fetch(`${server.url}rag/jobs/${job}`);
    assert.equal(answer.status, 200, `job ${job} is forgotten`);
    assert.equal((await answer.json()).state, 'done');
  }
  assert.equal(await server.stop(), 0);
});
