// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * A hub of models, and the place that it sends to, which behave as a table says:
 *
 *   const hub = await startHub(t, { cut: (socket, request, attempt) => … });
 *   … models.hub = hub.url, fetch.allow = hub.elsewhere … repartee pull hf:test/cut:cut.gguf
 *
 * The hub is 127.0.0.1, the other place the same port of localhost: another host for who sends tokens.
 * Paths: /test/NAME/resolve/REVISION/FILE at the hub, /files/NAME elsewhere. A row NAME is for every file of it; one
 * of several has a row NAME/FILE, and /files/NAME/FILE elsewhere. What the hub keeps in Git, as small files are, it
 * sends itself and states no SHA-256 of it.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { createServer as createSecureServer } from 'node:tls';
import { atEnd } from './server.js';

/** @typedef {import('node:net').Socket} Socket */
/** @typedef {{head: string, host: string, path: string, range: number, ifRange: string, token: string}} Request */
/** @typedef {(socket: Socket, request: Request, attempt: number, hub: Hub) => void} Behaviour */
/** @typedef {{url: string, elsewhere: string, heads: string[], requests: Record<string, Request[]>, arrived: (name: string) => Promise<Socket>}} Hub */

export const COMMIT = 'c0ffee'.padEnd(40, '0');
/** @param {Buffer} bytes */
export const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
/** Bytes that no two places have in common, the same each time. @param {number} length @param {number} seed */
export function someBytes(length, seed = 1) {
  const bytes = Buffer.alloc(length);
  for (let i = 0, x = seed; i < length; i++) bytes[i] = (x = (x * 48271) % 2147483647) & 255;
  return bytes;
}
/** What Git calls a file. @param {Buffer} bytes */
export const gitName = (bytes) => createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
/** What a hub states of a file. @param {Buffer} bytes */
export const stated = (bytes) => ({ 'X-Linked-Etag': `"${sha256(bytes)}"`, 'X-Linked-Size': bytes.length, 'X-Repo-Commit': COMMIT });

/** @param {Socket} socket @param {number} status @param {Record<string, string | number>} headers @param {Buffer | string} [body] */
export function answer(socket, status, headers = {}, body = '') {
  const all = { 'Content-Length': Buffer.byteLength(body), Connection: 'close', ...headers };
  socket.write(`HTTP/1.1 ${status} X\r\n${Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`);
  socket.end(body);
}

/** The head of an answer with the rest that is asked for, which it returns. @param {Socket} socket @param {Request} request @param {Buffer} bytes @param {string} etag @param {string} more headers */
export function begin(socket, request, bytes, etag = '', more = '') {
  const from = !request.ifRange || request.ifRange === etag ? request.range : 0;
  const rest = bytes.subarray(from);
  const range = from ? `Content-Range: bytes ${from}-${bytes.length - 1}/${bytes.length}\r\n` : '';
  socket.write(`HTTP/1.1 ${from ? 206 : 200} X\r\nContent-Length: ${rest.length}\r\n${range}${etag ? `ETag: ${etag}\r\n` : ''}${more}Connection: close\r\n\r\n`);
  return rest;
}

/** All that is asked for. @param {Buffer} bytes @param {string} [etag] @returns {Behaviour} */
export const whole = (bytes, etag) => (socket, request) => socket.end(begin(socket, request, bytes, etag));
/** The same from Git. @param {Buffer} bytes @param {string} [name] @returns {Behaviour} */
export const fromGit = (bytes, name = gitName(bytes)) => (socket, request) => socket.end(begin(socket, request, bytes, `"${name}"`, `X-Repo-Commit: ${COMMIT}\r\n`));

/**
 * @param {import('node:test').TestContext} t @param {Record<string, {hub?: Behaviour, file?: Behaviour, bytes?: Buffer, inGit?: boolean}>} table
 * @param {{cert: string, key: string}} [certificate] then it speaks https
 */
export async function startHub(t, table, certificate) {
  const scheme = certificate ? 'https' : 'http';
  /** @type {Set<Socket>} */
  const sockets = new Set();
  /** @type {Record<string, (socket: Socket) => void>} */
  const waiting = {};
  const hub = {
    url: '',
    elsewhere: '',
    /** What every request began with. @type {string[]} */
    heads: [],
    /** By "hub NAME" and "file NAME". @type {Record<string, Request[]>} */
    requests: {},
    /** The connection that asks for the file next. @param {string} name @returns {Promise<Socket>} */
    arrived: (name) => new Promise((resolve) => (waiting[name] = resolve)),
  };
  /** @param {Socket} socket @param {string} head */
  const take = (socket, head) => {
    hub.heads.push(head.split('\r\n')[0]);
    const field = (/** @type {string} */ name) => new RegExp(`^${name}: *(.*)$`, 'im').exec(head)?.[1].trim() ?? '';
    const request = {
      head,
      host: field('host'),
      path: head.split(' ')[1],
      range: Number(/^bytes=(\d+)-$/.exec(field('range'))?.[1] ?? 0),
      ifRange: field('if-range'),
      token: field('authorization'),
    };
    const [, place, repo, ...rest] = request.path.replace(/\?.*/, '').split('/');
    const at = place === 'files' ? 'file' : 'hub', file = [repo, ...rest.slice(at === 'file' ? 0 : 2)].join('/');
    const name = table[file] ? file : repo, row = table[name];
    const list = (hub.requests[`${at} ${name}`] ??= []);
    list.push(request);
    if (at === 'file') waiting[name]?.(socket);
    const bytes = row?.bytes ?? Buffer.alloc(0);
    const usual = row?.inGit ? fromGit(bytes) : at === 'file' ? whole(bytes) : (/** @type {Socket} */ s) => answer(s, 302, { ...stated(bytes), Location: `${scheme}://${hub.elsewhere}/files/${name}` });
    if (!row) answer(socket, 404);
    else (row[at] ?? usual)(socket, request, list.length, hub);
  };
  const serve = (/** @type {Socket} */ socket) => {
    let bytes = '';
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (more) => {
      bytes += more.toString('latin1');
      const end = bytes.indexOf('\r\n\r\n');
      if (end < 0) return;
      const head = bytes.slice(0, end);
      bytes = '';
      take(socket, head);
    });
  };
  const server = certificate ? createSecureServer({ cert: readFileSync(certificate.cert), key: readFileSync(certificate.key) }, serve) : createServer(serve);
  server.on('tlsClientError', () => {});
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(null)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  hub.url = `${scheme}://127.0.0.1:${port}`;
  hub.elsewhere = `localhost:${port}`;
  atEnd(t, () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return hub;
}
