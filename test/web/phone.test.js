// SPDX-License-Identifier: Apache-2.0
// @ts-check
// @once
/*
 * A phone in the same network: it reads the picture on the computer's terminal, meets a certificate
 * that only the computer vouches for, types the key once, has a microphone and talks.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate, createHash } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { connected, inPhase, openPage, screenshot, whenSaid } from '../lib/browser.js';
import { makeLan } from '../lib/lan.js';
import { readQr } from '../lib/qr.js';
import { socketGet, startServer, temporaryFolder, until } from '../lib/server.js';
import { shareHeard, speak } from '../lib/speech.js';

const KEY = 'a-key-that-is-typed-once';
const QUESTION = 'How do I add documents?';
const PHONE = { width: 390, height: 844, touch: true };

/** @typedef {{address: string, within: string[]}} Machine */

/** What a browser pins: the SHA-256 of the public key. @param {{data: string}} server */
function pinOf(server) {
  const certificate = new X509Certificate(readFileSync(path.join(server.data, 'tls/certificate.pem')));
  return createHash('sha256').update(certificate.publicKey.export({ type: 'spki', format: 'der' })).digest('base64');
}

/** Chromium on that machine. @param {string} folder @param {Machine} machine */
function browserOn(folder, machine) {
  const program = path.join(folder, 'chromium');
  writeFileSync(program, `#!/bin/sh\nexec ${machine.within.join(' ')} /usr/bin/chromium "$@"\n`);
  chmodSync(program, 0o755);
  return program;
}

/** @param {import('node:test').TestContext} t @param {{computer: Machine, phone: Machine}} lan */
async function talkFromThePhone(t, lan) {
  const folder = await temporaryFolder(t);
  const program = browserOn(folder, lan.phone);
  const server = await startServer(t, {
    args: ['--tls', 'auto', '--qr'],
    listen: '0.0.0.0:0',
    env: { REPARTEE_AUTH_KEY: KEY },
    within: lan.computer.within,
  });
  await until(async () => (await socketGet(server, '/readyz')).status === 200, 'a server that is ready', 60000);
  const url = readQr(server.said());
  assert.equal(url, server.url);
  assert.equal(new URL(url).hostname, lan.computer.address);
  assert.ok(!server.said().includes(KEY));

  await t.test('a certificate that nobody vouches for is no way in', async (t) => {
    const other = createHash('sha256').update('another key').digest('base64');
    await assert.rejects(openPage(t, url, { ...PHONE, program, trusted: other }), /ERR_CERT_AUTHORITY_INVALID/);
  });

  const question = speak(folder, QUESTION, { rate: 48000, before_s: 0.5, after_s: 0.3 });
  const page = await openPage(t, url, { ...PHONE, program, trusted: pinOf(server), microphone: question, expected: /401/ });
  const said = whenSaid(page, question);
  await page.waitForSelector('#key[open]');
  await screenshot(page, 'phone-key-390');
  await page.fill('#key-input', KEY);
  await page.press('#key-input', 'Enter');
  await connected(page);
  assert.equal(await page.evaluate(() => isSecureContext), true);
  assert.equal(await page.evaluate(() => typeof navigator.mediaDevices?.getUserMedia), 'function');

  const box = await page.locator('#hold').boundingBox();
  assert(box);
  const fingers = await page.context().newCDPSession(page);
  const touchPoints = [{ x: box.x + box.width / 2, y: box.y + box.height / 2 }];
  await fingers.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints });
  await inPhase(page, 'listening');
  await said();
  await fingers.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  await page.waitForSelector('.words p');
  await inPhase(page, 'speaking');
  await screenshot(page, 'phone-speaking-390');
  await inPhase(page, 'idle');
  const heard = await page.locator('.said').textContent();
  assert.ok(shareHeard(QUESTION, heard ?? '') >= 0.5, `it understood: ${heard}`);
  assert.match((await page.locator('.chip').first().textContent()) ?? '', /Documents/);
  return server;
}

let done = false;

test('a phone in the same network talks', async (t) => {
  const lan = await makeLan(t);
  if ('forbidden' in lan) return t.skip(lan.forbidden);
  const server = await talkFromThePhone(t, lan);
  done = true;

  await t.test('another address is another certificate, and that is said', async () => {
    const [first, ...rest] = lan.computer.within;
    const before = pinOf(server);
    execFileSync(first, [...rest, 'ip', 'address', 'add', '192.168.78.1/24', 'dev', 'lan0']);
    process.kill(server.pid, 'SIGHUP');
    await until(() => pinOf(server) !== before, 'a new certificate');
    const made = new X509Certificate(readFileSync(path.join(server.data, 'tls/certificate.pem')));
    for (const address of [lan.computer.address, '192.168.78.1']) assert.ok(made.checkIP(address), address);
    await until(() => server.log().includes('has a new name or address'), 'a word about it');
  });
});

/* Where no network can be made, the machine's own address is as foreign to a browser as any other. */
test('the same over the address of this machine', async (t) => {
  if (done) return t.skip('done, and better, in a network of its own');
  const address = Object.values(networkInterfaces()).flat().find((a) => a && !a.internal && a.family === 'IPv4')?.address;
  if (!address) return t.skip('this machine has no network');
  const here = { address, within: [] };
  await talkFromThePhone(t, { computer: here, phone: here });
});
