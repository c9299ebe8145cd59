// SPDX-License-Identifier: Apache-2.0
// @ts-check
// @once
/* The page with typed questions, by keyboard, in every size and colour. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { ask, connected, openPage, screenshot } from '../lib/browser.js';
import { startServer, temporaryFolder, untilReady } from '../lib/server.js';

test('a typed question streams an answer with its sources', async (t) => {
  const server = await startServer(t);
  await untilReady(server);
  const page = await openPage(t, server.url);
  await connected(page);
  assert.match((await page.locator('#status').textContent()) ?? '', /Built-in engines, English only/);
  await ask(page, 'How do I add documents?');
  assert.match((await page.locator('.words').textContent()) ?? '', /documents/i);

  const chip = page.locator('.chip').first();
  await chip.click();
  assert.equal(await chip.getAttribute('aria-expanded'), 'true');
  assert.match((await page.locator('.passage:visible').textContent()) ?? '', /documents/i);
  await chip.click();
  assert.equal(await page.locator('.passage:visible').count(), 0);

  await t.test('and says so when nothing fits', async () => {
    await ask(page, 'Who painted the ceiling of the chapel in Rome?');
    assert.match((await page.locator('.words').last().textContent()) ?? '', /nothing/i);
    assert.equal(await page.locator('.turn').last().locator('.chip').count(), 0);
  });

  await t.test('and leaves the documents alone when told so', async () => {
    await page.locator('#use-rag').uncheck();
    await connected(page);
    await ask(page, 'How do I add documents?');
    assert.equal(await page.locator('.turn').last().locator('.chip').count(), 0);
  });
});

test('everything can be done with the keyboard', async (t) => {
  const server = await startServer(t);
  await untilReady(server);
  const page = await openPage(t, server.url);
  await connected(page);
  const reached = new Set();
  for (let i = 0; i < 20; i++) {
    await page.keyboard.press('Tab');
    const { id, ring } = await page.evaluate(() => {
      const at = /** @type {HTMLElement} */ (document.activeElement);
      const form = at.closest('form');
      const ring = getComputedStyle(at).outlineStyle !== 'none' || (form && getComputedStyle(form).boxShadow !== 'none');
      return { id: at.id || at.className, ring };
    });
    if (id) assert(ring, `${id} shows that it has the focus`);
    reached.add(id);
  }
  for (const id of ['engines-button', 'history-button', 'documents-button', 'pill suggestion', 'hands-free', 'question', 'send', 'use-rag', 'aloud', 'hold', 'voice'])
    assert(reached.has(id), `${id} is reached`);

  await page.evaluate(() => /** @type {HTMLElement} */ (document.activeElement).blur());
  await page.keyboard.type('Is my voice recorded?'); /* goes into the box by itself */
  await page.keyboard.press('Shift+Enter');
  assert.equal(await page.inputValue('#question'), 'Is my voice recorded?\n');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.waterfall');
  assert.match((await page.locator('#announcer').textContent()) ?? '', /End of the answer/);

  await page.focus('#documents-button');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#documents-list li');
  await page.keyboard.press('Escape');
  assert.equal(await page.locator('dialog[open]').count(), 0);
});

test('a document is added, answers, and is deleted', async (t) => {
  const folder = await temporaryFolder(t);
  const server = await startServer(t);
  await untilReady(server);
  const file = path.join(folder, 'boat.md');
  await writeFile(file, '# The boat house\n\nThe spare oars hang behind the green door of the boat house.\n');
  const page = await openPage(t, server.url);
  await connected(page);
  await page.click('#documents-button');
  await page.waitForSelector('#documents-list li');
  const chooser = page.waitForEvent('filechooser');
  await page.click('#documents .primary');
  await (await chooser).setFiles(file);
  await page.waitForFunction(() => /^Added 1 document/.test(document.getElementById('documents-state')?.textContent ?? ''));
  await page.keyboard.press('Escape');
  await ask(page, 'Where do the spare oars hang?');
  assert.match((await page.locator('.words').textContent()) ?? '', /green door/);

  await page.click('#documents-button');
  const remove = page.getByRole('button', { name: 'Delete The boat house' });
  await remove.click();
  await page.getByRole('button', { name: 'Delete for good?' }).click();
  await page.waitForFunction(() => /was deleted/.test(document.getElementById('documents-state')?.textContent ?? ''));
  await page.keyboard.press('Escape');
  await ask(page, 'Where do the spare oars hang?');
  assert.doesNotMatch((await page.locator('.words').last().textContent()) ?? '', /green door/);
});

test('text of a document is text, never markup', async (t) => {
  const folder = await temporaryFolder(t);
  const server = await startServer(t);
  await untilReady(server);
  const file = path.join(folder, 'evil.txt');
  await writeFile(file, 'The marmalade recipe says <img src=x onerror="document.title=1"> <script>document.title=2</script> [link](javascript:alert(1)) stir well.\n');
  const page = await openPage(t, server.url);
  await connected(page);
  await page.click('#documents-button');
  await page.setInputFiles('#files', file);
  await page.waitForFunction(() => /^Added/.test(document.getElementById('documents-state')?.textContent ?? ''));
  await page.keyboard.press('Escape');
  await ask(page, 'What does the marmalade recipe say?');
  await page.locator('.chip').first().click();
  assert.match((await page.locator('div.answer').textContent()) ?? '', /marmalade/);
  assert.equal(await page.locator('.turn img, .turn script, .turn a').count(), 0);
  assert.equal(await page.title(), 'Repartee');
});

test('the token is renewed before it ends', async (t) => {
  const server = await startServer(t);
  const page = await openPage(t, 'about:blank');
  await page.clock.install();
  await page.goto(server.url);
  await connected(page);
  const renewal = page.waitForResponse('**/session/refresh');
  await page.clock.fastForward('14:00');
  assert.equal((await renewal).status(), 200);
  const second = page.waitForResponse('**/session/refresh');
  await page.clock.fastForward('14:00');
  assert((await second).request().headers().authorization.startsWith('Bearer '));
});

test('script and style together stay under 60 kB', async (t) => {
  const server = await startServer(t);
  const page = await openPage(t, 'about:blank');
  /** @type {Promise<[string, number]>[]} */
  const bodies = [];
  page.on('response', (response) => {
    if (/\.(js|css)$/.test(response.url())) bodies.push(response.body().then((body) => [new URL(response.url()).pathname, body.length]));
  });
  await page.goto(server.url);
  await connected(page);
  const sizes = new Map(await Promise.all(bodies));
  sizes.delete('/voices.js'); /* is asked for when the page is there */
  sizes.set('/worklet.js', (await (await fetch(`${server.url}worklet.js`)).arrayBuffer()).byteLength); /* comes with the first sound */
  assert.deepEqual([...sizes.keys()].sort(), ['/app.js', '/history.js', '/link.js', '/panels.js', '/style.css', '/view.js', '/voice.js', '/worklet.js']);
  const sum = [...sizes.values()].reduce((a, b) => a + b);
  t.diagnostic(`${sum} bytes`);
  assert(sum < 60000, `${sum} bytes`);
});

test('it looks right: build/screenshots', async (t) => {
  const server = await startServer(t);
  await untilReady(server);
  for (const [width, height] of [[1280, 800], [390, 844]])
    for (const dark of [false, true]) {
      const page = await openPage(t, server.url, { width, height, dark, touch: width < 600 });
      const name = `${width}-${dark ? 'dark' : 'light'}`;
      await connected(page);
      await screenshot(page, `welcome-${name}`);
      await ask(page, 'How do I add documents?');
      await page.locator('.chip').first().click();
      await screenshot(page, `answer-${name}`);
      await page.click('#history-button');
      await page.waitForSelector('#history-list li');
      await screenshot(page, `history-${name}`);
      await page.keyboard.press('Escape');
      await page.click('#documents-button');
      await page.waitForSelector('#documents-list li');
      await screenshot(page, `documents-${name}`);
      await page.keyboard.press('Escape');
      await page.click('#engines-button');
      await page.waitForSelector('#engines-list dd');
      await screenshot(page, `engines-${name}`);
      const sideways = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      assert.equal(sideways, false, `nothing sticks out at ${name}`);
      await page.context().browser()?.close();
    }
});
