// SPDX-License-Identifier: Apache-2.0
// @ts-check
/*
 * A microphone and a speaker without hardware: ALSA's own `file` and `null` plugins, so that the real
 * ALSA code runs. The microphone hears what `feed` gives, at the pace of a real one, and else silence;
 * what the speaker plays is written into a file.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, existsSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { atEnd } from './server.js';

const FRAME_BYTES = 640; /* 20 ms at 16 kHz */
const FRAME_MS = 20;

/** @param {import('node:test').TestContext} t @param {string} folder */
export function soundDevices(t, folder) {
  const [fifo, played, conf] = ['microphone', 'speaker.raw', 'asound.conf'].map((name) => path.join(folder, name));
  execFileSync('mkfifo', [fifo]);
  writeFileSync(
    conf,
    `pcm.none { type null }
pcm.default {
    type asym
    capture.pcm { type file slave.pcm none file /dev/null infile "${fifo}" format raw }
    playback.pcm { type file slave.pcm none file "${played}" format raw }
}
pcm.nocard { type hw card 99 }
pcm.missing { type file slave.pcm none file /dev/null infile "${folder}/missing" format raw }
`,
  );
  const fd = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
  /** @type {Uint8Array} */
  let waiting = new Uint8Array(0);
  let done = () => {};
  const silence = Buffer.alloc(FRAME_BYTES);
  const timer = setInterval(() => {
    const frame = waiting.length ? Buffer.concat([waiting.subarray(0, FRAME_BYTES), silence]).subarray(0, FRAME_BYTES) : silence;
    try {
      writeSync(fd, frame);
    } catch {
      return; /* nobody records; it would have been lost on a real one too */
    }
    waiting = waiting.subarray(FRAME_BYTES);
    if (waiting.length === 0) done();
  }, FRAME_MS);
  atEnd(t, () => {
    clearInterval(timer);
    closeSync(fd);
  });
  return {
    env: { ALSA_CONFIG_PATH: conf },
    /** Speaks; resolves when the last sample has been given. @param {Int16Array} samples at 16 kHz */
    feed: (samples) =>
      /** @type {Promise<void>} */ (
        new Promise((resolve) => {
          waiting = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
          done = resolve;
        })
      ),
    /** All that was played so far, at 22,050 Hz. */
    played() {
      const bytes = existsSync(played) ? readFileSync(played) : Buffer.alloc(0);
      return new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + (bytes.length & ~1)));
    },
  };
}
