// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* How soon the page is seen and usable in a browser on the same machine. */
import test from 'node:test';
import { connected, openPage } from '../lib/browser.js';
import { startServer, untilReady } from '../lib/server.js';

const ROUNDS = 20;

/** @param {number[]} values @param {number} q */
const quantile = (values, q) => values.sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))];

/** @param {string} what @param {number[]} values */
const report = (what, values) => console.log(`${what.padEnd(40)} median ${quantile(values, 0.5).toFixed(0).padStart(5)} ms   p99 ${quantile(values, 0.99).toFixed(0).padStart(5)} ms`);

test('the page on loopback', async (t) => {
  const server = await startServer(t);
  await untilReady(server);
  const page = await openPage(t, 'about:blank');
  /** @type {number[][]} */
  const [first, contentful, ready, again] = [[], [], [], []];
  const paint = (/** @type {string} */ name) =>
    page.evaluate(async (name) => {
      while (!performance.getEntriesByName(name).length) await new Promise(requestAnimationFrame);
      return performance.getEntriesByName(name)[0].startTime;
    }, name);
  const cache = await page.context().newCDPSession(page);
  for (let round = 0; round < ROUNDS; round++) {
    await cache.send('Network.clearBrowserCache');
    await page.goto(server.url);
    await connected(page);
    ready.push(await page.evaluate(() => performance.now()));
    first.push(await paint('first-paint'));
    contentful.push(await paint('first-contentful-paint'));
    await page.reload();
    await connected(page);
    again.push(await paint('first-contentful-paint'));
  }
  report('first paint', first);
  report('first contentful paint', contentful);
  report('the same, everything in the cache', again);
  report('connected', ready);
});
