// SPDX-License-Identifier: Apache-2.0
// @ts-check
// @once
/* What Lighthouse looks at and other tests do not: how the page is described, named, sent and drawn. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, connected, openPage } from '../lib/browser.js';
import { startServer, untilReady } from '../lib/server.js';

/* Runs in the page before its own scripts. */
function watchShifts() {
  const w = /** @type {any} */ (window);
  w.shifted = 0;
  new PerformanceObserver((list) => {
    for (const entry of /** @type {any[]} */ (list.getEntries())) if (!entry.hadRecentInput) w.shifted += entry.value;
  }).observe({ type: 'layout-shift', buffered: true });
}

for (const [width, height] of [[1280, 800], [390, 844]])
  test(`the page is sound at ${width} pixels`, async (t) => {
    const server = await startServer(t);
    await untilReady(server);
    const page = await openPage(t, 'about:blank', { width, height, touch: width < 600 }); /* complaints fail it */
    await page.addInitScript(watchShifts);
    /** @type {import('playwright-core').Response[]} */
    const responses = [];
    page.on('response', (response) => responses.push(response));
    await page.goto(server.url);
    await connected(page);
    await page.waitForLoadState('networkidle');

    await t.test('it is described', async () => {
      assert.match(await page.title(), /\w/);
      assert.equal(await page.locator('html').getAttribute('lang'), 'en');
      assert.match((await page.locator('meta[name=description]').getAttribute('content')) ?? '', /^.{20,160}$/);
      const viewport = (await page.locator('meta[name=viewport]').getAttribute('content')) ?? '';
      assert.match(viewport, /width=device-width/);
      assert.doesNotMatch(viewport, /user-scalable|maximum-scale/, 'it may be magnified');
      assert.equal(await page.locator('h1').count(), 1);
    });

    await t.test('every control has a name, an own id and room for a finger', async () => {
      const { nameless, doubled, small } = await page.evaluate(() => {
        const controls = [...document.querySelectorAll('button, input, select, textarea')];
        const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
        const name = (/** @type {any} */ at) => at.ariaLabel || at.labels?.[0]?.textContent.trim() || (at.localName === 'button' && at.textContent.trim());
        const room = (/** @type {any} */ at) => {
          const { width, height } = at.getBoundingClientRect();
          return Math.min(width, height);
        };
        const target = (/** @type {any} */ at) => Math.max(room(at), ...Array.from(at.labels ?? [], room)); /* a label can be pressed too */
        return {
          nameless: controls.filter((at) => !name(at)).map((at) => at.outerHTML),
          doubled: ids.filter((id, i) => ids.indexOf(id) !== i),
          small: controls.filter((at) => at.checkVisibility() && target(at) < 24).map((at) => at.outerHTML),
        };
      });
      assert.deepEqual({ nameless, doubled, small }, { nameless: [], doubled: [], small: [] });
    });

    await t.test('it is small, comes from here and is asked for once', async (t) => {
      const files = responses.filter((response) => ['document', 'script', 'stylesheet', 'image'].includes(response.request().resourceType()));
      const sizes = await Promise.all(files.map(async (response) => (await response.body()).length));
      const bytes = sizes.reduce((a, b) => a + b);
      t.diagnostic(`${files.length} files, ${bytes} bytes`);
      assert(files.length <= 10 && bytes < 72000, `${files.length} files, ${bytes} bytes`);
      for (const response of responses) assert(response.url().startsWith(server.url), response.url());
      const header = async (/** @type {string} */ name) => (await responses[0].allHeaders())[name];
      assert.match(await header('content-security-policy'), /default-src 'none'/);
      assert.equal(await header('cache-control'), 'no-cache');
      assert.match(await header('etag'), /^".+"$/);
      assert.match(await header('content-type'), /charset=utf-8/i);
      assert.deepEqual(responses.filter((response) => response.status() >= 400).map((response) => response.url()), []);
    });

    await t.test('nothing jumps about', async (t) => {
      await ask(page, 'How do I add documents?');
      const shifted = await page.evaluate(() => /** @type {any} */ (window).shifted);
      t.diagnostic(`cumulative layout shift ${shifted.toFixed(4)}`);
      assert(shifted < 0.02, `${shifted}`); /* Lighthouse calls 0.1 good */
    });
    const paint_ms = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0].startTime);
    t.diagnostic(`first contentful paint ${Math.round(paint_ms)} ms`);
  });
