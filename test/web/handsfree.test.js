// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* Talking to the page without a button, and a connection that breaks meanwhile. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { connected, inPhase, openPage, played } from '../lib/browser.js';
import { startRelay } from '../lib/cut.js';
import { startServer, temporaryFolder, untilReady } from '../lib/server.js';
import { loudness, shareHeard, speak } from '../lib/speech.js';

const LONG = 'What are the colored bars below the answer for?'; /* its answer takes seven seconds */
const NETWORK = /WebSocket connection|Failed to load resource|ERR_/;

/* Runs in the page before its own scripts: a microphone that says what the test wants when it wants,
 * and the server's events together with how much had been played when each of them came. */
function obeyingMicrophone() {
  const w = /** @type {any} */ (window);
  w.microphones = [];
  w.events = [];
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const context = new AudioContext();
    const into = context.createMediaStreamDestination();
    const silence = new ConstantSourceNode(context, { offset: 0 });
    silence.connect(into);
    silence.start();
    await context.resume();
    w.microphones.push({ context, into, wanted, track: into.stream.getAudioTracks()[0] });
    return into.stream;
  };
  w.say = async (/** @type {string} */ wav) => {
    const { context, into } = w.microphones.at(-1);
    const bytes = Uint8Array.from(atob(wav), (c) => c.charCodeAt(0));
    const source = new AudioBufferSourceNode(context, { buffer: await context.decodeAudioData(bytes.buffer) });
    source.connect(into);
    source.start();
    await new Promise((resolve) => (source.onended = resolve));
  };
  w.WebSocket = class extends WebSocket {
    constructor(/** @type {string} */ url) {
      super(url);
      w.socket = this;
      this.addEventListener('message', ({ data }) => {
        if (typeof data === 'string') w.events.push({ ...JSON.parse(data), played: w.recorded?.parts.length });
      });
    }
  };
}

/** @param {import('node:test').TestContext} t @param {string} url @param {object} [options] */
async function openListening(t, url, options) {
  const folder = await temporaryFolder(t);
  const page = await openPage(t, 'about:blank', { record: true, expected: NETWORK, ...options });
  /** @type {any[]} */
  const sent = [];
  page.on('websocket', (socket) => socket.on('framesent', ({ payload }) => typeof payload === 'string' && sent.push(JSON.parse(payload))));
  await page.addInitScript(obeyingMicrophone);
  await page.goto(url);
  await connected(page);
  await page.click('#hands-free');
  await inPhase(page, 'attending');
  /** @param {string} text */
  const say = (text) => {
    const wav = readFileSync(speak(folder, text, { before_s: 0.6, after_s: 0.2 })).toString('base64');
    return page.evaluate((data) => /** @type {any} */ (window).say(data), wav);
  };
  /** @type {() => Promise<any[]>} */
  const events = () => page.evaluate(() => /** @type {any} */ (window).events);
  const microphone = () => page.evaluate(() => {
    const { wanted, track } = /** @type {any} */ (window).microphones.at(-1);
    return { wanted, state: track.readyState };
  });
  return { page, sent, say, events, microphone };
}

/** @param {import('playwright-core').Page} page @param {RegExp} words */
const says = (page, words) => page.waitForFunction((source) => new RegExp(source).test(document.getElementById('state')?.textContent ?? ''), words.source);

/** @param {import('playwright-core').Page} page */
const pressed = (page) => page.locator('#hands-free').getAttribute('aria-pressed');

test('questions are heard without a button, and answered aloud', async (t) => {
  const server = await startServer(t);
  await untilReady(server);
  const { page, say, sent, microphone } = await openListening(t, server.url);
  assert.equal((await microphone()).wanted.audio.echoCancellation, true);
  await says(page, /Listening/);
  for (const [i, text] of ['How do I add documents?', 'Is my voice recorded?'].entries()) {
    await say(text);
    await page.locator('.turn').nth(i).locator('.waterfall').waitFor({ timeout: 60000 });
    await inPhase(page, 'attending');
    const heard = (await page.locator('.said').nth(i).textContent()) ?? '';
    assert(shareHeard(text, heard) >= 0.5, heard);
    assert.match((await page.locator('.waterfall summary').nth(i).textContent()) ?? '', /heard here/);
  }
  assert(loudness((await played(page)).samples) > 0.01);
  assert.equal(await page.locator('.turn').count(), 2);
  assert.equal(sent.filter(({ type }) => type === 'start').length, 1);
  assert(sent.some(({ type, ms }) => type === 'played' && ms > 0));
});

test('who speaks over an answer silences it', async (t) => {
  const server = await startServer(t);
  await untilReady(server);
  const { page, say, events } = await openListening(t, server.url);
  await page.fill('#question', LONG);
  await page.press('#question', 'Enter');
  await inPhase(page, 'speaking');
  await says(page, /may interrupt/);
  await say('Is my voice recorded?');
  const first = page.locator('.turn').first();
  await first.locator('.note').waitFor({ timeout: 60000 });
  assert.match((await first.locator('.note').textContent()) ?? '', /Stopped here/);
  await page.locator('.turn').nth(1).locator('.waterfall').waitFor({ timeout: 60000 });
  const heard = (await page.locator('.said').nth(1).textContent()) ?? '';
  assert(shareHeard('Is my voice recorded?', heard) >= 0.5, heard);

  const all = await events();
  const at = (/** @type {string} */ type, from = 0) => all.findIndex((e, i) => i >= from && e.type === type);
  const cut = at('interrupted');
  assert(at('duck') >= 0 && at('duck') < cut, 'first it is softer');
  const next = all[at('audio_start', cut)];
  const before = await page.evaluate((end) => {
    const { parts } = /** @type {any} */ (window).recorded;
    return Math.max(...parts.slice(end - 5, end).flatMap((/** @type {Float32Array} */ part) => Array.from(part, Math.abs)));
  }, next.played);
  assert.equal(before, 0, 'there was silence before the next answer');
  const unheard = (await first.locator('.unsure').textContent()) ?? '';
  assert.equal((await first.locator('.words').textContent())?.endsWith(unheard), true);
  assert.notEqual(unheard, '', 'what was not heard is paler');
});

test('duck makes the answer softer, resumed as loud as before', async (t) => {
  const scripted = ['stt', 'llm', 'tts'].flatMap((role) => [`--${role}-driver`, 'scripted']);
  const server = await startServer(t, { args: [...scripted, '--llm-script', 'tokens=60', '--tts-script', 'ms=200'] }); /* a steady tone */
  await untilReady(server);
  const { page, events } = await openListening(t, server.url);
  await page.uncheck('#use-rag');
  await inPhase(page, 'attending');
  await page.fill('#question', 'Go on.');
  await page.press('#question', 'Enter');
  await inPhase(page, 'speaking');
  const { turn } = (await events()).findLast(({ type }) => type === 'audio_start');
  /** The sound's peak is in this range. @param {number} low @param {number} high */
  const loud = (low, high) =>
    page.waitForFunction(([low, high]) => {
      const last = /** @type {any} */ (window).recorded.parts.slice(-20); /* more than a period of the tone */
      const peak = Math.max(0, ...last.flatMap((/** @type {Float32Array} */ part) => Array.from(part, Math.abs)));
      return peak > low && peak < high;
    }, [low, high]);
  const FULL = 8000 / 32768; /* what the scripted voice has */
  /** @param {object} event */
  const receive = (event) => page.evaluate((data) => /** @type {any} */ (window).socket.onmessage({ data }), JSON.stringify(event));
  await loud(0.95 * FULL, 1.05 * FULL);
  await receive({ type: 'duck', turn });
  await says(page, /You are speaking/);
  await loud(0.1 * FULL, 0.3 * FULL);
  await receive({ type: 'resumed', turn });
  await says(page, /may interrupt/);
  await loud(0.95 * FULL, 1.05 * FULL);
});

test('switching off frees the microphone, and the button works as before', async (t) => {
  const server = await startServer(t);
  await untilReady(server);
  const { page, sent, microphone } = await openListening(t, server.url);
  await page.focus('#hands-free');
  await page.keyboard.press('Space');
  await page.waitForFunction(() => /** @type {any} */ (window).microphones.at(-1).track.readyState === 'ended');
  await inPhase(page, 'idle');
  assert.equal(await pressed(page), 'false');
  await page.waitForFunction(() => /** @type {any} */ (window).events.filter((/** @type {any} */ e) => e.type === 'ready').length === 3);
  assert.deepEqual(sent.filter(({ type }) => type !== 'hello').map(({ type }) => type).slice(-3), ['start', 'cancel', 'stop']);
  assert.deepEqual(sent.filter(({ type }) => type === 'hello').map(({ mode }) => mode), ['push_to_talk', 'hands_free', 'push_to_talk']);
  await page.evaluate(() => /** @type {HTMLElement} */ (document.activeElement).blur());
  await page.keyboard.down('Space');
  await inPhase(page, 'listening');
  assert.equal((await microphone()).wanted.audio.echoCancellation, false);
  await page.keyboard.up('Space');
});

for (const [what, happen, words] of /** @type {[string, () => void, RegExp][]} */ ([
  ['a microphone that is unplugged', () => /** @type {any} */ (window).microphones.at(-1).track.dispatchEvent(new Event('ended')), /taken away/],
  ['a page that is hidden', () => {
    Object.defineProperty(document, 'hidden', { value: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }, /hidden/],
]))
  test(`${what} ends it, with words`, async (t) => {
    const server = await startServer(t);
    await untilReady(server);
    const { page } = await openListening(t, server.url);
    await page.evaluate(happen);
    await says(page, words);
    await inPhase(page, 'idle');
    assert.equal(await pressed(page), 'false');
    await page.waitForFunction(() => /** @type {any} */ (window).microphones.at(-1).track.readyState === 'ended');
    await connected(page);
    await page.click('#hands-free');
    await inPhase(page, 'attending');
  });

test('it begins while the page connects anew', async (t) => {
  const server = await startServer(t);
  await untilReady(server);
  const { page, say } = await openListening(t, server.url);
  await page.click('#hands-free');
  await inPhase(page, 'idle');
  await page.evaluate(() => {
    document.getElementById('use-rag')?.click(); /* it takes its leave of the server */
    document.getElementById('hands-free')?.click();
  });
  await inPhase(page, 'attending');
  await say('Is my voice recorded?');
  await page.waitForSelector('.turn .waterfall', { timeout: 60000 });
});

test('it listens again when the server was restarted', async (t) => {
  const data = await temporaryFolder(t);
  const server = await startServer(t, { data });
  await untilReady(server);
  const { page, say } = await openListening(t, server.url);
  await say('How do I add documents?');
  await page.waitForSelector('.waterfall');
  await inPhase(page, 'attending');
  await server.kill();
  await page.waitForSelector('body[data-link=gone]');
  await untilReady(await startServer(t, { data, listen: new URL(server.url).host }));
  await page.waitForSelector('#conversation > .note', { timeout: 60000 });
  assert.match((await page.locator('#conversation > .note').textContent()) ?? '', /Connected again\. The conversation goes on/);
  await inPhase(page, 'attending');
  await say('Is my voice recorded?');
  await page.locator('.turn').nth(1).locator('.waterfall').waitFor({ timeout: 60000 });
  assert.equal(await page.locator('#conversation .failed').count(), 0);
});

test('a cut in the middle of an answer: it goes on without a gap', async (t) => {
  const scripted = ['stt', 'llm', 'tts'].flatMap((role) => [`--${role}-driver`, 'scripted']);
  const server = await startServer(t, { args: [...scripted, '--llm-script', 'tokens=60,slow=60', '--tts-script', 'ms=20'] });
  await untilReady(server);
  /** @type {(() => void)[]} */
  const cuts = [];
  const relay = await startRelay(t, server.url, () => Infinity, (cut) => cuts.push(cut));
  const page = await openPage(t, 'about:blank', { record: true, expected: NETWORK });
  await page.addInitScript(obeyingMicrophone);
  await page.goto(relay);
  await connected(page);
  await page.check('#aloud');
  await page.uncheck('#use-rag');
  await connected(page);
  /** @param {number} turn @param {number} times */
  const ask = async (turn, times) => {
    await page.fill('#question', 'Go on.');
    await page.press('#question', 'Enter');
    const words = page.locator('.turn').nth(turn).locator('.words');
    for (let i = 1; i <= times; i++) {
      await page.waitForFunction(([n, long]) => (document.querySelectorAll('.words')[n]?.textContent?.length ?? 0) >= long, [turn, 40 * i]);
      cuts.splice(0).forEach((cut) => cut());
      await page.waitForSelector('body[data-link=gone]');
      await connected(page);
    }
    await page.locator('.turn').nth(turn).locator('.waterfall').waitFor({ timeout: 60000 });
    await inPhase(page, 'idle');
    return words.textContent();
  };
  const whole = await ask(0, 0);
  assert.equal(await ask(1, 3), whole);
  const readies = await page.evaluate(() => /** @type {any} */ (window).events.filter((/** @type {any} */ e) => e.type === 'ready').map((/** @type {any} */ e) => e.resume.resumed));
  assert.deepEqual(readies.slice(-3), [true, true, true]);
  assert.equal(await page.locator('#conversation :is(.failed, .note)').count(), 0);
});
