// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* A conversation without a button, and somebody who speaks in it. */
import { atEnd, startServer, temporaryFolder, untilReady } from './server.js';
import { samplesOf, speak } from './speech.js';
import { Microphone, VoiceClient } from './voice.js';

/** @param {import('node:test').TestContext} t @param {{args?: string[], hello?: object}} [options] */
export async function open(t, { args, hello } = {}) {
  const folder = await temporaryFolder(t);
  const server = await startServer(t, { args });
  await untilReady(server);
  const voice = await VoiceClient.open(server.url, { mode: 'hands_free', ...hello });
  const microphone = new Microphone(voice);
  atEnd(t, () => (microphone.close(), voice.close()));
  /** @param {string} text @param {object} [options] */
  const spoken = (text, options) => samplesOf(speak(folder, text, { before_s: 0, after_s: 0, ...options }));
  return { server, voice, microphone, spoken };
}
