// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* Looks at a QR code in a terminal's output as a camera would, with a decoder that is not ours. */
import { createRequire } from 'node:module';

/** @type {(pixels: Uint8ClampedArray, width: number, height: number, options?: object) => {data: string} | null} */
const decode = createRequire(import.meta.url)('jsqr');

const SCALE = 4;
const LINE = /^\x1b\[38;5;16;48;5;231m([ ▀▄█]+)\x1b\[0m\r?$/gm;

/** Black is true; two rows a line. @param {string} text what a terminal got */
export function modules(text) {
  const rows = [];
  for (const [, line] of text.matchAll(LINE)) {
    rows.push([...line].map((c) => c === '█' || c === '▀'));
    rows.push([...line].map((c) => c === '█' || c === '▄'));
  }
  return rows;
}

/** The text of the code, or null. @param {string} text what a terminal got */
export function readQr(text) {
  const rows = modules(text);
  if (rows.length === 0) return null;
  const width = rows[0].length * SCALE, height = rows.length * SCALE;
  const pixels = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const shade = rows[Math.floor(y / SCALE)][Math.floor(x / SCALE)] ? 0 : 255;
      pixels.set([shade, shade, shade, 255], (y * width + x) * 4);
    }
  return decode(pixels, width, height, { inversionAttempts: 'dontInvert' })?.data ?? null;
}
