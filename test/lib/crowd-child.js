// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* The crowd of crowd.js, in its own process. Answers each message with one. */
import { connect } from 'node:net';
import { RawWs } from './raw-ws.js';
import { HELLO } from './voice.js';

const AT_ONCE = 50; /* few enough that each says hello in time, however long it is before this process runs */
const DRIP_MS = 2000;
const url = process.argv[2];
const { hostname, port } = new URL(url);

/** @typedef {import('./crowd.js').How} How */
/** @type {{how: How, begun: number, over: boolean, lasted: number, connected: boolean, vanish: () => void}[]} */
const all = [];

/** @param {How} how */
function misbehave(how) {
  const socket = connect({ host: hostname, port: Number(port) });
  const one = { how, begun: Date.now(), over: false, lasted: 0, connected: false, vanish: () => socket.destroy() };
  let drip = /** @type {NodeJS.Timeout | undefined} */ (undefined);
  all.push(one);
  socket.on('error', () => {});
  if (how !== 'deaf') socket.resume();
  socket.on('connect', () => {
    one.connected = true;
    if (how === 'loris') {
      socket.write(`GET / HTTP/1.1\r\nHost: ${hostname}:${port}\r\nX-Slow: `);
      /* Thousands who have nothing to do with one another do not send in the same moment. */
      drip = setTimeout(() => {
        socket.write('x');
        drip = setInterval(() => socket.write('x'), DRIP_MS);
      }, Math.random() * DRIP_MS);
    } else if (how === 'deaf') {
      socket.pause(); /* and asks for more than sockets hold, without reading any of it */
      socket.write(`GET /app.js HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`.repeat(400));
    }
  });
  return new Promise((resolve) => {
    socket.on('connect', () => resolve(null));
    socket.on('close', () => {
      clearTimeout(drip);
      one.over = true;
      one.lasted = Date.now() - one.begun;
      resolve(null);
    });
  });
}

async function idle() {
  const begun = Date.now();
  const ws = await RawWs.open(url, 'voice');
  const one = { how: /** @type {How} */ ('idle'), begun, over: false, lasted: 0, connected: true, vanish: () => ws.vanish() };
  all.push(one);
  ws.socket.once('close', () => ((one.over = true), (one.lasted = Date.now() - begun)));
  ws.send(HELLO);
  await ws.event((e) => e.type === 'ready');
}

process.on('message', async (/** @type {{come?: How[], leave?: true}} */ { come, leave }) => {
  for (let at = 0; come && at < come.length; at += AT_ONCE)
    await Promise.all(come.slice(at, at + AT_ONCE).map((how) => (how === 'idle' ? idle() : misbehave(how))));
  if (leave) for (const one of all) one.vanish();
  process.send?.(all.map(({ how, over, lasted, connected }) => ({ how, over, lasted, connected })));
});
process.on('disconnect', () => process.exit());
