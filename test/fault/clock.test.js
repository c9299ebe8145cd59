// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * Somebody sets the clock, by a day or by ten years, forwards and backwards: nothing that was measured by its
 * duration ends sooner or later, and no conversation is taken for an old one.
 */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import path from 'node:path';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Shim } from '../lib/fault-shim.js';
import { Flows, SCRIPTED, request } from '../lib/acknowledged.js';
import { FULL, SANITIZED } from '../lib/scale.js';
import { startServer, temporaryFolder, until, untilReady } from '../lib/server.js';
import { shownFingerprint } from '../lib/tls.js';
import { VoiceClient } from '../lib/voice.js';

const DAY_S = 86400;
const JUMPS = SANITIZED && !FULL ? [DAY_S, -3650 * DAY_S] : [DAY_S, -DAY_S, 3650 * DAY_S, -3650 * DAY_S, 0];
const TICK_MS = 61000; /* a little more than api/server.c's */

/** @param {string} url @param {string} [token] */
const chat = (url, token, more = {}) => request(url + 'chat', 'POST', { message: 'hello', stream: false, ...more }, token);

test('the clock is set while people talk', { timeout: FULL ? 1e6 : undefined }, async (t) => {
  const shim = await Shim.make(t);
  const data = await temporaryFolder(t);
  const start = async () => {
    const server = await startServer(t, { data, args: SCRIPTED, env: shim.env });
    await untilReady(server);
    return server;
  };
  let server = await start();
  const flows = new Flows(server);
  const begin = async () => JSON.parse((await request(server.url + 'session', 'POST')).body.toString());
  let used = await begin(), quiet = await begin();
  assert.equal((await chat(server.url, quiet.token)).status, 200);

  for (const jump of JUMPS) {
    for (const flow of /** @type {const} */ (['chat', 'ingest'])) assert.equal(await flows.run(flow), '', flow);
    const voice = await VoiceClient.open(server.url);
    const from = voice.events.length;
    voice.hurries = true;
    voice.send({ type: 'start' });
    voice.send(new Int16Array(1600));
    shim.moveClock(jump);
    voice.send(new Int16Array(1600));
    voice.send({ type: 'stop' });
    assert.equal((await voice.finish(from)).last.type, 'end', `a turn under way, ${jump} s`);
    voice.close();
    const answer = await fetch(server.url + 'healthz');
    const off = Date.parse(answer.headers.get('date') ?? '') - Date.now() - 1000 * jump;
    assert.ok(Math.abs(off) < 60000, `the date is off by ${off} ms`);
    assert.equal((await chat(server.url, used.token)).status, 200, `a token is good after ${jump} s`);
    const renewed = await request(server.url + 'session/refresh', 'POST', undefined, used.token);
    assert.equal(renewed.status, 200);
    const left_s = JSON.parse(renewed.body.toString()).expires_at - Date.now() / 1000 - jump;
    assert.ok(left_s > 800 && left_s <= 901, `it is told to be good for ${left_s} s`);
    for (const flow of /** @type {const} */ (['chat', 'voice', 'tts', 'remove'])) assert.equal(await flows.run(flow), '', flow);
    await flows.settle();
    if (FULL) await sleep(TICK_MS);
    /* What was said is known under the new clock, also of those who were quiet, and to the next server. */
    if (jump > 0) await server.kill();
    else assert.equal(await server.stop(), 0);
    server = await start();
    await flows.checkDocuments(server);
    flows.checkAnswered(data);
    for (const { session_id } of [used, quiet]) assert.equal((await chat(server.url, undefined, { session_id })).status, 200, `a session after ${jump} s`);
    used = await begin();
    quiet = await begin();
    assert.equal((await chat(server.url, quiet.token)).status, 200);
  }
  assert.equal(await server.stop(), 0);
});

test('limits and tokens go by what has passed', async (t) => {
  const shim = await Shim.make(t);
  const data = await temporaryFolder(t);
  const args = [...SCRIPTED.slice(0, -2), '--limit-turns', '3'];
  shim.moveClock(3600);
  let server = await startServer(t, { data, args, env: shim.env });
  await untilReady(server);
  const { token } = JSON.parse((await request(server.url + 'session', 'POST')).body.toString());
  for (let i = 0; i < 3; i++) assert.equal((await chat(server.url, token)).status, 200);
  for (const jump of JUMPS) {
    shim.moveClock(3600 + jump);
    const answer = await fetch(server.url + 'chat', { method: 'POST', body: '{"message":"hello"}', headers: { Authorization: `Bearer ${token}` } });
    assert.equal(answer.status, 429, `${jump}`);
    const wait_s = Number(answer.headers.get('retry-after'));
    assert.ok(wait_s > 0 && wait_s <= 20, `${wait_s} s`);
  }
  for (const later of [7200, 0]) {
    assert.equal(await server.stop(), 0);
    shim.moveClock(later);
    server = await startServer(t, { data, args, env: shim.env });
    assert.equal((await chat(server.url, token)).status, 401, `an hour ${later ? 'after' : 'before'} it was issued`);
  }
});

test('the certificate of tls = auto is valid under every clock', async (t) => {
  const shim = await Shim.make(t);
  const data = await temporaryFolder(t);
  const server = await startServer(t, { data, args: [...SCRIPTED, '--tls', 'auto'], env: shim.env });
  for (const jump of JUMPS) {
    shim.moveClock(jump);
    process.kill(server.pid, 'SIGHUP');
    await until(async () => {
      const certificate = new X509Certificate(readFileSync(path.join(data, 'tls/certificate.pem')));
      const now = Date.now() + 1000 * jump;
      return Date.parse(certificate.validFrom) < now && now < Date.parse(certificate.validTo) && (await shownFingerprint(server.url)) === certificate.fingerprint256;
    }, `a certificate after ${jump} s`);
    assert.equal((await request(server.url + 'healthz', 'GET')).status, 200);
  }
  assert.equal(await server.stop(), 0);
});
