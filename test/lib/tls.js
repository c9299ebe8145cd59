// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* Certificates made by the openssl program, and connections that look at what the server shows. */
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import tls from 'node:tls';

/** @typedef {{cert: string, key: string, pem: string, fingerprint: string}} Certificate files, and what is in the first */

/**
 * NAME.pem and NAME.key in the folder, for localhost and 127.0.0.1.
 * @param {string} folder @param {string} name @param {{issuer?: Certificate, rsa?: boolean}} [options] without an issuer: self-signed
 * @returns {Certificate}
 */
export function makeCertificate(folder, name, { issuer, rsa = false } = {}) {
  const cert = path.join(folder, `${name}.pem`), key = path.join(folder, `${name}.key`);
  const kind = rsa ? ['-newkey', 'rsa:2048'] : ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
  const from = issuer ? ['-CA', issuer.cert, '-CAkey', issuer.key] : [];
  const names = issuer ? ['-addext', 'basicConstraints=critical,CA:FALSE'] : [];
  execFileSync(
    'openssl',
    ['req', '-x509', ...kind, '-nodes', '-keyout', key, '-out', cert, '-days', '30', '-subj', `/CN=${name}`, ...from, ...names,
      '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
    { stdio: 'pipe' },
  );
  return describe(cert, key);
}

/** @param {string} cert @param {string} [key] @returns {Certificate} */
export function describe(cert, key = '') {
  const pem = readFileSync(cert, 'utf8');
  return { cert, key, pem, fingerprint: new X509Certificate(pem).fingerprint256 };
}

/** From now on fetch and WebSocket trust these. @param {Certificate[]} certificates */
export function trust(...certificates) {
  tls.setDefaultCACertificates(certificates.map((c) => c.pem));
}

/**
 * A connection whose handshake is done.
 * @param {string} url @param {tls.ConnectionOptions} [options] @returns {Promise<tls.TLSSocket>}
 */
export function connect(url, options = {}) {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host: hostname, port: Number(port), rejectUnauthorized: false, ...options }, () => resolve(socket));
    socket.once('error', reject);
  });
}

/** SHA-256 of what the server shows a newcomer. @param {string} url */
export async function shownFingerprint(url) {
  const socket = await connect(url);
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}
