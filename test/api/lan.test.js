// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* Which addresses are printed and stand in the certificate, in a network that the test has made. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { makeLan } from '../lib/lan.js';
import { startServer, temporaryFolder } from '../lib/server.js';

const ARGS = ['--stt-driver', 'scripted', '--llm-driver', 'scripted', '--tts-driver', 'scripted', '--tls', 'auto', '--auth-key', 'a-key-of-the-test'];

test('addresses of a machine with several', async (t) => {
  const lan = await makeLan(t);
  if ('forbidden' in lan) return t.skip(lan.forbidden);
  const { computer, phone } = lan;
  const run = (/** @type {string[]} */ [first, ...rest], /** @type {string} */ command) =>
    execFileSync(first, [...rest, ...command.split(' ')], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  run(computer.within, 'ip address add 10.7.7.7/24 dev lan0');
  run(computer.within, 'ip address add 169.254.7.7/16 dev lan0');
  run(computer.within, 'ip -6 address add 2001:db8::7/64 dev lan0 nodad');
  run(phone.within, 'ip -6 address add 2001:db8::8/64 dev wlan0 nodad');
  run(computer.within, 'ip route add default via 10.7.7.1');

  const rows = /** @type {[string, string[]][]} */ ([
    ['0.0.0.0:0', ['10.7.7.7', computer.address]], /* first the one that leads to the world */
    ['[::]:0', ['10.7.7.7', computer.address, '[2001:db8::7]']],
    [`${computer.address}:0`, [computer.address]],
    ['[2001:db8::7]:0', ['[2001:db8::7]']],
    ['127.0.0.1:0', ['127.0.0.1']],
  ]);
  for (const [listen, wanted] of rows) {
    const data = await temporaryFolder(t);
    const server = await startServer(t, { args: ARGS, data, listen, within: computer.within });
    const printed = [...server.said().matchAll(/https:\/\/(\S+):\d+\//g)].map(([, host]) => host);
    assert.deepEqual(printed, wanted, listen);
    const file = path.join(data, 'tls/certificate.pem');
    const made = new X509Certificate(readFileSync(file));
    for (const host of wanted) {
      assert.ok(made.checkIP(host.replace(/[[\]]/g, '')), `${host} in ${made.subjectAltName}`);
      const url = server.url.replace(/(?<=\/\/).*(?=:)/, host);
      const from = host === '127.0.0.1' ? computer.within : phone.within;
      if (host !== '10.7.7.7') assert.match(run(from, `curl -s --cacert ${file} ${url}healthz`), /"ok"/);
    }
    assert.equal(made.checkIP('169.254.7.7'), undefined);
    await server.stop();
  }
});
