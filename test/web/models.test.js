// SPDX-License-Identifier: Apache-2.0
// @ts-check
// @once
/* The panel of models: got from a hub, used, removed, and what is said when that does not work. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { test } from 'node:test';
import { ask, connected, openPage, screenshot } from '../lib/browser.js';
import { answer, begin, startHub, stated } from '../lib/hub.js';
import { BUILD, ownAddress, startServer, temporaryFolder, until, untilReady } from '../lib/server.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const NETWORK = /WebSocket connection|Failed to load resource|ERR_/;
const QUIET = ['--stt-driver', 'scripted', '--tts-driver', 'scripted', '--llm-threads', '1', '--llm-max-tokens', '8'];
/* Of the catalogue's models the one whose bytes are up to its hub. */
const NAME = 'gemma-3-1b', FILE = 'gemma-3-1b-it-qat-q4_0-gguf';

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {import('../lib/hub.js').Behaviour} Behaviour */

/** A model with random weights. @param {import('node:test').TestContext} t */
async function makeModel(t) {
  const file = path.join(await temporaryFolder(t), 'tiny.gguf');
  assert.equal(spawnSync(path.join(BUILD, 'test/gguf_make'), ['tiny', file]).status, 0);
  return readFileSync(file);
}

/**
 * A hub that has it, a quarter first: `go(to)` sends on, up to so many of four quarters.
 * @param {import('node:test').TestContext} t @param {Record<string, {hub?: Behaviour, file?: Behaviour, bytes?: Buffer, inGit?: boolean}>} [more]
 */
async function slowHub(t, more = {}) {
  const bytes = await makeModel(t);
  /** @type {(() => void)[]} */
  let waiting = [];
  let allowed = 1;
  /** @type {Behaviour} */
  const file = (socket, request) => {
    const rest = begin(socket, request, bytes);
    let sent = bytes.length - rest.length;
    const on = () => {
      const end = Math.floor((bytes.length * allowed) / 4);
      if (end > sent) socket.write(bytes.subarray(sent, end));
      sent = Math.max(sent, end);
      if (end === bytes.length) socket.end();
    };
    waiting.push(on);
    on();
  };
  const hub = await startHub(t, { [FILE]: { bytes, file }, tiny: { bytes, file }, 'anna/en/anna.onnx': { bytes, file }, ...more });
  const go = (/** @type {number} */ quarters) => {
    allowed = quarters;
    for (const on of waiting) on();
  };
  const again = (/** @type {number} */ quarters) => {
    waiting = [];
    allowed = quarters;
  };
  return { hub, size: bytes.length, go, again, args: [...QUIET, '--models-hub', hub.url, '--fetch-allow', hub.elsewhere] };
}

/** @param {Page} page */
async function openPanel(page) {
  await page.click('#engines-button');
  await page.click('#models-button');
  await page.waitForSelector('#models[open] li');
}

/** @param {Page} page @param {string} title */
const row = (page, title) => page.locator('#models li').filter({ has: page.locator('strong', { hasText: new RegExp(`^${title}$`) }) });
/** @param {Page} page @param {string} name */
const press = (page, name) => page.locator('#models').getByRole('button', { name, exact: true }).click();
/** @param {Page} page @param {string} name */
const offered = (page, name) => page.locator('#models').getByRole('button', { name, exact: true }).waitFor();
/** @param {Page} page @param {RegExp} words */
const told = (page, words) => page.locator('#models-state').filter({ hasText: words }).waitFor();
/** @param {Page} page @param {number} percent */
const barAt = (page, percent) => page.locator(`#models [role=progressbar][aria-valuenow="${percent}"]`).waitFor();
/** @param {{url: string}} server */
const shelf = async (server) => (await fetch(`${server.url}models`)).json();
/** @param {Page} page */
const focused = (page) => page.evaluate(() => document.activeElement?.ariaLabel || document.activeElement?.textContent);

/** @param {Page} page @param {string} what */
async function examine(page, what) {
  const violations = await page.evaluate(async () => {
    const { violations } = await /** @type {any} */ (window).axe.run(document, { resultTypes: ['violations'] });
    return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`));
  });
  assert.deepEqual(violations, [], what);
  assert.equal(await page.evaluate(() => [document.documentElement, document.getElementById('models')].some((e) => e && e.scrollWidth > e.clientWidth)), false, `nothing sticks out: ${what}`);
}

test('a model is got with a moving bar, answers, and is removed', async (t) => {
  const { go, args } = await slowHub(t);
  const server = await startServer(t, { args: args.slice(4) }); /* with the ears and the voice that are built in */
  await untilReady(server);
  const page = await openPage(t, server.url);
  await connected(page);
  const status = (/** @type {RegExp} */ words) => page.locator('#status').filter({ hasText: words }).waitFor();
  await status(/^Built-in/);
  await openPanel(page);
  await told(page, /^This machine has .* of memory and .* free on its disk\.$/);
  assert.match((await page.locator('#models li').first().textContent()) ?? '', /built-in answerer\s*answers now.*your documents/);
  assert.match((await row(page, NAME).textContent()) ?? '', /Gated.*Free for all: qwen2\.5-1\.5b/);

  await press(page, `Get ${NAME}`);
  await barAt(page, 25);
  assert.equal(await focused(page), `Cancel ${NAME}`, 'the focus stays');
  await press(page, 'Close');
  go(2);
  await openPanel(page);
  await barAt(page, 50);
  go(3);
  await barAt(page, 75);
  await told(page, /^75 % of gemma/);
  go(4);
  await offered(page, `Use ${NAME}`);
  await told(page, /is here/);

  await press(page, `Use ${NAME}`);
  await row(page, NAME).getByText('answers now').waitFor();
  await told(page, /gemma-3-1b answers now/);
  assert.equal(await page.locator('#models li.chosen').count(), 1);
  assert.match((await focused(page)) ?? '', /^gemma-3-1b/, 'the button is gone, the focus is not');
  assert.equal((await shelf(server)).answers.model, NAME);
  await status(/^Connected$/);
  await page.keyboard.press('Escape');
  await connected(page);
  await ask(page, 'Who are you?');
  const { engines } = await (await fetch(`${server.url}readyz`)).json();
  assert.equal(engines.llm.driver, 'llama');

  await openPanel(page);
  assert.match((await page.locator('#models li').first().textContent()) ?? '', /^gemma-3-1b/, 'who answers is first');
  await press(page, 'Use The built-in answerer');
  await row(page, 'The built-in answerer').getByText('answers now').waitFor();
  await press(page, `Remove ${NAME}`);
  await press(page, 'Remove for good?');
  await offered(page, `Get ${NAME}`);
  await told(page, /was removed/);
  assert.deepEqual(readdirSync(path.join(server.data, 'models/llm')), []);
});

test('a download goes on without the page, and is joined by it', async (t) => {
  const { go, args } = await slowHub(t);
  const server = await startServer(t, { args });
  const page = await openPage(t, server.url);
  await connected(page);
  await openPanel(page);
  await page.click('#another summary');
  await page.fill('#fetch input', 'hf:test/tiny:tiny.gguf');
  await page.press('#fetch input', 'Enter');
  await barAt(page, 25);
  assert.equal(await page.inputValue('#fetch input'), '');
  await page.reload();
  await connected(page);
  await openPanel(page);
  await barAt(page, 25);
  go(2);
  await barAt(page, 50);
  await page.goto('about:blank');
  go(4);
  await until(async () => (await shelf(server)).models.some((/** @type {any} */ m) => m.name === 'tiny' && m.installed), 'the download to end');
  await page.goto(server.url);
  await openPanel(page);
  await offered(page, 'Use tiny');
  await press(page, 'Remove tiny');
  await press(page, 'Remove for good?');
  await told(page, /tiny was removed/);
  await row(page, 'tiny').waitFor({ state: 'detached' }); /* it is of no catalogue */
});

test('a voice is one row, of both its files', async (t) => {
  const settings = Buffer.from('{}');
  const { go, args } = await slowHub(t, { 'anna/en/anna.onnx.json': { bytes: settings, inGit: true } });
  const server = await startServer(t, { args });
  const page = await openPage(t, server.url);
  await connected(page);
  await openPanel(page);
  const ljspeech = row(page, 'en_US-ljspeech-medium');
  assert.equal(await ljspeech.count(), 1);
  assert.match((await ljspeech.textContent()) ?? '', /64 MB.*public domain · English/);
  await page.click('#another summary');
  await page.selectOption('#fetch select', { label: 'Speaks' });
  await page.fill('#fetch input', 'hf:test/anna:en/anna.onnx');
  await page.press('#fetch input', 'Enter');
  await barAt(page, 25);
  assert.deepEqual([await page.inputValue('#fetch input'), await page.inputValue('#fetch select')], ['', '']);
  go(4);
  await offered(page, 'Remove anna');
  assert.equal(await row(page, 'anna').count(), 1);
  assert.deepEqual(readdirSync(path.join(server.data, 'models/tts')).sort(), ['anna.onnx', 'anna.onnx.json']);
  await press(page, 'Remove anna');
  await press(page, 'Remove for good?');
  await told(page, /anna was removed/);
  assert.deepEqual(readdirSync(path.join(server.data, 'models/tts')), []);
});

test('a page that joins a download is told why it ends', async (t) => {
  let broken = () => {};
  const bytes = Buffer.alloc(1 << 20);
  const { args } = await slowHub(t, {
    breaks: {
      hub: (socket, _request, attempt, hub) => (attempt > 1 ? answer(socket, 404) : answer(socket, 302, { ...stated(bytes), Location: `http://${hub.elsewhere}/files/breaks` })),
      file: (socket, request, attempt) => {
        if (attempt > 1) return answer(socket, 404);
        socket.write(begin(socket, request, bytes).subarray(0, bytes.length / 4));
        broken = () => socket.destroy();
      },
    },
  });
  const server = await startServer(t, { args });
  const page = await openPage(t, server.url);
  await connected(page);
  await openPanel(page);
  await page.click('#another summary');
  await page.fill('#fetch input', 'hf:test/breaks:breaks.gguf');
  await page.press('#fetch input', 'Enter');
  await barAt(page, 25);
  await page.reload();
  await connected(page);
  await openPanel(page);
  await barAt(page, 25);
  broken();
  await page.locator('#fetch .failed').filter({ hasText: /^breaks: there is .*HTTP 404/ }).waitFor();
  assert.equal(await row(page, 'breaks').count(), 0);
});

test('a download that is stopped, and one that the server does not survive, go on where they were', async (t) => {
  const { hub, size, go, again, args } = await slowHub(t);
  const data = await temporaryFolder(t), listen = await ownAddress();
  const server = await startServer(t, { args, data, listen });
  const page = await openPage(t, server.url, { expected: NETWORK });
  await connected(page);
  await openPanel(page);
  await press(page, `Get ${NAME}`);
  await barAt(page, 25);
  await press(page, `Cancel ${NAME}`);
  await told(page, /Stopped\. What has come/);
  assert.equal(await row(page, NAME).locator('.failed').isVisible(), false);
  again(2);
  await press(page, `Get ${NAME}`);
  await barAt(page, 50);
  await server.kill();
  await told(page, /cannot be reached.*Trying again/);
  again(2);
  await startServer(t, { args, data, listen });
  await row(page, NAME).getByText('The download broke off.').waitFor();
  go(4);
  await press(page, `Get ${NAME}`);
  await offered(page, `Use ${NAME}`);
  const ranges = hub.requests[`file ${FILE}`].map(({ range }) => range).filter(Boolean);
  assert.deepEqual(ranges, [size / 4, size / 2].map(Math.floor), 'it went on where it was');
});

test('what does not work is said where it was asked for', async (t) => {
  const { args, go } = await slowHub(t, { 'Qwen2.5-0.5B-Instruct-GGUF': { hub: (socket) => answer(socket, 403) } });
  const server = await startServer(t, { args });
  await untilReady(server);
  const page = await openPage(t, server.url, { expected: NETWORK });
  await connected(page);
  await openPanel(page);
  await press(page, 'Get qwen2.5-0.5b');
  await row(page, 'qwen2.5-0.5b').getByText(/^127\.0\.0\.1 does not give.*HTTP 403.*HF_TOKEN/).waitFor();
  await offered(page, 'Get qwen2.5-0.5b');
  await press(page, `Get ${NAME}`);
  await barAt(page, 25);
  await press(page, 'Get qwen2.5-0.5b');
  await row(page, 'qwen2.5-0.5b').getByText(NAME).waitFor();
  go(4);
  await offered(page, `Use ${NAME}`);

  await page.click('#another summary');
  for (const [words, sentence] of /** @type {[string, RegExp][]} */ ([['what', /source is hf:owner/], ['https://127.0.0.2/x.gguf', /needs the SHA-256/], [`https://127.0.0.2/x.gguf sha256:${'0'.repeat(64)}`, /^x: 127\.0\.0\.2 has no public address/], ['hf:test/nothing:nothing.gguf', /^nothing: there is no such file.*HTTP 404/]])) {
    await page.fill('#fetch input', words);
    await page.press('#fetch input', 'Enter');
    await page.locator('#fetch .failed').filter({ hasText: sentence }).waitFor();
    assert.equal(await page.inputValue('#fetch input'), words, 'it can be mended');
  }
});

test('who has no key sees what there is', async (t) => {
  const { args } = await slowHub(t);
  const server = await startServer(t, { args, env: { REPARTEE_AUTH_KEY: 'open sesame 123' } });
  const page = await openPage(t, server.url, { expected: /401/ });
  await page.fill('#key-input', 'open sesame 123');
  await page.press('#key-input', 'Enter');
  await connected(page);
  await openPanel(page);
  const deeds = () => page.locator('#models .deeds button:visible').count();
  assert.equal(await deeds(), 0);
  assert.match((await page.locator('#unlock').textContent()) ?? '', /whoever runs this server/);
  await page.fill('#unlock input', 'open sesame');
  await page.press('#unlock input', 'Enter');
  await page.locator('#unlock').getByText('That key is not right.').waitFor();
  assert.equal(await deeds(), 0);
  await page.fill('#unlock input', 'open sesame 123');
  await page.press('#unlock input', 'Enter');
  await offered(page, `Get ${NAME}`);
  assert.equal(await page.locator('#unlock').isVisible(), false);
  const kept = await page.evaluate(() => document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage }) + document.documentElement.outerHTML);
  assert.doesNotMatch(kept, /sesame/);
});

/** What the server would have to be ill, large or far away to say: what it says of itself, and what is then seen. @type {[string, object, RegExp, RegExp?][]} */
const LOOKS = [
  ['elsewhere', { answers: { driver: 'remote', model: 'big/model', change: null, failed: null } }, /big\/model\s*answers now.*llm\.url.*not changed here/, /^Use/],
  ['failed', { answers: { driver: 'quote', model: 'quote', change: null, failed: { model: 'here', message: 'its file is damaged; remove it and pull it anew' } } }, /here.*Its file is damaged; remove it and pull it anew\./],
  ['changing', { answers: { driver: 'quote', model: 'quote', change: { to: 'here', state: 'warming' }, failed: null } }, /here.*Warming up …/],
  ['a state of later', { answers: { driver: 'quote', model: 'quote', change: { to: 'here', state: 'dancing' }, failed: null } }, /here.*Loading …/],
  ['small', { machine: { memory_mib: 900, cores: 1, disk_free: 1000 } }, /there.*The disk has only 1 MB left.*large.*Too large: it needs 8\.4 GB of memory, and this machine has 944 MB\./, /^Get large/],
];

test('what the server says of itself is seen', async (t) => {
  const server = await startServer(t, { args: QUIET });
  const page = await openPage(t, server.url);
  await connected(page);
  const model = { kind: 'llm', size: 5e8, licence: 'MIT', languages: 'en zh and 27 others', memory_mib: 800, source: 'hf:a/b:c', installed: false, known: true, gated: false, instead: '', in_use: false, fits: true, suits: false, tokens_per_second: 20 };
  const usual = {
    machine: { memory_mib: 4000, cores: 2, disk_free: 9e9 },
    answers: { driver: 'quote', model: 'quote', change: null, failed: null },
    models: [{ ...model, name: 'large', memory_mib: 8000, fits: false }, { ...model, name: 'there', suits: true }, { ...model, name: 'here', installed: true }, { ...model, name: 'voice', kind: 'song' }],
    pulls: [],
  };
  let now = usual;
  await page.route('**/models', (route) => (route.request().method() === 'GET' ? route.fulfill({ json: now }) : route.continue()));
  await openPanel(page);
  assert.deepEqual(await page.locator('#models li strong').allTextContents(), ['The built-in answerer', 'here', 'there', 'large', 'voice']);
  assert.match((await row(page, 'there').textContent()) ?? '', /suits this machine500 MB · 839 MB of memory · about 15 words a second · MIT · English, Chinese and 27 others/);
  for (const [name, change, seen, gone] of LOOKS) {
    await page.keyboard.press('Escape');
    now = { ...usual, ...change };
    await openPanel(page);
    await page.locator('#models-list').filter({ hasText: seen }).waitFor();
    if (gone) assert.equal(await page.locator('#models').getByRole('button', { name: gone }).count(), 0, name);
  }
});

for (const [width, height, dark] of /** @type {[number, number, boolean][]} */ ([[1280, 800, false], [390, 844, true]]))
  test(`${width} pixels, ${dark ? 'dark' : 'light'}`, async (t) => {
    const { args, go } = await slowHub(t, { 'Qwen2.5-0.5B-Instruct-GGUF': { hub: (socket) => answer(socket, 403) } });
    const server = await startServer(t, { args });
    await untilReady(server);
    const page = await openPage(t, server.url, { width, height, dark, touch: width < 600 });
    await connected(page);
    await page.evaluate(AXE);
    await openPanel(page);
    const name = `${width}-${dark ? 'dark' : 'light'}`;
    await examine(page, 'what there is');
    await screenshot(page, `models-${name}`);
    await press(page, 'Get qwen2.5-0.5b');
    await row(page, 'qwen2.5-0.5b').getByText(/HTTP 403/).waitFor();
    await press(page, `Get ${NAME}`);
    await barAt(page, 25);
    await examine(page, 'a download, and one that failed');
    await row(page, NAME).scrollIntoViewIfNeeded();
    await screenshot(page, `models-pull-${name}`);
    go(4);
    await offered(page, `Use ${NAME}`);
    await page.click('#another summary');
    await press(page, `Remove ${NAME}`);
    await examine(page, 'asked whether to remove, and for another one');
    await page.locator('#fetch').scrollIntoViewIfNeeded();
    await screenshot(page, `models-another-${name}`);
  });
