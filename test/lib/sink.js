// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* A server that takes every connection, reads what comes and says nothing, in a process of its own with the
 * priority of the crowd: what thousands of clients cost the machine when they visit somebody else. */
import { createServer } from 'node:net';

const server = createServer((socket) => {
  socket.on('error', () => {});
  socket.resume();
});
server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => process.send?.(/** @type {import('node:net').AddressInfo} */ (server.address()).port));
process.on('disconnect', () => process.exit());
