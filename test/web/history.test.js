// SPDX-License-Identifier: Apache-2.0
// @ts-check
// @once
/* The list of earlier conversations, kept in the browser. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, connected, openPage } from '../lib/browser.js';
import { ownAddress, startServer, untilReady } from '../lib/server.js';

const NETWORK = /WebSocket connection|Failed to load resource|ERR_/;
const ADD = 'How do I add documents?';
const VOICE = 'Is my voice recorded?';

/** @typedef {import('playwright-core').Page} Page */

/** @param {import('node:test').TestContext} t @param {object} [options] of the server @param {object} [wishes] of the page */
async function open(t, options, wishes) {
  const server = await startServer(t, options);
  await untilReady(server);
  const page = await openPage(t, server.url, wishes);
  await connected(page);
  return { server, page };
}

/** What the page keeps: name and value. @param {Page} page @returns {Promise<[string, any][]>} */
const kept = (page) => page.evaluate(() => Object.entries(localStorage).map(([name, text]) => [name, JSON.parse(text)]));

/** @param {Page} page */
async function reload(page) {
  await page.reload();
  await connected(page);
}

/** Opens the entry with this title. @param {Page} page @param {string} title */
async function choose(page, title) {
  await page.click('#history-button');
  await page.locator('#history-list li', { hasText: title }).getByRole('button').first().click();
  await page.locator('.said', { hasText: title }).waitFor();
  await connected(page);
}

/** @param {Page} page @param {RegExp} words */
const says = (page, words) => page.waitForFunction((source) => new RegExp(source).test(document.getElementById('history-state')?.textContent ?? ''), words.source);

/** The sessions that /chat named. @param {Page} page */
function sessionsOf(page) {
  /** @type {string[]} */
  const named = [];
  page.on('request', (request) => request.url().endsWith('/chat') && named.push(request.postDataJSON().session_id));
  return named;
}

test('an earlier conversation is shown again and goes on', async (t) => {
  const { page } = await open(t);
  const sessions = sessionsOf(page);
  await ask(page, ADD);
  await ask(page, VOICE);
  const answer = await page.locator('.words').first().textContent();
  const sources = await page.locator('.turn').first().locator('.chip').count();
  assert(sources > 0);

  await reload(page);
  assert.equal(await page.locator('.turn').count(), 0, 'it begins afresh');
  assert(await page.isVisible('#welcome'));
  await ask(page, 'Which voices are there?');
  await page.click('#history-button');
  const rows = page.locator('#history-list li');
  assert.equal(await rows.count(), 2);
  assert.match((await rows.nth(1).textContent()) ?? '', /How do I add documents\?.*2 questions/);
  assert.equal(await rows.first().getByRole('button').first().getAttribute('aria-current'), 'true');
  await page.keyboard.press('Escape');

  await choose(page, ADD);
  assert.equal(await page.locator('.turn').count(), 2);
  assert.equal(await page.isVisible('#welcome'), false);
  assert.equal(await page.locator('.words').first().textContent(), answer);
  assert.equal(await page.locator('.turn').first().locator('.chip').count(), sources);
  await page.locator('.chip').first().click();
  assert.match((await page.locator('.passage:visible').textContent()) ?? '', /documents/i);

  await ask(page, 'How do I change the voice?');
  assert.equal(sessions.at(-1), sessions[0], 'the server knows what was said');
  assert.notEqual(sessions[2], sessions[0]);
  assert.equal(await page.locator('#conversation > .note').count(), 0);
  await page.click('#history-button');
  assert.match((await rows.nth(1).textContent()) ?? '', /3 questions/);
  await page.click('#new');
  assert.equal(await page.locator('.turn').count(), 0);
  assert(await page.isVisible('#welcome'));
  await ask(page, VOICE);
  assert.equal(new Set(sessions).size, 3, 'a new conversation knows nothing of the others');
});

test('a stopped answer is shown as it was left', async (t) => {
  const { page } = await open(t, { args: ['--llm-driver', 'scripted', '--llm-script', 'tokens=300,slow=60'] });
  await page.uncheck('#use-rag');
  await connected(page);
  await page.fill('#question', 'Go on.');
  await page.press('#question', 'Enter');
  await page.waitForSelector('.words p');
  await page.keyboard.press('Escape');
  await page.waitForSelector('.turn .note');
  await reload(page);
  await choose(page, 'Go on.');
  assert.match((await page.locator('.turn .note').textContent()) ?? '', /Stopped/);
});

test('what was answered before a reload is kept, and an empty page begins nothing', async (t) => {
  const { page } = await open(t, { args: ['--llm-driver', 'scripted', '--llm-script', 'tokens=300,slow=60'] });
  /** @type {string[]} */
  const begun = [];
  page.on('request', (request) => request.url().endsWith('/session') && begun.push(request.method()));
  await page.click('#history-button');
  await page.click('#new');
  assert.deepEqual(begun, []);
  await page.uncheck('#use-rag');
  await connected(page);
  await page.fill('#question', 'Go on.');
  await page.press('#question', 'Enter');
  await page.waitForSelector('.words p');
  await reload(page);
  await choose(page, 'Go on.');
  assert.match((await page.locator('.words').textContent()) ?? '', /\w/);
});

test('the server has forgotten it: the page says so and goes on', async (t) => {
  const { server, page } = await open(t, { listen: await ownAddress() }, { expected: NETWORK });
  await ask(page, ADD);
  await server.kill();
  await page.waitForSelector('body[data-link=gone]');
  await untilReady(await startServer(t, { listen: new URL(server.url).host })); /* with a new data folder */
  const note = page.locator('#conversation > .note');
  await note.waitFor();
  assert.match((await note.textContent()) ?? '', /forgotten what was said above/);
  await connected(page);
  await ask(page, VOICE);
  const [[, { session, turns }]] = await kept(page);
  assert.equal(turns.length, 2, 'it is one conversation here');

  await t.test('also when it is opened later', async () => {
    await page.evaluate(() => {
      const [name, text] = Object.entries(localStorage)[0];
      localStorage.setItem(name, JSON.stringify({ ...JSON.parse(text), session: '0123456789abcdef0123456789abcdef' }));
    });
    await reload(page);
    await choose(page, ADD);
    await note.waitFor();
    assert.match((await note.textContent()) ?? '', /forgotten what was said above/);
    assert.equal(await page.isVisible('#trouble'), false);
    await ask(page, 'Which voices are there?');
    const [[, now]] = await kept(page);
    assert.equal(now.turns.length, 3);
    assert.notEqual(now.session, session);
  });
});

test('one is deleted, and all with one press; the server forgets them too', async (t) => {
  const key = 'open sesame 123';
  const server = await startServer(t, { env: { REPARTEE_AUTH_KEY: key } });
  await untilReady(server);
  const page = await openPage(t, server.url, { expected: /401/ });
  const giveKey = async () => {
    await page.fill('#key-input', key);
    await page.press('#key-input', 'Enter');
    await connected(page);
  };
  const knows = async (/** @type {string} */ session) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ message: VOICE, session_id: session, stream: false });
    return (await fetch(`${server.url}chat`, { method: 'POST', headers, body })).status;
  };
  await giveKey();
  await ask(page, ADD);
  await page.click('#history-button');
  await page.click('#new');
  await connected(page);
  await ask(page, VOICE);
  await choose(page, ADD); /* whose session is not the token's */
  const sessions = (await kept(page)).map(([, { session }]) => session);
  assert.deepEqual(await Promise.all(sessions.map(knows)), [200, 200]);

  await page.click('#history-button');
  await page.getByRole('button', { name: `Delete ${VOICE}` }).click();
  await says(page, /^Deleted, here and at the server/);
  assert.equal(await page.locator('.turn').count(), 1, 'what is on the page stays');
  assert.equal((await kept(page)).length, 1);
  await page.keyboard.press('Escape');
  await connected(page);
  await page.check('#aloud'); /* over the WebSocket, whose first token has ended with its session */
  await ask(page, VOICE);
  assert.equal(await page.locator('.turn .failed').count(), 0);
  await page.uncheck('#aloud');
  await page.click('#history-button');
  await page.getByRole('button', { name: `Delete ${ADD}` }).click();
  await says(page, /^Deleted, here and at the server/);
  assert.equal(await page.locator('.turn').count(), 0);
  await page.keyboard.press('Escape');
  for (const session of sessions) assert.equal(await knows(session), 404);
  await connected(page);
  assert.equal(await page.locator('dialog[open]').count(), 0, 'no key is asked for');

  await page.click('#history-button');
  await page.uncheck('#keep');
  await page.keyboard.press('Escape');
  const named = sessionsOf(page);
  await ask(page, ADD);
  assert.deepEqual(await kept(page), [['repartee-off', 1]]);
  await page.click('#history-button');
  await page.check('#keep');
  await page.keyboard.press('Escape');
  await ask(page, VOICE);
  assert.equal((await kept(page)).length, 1);
  await page.click('#history-button');
  await page.click('#delete-all');
  await says(page, /^Deleted, here and at the server/);
  assert.deepEqual(await kept(page), []);
  assert.equal(await page.locator('.turn').count(), 0);
  assert.equal(await knows(named[0]), 404);
  await page.keyboard.press('Escape');
  await connected(page);
  await ask(page, ADD);
  assert.equal(await page.locator('dialog[open]').count(), 0, 'no key is asked for');
  const secrets = await page.evaluate(() => JSON.stringify(Object.entries(localStorage)));
  assert.doesNotMatch(secrets, /sesame|eyJ/);
});

test('all is deleted when the server is away, and the page says what that means', async (t) => {
  const { server, page } = await open(t, undefined, { expected: NETWORK });
  await ask(page, ADD);
  await server.kill();
  await page.waitForSelector('body[data-link=gone]');
  await page.click('#history-button');
  await page.click('#delete-all');
  await says(page, /^Deleted here\. The server may remember it for a while.*cannot be reached/);
  assert.deepEqual(await kept(page), []);
});

test('tabs do not write over one another', async (t) => {
  const { server, page } = await open(t);
  await ask(page, ADD);
  const other = await page.context().newPage();
  await other.goto(server.url);
  await connected(other);
  await ask(other, VOICE);
  await ask(page, 'Which voices are there?');
  await ask(other, 'How do I change the voice?');
  const titles = async () => (await kept(page)).map(([, { turns }]) => turns.map((/** @type {any} */ turn) => turn.question)).sort();
  assert.deepEqual(await titles(), [[ADD, 'Which voices are there?'], [VOICE, 'How do I change the voice?']]);
  await choose(other, ADD); /* the same conversation in both */
  await ask(other, VOICE);
  await ask(page, ADD);
  assert.deepEqual((await titles())[0], [ADD, 'Which voices are there?', VOICE, ADD]);
});

test('there is an end to what is kept, and a full or foreign storage harms nothing', async (t) => {
  const { page } = await open(t, undefined, { expected: /404/ });
  await page.evaluate(() => {
    const turn = { question: 'Old?', text: 'x'.repeat(1000), citations: [] };
    for (let i = 0; i < 60; i++) localStorage.setItem(`repartee ${1700000000000 + i} 0`, JSON.stringify({ session: 'ab', turns: [turn] }));
    localStorage.setItem('of somebody else', 'stays');
  });
  await ask(page, ADD);
  const names = () => page.evaluate(() => Object.keys(localStorage).filter((name) => name.startsWith('repartee ')).sort());
  assert.equal((await names()).length, 50);
  assert.equal((await names())[0], 'repartee 1700000000011 0', 'the newest are left');

  await t.test('no room', async () => {
    await page.evaluate(() => {
      let text = 'x'.repeat(1 << 20);
      for (let i = 0; text; i++)
        try {
          localStorage.setItem(`filler ${i}`, text);
        } catch {
          text = text.slice(text.length / 2 + 1);
        }
    });
    await ask(page, VOICE);
    const now = await names();
    assert(now.length < 50, `${now.length}`);
    const last = await page.evaluate((name) => localStorage.getItem(name) ?? '', now.at(-1) ?? '');
    assert.equal(JSON.parse(last).turns.length, 2);
  });

  await t.test('nonsense', async () => {
    await page.evaluate(() => {
      localStorage.clear();
      const turn = { question: '<img src=x onerror=document.title=1>', text: '<b>bold</b>', citations: [{ index: {}, title: '<i>', text: '<u>' }] };
      const values = ['', '{', 'null', '7', '[]', '{"session":"ab","turns":[null]}', '{"session":"ab","turns":[{"question":1,"text":"","citations":[]}]}',
        '{"session":"../rag/documents/1","turns":[{"question":"a","text":"b","citations":[]}]}', JSON.stringify({ session: 'ab', turns: [turn] })];
      values.forEach((value, i) => localStorage.setItem(`repartee ${i}`, value));
      localStorage.setItem('repartee not a time', '{}');
    });
    await reload(page);
    await page.click('#history-button');
    assert.equal(await page.locator('#history-list li').count(), 10);
    await page.locator('#history-list li', { hasText: 'onerror' }).getByRole('button').first().click();
    await page.locator('#conversation > .note').waitFor();
    assert.match((await page.locator('.words').textContent()) ?? '', /<b>bold/);
    assert.equal(await page.locator('.turn img, .turn b, .turn u, .turn i').count(), 0);
    await page.click('#history-button');
    await page.locator('#history-list li').nth(0).getByRole('button').first().click();
    assert(await page.isVisible('#welcome'), 'what cannot be read is an empty page');
    await page.click('#history-button');
    await page.click('#delete-all');
    await page.waitForFunction(() => localStorage.length === 0);
  });
});

test('without a storage the page works', async (t) => {
  const server = await startServer(t);
  await untilReady(server);
  const page = await openPage(t, 'about:blank');
  await page.addInitScript(() =>
    Object.defineProperty(window, 'localStorage', {
      get() {
        throw new DOMException('denied', 'SecurityError');
      },
    }),
  );
  await page.goto(server.url);
  await connected(page);
  await ask(page, ADD);
  await page.click('#history-button');
  await says(page, /keeps nothing/);
  assert(await page.isDisabled('#keep'));
  await page.click('#delete-all');
  await page.waitForFunction(() => !document.querySelector('.turn'));
  await page.click('#new');
  await connected(page);
  await ask(page, VOICE);
});
