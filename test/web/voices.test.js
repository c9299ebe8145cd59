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
  await page.selectOption('#voice', 'slt');
  await connected(page);
  await page.click('#sample');
  await until(async () => loudness((await played(page)).samples) > 0.005, 'sound');
  await new Promise((resolve) => setTimeout(resolve, 4000)); /* it is played at its own pace */
  const sample = await heard('sample.wav');
  assert.match(sample.text, /read your answer/);

  await page.locator('label.switch', { has: page.locator('#aloud') }).click();
  await page.fill('#question', 'What is there?');
  await page.press('#question', 'Enter');
  await page.locator('.turn .waterfall').waitFor();
  await inPhase(page, 'idle');
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
