// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * An OpenAI-compatible server that behaves as a table says, for what real ones do only on a bad day. What it
 * does is named by the last word of the question, of the prompt that comes with a recording, or of what is to be spoken:
 *
 *   const peer = await startPeer(t, { cut: (socket) => socket.end(HEAD + 'data: {"cho') });
 *   … llm.url = peer.url … ask "Please cut" …
 */
import { createServer } from 'node:net';
import { atEnd } from './server.js';

/** @typedef {import('node:net').Socket} Socket */
/** @typedef {(socket: Socket, attempt: number, request: {head: string, body: any}) => void} Behaviour */

/** @param {object | string} json */
export const event = (json) => `data: ${typeof json === 'string' ? json : JSON.stringify(json)}\n\n`;
/** @param {string | null} content @param {object} [more] */
export const delta = (content, more = {}) => event({ choices: [{ index: 0, delta: { content }, ...more }] });
export const FINISH = event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
export const DONE = event('[DONE]');
/** @param {string} text */
export const chunk = (text) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
export const END = '0\r\n\r\n';
export const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n';
/** A whole answer with its length. @param {number} status @param {object | string} body @param {string} [headers] */
export function whole(status, body, headers = '') {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return `HTTP/1.1 ${status} X\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n${headers}\r\n${text}`;
}

/** @param {Record<string, unknown>[]} list */
export const models = (...list) => whole(200, { object: 'list', data: list });

/** Something over and over again. @param {string} head @param {string} piece @param {number} [pause_ms] @returns {Behaviour} */
export const repeats = (head, piece, pause_ms = 30) => (socket) => {
  socket.write(head);
  const next = setInterval(() => socket.write(piece), pause_ms);
  socket.once('close', () => clearInterval(next));
};

/** The first whole request of `bytes`, or nothing yet. @param {Buffer} bytes */
function cutRequest(bytes) {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const head = bytes.toString('latin1', 0, end);
  const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0), all = end + 4 + length;
  if (bytes.length < all) return null;
  const content = bytes.subarray(end + 4, all), edge = /^content-type: multipart\/form-data; boundary=(\S+)$/im.exec(head)?.[1];
  const body = edge ? formOf(content, edge) : length ? JSON.parse(content.toString('utf8')) : null;
  return { head, body, rest: bytes.subarray(all) };
}

/** The fields of a form by name; of one that comes twice the last. Files are bytes. @param {Buffer} bytes @param {string} edge */
function formOf(bytes, edge) {
  const parts = bytes.toString('latin1').split(`--${edge}`).slice(1, -1);
  return Object.fromEntries(
    parts.map((part) => {
      const [, head, content] = /** @type {RegExpExecArray} */ (/^\r\n(.*?)\r\n\r\n(.*)\r\n$/s.exec(part));
      const content_bytes = Buffer.from(content, 'latin1');
      return [/ name="([^"]*)"/.exec(head)?.[1], head.includes('filename=') ? content_bytes : content_bytes.toString('utf8')];
    }),
  );
}

/**
 * @param {import('node:test').TestContext} t @param {Record<string, Behaviour>} behaviours by name; `models` answers GET, `*` all others
 * @param {number} [port]
 */
export async function startPeer(t, behaviours, port = 0) {
  /** @type {Record<string, number>} */
  const attempts = {};
  /** @type {Set<Socket>} */
  const sockets = new Set();
  const peer = {
    url: '',
    port: 0,
    attempts,
    /** Names whose connection was closed by the other side. @type {string[]} */
    left: [],
    /** @type {{head: string, body: any}[]} */
    requests: [],
    connections: 0,
    stop: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
  const server = createServer((socket) => {
    let bytes = Buffer.alloc(0), name = '';
    peer.connections++;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      sockets.delete(socket);
      peer.left.push(name);
    });
    socket.on('data', (more) => {
      bytes = Buffer.concat([bytes, more]);
      for (let request; (request = cutRequest(bytes)); ) {
        bytes = request.rest;
        peer.requests.push(request);
        const said = request.body ? (request.body.messages?.at(-1).content ?? request.body.prompt ?? request.body.input ?? 'none') : 'models';
        name = said.split(' ').at(-1);
        attempts[name] = (attempts[name] ?? 0) + 1;
        (behaviours[name] ?? behaviours['*'])(socket, attempts[name], request);
      }
    });
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(null)));
  peer.port = /** @type {import('node:net').AddressInfo} */ (server.address()).port;
  peer.url = `http://127.0.0.1:${peer.port}/v1`;
  atEnd(t, peer.stop);
  return peer;
}
