// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* A network that breaks: a relay to a server whose connections end at a given byte, whatever is in it. */
import net from 'node:net';
import { atEnd } from './server.js';

/** Numbers that are as good as random, the same in every run. @param {number} seed */
export function randomly(seed) {
  let x = seed * 2654435761 + 1;
  return (/** @type {number} */ below) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % below;
  };
}

/**
 * Resolves to the relay's address. `budget` is asked for each connection: so many bytes pass, both ways together.
 * `onopen` gets for each what cuts it.
 * @param {import('node:test').TestContext} t @param {string} url @param {() => number} budget @param {(cut: () => void) => void} [onopen]
 */
export async function startRelay(t, url, budget, onopen = () => {}) {
  const { hostname, port } = new URL(url);
  /** @type {Set<net.Socket>} */
  const open = new Set();
  const relay = net.createServer((client) => {
    const server = net.connect(Number(port), hostname);
    let left = budget();
    const cut = () => (client.destroy(), server.destroy());
    for (const [from, to] of [[client, server], [server, client]]) {
      open.add(from);
      from.setNoDelay(true);
      from.on('data', (bytes) => {
        const part = bytes.subarray(0, left);
        left -= part.length;
        if (left > 0) to.write(part);
        else to.write(part, cut);
      });
      from.on('error', cut);
      from.on('close', () => (open.delete(from), cut()));
    }
    onopen(cut);
  });
  await new Promise((resolve) => relay.listen(0, '127.0.0.1', () => resolve(null)));
  atEnd(t, () => {
    relay.close();
    for (const socket of open) socket.destroy();
  });
  return `http://127.0.0.1:${/** @type {net.AddressInfo} */ (relay.address()).port}/`;
}
