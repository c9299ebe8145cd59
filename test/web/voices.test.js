// SPDX-License-Identifier: Apache-2.0
// @ts-check
// @once: the browser's side
/* The menu of voices: what the server has, by whom it is spoken; a sample of it; and it answers. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { connected, inPhase, openPage, played, screenshot } from '../lib/browser.js';
import { BUILD, environment, startServer, temporaryFolder, until, untilReady } from '../lib/server.js';
import { loudness, shareHeard, writeWav } from '../lib/speech.js';

/** @param {import('playwright-core').Page} page @returns {Promise<Record<string, string[]>>} the names in each group */
const groups = (page) =>
  page.locator('#voice').evaluate((/** @type {HTMLSelectElement} */ menu) =>
    Object.fromEntries([...menu.querySelectorAll('optgroup')].map((group) => [group.label, [...group.querySelectorAll('option')].map((option) => `${option.value}: ${option.textContent}`)])));

/** Until something has been heard and has ended. @param {import('playwright-core').Page} page @returns {Promise<number>} seconds of it */
async function quiet(page) {
  const isOver = async () => {
    const { rate, samples } = await played(page), half = rate / 2;
    const begin = samples.findIndex((x) => Math.abs(x) > 300), rest = samples.subarray(-half);
    return begin >= 0 && samples.length - begin > 2 * half && rest.every((x) => Math.abs(x) < 30) && (samples.length - begin) / rate;
  };
  return Number(await until(isOver, 'the end of the sound'));
}

test('the menu has what the server has; a sample is heard, and so is the answer', async (t) => {
  const folder = await temporaryFolder(t);
  const server = await startServer(t, { args: ['--stt-driver', 'scripted', '--llm-driver', 'scripted', '--llm-script', 'text=The garden has seven trees.'] });
  await untilReady(server);
  const page = await openPage(t, server.url, { record: true });
  await connected(page);
  await until(async () => (await groups(page))['Built in'], 'the voices');
  const all = await groups(page);
  assert.deepEqual(Object.keys(all), ['Built in', 'Built in, by language']);
  assert.deepEqual([...all['Built in']].sort(), ['awb: awb, a Scot', 'kal: kal, a robot', 'rms: rms, a man', 'slt: slt, a woman']);
  assert.ok(all['Built in, by language'].includes('de: German (de)') && all['Built in, by language'].length > 50);
  assert.equal(await page.locator('#voice option').first().textContent(), 'Default (rms)');

  const heard = async (/** @type {string} */ name, from = 0) => {
    const { rate, samples } = await played(page), wav = path.join(folder, name);
    writeWav(wav, samples.subarray(from), rate);
    const text = execFileSync(path.join(BUILD, 'repartee'), ['hear', '--data', path.join(folder, 'ears'), wav], { env: environment(), encoding: 'utf8' });
    return { text, n: samples.length };
  };
  /* kal is asked for and left for slt before it is heard: one voice speaks, once. */
  const asked = (/** @type {string} */ voice) => page.waitForRequest((request) => request.url().endsWith('/tts') && request.postDataJSON().voice === voice);
  for (const voice of ['kal', 'slt']) {
    const request = asked(voice);
    await page.selectOption('#voice', voice);
    await page.click('#sample');
    await request;
  }
  const seconds = await quiet(page);
  const sample = await heard('sample.wav');
  assert.match(sample.text, /how i read/);
  assert.ok(sample.text.split('read').length === 2, sample.text);
  assert.ok(seconds < 6, `${seconds} s`);

  await page.locator('label.switch', { has: page.locator('#aloud') }).click();
  await page.fill('#question', 'What is there?');
  await page.press('#question', 'Enter');
  await page.locator('.turn .waterfall').waitFor();
  await inPhase(page, 'idle');
  await quiet(page);
  const answer = await heard('answer.wav', sample.n);
  assert.ok(shareHeard('The garden has seven trees.', answer.text) >= 0.6, answer.text);
  await screenshot(page, 'voices');
});

test("a model's voices come first; a server that is gone is told of", async (t) => {
  const folder = await temporaryFolder(t), voice = path.join(folder, 'en_US-made-low.onnx');
  assert.equal(spawnSync(path.join(BUILD, 'test/voice_make'), ['tiny', voice], { env: environment() }).status, 0);
  const server = await startServer(t, { args: ['--stt-driver', 'scripted', '--tts-model', voice] });
  await untilReady(server);
  const page = await openPage(t, server.url, { width: 390, height: 844, expected: /ERR_CONNECTION_REFUSED/ });
  await connected(page);
  await until(async () => (await groups(page))['Of the model'], 'the voices');
  const all = await groups(page);
  assert.deepEqual(Object.keys(all), ['Of the model', 'Built in', 'Built in, by language']);
  assert.match(all['Of the model'][0], /^en_US-made-low: en_US-made-low$/);
  await page.selectOption('#voice', 'en_US-made-low');
  await connected(page);
  await screenshot(page, 'voices-390');
  await server.kill();
  await page.click('#sample');
  await until(async () => /cannot be reached/.test((await page.locator('#state').textContent()) ?? ''), 'a sentence');
});

test('voices that are still being loaded come into the menu later', async (t) => {
  const server = await startServer(t, { args: ['--stt-driver', 'scripted', '--llm-driver', 'scripted', '--tts-driver', 'scripted'] });
  await untilReady(server);
  const page = await openPage(t, 'about:blank', { expected: /503/ });
  let asked = 0;
  await page.route('**/voices', (route) => (asked++ ? route.continue() : route.fulfill({ status: 503, body: '{"error":{"message":"the voices are still being loaded"}}' })));
  await page.goto(server.url);
  await until(async () => (await page.locator('#voice option').count()) > 1, 'the voices');
  assert.equal(asked, 2);
});
