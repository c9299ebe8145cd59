// SPDX-License-Identifier: Apache-2.0
// @ts-check
// @once
/* The page shows what the operator calls the assistant, as text and never as markup. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connected, openPage } from '../lib/browser.js';
import { startServer } from '../lib/server.js';

test('name and greeting of the configuration', async (t) => {
  const server = await startServer(t, { args: ['--name', '<b>Ada</b>', '--greeting', 'What is it, friend?'] });
  const page = await openPage(t, server.url);
  await connected(page);
  assert.equal(await page.title(), '<b>Ada</b>');
  assert.equal(await page.locator('h1').textContent(), '<b>Ada</b>');
  assert.equal(await page.locator('#welcome h2').textContent(), 'What is it, friend?');
});
