// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * A server shaped as Coqui's: GET /api/tts?text=… answers with a whole WAV file, spoken by flite as loud as one says.
 *
 *   const coqui = await startCoqui(t, folder, { volume: 0.2 });
 *   … tts.url = coqui.url …
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { atEnd } from './server.js';
import { speak } from './speech.js';

/** @param {import('node:test').TestContext} t @param {string} folder @param {{voice?: string, rate?: number, volume?: number}} [options] */
export async function startCoqui(t, folder, { voice = 'slt', rate = 22050, volume = 1 } = {}) {
  const coqui = { url: '', asked: /** @type {Record<string, string>[]} */ ([]), stop: () => {} };
  const server = createServer((request, answer) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://coqui');
    const text = searchParams.get('text');
    if (pathname !== '/api/tts' || request.method !== 'GET' || !text) {
      answer.writeHead(pathname === '/api/tts' ? 400 : 404).end('<!doctype html>');
      return;
    }
    coqui.asked.push(Object.fromEntries(searchParams));
    const spoken = speak(folder, text, { voice, rate }), file = `${spoken}-${volume}.wav`;
    execFileSync('sox', ['-D', '-v', String(volume), spoken, file]);
    answer.writeHead(200, { 'Content-Type': 'audio/wav' }).end(readFileSync(file));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(null)));
  coqui.url = `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}/api/tts`;
  coqui.stop = () => {
    server.closeAllConnections();
    server.close();
  };
  atEnd(t, coqui.stop);
  return coqui;
}
