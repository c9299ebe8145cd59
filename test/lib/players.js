// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* Sound files through programs that are not ours: ffprobe, ffmpeg, sox. */
import { execFileSync } from 'node:child_process';

/** What ffprobe finds. @param {string} file */
export function probe(file) {
  const text = execFileSync('ffprobe', ['-v', 'error', '-show_streams', '-show_format', '-of', 'json', file], { encoding: 'utf8' });
  const { streams: [stream, ...more], format } = JSON.parse(text);
  if (more.length) throw new Error(`${file} has more than one stream`);
  return { format: format.format_name, codec: stream.codec_name, rate: Number(stream.sample_rate), channels: stream.channels };
}

/**
 * The samples, mono, as ffmpeg decodes them; whatever it has to complain about is an error. Of a WAV file whose length
 * nobody knew when it began it takes the last packet for a cut one, and decodes it. @param {string} file @param {number} rate
 */
export function decode(file, rate) {
  const strict = file.endsWith('.wav') ? [] : ['-xerror'];
  const bytes = execFileSync('ffmpeg', ['-v', 'error', ...strict, '-i', file, '-f', 's16le', '-ac', '1', '-ar', String(rate), '-'], { maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'pipe'] });
  return new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + (bytes.byteLength & ~1)));
}

/** How many samples sox finds. @param {string} file */
export function countBySox(file) {
  return execFileSync('sox', [file, '-t', 's16', '-c', '1', '-'], { maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'ignore'] }).byteLength / 2;
}
