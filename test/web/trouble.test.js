// SPDX-License-Identifier: Apache-2.0
// @ts-check
// @once
/* What the page says when something goes wrong, and how it comes back. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { connected, inPhase, openPage, screenshot } from '../lib/browser.js';
import { ownAddress, startServer, temporaryFolder, until, untilReady } from '../lib/server.js';

const NETWORK = /WebSocket connection|Failed to load resource|ERR_/;

test('the server dies and comes back', async (t) => {
  const data = await temporaryFolder(t);
  const server = await startServer(t, { data, listen: await ownAddress() });
  await untilReady(server);
  const page = await openPage(t, server.url, { expected: NETWORK });
  await connected(page);
  await page.fill('#question', 'Which voices are there?');
  await page.press('#question', 'Enter');
  await page.waitForSelector('.chip');
  const rows = () => {
    const db = new DatabaseSync(path.join(data, 'sessions.db'));
    const said = db.prepare("SELECT said FROM sessions WHERE said LIKE '%voices%'").all().map((row) => String(row.said));
    db.close();
    return said;
  };
  await inPhase(page, 'idle');
  await until(() => rows().length === 1, 'the conversation on the disk');
  await server.kill();
  await page.waitForSelector('#trouble:not([hidden])');
  assert.match((await page.locator('#trouble').textContent()) ?? '', /cannot be reached.*Trying again/);
  assert.equal(await page.locator('#status').textContent(), 'Not connected');
  await screenshot(page, 'gone-1280-light');

  await page.fill('#question', 'How do I add documents?');
  await page.press('#question', 'Enter');
  await page.waitForSelector('.turn .failed');
  assert.match((await page.locator('.turn .failed').textContent()) ?? '', /cannot be reached/);
  await page.keyboard.press('Escape');

  const again = await startServer(t, { data, listen: new URL(server.url).host });
  await untilReady(again);
  await connected(page);
  assert.equal(await page.locator('#trouble').isVisible(), false);
  await page.fill('#question', 'How do I add documents?');
  await page.press('#question', 'Enter');
  await page.waitForSelector('.turn:last-child .chip');
  await inPhase(page, 'idle');
  assert.ok(await until(() => rows().find((said) => said.includes('How do I add documents?')), 'the same conversation to go on'));
});

test('what is asked aloud while there is no connection is asked as soon as there is one', async (t) => {
  const data = await temporaryFolder(t);
  const server = await startServer(t, { data, listen: await ownAddress() });
  await untilReady(server);
  const page = await openPage(t, server.url, { expected: NETWORK });
  await connected(page);
  await page.check('#aloud');
  /** Asks while the page connects anew. @param {string} words @param {string} [more] that are typed on */
  const hurry = (words, more) =>
    page.evaluate(([words, more]) => {
      const question = /** @type {HTMLTextAreaElement} */ (document.getElementById('question'));
      document.getElementById('use-rag')?.click();
      question.value = words;
      /** @type {HTMLFormElement} */ (document.getElementById('form')).requestSubmit();
      question.value += more;
      if (more) question.dispatchEvent(new Event('input'));
      return document.getElementById('state')?.textContent ?? '';
    }, [words, more ?? '']);
  assert.match(await hurry('Go on.'), /as soon as the server is there/);
  await page.locator('.turn .waterfall').waitFor({ timeout: 60000 });
  assert.equal(await page.locator('.turn .said').textContent(), 'Go on.');
  assert.equal(await page.locator('#question').inputValue(), '');

  await server.kill();
  await page.waitForSelector('body[data-link=gone]');
  for (const words of ['This is not asked.', 'How do I add documents?']) {
    await page.fill('#question', words);
    await page.press('#question', 'Enter');
    assert.equal(await page.locator('#question').inputValue(), words, 'it is still there');
  }
  await untilReady(await startServer(t, { data, listen: new URL(server.url).host }));
  await page.locator('.turn').nth(1).locator('.waterfall').waitFor({ timeout: 60000 });
  assert.deepEqual(await page.locator('.turn .said').allTextContents(), ['Go on.', 'How do I add documents?']);

  await hurry('Half a', ' question');
  await connected(page);
  assert.equal(await page.locator('#question').inputValue(), 'Half a question', 'what is still being typed is not asked');
});

test('the microphone is not allowed', async (t) => {
  const server = await startServer(t);
  const page = await openPage(t, server.url, { permission: 'denied' });
  await connected(page);
  await page.keyboard.down('Space');
  await page.waitForFunction(() => /not allowed/.test(document.getElementById('state')?.textContent ?? ''));
  await page.keyboard.up('Space');
  assert.equal(await page.locator('body').getAttribute('data-phase'), 'idle');
});

test('the page comes from elsewhere without encryption', async (t) => {
  const server = await startServer(t, { args: ['--http-hosts', 'repartee.test'] });
  const url = server.url.replace('127.0.0.1', 'repartee.test');
  const page = await openPage(t, 'about:blank', { hosts: 'MAP repartee.test 127.0.0.1', expected: /Cross-Origin-Opener-Policy/ });
  await page.goto(url);
  await connected(page);
  await page.keyboard.down('Space');
  await page.waitForFunction(() => /only to pages on the same computer/.test(document.getElementById('state')?.textContent ?? ''));
  await page.keyboard.up('Space');
});

test('a server with a key asks for it, once', async (t) => {
  const server = await startServer(t, { env: { REPARTEE_AUTH_KEY: 'open sesame 123' } });
  const page = await openPage(t, server.url, { expected: /401/ });
  await page.waitForSelector('#key[open]');
  await page.fill('#key-input', 'wrong');
  await page.press('#key-input', 'Enter');
  await page.waitForFunction(() => /not right/.test(document.getElementById('key-state')?.textContent ?? ''));
  await page.fill('#key-input', 'open sesame 123');
  await page.press('#key-input', 'Enter');
  await connected(page);
  assert.equal(await page.locator('dialog[open]').count(), 0);
  const kept = await page.evaluate(() => document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage }) + document.documentElement.outerHTML);
  assert.doesNotMatch(kept, /sesame|eyJ/);
});

test('too many questions: the page says when to ask again', async (t) => {
  const server = await startServer(t, { args: ['--limit-turns', '1'] });
  await untilReady(server);
  const page = await openPage(t, server.url, { expected: /429/ });
  await connected(page);
  for (const words of ['How do I add documents?', 'Is my voice recorded?']) {
    await page.fill('#question', words);
    await page.press('#question', 'Enter');
    await page.locator('.turn', { hasText: words }).locator('.foot > *').waitFor();
  }
  assert.match((await page.locator('.turn .failed').last().textContent()) ?? '', /too many requests.*Try again in \d+ s/i);
});

test('the recogniser dies in mid-sentence', async (t) => {
  const server = await startServer(t, { args: ['--stt-driver', 'scripted'] });
  await untilReady(server);
  const page = await openPage(t, server.url);
  await connected(page);
  const { engines } = await (await fetch(server.url + 'readyz')).json();
  await page.keyboard.down('Space');
  await inPhase(page, 'listening');
  process.kill(engines.stt.pid, 'SIGKILL');
  await page.waitForSelector('.turn .failed');
  await page.keyboard.up('Space');
  await inPhase(page, 'idle');
  await until(async () => (await fetch(server.url + 'readyz')).ok, 'a new recogniser');
  assert.equal(await page.locator('body').getAttribute('data-link'), 'ready', 'the connection has stayed');
});
