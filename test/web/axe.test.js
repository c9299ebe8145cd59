// SPDX-License-Identifier: Apache-2.0
// @ts-check
// @once
/* axe-core finds nothing to complain about, whatever the page shows, in both colours and sizes. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { connected, inPhase, openPage, screenshot } from '../lib/browser.js';
import { startServer, untilReady } from '../lib/server.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** @param {import('playwright-core').Page} page @param {string} what */
async function examine(page, what) {
  const violations = await page.evaluate(async () => {
    const { violations } = await /** @type {any} */ (window).axe.run(document, { resultTypes: ['violations'] });
    return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`));
  });
  assert.deepEqual(violations, [], what);
}

for (const [width, height] of [[1280, 800], [390, 844]])
  for (const dark of [false, true])
    test(`${width} pixels, ${dark ? 'dark' : 'light'}`, async (t) => {
      const server = await startServer(t);
      await untilReady(server);
      const page = await openPage(t, server.url, { width, height, dark, touch: width < 600, expected: /WebSocket|Failed to load|ERR_/ });
      const name = `${width}-${dark ? 'dark' : 'light'}`;
      await connected(page);
      await page.evaluate(AXE);
      assert.equal(await page.evaluate(() => typeof (/** @type {any} */ (window).axe.run)), 'function');
      await examine(page, 'start');

      await page.fill('#question', 'How do I add documents?');
      await page.press('#question', 'Enter');
      await page.locator('.waterfall').waitFor();
      await page.locator('.chip').first().click();
      await examine(page, 'an answer with its sources, one of them open');

      for (const panel of ['history', 'documents', 'engines']) {
        await page.click(`#${panel}-button`);
        await page.waitForSelector(`#${panel} :is(li, dd)`);
        await examine(page, panel);
        await page.click(`#${panel} .close`);
      }

      await page.click('#hands-free');
      await inPhase(page, 'attending');
      await screenshot(page, `hands-free-${name}`);
      await examine(page, 'hands-free');

      await server.kill();
      await page.waitForSelector('#trouble:not([hidden])');
      await examine(page, 'trouble');
    });
