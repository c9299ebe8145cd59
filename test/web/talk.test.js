// SPDX-License-Identifier: Apache-2.0
// @ts-check
// @once: the browser's side; codecs.test.js and voice.test.js have such turns under the sanitizers
/* A spoken turn in the browser: hold, speak, read along, listen to the answer. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { connected, inPhase, openPage, played, screenshot, whenSaid } from '../lib/browser.js';
import { BUILD, environment, startServer, temporaryFolder, untilReady } from '../lib/server.js';
import { loudness, shareHeard, speak, writeWav } from '../lib/speech.js';

const QUESTION = 'How do I add documents?';
const LONG = 'What are the colored bars below the answer for?'; /* its answer takes seven seconds */

/** Where the pointer goes to hold the button. @param {import('playwright-core').Page} page */
async function overButton(page) {
  const box = await page.locator('#hold').boundingBox();
  assert(box);
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
}

/**
 * A page that has the WAV file for a microphone; `said` waits until the page has sent all of it.
 * @param {import('node:test').TestContext} t @param {string} url @param {string} microphone @param {object} [options]
 */
async function openTalking(t, url, microphone, options) {
  const page = await openPage(t, 'about:blank', { microphone, ...options });
  const said = whenSaid(page, microphone);
  const sent = received(page);
  await page.goto(url);
  await connected(page);
  return { page, said, sent };
}

/** Everything the server sends as sound, as the browser received it. @param {import('playwright-core').Page} page */
function received(page) {
  /** @type {Buffer[]} */
  const parts = [];
  page.on('websocket', (socket) =>
    socket.on('framereceived', ({ payload }) => typeof payload !== 'string' && parts.push(payload.subarray(4))),
  );
  return () => {
    const all = Buffer.concat(parts);
    return new Int16Array(all.buffer.slice(all.byteOffset, all.byteOffset + all.length));
  };
}

test('hold, speak, read along, hear the answer', async (t) => {
  const folder = await temporaryFolder(t);
  const server = await startServer(t);
  await untilReady(server);
  const question = speak(folder, QUESTION, { rate: 48000, before_s: 0.5, after_s: 0.2 });
  const { page, said, sent } = await openTalking(t, server.url, question, { record: true });

  await overButton(page);
  await page.mouse.down();
  await inPhase(page, 'listening');
  await page.waitForFunction(() => document.querySelector('.listening .said')?.textContent?.trim());
  assert.equal(await page.locator('body').getAttribute('data-phase'), 'listening', 'the partial came while the button was held');
  await said();
  await page.mouse.up();

  await page.waitForSelector('.words p');
  await inPhase(page, 'speaking');
  await page.waitForSelector('.waterfall');
  await screenshot(page, 'spoken-1280');
  await inPhase(page, 'idle');

  const heard = await page.locator('.said').textContent();
  assert(shareHeard(QUESTION, heard ?? '') >= 0.5, `it understood: ${heard}`);
  assert.match((await page.locator('.chip').first().textContent()) ?? '', /Documents/);
  const stages = await page.locator('.stages li').allTextContents();
  for (const stage of ['transcribe', 'retrieve', 'synthesize']) assert(stages.some((row) => row.startsWith(stage)), `${stage} in ${stages}`);
  assert.match((await page.locator('.waterfall summary').textContent()) ?? '', /first sound .* heard here/);

  await t.test('the sound is speech that says the answer', async () => {
    const { rate, samples } = await played(page);
    const file = path.join(folder, 'played.wav');
    writeWav(file, samples, rate);
    assert(loudness(samples) > 0.01, `loudness ${loudness(samples)}`);
    const understood = execFileSync(path.join(BUILD, 'repartee'), ['hear', '--data', folder, file], { env: environment(), encoding: 'utf8' });
    const answer = (await page.locator('.words').textContent()) ?? '';
    assert(shareHeard(answer, understood) > 0.4, `said: ${answer}\nunderstood: ${understood}`);
  });

  await t.test('it is played whole, sample by sample', async (t) => {
    const { samples } = await played(page);
    const wanted = sent();
    const first = wanted.findIndex((x) => Math.abs(x) > 50);
    const key = wanted.subarray(first, first + 64);
    let at = samples.findIndex((_, i) => key.every((x, k) => Math.abs(samples[i + k] - x) <= 1));
    assert(at >= 0, 'the first sound is there');
    let gaps = 0; /* a machine under load may deliver late: silence is then put in, nothing is lost */
    let longest = 0; /* its bound, with delivery in time, is in worklet.test.js */
    for (let i = first; i < wanted.length; i++, at++) {
      if (Math.abs(samples[at] - wanted[i]) <= 1) continue;
      assert.equal(samples[at], 0, `differs after ${i} of ${wanted.length} samples`);
      const from = at;
      while (samples[at] === 0) at++;
      longest = Math.max(longest, at - from);
      assert(Math.abs(samples[at] - wanted[i]) <= 1, `goes on wrongly after ${i} of ${wanted.length} samples`);
      gaps++;
    }
    t.diagnostic(`${gaps} gaps, the longest ${Math.round((longest / 22050) * 1000)} ms`);
  });
});

test('the space bar talks, Escape stops the answer', async (t) => {
  const folder = await temporaryFolder(t);
  const server = await startServer(t);
  await untilReady(server);
  const question = speak(folder, LONG, { rate: 44100, before_s: 0.5 });
  const { page, said } = await openTalking(t, server.url, question);
  await page.keyboard.down('Space');
  await inPhase(page, 'listening');
  await said();
  await page.keyboard.up('Space');
  await inPhase(page, 'speaking');
  await page.keyboard.press('Escape');
  await inPhase(page, 'idle');
  await page.waitForSelector('.turn .note');
  assert.match((await page.locator('.turn .note').textContent()) ?? '', /Stopped/);
});

test('a finger holds the button', async (t) => {
  const folder = await temporaryFolder(t);
  const server = await startServer(t);
  await untilReady(server);
  const question = speak(folder, LONG, { rate: 48000, before_s: 0.5 });
  const { page, said } = await openTalking(t, server.url, question, { width: 390, height: 844, touch: true });
  const box = await page.locator('#hold').boundingBox();
  assert(box);
  const fingers = await page.context().newCDPSession(page);
  const touchPoints = [{ x: box.x + box.width / 2, y: box.y + box.height / 2 }];
  await fingers.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints });
  await inPhase(page, 'listening');
  await page.waitForFunction(() => document.querySelector('.listening .said')?.textContent?.trim());
  await screenshot(page, 'listening-390');
  await said();
  await fingers.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  await page.waitForSelector('.words p');
  assert.match((await page.locator('.words').textContent()) ?? '', /colored bars/);
});

test('a tap latches the button, Enter ends the question', async (t) => {
  const folder = await temporaryFolder(t);
  const server = await startServer(t);
  await untilReady(server);
  const question = speak(folder, LONG, { rate: 48000, before_s: 0.5 });
  const { page, said } = await openTalking(t, server.url, question);
  await page.evaluate(() => {
    const devices = navigator.mediaDevices;
    const open = devices.getUserMedia.bind(devices);
    devices.getUserMedia = async (wanted) => {
      await new Promise((resolve) => setTimeout(resolve, 800)); /* somebody has to allow it first */
      return open(wanted);
    };
  });
  await page.focus('#hold');
  await page.keyboard.press('Enter');
  await inPhase(page, 'listening');
  assert.equal(await page.locator('#hold').getAttribute('aria-pressed'), 'true');
  await said();
  assert.equal(await page.locator('body').getAttribute('data-phase'), 'listening', 'nobody holds it, and it listens');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.words p');
  assert.match((await page.locator('.words').textContent()) ?? '', /colored bars/);
});
