// SPDX-License-Identifier: Apache-2.0
// @ts-check
// @once
/* What a real browser's MediaRecorder makes: sent while it is being recorded, and as a file. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connected, openPage } from '../lib/browser.js';
import { atEnd, startServer, temporaryFolder, untilReady } from '../lib/server.js';
import { samplesOf, shareHeard, speak } from '../lib/speech.js';
import { VoiceClient } from '../lib/voice.js';

const QUESTION = 'How do I add documents?';

/** Runs in the page. The pieces of a recording, each as base64, and how long it was. @param {number} ms at least */
async function record(ms) {
  const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const stream = await navigator.mediaDevices.getUserMedia({ audio: plain });
  const recorder = new MediaRecorder(stream, { mimeType: 'audio/webm;codecs=opus', audioBitsPerSecond: 24000 });
  /** @type {Blob[]} */
  const parts = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  const stopped = new Promise((resolve) => (recorder.onstop = resolve));
  let begun = 0, lasted_ms = 0; /* a timer may be late */
  recorder.onstart = () => (begun = performance.now());
  recorder.start(100);
  setTimeout(() => {
    lasted_ms = performance.now() - begun;
    recorder.stop();
  }, ms);
  await stopped;
  for (const track of stream.getTracks()) track.stop();
  const texts = await Promise.all(parts.map(async (part) => btoa(String.fromCharCode(...new Uint8Array(await part.arrayBuffer())))));
  return { texts, lasted_ms };
}

test('a recording of MediaRecorder is understood', async (t) => {
  const folder = await temporaryFolder(t);
  const server = await startServer(t);
  await untilReady(server);
  const question = speak(folder, QUESTION, { rate: 48000, before_s: 0.5, after_s: 0.5 });
  const spoken_ms = (samplesOf(question).length / 48000) * 1000;
  const page = await openPage(t, server.url, { microphone: question });
  await connected(page);
  const { texts, lasted_ms } = await page.evaluate(record, spoken_ms + 300);
  const pieces = texts.map((text) => new Uint8Array(Buffer.from(text, 'base64')));
  assert(pieces.length > 10, `${pieces.length} pieces`);

  await t.test('piece by piece in a conversation', async () => {
    const voice = await VoiceClient.open(server.url, { format: 'webm_opus' });
    voice.hurries = true;
    atEnd(t, () => voice.close());
    const from = voice.events.length;
    voice.send({ type: 'start' });
    for (const piece of pieces) if (piece.length) voice.send(piece);
    voice.send({ type: 'stop' });
    const turn = await voice.finish(from);
    assert.equal(turn.last.type, 'end', JSON.stringify(turn.last));
    assert(shareHeard(QUESTION, turn.heard) >= 0.5, turn.heard);
    assert.match(turn.answer, /document/i);
  });
  await t.test('whole, as a file', async () => {
    const response = await fetch(`${server.url}stt`, { method: 'POST', body: Buffer.concat(pieces), headers: { 'content-type': 'audio/webm' } });
    const { text, duration } = await response.json();
    assert(Math.abs(duration * 1000 - lasted_ms) < 500, `${duration} s of ${lasted_ms} ms`);
    assert.notEqual(text, '');
  });
});
