// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* The server's own TLS, with node's client: a whole turn, certificates that change, what is refused. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { once } from 'node:events';
import path from 'node:path';
import test from 'node:test';
import { BUILD, environment, socketGet, startServer, temporaryFolder, until, untilReady } from '../lib/server.js';
import { connect, describe, makeCertificate, shownFingerprint, trust } from '../lib/tls.js';
import { VoiceClient } from '../lib/voice.js';

const SCRIPTED = ['--stt-driver', 'scripted', '--llm-driver', 'scripted', '--tts-driver', 'scripted'];

/** @param {import('../lib/tls.js').Certificate} c */
const files = (c) => ['--tls', 'files', '--tls-cert-file', c.cert, '--tls-key-file', c.key];

/** The status and body of a plain request. @param {import('node:http').RequestOptions} options */
function plain(options) {
  return new Promise((resolve, reject) => {
    request({ path: '/healthz', ...options }, async (answer) => {
      let body = '';
      for await (const piece of answer) body += piece;
      resolve({ status: answer.statusCode, body });
    })
      .once('error', reject)
      .end();
  });
}

test('a written and a spoken turn over TLS @tsan', async (t) => {
  const certificate = makeCertificate(await temporaryFolder(t), 'own');
  const server = await startServer(t, { args: [...SCRIPTED, '--llm-script', 'tokens=6', ...files(certificate)] });
  assert.match(server.url, /^https:/);
  trust(certificate);
  await untilReady(server);

  const answer = await fetch(server.url + 'chat', {
    method: 'POST',
    headers: { Origin: server.url.slice(0, -1) },
    body: JSON.stringify({ message: 'hello' }),
  });
  assert.equal(answer.status, 200);
  const events = (await answer.text()).split('\n').filter((line) => line.startsWith('data: '));
  assert.equal(JSON.parse(/** @type {string} */ (events.at(-1)).slice(6)).type, 'end');

  const voice = await VoiceClient.open(server.url);
  const turn = await voice.talk(new Int16Array(16000));
  assert.equal(turn.last.type, 'end');
  assert.ok(turn.sound.length > 0);
  voice.close();

  const small = await fetch(server.url + 'healthz');
  assert.equal(small.headers.get('strict-transport-security'), null);
  assert.equal(await server.stop(), 0);
});

test('the way of the command line stays plain', async (t) => {
  const certificate = makeCertificate(await temporaryFolder(t), 'own');
  const server = await startServer(t, { args: [...SCRIPTED, ...files(certificate)] });
  assert.equal((await socketGet(server, '/healthz')).status, 200);
});

test('plain HTTP is told where to go', async (t) => {
  const server = await startServer(t, { args: [...SCRIPTED, ...files(makeCertificate(await temporaryFolder(t), 'own'))] });
  const answer = await plain({ host: '127.0.0.1', port: new URL(server.url).port });
  assert.equal(answer.status, 400);
  assert.match(JSON.parse(answer.body).error.message, /https:\/\//);
});

test('old versions of TLS are refused, new ones are not', async (t) => {
  const folder = await temporaryFolder(t);
  const server = await startServer(t, { args: [...SCRIPTED, ...files(makeCertificate(folder, 'own', { rsa: true }))] });
  for (const version of /** @type {const} */ (['TLSv1', 'TLSv1.1']))
    await assert.rejects(
      connect(server.url, { minVersion: version, maxVersion: version, ciphers: 'ALL:@SECLEVEL=0' }),
      /protocol version/,
    );
  for (const version of /** @type {const} */ (['TLSv1.2', 'TLSv1.3'])) {
    const socket = await connect(server.url, { minVersion: version, maxVersion: version, ALPNProtocols: ['h2', 'http/1.1'] });
    assert.equal(socket.getProtocol(), version);
    assert.equal(socket.alpnProtocol, 'http/1.1');
    assert.match(socket.getCipher().standardName, /GCM|CHACHA20/);
    socket.destroy();
  }
});

test('a certificate is changed under traffic @tsan', async (t) => {
  const folder = await temporaryFolder(t);
  const first = makeCertificate(folder, 'first'), second = makeCertificate(folder, 'second'), third = makeCertificate(folder, 'third');
  const cert = path.join(folder, 'cert.pem'), key = path.join(folder, 'key.pem');
  const put = (/** @type {import('../lib/tls.js').Certificate} */ c) => {
    copyFileSync(c.cert, cert);
    copyFileSync(c.key, key);
  };
  put(first);
  trust(first, second, third);
  const server = await startServer(t, { args: [...SCRIPTED, '--llm-script', 'tokens=400,slow=20', ...files(describe(cert, key))] });
  await untilReady(server);

  const before = await connect(server.url);
  let requests = 0, over = false;
  const traffic = (async () => {
    while (!over) {
      assert.equal((await fetch(server.url + 'healthz', { headers: { Connection: 'close' } })).status, 200);
      requests++;
    }
  })();
  const answer = fetch(server.url + 'chat', { method: 'POST', body: JSON.stringify({ message: 'hello' }) }).then((r) => r.text());

  put(second);
  await until(async () => (await shownFingerprint(server.url)) === second.fingerprint, 'the second certificate');
  before.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const [bytes] = await once(before, 'data');
  assert.match(String(bytes), /^HTTP\/1.1 200/);
  assert.equal(before.getPeerCertificate().fingerprint256, first.fingerprint);
  before.destroy();

  writeFileSync(cert, 'this is no certificate\n');
  await until(() => /the old one stays: .*no certificate in PEM format/.test(server.log()), 'a word about the broken certificate');
  assert.equal(await shownFingerprint(server.url), second.fingerprint);
  rmSync(key);
  process.kill(server.pid, 'SIGHUP');
  assert.equal(await shownFingerprint(server.url), second.fingerprint);

  put(third);
  process.kill(server.pid, 'SIGHUP');
  await until(async () => (await shownFingerprint(server.url)) === third.fingerprint, 'the third certificate');

  assert.match(await answer, /"type":"end"/);
  over = true;
  await traffic;
  assert.ok(requests > 3);
});

test('HSTS is for certificates that others have signed', async (t) => {
  const folder = await temporaryFolder(t);
  const issuer = makeCertificate(folder, 'issuer');
  trust(issuer);
  const signed = makeCertificate(folder, 'signed', { issuer });
  const server = await startServer(t, { args: [...SCRIPTED, ...files(signed), '--tls-hsts', '3600'] });
  assert.equal((await fetch(server.url + 'healthz')).headers.get('strict-transport-security'), 'max-age=3600');
  await server.stop();

  trust(issuer);
  const other = await startServer(t, { args: [...SCRIPTED, ...files(issuer), '--tls-hsts', '3600'] });
  assert.equal((await fetch(other.url + 'healthz')).headers.get('strict-transport-security'), null);
});

test('what cannot work is refused at the start, with a remedy', async (t) => {
  const folder = await temporaryFolder(t);
  const one = makeCertificate(folder, 'one'), other = makeCertificate(folder, 'other');
  const locked = path.join(folder, 'locked.key');
  spawnSync('openssl', ['ec', '-in', one.key, '-aes256', '-passout', 'pass:secret', '-out', locked]);
  const rows = /** @type {[string[], RegExp][]} */ ([
    [['--tls', 'files'], /needs tls.cert_file and tls.key_file/],
    [['--tls-cert-file', one.cert], /set that, or take them out/],
    [files({ ...one, cert: '/nonexistent' }), /\/nonexistent cannot be read/],
    [files({ ...one, key: other.key }), /belongs to another certificate/],
    [files({ ...one, key: locked }), /without a passphrase/],
    [files({ ...one, cert: one.key }), /no certificate in PEM format/],
    [['--tls', 'on'], /off/],
  ]);
  for (const [args, sentence] of rows) {
    const data = path.join(folder, 'data');
    const run = spawnSync(path.join(BUILD, 'repartee'), ['serve', '--listen', '127.0.0.1:0', '--data', data, ...args], {
      env: environment(),
      encoding: 'utf8',
      timeout: 30000,
    });
    assert.notEqual(run.status, 0, args.join(' '));
    assert.match(run.stderr, sentence);
  }
});
