// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* The certificate that the server makes for itself, and what it says about it at the start. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { modules, readQr } from '../lib/qr.js';
import { BUILD, atEnd, environment, startServer, temporaryFolder, until } from '../lib/server.js';
import { connect, describe, makeCertificate, shownFingerprint } from '../lib/tls.js';

const KEY = 'a-key-of-the-test-0123456789';
const AUTO = ['--stt-driver', 'scripted', '--llm-driver', 'scripted', '--tts-driver', 'scripted', '--tls', 'auto'];
const OUTSIDE = { listen: '0.0.0.0:0', env: { REPARTEE_AUTH_KEY: KEY } };

const ownAddress = Object.values(networkInterfaces())
  .flat()
  .find((a) => a && !a.internal && a.family === 'IPv4' && !a.address.startsWith('169.254.'))?.address;

/** @param {string} data */
const files = (data) => ({ cert: path.join(data, 'tls/certificate.pem'), key: path.join(data, 'tls/key.pem') });

/** Puts a pair made by others where the server keeps its own. @param {string} data @param {string[]} options of openssl req */
function plant(data, options) {
  const { cert, key } = files(data);
  mkdirSync(path.dirname(cert), { recursive: true });
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', cert, '-subj', '/CN=Planted', ...options],
    { stdio: 'pipe' },
  );
  return describe(cert).fingerprint;
}

test('it is made once, private, and stays', async (t) => {
  const data = await temporaryFolder(t);
  const first = await startServer(t, { args: AUTO, data });
  const { cert, key } = files(data);
  for (const file of [cert, key]) assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(path.dirname(cert)).mode & 0o777, 0o700);

  const made = new X509Certificate(readFileSync(cert));
  assert.equal(made.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
  for (const name of ['localhost', '127.0.0.1', '0:0:0:0:0:0:0:1']) assert.ok(made.subjectAltName?.includes(name), name);
  assert.ok(first.said().includes(made.fingerprint256), 'the fingerprint is printed');
  await first.logged(/a self-signed certificate was made/);

  /* Whoever has the file trusts it without any exception, also by name. */
  for (const host of ['127.0.0.1', 'localhost']) {
    const socket = await connect(first.url, { host, ca: readFileSync(cert), rejectUnauthorized: true, servername: host === 'localhost' ? host : '' });
    assert.equal(socket.authorized, true);
    socket.destroy();
  }
  assert.equal(await first.stop(), 0);

  const again = await startServer(t, { args: AUTO, data });
  assert.equal(await shownFingerprint(again.url), made.fingerprint256);
  assert.doesNotMatch(again.log(), /was made/);
});

test('it is made anew when it no longer does, and that is said', async (t) => {
  const san = 'DNS:localhost,IP:127.0.0.1,IP:::1';
  const rows = /** @type {[string, (data: string) => void, RegExp][]} */ ([
    ['at its end', (data) => plant(data, ['-days', '5', '-addext', `subjectAltName=${san}`]), /since the old one is at its end/],
    ['for other names', (data) => plant(data, ['-days', '100', '-addext', 'subjectAltName=DNS:localhost,IP:10.9.8.7']), /since this machine has a new name or address/],
    ['without its key', (data) => { plant(data, ['-days', '100']); writeFileSync(files(data).key, ''); }, /since the old one is damaged/],
  ]);
  for (const [what, prepare, sentence] of rows) {
    const data = await temporaryFolder(t);
    prepare(data);
    const old = describe(files(data).cert).fingerprint;
    const server = await startServer(t, { args: AUTO, data });
    const made = new X509Certificate(readFileSync(files(data).cert));
    assert.notEqual(made.fingerprint256, old, what);
    assert.equal(await shownFingerprint(server.url), made.fingerprint256);
    await server.logged(sentence);
    if (what === 'for other names') assert.ok(made.subjectAltName?.includes('10.9.8.7'), 'addresses of before are kept');
    assert.equal(statSync(files(data).key).mode & 0o777, 0o600);
    await server.stop();
  }
});

test('SIGHUP makes a lost one anew while the server runs', async (t) => {
  const server = await startServer(t, { args: AUTO });
  const before = await shownFingerprint(server.url);
  writeFileSync(files(server.data).cert, 'rubbish');
  process.kill(server.pid, 'SIGHUP');
  const after = await until(async () => {
    const shown = await shownFingerprint(server.url);
    return shown !== before && shown;
  }, 'another certificate');
  assert.equal(after, describe(files(server.data).cert).fingerprint);
});

test('others need a key, also over TLS', async (t) => {
  const data = path.join(await temporaryFolder(t), 'data');
  const run = spawnSync(path.join(BUILD, 'repartee'), ['serve', '--listen', '0.0.0.0:0', '--data', data, ...AUTO], {
    env: environment(),
    encoding: 'utf8',
    timeout: 30000,
  });
  assert.notEqual(run.status, 0);
  assert.match(run.stderr, /a key is needed: make one with 'repartee key create NAME'/);
});

test('the address is printed, and as a QR code for a phone', { skip: ownAddress ? false : 'this machine has no network' }, async (t) => {
  const quiet = await startServer(t, { args: AUTO, ...OUTSIDE });
  assert.equal(readQr(quiet.said()), null, 'a log file gets no picture');
  assert.notEqual(new URL(quiet.url).hostname, '0.0.0.0');
  await quiet.stop();

  const server = await startServer(t, { args: [...AUTO, '--qr'], ...OUTSIDE });
  await until(() => server.said().includes('Point the camera'), 'all that is said');
  assert.ok(server.said().includes(/** @type {string} */ (ownAddress)));
  assert.equal(readQr(server.said()), server.url);
  assert.doesNotMatch(server.said(), new RegExp(KEY));
  const rows = modules(server.said());
  assert.ok(rows.length > 29 && rows[0].length > 28, 'a whole code');
  for (const margin of [...rows.slice(0, 4), ...rows.slice(-4)]) assert.ok(!margin.includes(true), 'white above and below');
  for (const row of rows) assert.ok(![...row.slice(0, 4), ...row.slice(-4)].includes(true), 'white on both sides');

  /* Its address is in the certificate. */
  const ca = readFileSync(files(server.data).cert);
  const socket = await connect(server.url, { ca, rejectUnauthorized: true });
  assert.equal(socket.authorized, true);
  socket.destroy();
});

test('a terminal gets the QR code without being asked', { skip: existsSync('/usr/bin/script') && ownAddress ? false : 'no terminal can be made here' }, async (t) => {
  const data = await temporaryFolder(t);
  const command = [path.join(BUILD, 'repartee'), 'serve', '--listen', '0.0.0.0:0', '--data', data, ...AUTO].join(' ');
  const terminal = spawn('script', ['-qefc', command, '/dev/null'], { env: environment(OUTSIDE.env), stdio: ['pipe', 'pipe', 'ignore'] });
  atEnd(t, () => terminal.kill('SIGKILL'));
  let said = '';
  terminal.stdout.on('data', (text) => (said += text));
  await until(() => said.includes('Point the camera'), 'the picture');
  const url = /Repartee is (?:ready|starting): (https\S+)/.exec(said)?.[1];
  assert.ok(url);
  assert.equal(readQr(said), url);
  terminal.stdin.write('\x03');
  await new Promise((resolve) => terminal.once('exit', resolve));
});

test('a certificate that others signed gives the address its name', async (t) => {
  const folder = await temporaryFolder(t);
  const signed = makeCertificate(folder, 'signed', { issuer: makeCertificate(folder, 'issuer') });
  const args = [...AUTO.slice(0, -1), 'files', '--tls-cert-file', signed.cert, '--tls-key-file', signed.key];
  const server = await startServer(t, { args, ...OUTSIDE });
  if (ownAddress) assert.equal(new URL(server.url).hostname, 'localhost');
  assert.doesNotMatch(server.said(), /self-signed/);
});
