// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * Debian's Chromium without a window, its microphone fed from a WAV file:
 *
 *   const page = await openPage(t, server.url, { microphone: 'question.wav' });
 *
 * Whatever the page complains about (errors, refused by its own policy) fails the test at its end,
 * unless the test expects it. What the page plays can be had from `played(page)`.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { BUILD, atEnd, until } from './server.js';
import { samplesOf } from './speech.js';

const SPEECH_HZ = 16000; /* what the page sends */

const FLAGS = [
  '--disable-background-networking',
  '--disable-component-update',
  '--no-first-run',
  '--use-fake-device-for-media-stream',
  '--autoplay-policy=user-gesture-required',
];

/* Runs in the page before its own scripts: a listener on the audio thread beside every loudspeaker. */
function listenIn() {
  const w = /** @type {any} */ (window);
  w.recorded = { rate: 0, parts: [] };
  const connect = AudioNode.prototype.connect;
  const source = `registerProcessor('tap', class extends AudioWorkletProcessor {
    process([[block]]) { if (block) this.port.postMessage(block.slice()); return true; } })`;
  const listen = async (/** @type {AudioNode} */ node) => {
    const context = /** @type {AudioContext} */ (node.context);
    await context.audioWorklet.addModule(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));
    const tap = new AudioWorkletNode(context, 'tap', { numberOfOutputs: 0 });
    tap.port.onmessage = ({ data }) => w.recorded.parts.push(data);
    w.recorded.rate = context.sampleRate;
    connect.call(node, tap);
  };
  AudioNode.prototype.connect = /** @type {any} */ (
    function (/** @type {any[]} */ ...args) {
      if (args[0] instanceof AudioDestinationNode) listen(this);
      return connect.apply(this, args);
    }
  );
}

/**
 * @param {import('node:test').TestContext} t @param {string} url
 * @param {{microphone?: string, permission?: 'granted'|'denied', width?: number, height?: number, touch?: boolean,
 *   dark?: boolean, record?: boolean, hosts?: string, expected?: RegExp, program?: string, trusted?: string}} [options]
 *   expected: complaints that are no failure; trusted: the key, as SHA-256 in base64, that needs no authority's signature
 */
export async function openPage(t, url, options = {}) {
  const { microphone, permission = 'granted', width = 1280, height = 800, touch = false, dark = false, record = false, hosts, expected, program, trusted } = options;
  const args = [...FLAGS];
  if (microphone) args.push(`--use-file-for-fake-audio-capture=${microphone}%noloop`);
  if (permission === 'denied') args.push('--deny-permission-prompts');
  if (hosts) args.push(`--host-resolver-rules=${hosts}`);
  if (trusted) args.push(`--ignore-certificate-errors-spki-list=${trusted}`);
  const browser = await chromium.launch({ executablePath: program ?? '/usr/bin/chromium', args, chromiumSandbox: false });
  atEnd(t, () => browser.close());
  const context = await browser.newContext({
    viewport: { width, height },
    deviceScaleFactor: width < 600 ? 2 : 1,
    hasTouch: touch,
    colorScheme: dark ? 'dark' : 'light',
    bypassCSP: record, /* the listener comes from a blob */
    permissions: permission === 'granted' ? ['microphone'] : [],
  });
  const page = await context.newPage();
  /** @type {string[]} */
  const complaints = [];
  page.on('console', (m) => ['error', 'warning'].includes(m.type()) && complaints.push(m.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  if (record) await page.addInitScript(listenIn);
  await page.goto(url);
  atEnd(t, () => {
    const surprises = complaints.filter((text) => !expected?.test(text));
    assert.deepEqual(surprises, [], 'the page complained');
  });
  return page;
}

/** The page is connected. @param {import('playwright-core').Page} page */
export const connected = (page) => page.waitForSelector('body[data-link=ready]');

/** @param {import('playwright-core').Page} page @param {string} phase */
export const inPhase = (page, phase, timeout = 60000) => page.waitForSelector(`body[data-phase=${phase}]`, { timeout });

/**
 * Counts what the page sends of the microphone; call it before the page connects. The result waits until all of
 * the WAV file has been sent, which on a busy machine takes longer than the file does.
 * @param {import('playwright-core').Page} page @param {string} microphone
 */
export function whenSaid(page, microphone) {
  let sent_bytes = 0;
  page.on('websocket', (socket) => socket.on('framesent', ({ payload }) => typeof payload !== 'string' && (sent_bytes += payload.length)));
  const bytes = (2 * SPEECH_HZ * samplesOf(microphone).length) / readFileSync(microphone).readUInt32LE(24);
  return () => until(() => sent_bytes >= bytes, 'the question to be spoken', 60000);
}

/** Types a question and waits for its answer. @param {import('playwright-core').Page} page @param {string} words */
export async function ask(page, words) {
  const turns = await page.locator('.turn').count();
  await page.fill('#question', words);
  await page.press('#question', 'Enter');
  await page.locator('.turn').nth(turns).locator('.foot > *').waitFor();
}

/** What the loudspeaker got since the page was opened. @param {import('playwright-core').Page} page */
export async function played(page) {
  const { rate, text } = await page.evaluate(() => {
    const { rate, parts } = /** @type {any} */ (window).recorded;
    const bytes = new Uint8Array(new Int16Array(parts.flatMap((part) => Array.from(part, (x) => Math.round(x * 32768)))).buffer);
    let text = '';
    for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
    return { rate, text: btoa(text) };
  });
  const bytes = Buffer.from(text, 'base64');
  return { rate, samples: new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)) };
}

/** To be looked at: build/screenshots/NAME.png. @param {import('playwright-core').Page} page @param {string} name */
export async function screenshot(page, name) {
  const folder = path.join(BUILD, 'screenshots');
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: path.join(folder, `${name}.png`) });
}
